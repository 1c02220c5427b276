#!/usr/bin/env python3
"""Runs the same generated data into this server and its peers, one after the other, and prints one table.

  bench/compare/compare.py                              50,000 series x 1 h, all servers that are installed
  bench/compare/compare.py --series 500000 --samples 8  memory per series
  bench/compare/compare.py --queries                    adds 25 queries, cold and warm, range cache off
  bench/compare/compare.py --queries=standard,more,metadata,cached
                                                        other sets (queries.py); cached: the 25 with the range cache on

Needs a `bench` build: cmake --preset bench && cmake --build build/bench. Peers are Debian's packages `prometheus` and
`victoria-metrics`; one that is not installed is left out, and said so. Traffic stays on 127.0.0.1. Ratios and CPU seconds
are worth quoting; wall times of a shared machine are not.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import queries
import servers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def find_count(server, at_seconds):
    status, body = server.get("/api/v1/query", {"query": 'count({__name__=~".+"})', "time": at_seconds, "nocache": 1})
    result = json.loads(body)["data"]["result"] if status == 200 else []
    return int(result[0]["value"][1]) if result else 0


def count_samples(server, at_seconds, window_seconds):
    """Samples of two metrics, over the whole window."""
    expr = "sum(count_over_time(node_metric_1_total[%ds])) + sum(count_over_time(container_metric_3[%ds]))" % (
        window_seconds, window_seconds)
    status, body = server.get("/api/v1/query", {"query": expr, "time": at_seconds, "nocache": 1}, timeout=600)
    result = json.loads(body)["data"]["result"] if status == 200 else []
    return int(float(result[0]["value"][1])) if result else 0


def run_one(name, a, rows, running, times):
    """Loads a server, restarts it and counts; leaves it running in `running` when there are queries to come."""
    server = servers.Server(name, a.binary)
    try:
        rows["start, empty: s"] = server.start()
        empty_anon, _ = server.memory()
        cpu0 = server.cpu_seconds()
        # Data that ends now, so that nobody's retention or time limits are in the way.
        end_ms = int(time.time()) // 60 * 60 * 1000
        start_ms = end_ms - (a.samples - 1) * a.step_ms
        times[name] = (start_ms, end_ms)
        out = subprocess.run([a.loadgen, "--port=%d" % server.port, "--series=%d" % a.series, "--samples=%d" % a.samples,
                              "--step-ms=%d" % a.step_ms, "--start-ms=%d" % start_ms, "--connections=%d" % a.connections,
                              "--churn-percent=%d" % a.churn_percent, "--rate=%d" % a.rate],
                             stdout=subprocess.PIPE, text=True)
        load = json.loads(out.stdout)
        cpu = server.cpu_seconds() - cpu0
        rows["samples accepted"] = load["accepted"]
        rows["series created"] = load["series"]
        rows["requests failed"] = load["failed"]
        rows["CPU s"] = cpu
        rows["samples per CPU s"] = load["accepted"] / max(cpu, 0.01)
        rows["wall s"] = load["wall_s"]
        rows["request p50 ms"] = load["p50_ms"]
        rows["request p99 ms"] = load["p99_ms"]
        rows["load generator CPU s"] = load["cpu_s"]
        time.sleep(a.settle)
        anon, peak = server.memory()
        rows["anonymous MB"] = anon / 1e6
        rows["peak RSS MB"] = peak / 1e6
        rows["anonymous B per active series"] = (anon - empty_anon) / a.series
        total = server.disk()[0]
        rows["disk MB"] = total / 1e6
        rows["disk B per sample"] = total / max(load["accepted"], 1)
        rows["WAL written, B per sample"] = server.wal_written() / max(load["accepted"], 1)
        if a.flush:
            cpu0 = server.cpu_seconds()
            rows["as blocks: B per sample"] = server.flushed() / max(load["accepted"], 1)
            rows["as blocks: CPU s"] = server.cpu_seconds() - cpu0
        window = a.samples * a.step_ms // 1000 + 60
        before = count_samples(server, end_ms // 1000, window)
        server.kill()
        rows["kill -9: s to ready"] = server.start()
        rows["kill -9: CPU s"] = server.cpu_seconds()
        rows["kill -9: samples found / before"] = count_samples(server, end_ms // 1000, window) / max(before, 1)
        rows["series at the end"] = find_count(server, end_ms // 1000)
        if a.queries:
            running[name] = server
    finally:
        if name not in running:
            server.close()


def show(value):
    if isinstance(value, int):
        return "{:,}".format(value)
    return "%.3g" % value if abs(value) < 1000 else "{:,.0f}".format(value)


def print_table(names, tables):
    base = "prometheus" if "prometheus" in tables else names[0]
    print("| | " + " | ".join("%s | x" % n if n != base else n for n in names) + " |")
    print("|---|" + "---:|" * (2 * len(names) - 1))
    for row in tables[names[0]]:
        cells = []
        for n in names:
            value = tables[n].get(row)
            cells.append("-" if value is None else show(value))
            if n != base:
                reference = tables[base].get(row)
                cells.append("%.2f" % (value / reference) if value is not None and reference else "-")
        print("| %s | %s |" % (row, " | ".join(cells)))
    print("\nx: divided by %s's figure." % base)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default=os.path.join(ROOT, "build/bench/bin/deucalion"))
    p.add_argument("--loadgen", default=os.path.join(ROOT, "build/bench/bin/loadgen"))
    p.add_argument("--servers", default="deucalion,prometheus,victoria")
    p.add_argument("--series", type=int, default=50000)
    p.add_argument("--samples", type=int, default=240)
    p.add_argument("--step-ms", type=int, default=15000)
    p.add_argument("--connections", type=int, default=4)
    p.add_argument("--churn-percent", type=int, default=0)
    p.add_argument("--rate", type=int, default=0, help="samples per second, 0 = as fast as accepted")
    p.add_argument("--settle", type=float, default=5)
    p.add_argument("--queries", nargs="?", const="standard", default="")
    p.add_argument("--query-seconds", type=float, default=2)
    p.add_argument("--no-flush", dest="flush", action="store_false",
                   help="do not write everything as blocks (snapshot, or force_merge) to measure them")
    p.add_argument("--keep", action="store_true")
    a = p.parse_args()
    for needed in (a.binary, a.loadgen):
        if not os.path.exists(needed):
            sys.exit("%s is missing: cmake --preset bench && cmake --build build/bench" % needed)
    names, tables, running, times = [], {}, {}, {}
    try:
        for name in a.servers.split(","):
            if not servers.available(name):
                print("%s is not installed: left out" % name)
                continue
            names.append(name)
            tables[name] = {}
            run_one(name, a, tables[name], running, times)
        print("\n%d series x %d samples, every %d ms, %d connections\n" %
              (a.series, a.samples, a.step_ms, a.connections))
        print_table(names, tables)
        # What every server has: from the last one's begin to the first one's end.
        start_ms, end_ms = max(t[0] for t in times.values()), min(t[1] for t in times.values())
        for title in filter(None, a.queries.split(",")):
            cached = title == "cached"
            queries.print_table(title, names, queries.run(running, names, queries.SETS["standard" if cached else title],
                                                          start_ms, end_ms, a.query_seconds, cached))
        if a.keep and running:
            print("Running: " + ", ".join("%s on port %d (pid %d)" % (n, running[n].port, running[n].pid) for n in names))
            input("Return ends them.")
    finally:
        for server in running.values():
            server.close()


if __name__ == "__main__":
    main()
