#!/usr/bin/env python3
"""What HTTP costs: requests per second with wrk, and the memory of a large streamed answer.

  bench/compare/http_rates.py                        this server and Debian's prometheus
  bench/compare/http_rates.py --servers deucalion --seconds 3

Needs a `bench` build and wrk (Debian: wrk). The goals: /api/v1/query of one series at 70 % or more of this server's own
/-/healthy rate and three times Prometheus's; a 100 MB range result in under 64 MiB above the result itself. Rates are of a
machine shared with wrk: read the ratios, and the CPU per request.
"""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tests", "e2e"))
import remote_write  # noqa: E402
import servers  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOW = int(time.time()) // 60 * 60
BIG_SERIES, BIG_POINTS = 400, 11000
GOAL_BYTES = 64 << 20


class Adapter:
    """What remote_write.push wants of a server."""

    def __init__(self, server):
        self.server = server

    def request(self, method, path, body, headers):
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        try:
            c.request(method, path, body, headers)
            r = c.getresponse()
            r.text = r.read().decode()
            return r
        finally:
            c.close()


def push(server, rows):
    r = remote_write.push(Adapter(server), rows)
    if r.status not in (200, 204):
        raise SystemExit("%s refused the data: %d %s" % (server.name, r.status, r.text))


def rate(server, path, seconds, connections):
    """(requests per second, CPU microseconds of the server per request)."""
    cpu = server.cpu_seconds()
    out = subprocess.run(["wrk", "-t1", "-c%d" % connections, "-d%d" % seconds, "http://127.0.0.1:%d%s" % (server.port, path)],
                         capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit("%s: %s\n%s" % (server.name, path, out))
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    return float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1)), (server.cpu_seconds() - cpu) * 1e6 / max(requests, 1)


def read_all(server, params, pause=0.0):
    """Reads an answer as a slow client and returns its size."""
    s = socket.create_connection(("127.0.0.1", server.port))
    s.sendall(("GET /api/v1/query_range?%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % urllib.parse.urlencode(params)).encode())
    total = 0
    while True:
        piece = s.recv(1 << 20)
        if not piece:
            return total
        total += len(piece)
        if pause:
            time.sleep(pause)


def memory_of_a_large_answer(server):
    """(bytes of the answer, bytes of the result in memory, bytes above it while it is streamed to a slow client)."""
    # Steps of a quarter of a second: the head takes nothing that is older than an hour.
    start = NOW - BIG_POINTS // 4
    for first in range(0, BIG_SERIES, 20):
        push(server, [({"__name__": "big", "n": "%04d" % n}, [((start + 15 * k) * 1000, 1234.5678 + n + k) for k in range(BIG_POINTS // 60 + 1)])
                      for n in range(first, first + 20)])
    params = {"query": "big * 1.000001", "start": start, "end": start + BIG_POINTS // 4, "step": 0.25, "nocache": 1}
    read_all(server, {**params, "end": start + 10})
    before = server.memory()[0]
    read_all(server, {**params, "limit": 1})  # evaluates everything, sends one series
    source = server.memory()[1] - before
    peak_before = server.memory()[1]
    size = read_all(server, params, pause=0.001)
    return size, source, max(server.memory()[1] - peak_before, 0)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default=os.path.join(ROOT, "build/bench/bin/deucalion"))
    p.add_argument("--servers", default="deucalion,prometheus")
    p.add_argument("--seconds", type=int, default=5)
    p.add_argument("--connections", type=int, default=32, help="enough that the server has work all the time")
    p.add_argument("--no-memory", action="store_true")
    a = p.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed")
    query = "/api/v1/query?" + urllib.parse.urlencode({"query": 'one{instance="host0"}'})
    at = query + "&time=%d" % NOW
    found = {}
    for name in a.servers.split(","):
        if not servers.available(name):
            print("%s is not installed: left out" % name)
            continue
        server = servers.Server(name, a.binary)
        try:
            server.start()
            push(server, [({"__name__": "one", "instance": "host%d" % i}, [((NOW - 600 + 15 * k) * 1000, k) for k in range(41)]) for i in range(100)])
            for label, path in [("/-/healthy", "/-/healthy"), ("query, one series, now", query), ("query, one series, time=", at), ("query 1+1", "/api/v1/query?query=1%2B1")]:
                rate(server, path, 1, a.connections)
                found[name, label] = rate(server, path, a.seconds, a.connections)
                print("%-11s %-25s %8.0f requests/s %8.1f us CPU each" % ((name, label) + found[name, label]))
            if name == "deucalion" and not a.no_memory:
                size, source, above = memory_of_a_large_answer(server)
                print("%-11s a range result of %.0f MB: result in memory %.0f MiB, above it while streaming %.1f MiB (goal %d MiB)" %
                      (name, size / 1e6, source / 2**20, above / 2**20, GOAL_BYTES >> 20))
        finally:
            server.close()
    one = "query, one series, now"
    if ("deucalion", one) in found:
        print("\nquery of one series: %.0f %% of /-/healthy (goal 70 %%)" % (100 * found["deucalion", one][0] / found["deucalion", "/-/healthy"][0]))
    if ("deucalion", one) in found and ("prometheus", one) in found:
        print("query of one series: %.1f times prometheus's rate (goal 3), %.1f times less CPU" %
              (found["deucalion", one][0] / found["prometheus", one][0], found["prometheus", one][1] / found["deucalion", one][1]))


if __name__ == "__main__":
    main()
