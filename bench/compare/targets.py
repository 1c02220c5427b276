#!/usr/bin/env python3
"""The speed of queries that was aimed at, measured: this server against Debian's `prometheus`.

  bench/compare/targets.py            all of them, about ten minutes
  bench/compare/targets.py rate wide  some
  bench/compare/targets.py long       ten more queries over a day in blocks and head

Data of one metric `x` goes into both by remote write; then each query is asked of both in turn, range cache off. Needs
a `bench` build. Traffic stays on 127.0.0.1.
"""
import argparse
import os
import subprocess
import sys
import time

import queries
import servers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# name: (what, series, samples, step ms, expression, range s, step s, wanted)
TARGETS = {
    "rate": ("sum by (mode) (rate(x[5m])), 6,400 series x 41 steps", 6400, 240, 15000,
             "sum by (mode) (rate(x[5m]))", 2400, 60, 10),
    "wide": ("count(x), 200,000 series x 41 steps", 200000, 16, 60000, "count(x)", 600, 15, 20),
    "day": ("sum by (mode) (rate(x[5m])), 1,000 series, 24 h in steps of a minute", 1000, 5860, 15000,
            "sum by (mode) (rate(x[5m]))", 86400, 60, 5),
}


def load(name, binary, loadgen, series, samples, step_ms, end_ms):
    server = servers.Server(name, binary)
    server.start()
    out = subprocess.run([loadgen, "--port=%d" % server.port, "--series=%d" % series, "--samples=%d" % samples,
                          "--step-ms=%d" % step_ms, "--start-ms=%d" % (end_ms - (samples - 1) * step_ms), "--flat=1",
                          # One connection: of several one may run so far ahead that the others are too old.
                          "--connections=1"],
                         stdout=subprocess.PIPE, text=True)
    if out.returncode != 0:
        with open(os.path.join(server.folder, "log"), errors="replace") as f:
            log = f.read()[-2000:]
        server.close()
        sys.exit("%s: load failed: %s\n%s" % (name, out.stdout, log))
    return server


def load_all(key, a, names, running):
    """Fills `running`; the end of the data in ms."""
    _, series, samples, step_ms = TARGETS[key][:4]
    end_ms = int(time.time()) // 60 * 60 * 1000
    for n in names:
        running[n] = load(n, a.binary, a.loadgen, series, samples, step_ms, end_ms)
    time.sleep(a.settle if samples * step_ms > 3 * 3600 * 1000 else 5)
    return end_ms


def long_ranges(a, names):
    running = {}
    try:
        end_ms = load_all("day", a, names, running)
        timings = queries.run(running, names, queries.LONG, end_ms - 2 * 86400 * 1000, end_ms, a.seconds)
        queries.print_table("A day in blocks and head", names, timings)
    finally:
        for server in running.values():
            server.close()


def compare(key, a, names):
    what, _, _, _, expr, seconds, step, wanted = TARGETS[key]
    running = {}
    try:
        end_ms = load_all(key, a, names, running)
        end_s = end_ms / 1000 + 0.001
        target = queries.target_of((key, expr, seconds, step), end_s - 2 * seconds, end_s)
        timings = queries.measure(running, names, target, a.seconds)
        cells = ["%.1f / %.1f" % (timings[n][1], timings[n][2]) for n in names]
        if len(names) == 2:
            cells.append("%.1f" % (timings[names[1]][1] / timings[names[0]][1]))
            cells.append("%.1f" % (timings[names[1]][2] / timings[names[0]][2]))
        print("| %s | %s | %d |" % (what, " | ".join(cells), wanted), flush=True)
    finally:
        for server in running.values():
            server.close()


def memory(a):
    """500,000 series x 500 steps into 10 groups: how far the memory rises above what it is at rest."""
    end_ms = int(time.time()) // 60 * 60 * 1000
    server = load("deucalion", a.binary, a.loadgen, 500000, 10, 60000, end_ms)
    try:
        time.sleep(5)
        end_s = end_ms / 1000 + 0.001
        warm = queries.target_of(("", "count(x)", 0, 0), 0, end_s)
        client = queries.Client(server.port)
        client.get(warm)
        before, _ = server.memory()
        # VmHWM is since the start, loading included: begin anew.
        with open("/proc/%d/clear_refs" % server.pid, "w") as f:
            f.write("5")
        rest_peak = server.memory()[1]
        target = queries.target_of(("", "sum by (group) (x)", 500, 1), end_s - 1000, end_s)
        status, body, seconds = client.get(target)
        peak = server.memory()[1]
        print("\n500,000 series x 500 steps into 10 groups: status %d, %d groups, %.2f s, peak %.0f MiB above rest "
              "(wanted: under 128); anonymous at rest %.0f MiB" %
              (status, queries.results_in(body), seconds, (peak - rest_peak) / 2**20, before / 2**20))
    finally:
        server.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("targets", nargs="*", default=list(TARGETS) + ["memory"])
    p.add_argument("--binary", default=os.path.join(ROOT, "build/bench/bin/deucalion"))
    p.add_argument("--loadgen", default=os.path.join(ROOT, "build/bench/bin/loadgen"))
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--settle", type=float, default=75, help="seconds until blocks are cut, where there are any")
    a = p.parse_args()
    names = [n for n in ("deucalion", "prometheus") if servers.available(n)]
    if any(t in TARGETS for t in a.targets):
        print("Wall ms / CPU ms per run; x: prometheus's divided by deucalion's\n")
        print("| query | %s | x wall | x CPU | wanted |" % " | ".join(names))
        print("|---|" + "---:|" * (len(names) + 3))
    for t in a.targets:
        if t == "memory":
            memory(a)
        elif t == "long":
            long_ranges(a, names)
        else:
            compare(t, a, names)


if __name__ == "__main__":
    main()
