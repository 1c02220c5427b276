#!/usr/bin/env python3
"""remote_read: queries that also ask another server: one of ours, and Debian's prometheus where it is installed."""
import contextlib
import os
import shutil
import signal
import socket
import time
import unittest

import harness
import remote_write as rw

NOW = int(time.time()) // 60 * 60
RECEIVER = ["--web.enable-remote-write-receiver"]


class Prometheus(harness.Server):
    """Debian's, as a store that takes remote write."""

    def command(self):
        return ["prometheus", "--config.file=" + self.config_path, "--storage.tsdb.path=" + os.path.join(self.folder, "data"),
                "--web.listen-address=127.0.0.1:%d" % self.port] + self.flags


def read_config(*stores, **options):
    text = "global: {external_labels: %s}\nremote_read:\n" % options.pop("external_labels", "{}")
    for store in stores:
        text += "- url: http://127.0.0.1:%d/api/v1/read\n" % store.port
        for name, value in options.items():
            text += "  %s: %s\n" % (name, value)
    return text


def samples(first, count, value=lambda k: k):
    return [((NOW - 600 + 15 * k) * 1000, value(k)) for k in range(first, first + count)]


class RemoteReadTest(unittest.TestCase):
    def start(self, kind, *args, **kwargs):
        server = kind(*args, **kwargs).start()
        self.addCleanup(server.close)
        return server

    def points(self, server, expr, **params):
        answer = server.get("/api/v1/query_range", query=expr, start=NOW - 600, end=NOW, step=15, **params)
        self.assertEqual(answer.status, 200, answer.text)
        return {tuple(sorted(s["metric"].items())): [float(v) for _, v in s["values"]] for s in answer.json["data"]["result"]}, \
            answer.json.get("warnings", [])

    def both_halves(self, store_kind):
        """Half of a series is here, half of it and another one there."""
        store = self.start(store_kind, flags=RECEIVER)
        server = self.start(harness.Server, read_config(store, read_recent="true", name="store"), flags=RECEIVER)
        labels = {"__name__": "m", "i": "a"}
        self.assertIn(rw.push(store, [(labels, samples(0, 30)), ({"__name__": "m", "i": "b"}, samples(0, 41))]).status, (200, 204))
        self.assertEqual(rw.push(server, [(labels, samples(20, 21))]).status, 204)
        found, warnings = self.points(server, "m")
        self.assertEqual(warnings, [])
        self.assertEqual(found, {(("__name__", "m"), ("i", "a")): list(range(41)), (("__name__", "m"), ("i", "b")): list(range(41))})
        found, _ = self.points(server, "sum(rate(m[1m]))")
        self.assertAlmostEqual(found[()][-1], 2 / 15)
        # Twice the same: nothing of it may come from the cache of results.
        self.assertEqual(rw.push(store, [({"__name__": "m", "i": "c"}, samples(0, 41))]).status // 100, 2)
        self.assertEqual(len(self.points(server, "m")[0]), 3)
        series = server.get("/api/v1/series", **{"match[]": "m"}).json["data"]
        self.assertEqual([s["i"] for s in series], ["a", "b", "c"])
        self.assertIn('prometheus_remote_storage_read_queries_total{remote_name="store",', server.get("/metrics").text)
        self.assertEqual(server.get("/api/v1/labels").json["warnings"], ["not implemented"])
        return store, server

    def test_another_deucalion(self):
        store, server = self.both_halves(harness.Server)
        # Gone: what is here is answered, with a warning.
        store.kill()
        found, warnings = self.points(server, "m")
        self.assertEqual(len(found), 1)
        self.assertEqual(len(warnings), 1)
        self.assertTrue(warnings[0].startswith("remote_read: error sending request: "), warnings)
        # Taken out of the configuration.
        server.write_config("global: {}\n")
        server.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.points(server, "m")[1] == [], what="the reload")

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
    def test_debian_prometheus(self):
        self.both_halves(Prometheus)

    def test_recent_data_is_not_asked_for(self):
        store = self.start(harness.Server, flags=RECEIVER)
        server = self.start(harness.Server, read_config(store, external_labels='{site: x}', required_matchers='{job: j}'), flags=RECEIVER)
        self.assertEqual(rw.push(store, [({"__name__": "m", "job": "j", "site": "x"}, samples(0, 41))]).status, 204)
        # There is no block yet: the store has everything, but only for selectors with the matcher.
        self.assertEqual(self.points(server, "m")[0], {})
        self.assertEqual(list(self.points(server, 'm{job="j"}')[0]), [(("__name__", "m"), ("job", "j"))])
        # Younger than any block can be: nobody is asked.
        store.kill()
        future = NOW + 5 * 3600
        answer = server.get("/api/v1/query", query='m{job="j"}', time=future)
        self.assertNotIn("warnings", answer.json)

    def test_layers_of_servers(self):
        store, middle = self.both_halves(harness.Server)
        top = self.start(harness.Server, read_config(middle, read_recent="true"))
        found, warnings = self.points(top, "m")
        self.assertEqual(warnings, [])
        self.assertEqual(found[(("__name__", "m"), ("i", "a"))], list(range(41)))
        self.assertEqual(len(found), 3)
        # What the middle cannot have is in its log; its readers get the rest.
        store.kill()
        found, warnings = self.points(top, "m")
        self.assertEqual((len(found), warnings), (1, []))
        self.assertIn("Warnings on chunked remote read query", middle.log())

    def test_servers_that_read_each_other_answer_nevertheless(self):
        one = harness.Server(flags=RECEIVER)
        other = self.start(harness.Server, read_config(one, read_recent="true", remote_timeout="2s"), flags=RECEIVER)
        one.write_config(read_config(other, read_recent="true", remote_timeout="2s"))
        self.addCleanup(one.close)
        one.start()
        self.assertEqual(rw.push(one, [({"__name__": "m"}, samples(0, 41))]).status, 204)
        found, warnings = self.points(one, "m")
        self.assertEqual((found, warnings), ({(("__name__", "m"),): list(range(41))}, []))
        # Nothing goes on in the background.
        for server in (one, other):
            harness.wait_until(lambda: "prometheus_remote_read_handler_queries 0\n" in server.get("/metrics").text, what="the end of the circle")
        self.assertIn("Do they read each other in a circle?", one.log() + other.log())

    def test_a_store_that_does_not_answer_is_given_up(self):
        with contextlib.closing(socket.socket()) as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(8)
            config = "remote_read: [{url: 'http://127.0.0.1:%d/', remote_timeout: 1s, read_recent: true}]\n" % silent.getsockname()[1]
            server = self.start(harness.Server, config, flags=RECEIVER)
            self.assertEqual(rw.push(server, [({"__name__": "m"}, samples(0, 41))]).status, 204)
            begin = time.monotonic()
            found, warnings = self.points(server, "m")
            self.assertEqual(len(found), 1)
            self.assertEqual(len(warnings), 1, warnings)
            self.assertLess(time.monotonic() - begin, 10)
            # A query with less time than that ends in time, as an error.
            begin = time.monotonic()
            self.assertEqual(server.get("/api/v1/query", query="m", timeout="100ms").status, 503)
            self.assertLess(time.monotonic() - begin, 0.9)

    def test_an_answer_that_is_too_large_is_an_error(self):
        store = self.start(harness.Server, flags=RECEIVER)
        server = self.start(harness.Server, read_config(store, read_recent="true"), flags=RECEIVER + ["--query.max-memory=1MB"])
        many = [({"__name__": "m", "i": str(i)}, samples(0, 41)) for i in range(3000)]
        self.assertEqual(rw.push(store, many).status, 204)
        answer = server.get("/api/v1/query", query="count(m)", time=NOW)
        self.assertEqual(answer.status, 422)
        self.assertEqual(answer.json["error"],
                         "expanding series: remote_read: query needs more memory than all queries together may use: limit 1 MiB")
        self.assertEqual(server.get("/api/v1/query", query='count(m{i=~"1.."})', time=NOW).json["data"]["result"][0]["value"][1], "100")


if __name__ == "__main__":
    harness.main()
