#!/usr/bin/env python3
"""Broken and hostile clients: the right status, bounded memory, and ingest goes on."""
import gzip
import http.client
import http.server
import socket
import threading
import time
import unittest
import urllib.parse

import harness
import remote_write as rw

NOW = int(time.time()) // 60 * 60
MIB = 1 << 20


def setUpModule():
    global server
    server = harness.Server("global: {scrape_interval: 1s}\n", ["--web.enable-remote-write-receiver", "--query.max-memory=512MB"]).start()


def tearDownModule():
    server.close()


def rss(s=None):
    with open("/proc/%d/status" % (s or server).process.pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) * 1024


def write(body, headers=None, s=None):
    return (s or server).request("POST", "/api/v1/write", body, headers or rw.HEADERS)


def raw(data, timeout=10, s=None):
    """Sends bytes and returns the first status and everything that came back."""
    with socket.create_connection(("127.0.0.1", (s or server).port), timeout=timeout) as c:
        c.sendall(data)
        out = b""
        try:
            while len(out) < MIB:
                piece = c.recv(65536)
                if not piece:
                    break
                out += piece
        except (socket.timeout, ConnectionResetError):
            pass
    return (int(out.split()[1]) if out.startswith(b"HTTP/1.1 ") else None), out


class WriteBodyTest(unittest.TestCase):
    def check(self, body, text, headers=None):
        r = write(body, headers)
        self.assertEqual(r.status, 400, r.text)
        self.assertIn(text, r.text)

    def test_snappy_that_does_not_decode(self):
        for body in [b"", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x05\xfc", b"hello world", b"\x0a\x01\x02", b"\x10\xfe\xff\xff"]:
            self.check(body, "snappy: corrupt input")

    def test_a_declared_length_of_four_gigabytes(self):
        before = rss()
        self.check(rw.varint((1 << 32) - 1) + b"\x00a", "snappy: decoded block is too large")
        self.check(rw.varint(1 << 40) + b"\x00a", "snappy")
        self.assertLess(rss() - before, 64 * MIB)

    def test_a_snappy_bomb_within_the_declared_limit(self):
        # Copies of one byte: 31 MiB from about 1.5 MiB, and no protobuf.
        block = rw.varint(31 * MIB) + b"\x00\xff" + (bytes([(63 << 2) | 2]) + b"\x01\x00") * (31 * MIB // 64)
        r = write(block)
        self.assertEqual(r.status, 400)

    def test_protobuf_cut_at_every_length(self):
        whole = rw.series({"__name__": "cut", "a": "b" * 30}, [(NOW * 1000, 1.5)])
        for n in range(1, len(whole)):
            self.assertEqual(write(rw.snappy(whole[:n])).status, 400, n)

    def test_lengths_that_lie(self):
        for body in [b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x7f\x0a\x7f", b"\x0b", b"\x0a" + b"\xff" * 10, b"\x00\x00", b"\x0a\x02\x0a\x05"]:
            self.assertEqual(write(rw.snappy(body)).status, 400, body)

    def test_symbols_that_expand_to_gigabytes(self):
        s = rw.Symbols()
        big = s.ref("x" * MIB)
        name, value = s.ref("__name__"), s.ref("bomb")
        refs = [name, value] + [r for i in range(500) for r in (s.ref("l%d" % i), big)]
        before = rss()
        r = rw.push_v2(server, s, [rw.series_v2(s, {}, [(NOW * 1000, 1)], refs=refs) for _ in range(200)])
        self.assertEqual(r.status, 400)
        self.assertLess(rss() - before, 600 * MIB)

    def test_a_body_over_the_limit(self):
        status, _ = raw(b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (1 << 32))
        self.assertEqual(status, 413)
        chunk = b"%x\r\n" % MIB + b"a" * MIB + b"\r\n"
        status, _ = raw_stream(b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, 200)
        self.assertEqual(status, 413)

    def test_remote_read_garbage(self):
        for body in [b"", b"\xff\xff\xff\xff\x0f\x00", rw.snappy(b"\x0a\xff"), rw.varint((1 << 32) - 1) + b"\x00a"]:
            r = server.request("POST", "/api/v1/read", body, {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
            self.assertEqual(r.status, 400, body)


def raw_stream(head, piece, times):
    """Sends `piece` again and again until the server has had enough."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as c:
        c.sendall(head)
        out = b""
        try:
            for _ in range(times):
                c.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            out = c.recv(65536)
        except (socket.timeout, ConnectionResetError):
            pass
    return (int(out.split()[1]) if out.startswith(b"HTTP/1.1 ") else None), out


class RequestShapeTest(unittest.TestCase):
    GET = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n"

    def test_smuggling_shapes_are_refused_and_the_connection_closed(self):
        after = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        post = b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\n"
        for head in [
            post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
            post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            post + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            post + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            post + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            post + b"Content-Length: +5\r\n\r\nabcde",
            post + b"Content-Length: 0x5\r\n\r\nabcde",
            post + b"Content-Length: -1\r\n\r\n",
            post + b"Content-Length: 5, 6\r\n\r\nabcde",
            post + b"Content-Length: 99999999999999999999\r\n\r\n",
            post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
            post + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n",
            post + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcdeX\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n Folded: y\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nNo-Colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nNul: a\x00b\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ]:
            status, out = raw(head + after, timeout=5)
            with self.subTest(head=head):
                self.assertIn(status, (400, 413, 501), out[:200])
                self.assertNotIn(b"smuggled", out)
                self.assertEqual(out.count(b"HTTP/1.1 "), 1)

    def test_ten_thousand_headers(self):
        before = rss()
        status, _ = raw(self.GET + b"".join(b"X-%d: y\r\n" % i for i in range(10000)) + b"\r\n")
        self.assertEqual(status, 431)
        status, _ = raw_stream(self.GET + b"X: ", b"a" * 65536, 1000)
        self.assertEqual(status, 431)
        self.assertLess(rss() - before, 32 * MIB)

    def test_a_request_line_without_end(self):
        status, _ = raw_stream(b"GET /", b"a" * 65536, 1000)
        self.assertEqual(status, 414)

    def test_versions_and_methods(self):
        for data, want in [(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505), (b"GET / HTTP/1.7\r\nHost: x\r\n\r\n", 505), (b"GET /\r\n\r\n", 400),
                           (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None)]:
            status, out = raw(data, timeout=5)
            if want is not None:
                self.assertIn(status, (want, 400), (data, out))

    def test_clients_that_never_finish_cost_nobody_else(self):
        idle = []
        try:
            for i in range(300):
                c = socket.create_connection(("127.0.0.1", server.port), timeout=5)
                c.sendall([b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc", b"GET / HT", b""][i % 3])
                idle.append(c)
            begin = time.monotonic()
            for _ in range(20):
                self.assertEqual(server.get("/-/healthy").status, 200)
                self.assertEqual(server.get("/api/v1/query", query="1").status, 200)
            self.assertLess(time.monotonic() - begin, 10)
        finally:
            for c in idle:
                c.close()

    def test_a_form_that_is_too_large(self):
        status, _ = raw(b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20000000\r\n\r\n")
        self.assertEqual(status, 413)
        r = server.post("/api/v1/query", query="1" + "+1" * 400000)
        self.assertIn(r.status, (200, 400, 413, 422))
        r = server.post("/api/v1/query", query="(" * 100000)
        self.assertEqual(r.status, 400)


class QueryLoadTest(unittest.TestCase):
    def setUp(self):
        for first in range(0, 2000, 200):
            rows = [({"__name__": "heavy", "n": str(n)}, [((NOW - 3600 + 60 * k) * 1000, n + k) for k in range(61)]) for n in range(first, first + 200)]
            r = rw.push(server, rows)
            self.assertIn(r.status, (204, 400))  # there already, for the second test

    HEAVY = {"query": "heavy * on(n) group_left heavy + on(n) heavy", "start": NOW - 3600, "end": NOW, "step": 10, "nocache": 1}

    def test_slow_readers_cost_a_buffer_each(self):
        query = urllib.parse.urlencode({"query": "heavy", "start": NOW - 600, "end": NOW, "step": 2})
        before, readers = rss(), []
        try:
            for _ in range(20):
                c = socket.socket()
                c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                c.settimeout(30 * harness.TIME_FACTOR)
                c.connect(("127.0.0.1", server.port))
                c.sendall(("GET /api/v1/query_range?%s HTTP/1.1\r\nHost: x\r\n\r\n" % query).encode())
                readers.append(c)
            for c in readers:
                self.assertTrue(c.recv(10))
            self.assertEqual(server.get("/api/v1/query", query="1").status, 200)
            # 20 results of 600,000 points (16 bytes each) and their buffers, but not 20 x 15 MB of JSON on top.
            self.assertLess(rss() - before, (20 * (600_000 * 16 + 4 * MIB) + 100 * MIB) * harness.MEMORY_FACTOR)
        finally:
            for c in readers:
                c.close()
        harness.wait_until(lambda: server.get("/api/v1/query", query="prometheus_engine_queries").status == 200)

    def test_a_thousand_heavy_queries_and_ingest_goes_on(self):
        # A sender keeps its connection; a new one would wait behind --web.max-connections, as in Prometheus.
        sender = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        sender.connect()
        query = urllib.parse.urlencode(self.HEAVY)
        statuses, peak, stop, lock = [], [0], threading.Event(), threading.Lock()

        def ask():
            try:
                status = server.request("GET", "/api/v1/query_range?" + query, timeout=8).status
            except (OSError, http.client.HTTPException):
                status = "client gave up"
            with lock:
                statuses.append(status)

        def watch():
            while not stop.is_set():
                peak[0] = max(peak[0], rss())
                time.sleep(0.05)
        threads = [threading.Thread(target=ask, daemon=True) for _ in range(1000)] + [threading.Thread(target=watch)]
        for t in threads:
            t.start()
        slowest, written, end = 0.0, 0, time.monotonic() + 6
        while time.monotonic() < end:
            begin = time.monotonic()
            body = rw.snappy(rw.series({"__name__": "meanwhile", "n": str(written)}, [(int(time.time() * 1000), 1)]))
            sender.request("POST", "/api/v1/write", body, rw.HEADERS)
            answer = sender.getresponse()
            self.assertEqual((answer.status, answer.read()), (204, b""))
            slowest = max(slowest, time.monotonic() - begin)
            written += 1
            time.sleep(0.05)
        for t in threads[:1000]:
            t.join(30)
        stop.set()
        threads[-1].join()
        sender.close()
        counts = {s: statuses.count(s) for s in set(statuses)}
        print("1,000 heavy queries: %s; %d writes meanwhile, the slowest %.2f s; peak memory %d MiB" % (counts, written, slowest, peak[0] // MIB))
        self.assertEqual(len(statuses), 1000)
        self.assertLessEqual(set(counts), {200, 422, 503, "client gave up"})
        self.assertGreater(written, 10)
        self.assertLess(peak[0], 2000 * MIB)
        # Queries nobody waits for any more are given up.
        harness.wait_until(lambda: "\nprometheus_engine_queries 0\n" in server.get("/metrics").text, 60, "the queries to end")
        self.assertEqual(len(server.query("count(meanwhile)")), 1)


class SlowSelectorsTest(unittest.TestCase):
    def test_new_series_come_in_between(self):
        """Each selection reads the index for some milliseconds, and there is always one under way."""
        for first in range(0, 30000, 1000):
            rw.push(server, [({"__name__": "many", "n": str(n), "m": "x%d" % (n * 7919 % 30011)}, [(NOW * 1000, n)])
                             for n in range(first, first + 1000)])
        query = urllib.parse.urlencode({"query": 'count({n=~".*(1|2).*(1|7).*(2|3).*(3|9).*",m=~".*(1|2).*(1|7).*(2|3).*3.*"})'})
        stop, answers = threading.Event(), []

        def ask():
            c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            while not stop.is_set():
                c.request("GET", "/api/v1/query?" + query)
                answer = c.getresponse()
                answer.read()
                answers.append(answer.status)
            c.close()
        threads = [threading.Thread(target=ask, daemon=True) for _ in range(32)]
        for t in threads:
            t.start()
        harness.wait_until(lambda: len(answers) > 32)
        last = threading.Timer(10 * harness.TIME_FACTOR, stop.set)  # lets a starving write in, and the test fail
        last.start()
        slowest, written, end = 0.0, 0, time.monotonic() + 4
        while time.monotonic() < end:
            begin = time.monotonic()
            r = rw.push(server, [({"__name__": "between", "n": str(written)}, [(NOW * 1000, 1)])])
            self.assertEqual(r.status, 204)
            slowest = max(slowest, time.monotonic() - begin)
            written += 1
            time.sleep(0.02)
        last.cancel()
        stop.set()
        for t in threads:
            t.join()
        print("%d slow selections; %d new series meanwhile, the slowest took %.2f s" % (len(answers), written, slowest))
        self.assertEqual(set(answers), {200})
        self.assertLess(slowest, 2 * harness.TIME_FACTOR)  # a starving one waits as long as there are queries


class ScrapeTest(unittest.TestCase):
    def test_a_gzip_bomb_from_a_target(self):
        bomb = gzip.compress(b"# " + b"a" * (300 * MIB) + b"\n", 9)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(bomb)))
                self.end_headers()
                self.wfile.write(bomb)

            def log_message(self, *_):
                pass
        target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        target.daemon_threads = True
        threading.Thread(target=target.serve_forever, daemon=True).start()
        s = harness.Server("global: {scrape_interval: 1s, body_size_limit: 10MB}\nscrape_configs: [{job_name: bomb, static_configs: "
                           "[{targets: ['127.0.0.1:%d']}]}]\n" % target.server_port).start()
        try:
            def error():
                targets = s.get("/api/v1/targets").json["data"]["activeTargets"]
                return targets and targets[0]["lastError"]
            harness.wait_until(error)
            self.assertIn("body size limit exceeded", error())
            self.assertLess(rss(s), 200 * MIB * harness.MEMORY_FACTOR)
        finally:
            s.close()
            target.shutdown()
            target.server_close()


if __name__ == "__main__":
    harness.main()
