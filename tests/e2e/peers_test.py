#!/usr/bin/env python3
"""Debian's prometheus and promtool as clients of ours. Skipped where they are not installed."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import harness
import remote_write

NOW = int(time.time()) // 60 * 60


def start_with_data():
    server = harness.Server(flags=["--web.enable-remote-write-receiver"]).start()
    rows = [({"__name__": "up", "instance": "host%d" % i, "job": "node"},
             [((NOW - 600 + 15 * k) * 1000, float(k % 3)) for k in range(41)]) for i in range(3)]
    assert remote_write.push(server, rows).status == 204
    return server


class Prometheus(harness.Server):
    """Debian's, with our harness around it."""

    def command(self):
        return ["prometheus", "--config.file=" + self.config_path, "--storage.tsdb.path=" + os.path.join(self.folder, "data"),
                "--web.listen-address=127.0.0.1:%d" % self.port] + self.flags


@unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
class PromtoolTest(unittest.TestCase):
    def setUp(self):
        self.server = start_with_data()
        self.url = "http://127.0.0.1:%d" % self.server.port

    def tearDown(self):
        self.server.close()

    def promtool(self, *args):
        out = subprocess.run(["promtool", "query"] + list(args), capture_output=True, text=True, timeout=60)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout

    def test_queries(self):
        self.assertIn("=> 3 @[", self.promtool("instant", "--time=%d" % NOW, self.url, "count(up)"))
        text = self.promtool("range", "--start=%d" % (NOW - 60), "--end=%d" % NOW, "--step=30s", self.url, "sum(up)")
        self.assertEqual(text.count("@["), 3)
        self.assertEqual(self.promtool("labels", self.url, "instance").split(), ["host0", "host1", "host2"])
        self.assertEqual(self.promtool("series", "--match=up", self.url).count("host"), 3)

    def test_analyses_and_checks(self):
        vector = json.loads(self.promtool("-o", "json", "instant", "--time=%d" % NOW, self.url, "count(up)"))
        self.assertEqual(vector[0]["value"], [NOW, "3"])
        metrics = self.server.get("/metrics").body
        out = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, timeout=60)
        self.assertNotIn(b"error while linting", out.stderr)


@unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
class PrometheusTest(unittest.TestCase):
    def setUp(self):
        self.server = start_with_data()
        self.peers = []

    def tearDown(self):
        for peer in self.peers:
            peer.close()
        self.server.close()

    def peer(self, config):
        peer = Prometheus(config)
        self.peers.append(peer)
        return peer.start()

    def test_reads_through_us(self):
        peer = self.peer("remote_read: [{url: 'http://127.0.0.1:%d/api/v1/read', read_recent: true}]\n" % self.server.port)
        # Between samples: windows of 2.x are closed on the left, ours are open.
        at = NOW - 7
        for expr in ["up", "sum by (instance) (avg_over_time(up[5m]))"]:
            ours = {json.dumps(r["metric"]): r["value"] for r in self.server.query(expr, time=at)}
            theirs = {json.dumps(r["metric"]): r["value"] for r in peer.query(expr, time=at)}
            self.assertEqual(theirs, ours)
            self.assertEqual(len(ours), 3)

    def test_federates_from_us(self):
        peer = self.peer("""
scrape_configs:
  - job_name: federate
    scrape_interval: 1s
    honor_labels: true
    metrics_path: /federate
    params: {'match[]': ['up']}
    static_configs: [{targets: ['127.0.0.1:%d']}]
""" % self.server.port)
        found = harness.wait_until(lambda: peer.query('up{job="node"}', time=NOW + 1))
        self.assertEqual(len(found), 3)

    def test_writes_to_us(self):
        self.peer("""
global: {scrape_interval: 1s, external_labels: {from: peer}}
remote_write: [{url: 'http://127.0.0.1:%d/api/v1/write'}]
scrape_configs:
  - job_name: ours
    static_configs: [{targets: ['127.0.0.1:%d']}]
""" % (self.server.port, self.server.port))
        harness.wait_until(lambda: self.server.query('up{from="peer", job="ours"} == 1'), 60)


def vm_flags():
    return ["-loggerLevel=ERROR", "-httpListenAddr=127.0.0.1:%d" % harness.free_port()]


@unittest.skipUnless(shutil.which("vmagent"), "vmagent is not installed")
class VmagentTest(unittest.TestCase):
    def test_writes_to_us(self):
        server = start_with_data()
        exporter = harness.Exporter(lambda: "# TYPE seen_total counter\nseen_total{a=\"b\"} 7\n")
        folder = tempfile.mkdtemp(prefix="deucalion-vmagent-")
        with open(os.path.join(folder, "scrape.yml"), "w") as f:
            f.write("global: {scrape_interval: 1s, external_labels: {from: vmagent}}\n"
                    "scrape_configs: [{job_name: app, static_configs: [{targets: ['%s']}]}]\n" % exporter.address)
        agent = subprocess.Popen(["vmagent", "-promscrape.config=" + os.path.join(folder, "scrape.yml"),
                                  "-remoteWrite.url=http://127.0.0.1:%d/api/v1/write" % server.port, "-remoteWrite.flushInterval=1s",
                                  "-remoteWrite.tmpDataPath=" + folder] + vm_flags(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            [found] = harness.wait_until(lambda: server.query('seen_total{from="vmagent", job="app", a="b"}'), 60)
            self.assertEqual(found["value"][1], "7")
            harness.wait_until(lambda: server.query('count_over_time(up{from="vmagent"}[5m]) > 2'), 60)
        finally:
            agent.terminate()
            agent.wait()
            exporter.close()
            server.close()
            shutil.rmtree(folder, ignore_errors=True)


@unittest.skipUnless(shutil.which("vmalert"), "vmalert is not installed")
class VmalertTest(unittest.TestCase):
    def test_evaluates_rules_with_us_as_source_and_target(self):
        server = start_with_data()
        folder = tempfile.mkdtemp(prefix="deucalion-vmalert-")
        rules = os.path.join(folder, "rules.yml")
        with open(rules, "w") as f:
            f.write("groups: [{name: g, interval: 1s, rules: [{record: 'job:up:count', expr: 'count by (job) (up)', labels: {by: vmalert}}]}]\n")
        url = "http://127.0.0.1:%d" % server.port
        alert = subprocess.Popen(["vmalert", "-rule=" + rules, "-datasource.url=" + url, "-remoteWrite.url=" + url, "-notifier.url=http://127.0.0.1:1",
                                  "-remoteWrite.flushInterval=1s"] + vm_flags(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            [found] = harness.wait_until(lambda: server.query('job:up:count{by="vmalert"}'), 60)
            self.assertEqual((found["metric"]["job"], found["value"][1]), ("node", "3"))
        finally:
            alert.terminate()
            alert.wait()
            server.close()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main()
