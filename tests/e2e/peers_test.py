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


if __name__ == "__main__":
    harness.main()
