#!/usr/bin/env python3
"""Remote write, sending: to ourselves (1.0 and 2.0) and to Debian's prometheus and victoria-metrics where they are
installed, with the receiver away for a while and the sender killed meanwhile. Every sample has to arrive."""
import json
import os
import shutil
import subprocess
import time
import unittest

import harness
import remote_write

V2 = "io.prometheus.write.v2.Request"
SERIES = 50


class Prometheus(harness.Server):
    def command(self):
        return ["prometheus", "--config.file=" + self.config_path, "--storage.tsdb.path=" + os.path.join(self.folder, "data"),
                "--web.listen-address=127.0.0.1:%d" % self.port, "--web.enable-remote-write-receiver"]


class VictoriaMetrics(harness.Server):
    path = "/api/v1/write"

    def command(self):
        return ["victoria-metrics", "-storageDataPath=" + os.path.join(self.folder, "data"), "-retentionPeriod=1d",
                "-httpListenAddr=127.0.0.1:%d" % self.port]

    def wait_ready(self):
        harness.wait_until(self.healthy, 60, "victoria-metrics")

    def healthy(self):
        try:
            return self.get("/health").status == 200
        except OSError:
            return False

    def samples(self):
        found = {}
        for line in self.get("/api/v1/export", **{"match[]": "load"}).text.splitlines():
            row = json.loads(line)
            for t, v in zip(row["timestamps"], row["values"]):
                found[row["metric"]["i"], t] = v
        return found


def samples(server):
    """{(series, time in ms): value}"""
    if hasattr(server, "samples"):
        return server.samples()
    return {(r["metric"]["i"], round(t * 1000)): float(v) for r in server.query("load[2h]") for t, v in r["values"]}


class SenderTest(unittest.TestCase):
    def setUp(self):
        self.servers = []
        self.pushed = {}
        self.time_ms = int(time.time() * 1000) - 600_000

    def tearDown(self):
        for server in self.servers:
            server.close()

    def start(self, server):
        self.servers.append(server)
        return server.start()

    def config(self, receiver, message="prometheus.WriteRequest", more=""):
        return """
global: {external_labels: {from: sender}}
remote_write:
  - url: 'http://127.0.0.1:%d/api/v1/write'
    protobuf_message: %s
    queue_config: {batch_send_deadline: 50ms, min_shards: 2, max_samples_per_send: 300, max_backoff: 200ms}
%s""" % (receiver.port, message, more)

    def start_sender(self, receiver, **options):
        return self.start(harness.Server(self.config(receiver, **options), ["--web.enable-remote-write-receiver"]))

    def push(self, server, times):
        for _ in range(times):
            self.time_ms += 100
            value = float(self.time_ms % 100_003)
            rows = [({"__name__": "load", "i": str(i)}, [(self.time_ms, value + i)]) for i in range(SERIES)]
            self.assertEqual(remote_write.push(server, rows).status, 204)
            for i in range(SERIES):
                self.pushed[str(i), self.time_ms] = value + i

    def wait_for_all(self, receiver):
        found = {}

        def complete():
            nonlocal found
            found = samples(receiver)
            return len(found) >= len(self.pushed)

        try:
            harness.wait_until(complete, 60)
        except AssertionError:
            missing = sorted(set(self.pushed) - set(found))
            self.fail("%d of %d samples have not arrived, the first is %s\n%s" %
                      (len(missing), len(self.pushed), missing[0], self.servers[-1].log()))
        self.assertEqual(found, self.pushed)

    def metric(self, server, name):
        for line in server.get("/metrics").text.splitlines():
            if line.startswith("prometheus_remote_storage_" + name + "{"):
                return float(line.rsplit(" ", 1)[1])
        self.fail("no " + name)

    def outage(self, receiver, **options):
        self.start(receiver)
        sender = self.start_sender(receiver, **options)
        self.push(sender, 20)
        self.wait_for_all(receiver)
        receiver.stop()
        self.push(sender, 40)
        sender.kill()
        sender.start()
        self.push(sender, 40)
        receiver.start()
        self.push(sender, 20)
        sender.kill()  # while it catches up
        sender.start()
        self.push(sender, 5)
        self.wait_for_all(receiver)
        return sender

    def test_to_ourselves_with_version_1(self):
        sender = self.outage(harness.Server(flags=["--web.enable-remote-write-receiver"]))
        self.assertNotIn("not supported yet", sender.log())

    def test_to_ourselves_with_version_2(self):
        receiver = harness.Server(flags=["--web.enable-remote-write-receiver"])
        self.outage(receiver, message=V2)
        self.assertEqual(len(receiver.query('count by (from) (load{from="sender"})', time=self.time_ms / 1000)), 1)

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
    def test_to_prometheus(self):
        self.outage(Prometheus())

    @unittest.skipUnless(shutil.which("victoria-metrics"), "victoria-metrics is not installed")
    def test_to_victoria_metrics(self):
        self.outage(VictoriaMetrics())

    def test_a_restart_sends_nothing_twice_and_a_reload_loses_nothing(self):
        receiver = self.start(harness.Server(flags=["--web.enable-remote-write-receiver"]))
        sender = self.start_sender(receiver)
        self.push(sender, 30)
        self.wait_for_all(receiver)
        self.assertEqual(self.metric(sender, "samples_total"), len(self.pushed))
        self.assertEqual(sender.stop(), 0)
        sender.start()
        self.push(sender, 1)
        self.wait_for_all(receiver)
        self.assertEqual(self.metric(sender, "samples_total"), SERIES)
        self.assertEqual(self.metric(sender, "samples_failed_total"), 0)
        # Another shape of the same entry, and relabelling that drops what comes later.
        sender.write_config(self.config(receiver).replace("min_shards: 2", "min_shards: 3"))
        self.push(sender, 3)
        sender.process.send_signal(1)
        harness.wait_until(lambda: self.metric(sender, "shards") == 3)
        self.push(sender, 3)
        self.wait_for_all(receiver)
        sender.write_config(self.config(receiver, more="""
    write_relabel_configs: [{source_labels: [__name__], regex: load, action: drop}]
"""))
        sender.process.send_signal(1)
        harness.wait_until(lambda: self.metric(sender, "shards") == 2)
        remote_write.push(sender, [({"__name__": "load", "i": "0"}, [(self.time_ms + 1, 1.0)])])
        harness.wait_until(lambda: self.metric(sender, "samples_dropped_total") >= 0 and
                           'reason="dropped_series"} 1' in sender.get("/metrics").text)
        self.assertEqual(len(samples(receiver)), len(self.pushed))

    def test_scraped_metadata_goes_along(self):
        receiver = self.start(harness.Server(flags=["--web.enable-remote-write-receiver"]))
        exporter = harness.Exporter(lambda: "# HELP shown What it shows.\n# TYPE shown gauge\nshown 1\n")
        self.addCleanup(exporter.close)
        sender = self.start_sender(receiver, more="""
    metadata_config: {send_interval: 200ms}
scrape_configs:
  - job_name: x
    scrape_interval: 200ms
    static_configs: [{targets: ['%s']}]
""" % exporter.address)
        harness.wait_until(lambda: receiver.query('shown{job="x", from="sender"}'))
        harness.wait_until(lambda: self.metric(sender, "metadata_total") > 0)
        self.assertEqual(self.metric(sender, "metadata_failed_total"), 0)


if __name__ == "__main__":
    harness.main()
