#!/usr/bin/env python3
"""Starting on a data directory of Debian's prometheus: every answer stays. Skipped where it is not installed."""
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
import unittest

import harness
import remote_write

STALE = struct.unpack("<d", struct.pack("<Q", 0x7ff0000000000002))[0]
STEP = 15
SERIES = 12


def tool(name, *args):
    """Its output, lines sorted: promtool does not promise an order."""
    path = os.path.join(os.path.dirname(harness.BINARY), name) if name == "deutool" else name
    done = subprocess.run([path, "tsdb"] + list(args), capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError("%s %s: %s%s" % (name, args, done.stdout[-2000:], done.stderr[-2000:]))
    return sorted(done.stdout.splitlines())


class Prometheus(harness.Server):
    """Debian's, with our harness around it."""

    def command(self):
        return ["prometheus", "--config.file=" + self.config_path, "--storage.tsdb.path=" + os.path.join(self.folder, "data"),
                "--web.listen-address=127.0.0.1:%d" % self.port, "--web.enable-remote-write-receiver",
                "--web.enable-admin-api"] + self.flags


def labels_of(i):
    return {"__name__": "load%d" % (i % 3), "host": "h%d" % i, "job": "node"}


def value_of(i, t):
    if (t // STEP) % 97 == 5 * i:
        return STALE
    return [t % 1000 / 8.0, float(i), float(t // STEP)][i % 3]


def rows(begin, end, histograms=False):
    """In-order samples of [begin, end), seconds."""
    times = range(begin, end, STEP)
    out = [(labels_of(i), [(t * 1000, value_of(i, t)) for t in times]) for i in range(SERIES)]
    if histograms:
        out.append(({"__name__": "sizes", "job": "app"}, [], [(t * 1000, (t // STEP % 50, 3, t // STEP)) for t in times]))
    return out


def everything(server, end, hours=12):
    """All samples of all series, as the API shows them."""
    found = server.query('{job=~"node|app"}[%dh]' % hours, time=end)
    return {json.dumps(r["metric"], sort_keys=True): (r.get("values"), r.get("histograms")) for r in found}


@unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
class PrometheusDirectoryTest(unittest.TestCase):
    def setUp(self):
        self.servers = []
        # The last sample's time: some seconds ago, so that nobody calls it the future.
        self.end = int(time.time()) // STEP * STEP - STEP

    def tearDown(self):
        for server in self.servers:
            server.close()

    def start(self, kind, *args, **kwargs):
        server = kind(*args, **kwargs)
        self.servers.append(server)
        return server.start()

    def push(self, server, all_rows):
        answer = remote_write.push(server, all_rows)
        self.assertIn(answer.status, (200, 204), answer.text)

    def fill(self, server, hours, to_hours=0, histograms=False):
        """From so many hours ago on, in steps as large as a head takes: the head is cut and the WAL truncated on the way."""
        begin, end = (self.end - int(h * 3600) for h in (hours, to_hours))
        while begin < end:
            until = min(begin + 1800, end)
            self.push(server, rows(begin, until, histograms))
            begin += (until - begin + STEP - 1) // STEP * STEP

    def adopt(self, peer, flags=()):
        """Deucalion on a copy of the directory."""
        folder = tempfile.mkdtemp(prefix="deucalion-e2e-")
        shutil.copytree(os.path.join(peer.folder, "data"), os.path.join(folder, "data"))
        return self.start(harness.Server, flags=flags, folder=folder)

    def expect_same(self, ours, want):
        got = everything(ours, self.end)
        self.assertEqual(sorted(got), sorted(want))
        for series, (floats, histograms) in want.items():
            self.assertEqual(got[series][0], floats, series)
            self.assertEqual(got[series][1], histograms, series)

    def segments(self, peer, below):
        try:
            return sorted(os.listdir(os.path.join(peer.folder, "data", below)))
        except FileNotFoundError:
            return []

    def blocks(self, peer):
        return sum(len(name) == 26 for name in self.segments(peer, "."))

    def test_blocks_checkpoint_wal_wbl_and_head_chunks_after_kill_9(self):
        peer = self.start(Prometheus, "storage: {tsdb: {out_of_order_time_window: 3h}}\n",
                          flags=["--enable-feature=native-histograms,exemplar-storage"])
        # Each start begins a segment: of several a truncation makes a checkpoint.
        for begin, end in [(11, 7), (7, 4), (4, 0)]:
            blocks = self.blocks(peer)
            self.fill(peer, begin, end, histograms=True)
            harness.wait_until(lambda: self.blocks(peer) > blocks, what="a block")
            if end > 0:
                peer.kill()
                peer.start()
        late = [(labels_of(i), [(t * 1000 + 7, i + 0.25) for t in range(self.end - 3000 - 60 * k, self.end - 2000 - 60 * k, 40)])
                for i in range(4) for k in (2, 0, 5)]
        for row in late:
            self.push(peer, [row])
        trace = {"trace_id": "4bf92f"}
        self.push(peer, [(labels_of(2), [], [], [((self.end - 5) * 1000, 0.75, trace)])])
        # Cutting goes on in the background.
        harness.wait_until(lambda: any(n.startswith("checkpoint.") for n in self.segments(peer, "wal")), what="a checkpoint")
        harness.wait_until(lambda: self.segments(peer, "wbl") and self.segments(peer, "chunks_head"))
        want = everything(peer, self.end)
        self.assertEqual(len(want), SERIES + 1)
        self.assertGreater(sum(len(v or h) for v, h in want.values()), SERIES * 10 * 3600 // STEP)
        peer.kill()

        ours = self.adopt(peer, ["--enable-feature=exemplar-storage"])
        self.expect_same(ours, want)
        found = ours.get("/api/v1/query_exemplars", query="load2", start=self.end - 100, end=self.end).json["data"]
        self.assertEqual([e["labels"] for s in found for e in s["exemplars"]], [trace])
        # Once is enough, and it goes on from there.
        ours.kill()
        ours.start()
        self.expect_same(ours, want)
        self.assertEqual(ours.log().count("Importing the head of a Prometheus"), 1)

    def test_an_uncompressed_wal_scraped_and_closed_well(self):
        count = [0]

        def render():
            count[0] += 1
            return "# TYPE hits_total counter\nhits_total %d\n" % count[0]

        exporter = harness.Exporter(render)
        self.addCleanup(exporter.close)
        peer = self.start(Prometheus, """
global: {scrape_interval: 500ms, scrape_timeout: 400ms}
scrape_configs: [{job_name: app, static_configs: [{targets: ['%s']}]}]
""" % exporter.address, flags=["--no-storage.tsdb.wal-compression"])
        harness.wait_until(lambda: peer.query("count_over_time(hits_total[1m]) >= 6"))
        peer.stop()
        peer.start()  # a second segment
        harness.wait_until(lambda: peer.query("count_over_time(hits_total[1m]) >= 12"))
        exporter.close()
        self.end = int(time.time()) + 1
        harness.wait_until(lambda: peer.query("up == 0"))
        want = everything(peer, self.end)
        self.assertIn('"hits_total"', "".join(want))
        peer.kill()
        got = everything(self.adopt(peer), self.end)
        for series, (floats, _) in want.items():
            # The last scrapes may have come after our question.
            self.assertEqual(got[series][0][:len(floats)], floats, series)

    def test_what_was_deleted_stays_deleted(self):
        peer = self.start(Prometheus)
        self.fill(peer, 5)
        harness.wait_until(lambda: self.blocks(peer) > 0, what="a block")
        for match, start, stop in [("load0", self.end - 5 * 3600, self.end - 4 * 3600), ("load1", self.end - 900, self.end - 300)]:
            answer = peer.post("/api/v1/admin/tsdb/delete_series", **{"match[]": match, "start": start, "end": stop})
            self.assertEqual(answer.status, 204, answer.text)
        want = everything(peer, self.end)
        peer.kill()
        self.expect_same(self.adopt(peer), want)

    def test_the_tool_sees_what_promtool_sees(self):
        peer = self.start(Prometheus)
        self.fill(peer, 4)
        harness.wait_until(lambda: self.blocks(peer) > 0, what="a block")
        peer.kill()
        data = os.path.join(peer.folder, "data")
        files = sorted(os.listdir(data))
        ours = tool("deutool", "dump", data)
        self.assertEqual(len(ours), SERIES * 4 * 3600 // STEP)
        self.assertEqual(sorted(os.listdir(data)), files)
        self.assertIn("all checksums match", "".join(tool("deutool", "verify", data)))
        if shutil.which("promtool"):
            self.assertEqual(ours, tool("promtool", "dump", data))
            self.assertEqual(tool("deutool", "list", "-r", data), tool("promtool", "list", "-r", data))

    def test_prometheus_answers_from_an_export(self):
        config = "storage: {tsdb: {out_of_order_time_window: 1h}}\n"
        ours = self.start(harness.Server, config, flags=["--web.enable-remote-write-receiver"])
        self.fill(ours, 5, histograms=True)
        self.push(ours, [(labels_of(1), [((self.end - 1000) * 1000 + 1, 1234)])])
        want = everything(ours, self.end)
        peer = Prometheus(flags=["--enable-feature=native-histograms"])
        self.servers.append(peer)
        data = os.path.join(peer.folder, "data")
        tool("deutool", "export-prometheus", os.path.join(ours.folder, "data"), data)  # while it runs
        peer.start()
        got = everything(peer, self.end)
        self.assertEqual(sorted(got), sorted(want))
        for series, (floats, histograms) in want.items():
            self.assertEqual(got[series], (floats, histograms), series)
        if shutil.which("promtool"):
            self.assertIn("Series: %d" % (SERIES + 1), "\n".join(tool("promtool", "analyze", data)))

    def test_goes_on_where_prometheus_stopped(self):
        peer = self.start(Prometheus)
        self.fill(peer, 2)
        peer.stop()
        ours = self.adopt(peer)
        before = everything(ours, self.end)
        ours.stop()
        ours.flags = ["--web.enable-remote-write-receiver"]
        ours.start()
        self.push(ours, [(labels_of(1), [((self.end + STEP) * 1000, 42)])])
        found = ours.query('load1{host="h1"}[1m]', time=self.end + STEP)[0]["values"]
        self.assertEqual(found[-1], [self.end + STEP, "42"])
        self.assertEqual(everything(ours, self.end), before)

    def test_a_directory_in_use_is_refused_on_both_sides(self):
        # Debian's build takes the lock only when told to.
        usage = subprocess.run(["prometheus", "--help"], capture_output=True, text=True, timeout=30)
        flag = "--storage.tsdb.use-lockfile"
        peer = self.start(Prometheus, flags=[flag] if flag in usage.stdout + usage.stderr else [])
        ours = harness.Server(folder=peer.folder)
        self.servers.append(ours)
        ours.start(wait=False)
        self.assertNotEqual(ours.process.wait(30), 0)
        self.assertIn("lock", ours.log())
        peer.stop()
        ours.start()
        again = subprocess.run(peer.command(), capture_output=True, text=True, timeout=30)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("lock", again.stderr)


if __name__ == "__main__":
    harness.main()
