#!/usr/bin/env python3
"""Crowds of connections that do nothing, or hardly anything: they cost next to no CPU and delay nobody."""
import os
import socket
import statistics
import time
import unittest

import harness

IDLE = 2000
SLOW = 200
WATCHED_SECONDS = 3
# Of one core. The clock of /proc ticks 100 times a second: over three seconds this is six ticks.
ALLOWED_SHARE = 0.02


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class CrowdTest(unittest.TestCase):
    def setUp(self):
        self.sockets = []
        self.server = harness.Server(flags=["--web.max-connections=4096"]).start()

    def tearDown(self):
        for s in self.sockets:
            s.close()
        self.server.close()

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
        self.sockets.append(s)
        return s

    def new_request_seconds(self):
        """Median of connections made, answered and closed."""
        times = []
        for _ in range(21):
            begin = time.monotonic()
            self.assertEqual(self.server.get("/api/v1/query", query="1").status, 200)
            times.append(time.monotonic() - begin)
        return statistics.median(times)

    def share_of_core(self, tend):
        """What the server uses while `tend` is called over and over."""
        begin, used = time.monotonic(), cpu_seconds(self.server.process.pid)
        while time.monotonic() - begin < WATCHED_SECONDS:
            tend()
        return (cpu_seconds(self.server.process.pid) - used) / (time.monotonic() - begin)

    def check_crowd(self, alone_seconds, tend):
        self.assertLess(self.share_of_core(tend), ALLOWED_SHARE)
        # Generous, because the machine may be busy; a request that waits for the crowd takes seconds.
        self.assertLess(self.new_request_seconds(), 10 * alone_seconds + 0.05)

    def test_idle_connections_cost_nothing(self):
        alone = self.new_request_seconds()
        for _ in range(IDLE):
            s = self.connect()
            s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        for s in self.sockets:
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 200 OK"))
        self.check_crowd(alone, lambda: time.sleep(0.1))
        # They were kept open all the while.
        for s in self.sockets[:: IDLE // 20]:
            s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 200 OK"))

    def test_clients_that_send_a_byte_a_second_harm_nobody(self):
        alone = self.new_request_seconds()
        for _ in range(SLOW):
            self.connect().sendall(b"GET /api/v1/query?query=1 HTTP/1.1\r\nX-Slow: ")
        turn = [0]

        def drip():  # each of them once a second
            self.sockets[turn[0] % SLOW].sendall(b"a")
            turn[0] += 1
            time.sleep(1 / SLOW)

        self.check_crowd(alone, drip)


if __name__ == "__main__":
    harness.main()
