#!/usr/bin/env python3
"""Runs the scenarios of the storage engine through HTTP and prints what each is to reach.

  bench/scenario/run.py                    all of them, some minutes
  bench/scenario/run.py churn disk         these
  bench/scenario/run.py node --recording node.scrapes   a recording of bench/load/record_scrapes.py
  bench/scenario/run.py --peers disk       the same into Debian's prometheus and victoria-metrics too

Needs a `bench` build: cmake --preset bench && cmake --build build/bench. Traffic stays on 127.0.0.1. CPU is that of the whole
server process, user and system. RSS is anonymous memory unless it says otherwise.
"""
import argparse
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench/compare"))
import servers  # noqa: E402

HOUR_MS = 3_600_000


class Scenario:
    def __init__(self, a):
        self.a = a

    def server(self, name="deucalion", config="global: {scrape_interval: 15s}\n", extra=()):
        return servers.Server(name, os.path.join(self.a.bin, "deucalion"), config, extra)

    def names(self):
        peers = [n for n in ("prometheus", "victoria") if servers.available(n)] if self.a.peers else []
        return ["deucalion"] + peers

    def load(self, server, series, samples, end_ms=None, step_ms=15000, **options):
        """Data that ends now, so that nobody's retention or time limits are in the way."""
        end_ms = end_ms or int(time.time()) // 60 * 60 * 1000
        arguments = {"port": server.port, "series": series, "samples": samples, "step-ms": step_ms,
                     "start-ms": end_ms - (samples - 1) * step_ms, "connections": 4}
        arguments.update({k.replace("_", "-"): v for k, v in options.items()})
        out = subprocess.run([os.path.join(self.a.bin, "loadgen")] +
                             ["--%s=%d" % item for item in arguments.items()], stdout=subprocess.PIPE, text=True)
        answer = json.loads(out.stdout)
        if answer["failed"]:
            raise SystemExit("%s: %d requests failed: %s" % (server.name, answer["failed"], answer["error"]))
        return answer

    def number(self, server, query):
        status, body = server.get("/api/v1/query", {"query": query, "nocache": 1}, timeout=600)
        if status != 200:
            raise SystemExit("%s: %s: %s" % (server.name, query, body[:300]))
        result = json.loads(body)["data"]["result"]
        return int(float(result[0]["value"][1])) if result else 0

    def count(self, server, metric, seconds):
        return self.number(server, "sum(count_over_time(%s[%ds]))" % (metric, seconds))

    # ---- the scenarios: each yields (what, figure, unit, milestone, goal) ----

    def ingest(self):
        """50,000 series x 1 h."""
        for name in self.names():
            server = self.server(name)
            try:
                server.start()
                cpu = server.cpu_seconds()
                load = self.load(server, 50_000, 240)
                cpu = server.cpu_seconds() - cpu
                yield name + ": remote write", load["accepted"] / cpu / 1e6, "M samples per CPU s", 1, 2
                yield name + ": WAL", server.wal_written() / load["accepted"], "B/sample", 8.9 * 0.3, 8.9 * 0.17
            finally:
                server.close()

    def memory(self):
        """500,000 fresh series x 8 samples; then kill -9 without a checkpoint, and with one."""
        server = self.server()
        try:
            server.start()
            empty = server.memory()[0]
            cpu = server.cpu_seconds()
            load = self.load(server, 500_000, 8)
            cpu = server.cpu_seconds() - cpu
            yield "CPU per sample, series created", cpu / load["accepted"] * 1e6, "us", None, None
            yield "memory per active series", (server.memory()[0] - empty) / 500_000, "B", 600, 450
            server.kill()
            yield "kill -9 restart without checkpoint", server.start(), "s", 3, 1
            yield "CPU until ready", server.cpu_seconds(), "s", None, None
            server.stop()  # writes a checkpoint
            server.start()
            self.load(server, 500_000, 1, end_ms=(int(time.time()) // 60 + 1) * 60_000)
            server.kill()
            yield "kill -9 restart with checkpoint", server.start(), "s", 1.5, 1
            yield "CPU until ready", server.cpu_seconds(), "s", None, None
        finally:
            server.close()

    def churn(self):
        """100,000 active series for an hour of sample time, a tenth of them replaced every minute, against no churn."""
        figures = {}
        for percent in (0, 10):
            server = self.server()
            try:
                server.start()
                load = self.load(server, self.a.churn_series, 240, churn_percent=percent)
                # The look at the head is once a minute.
                time.sleep(self.a.settle)
                anonymous, _ = server.memory()
                catalog = os.path.join(server.data, "deucalion", "catalog")
                figures[percent] = (anonymous, server.resident(), servers.folder_bytes(catalog)[0], load["series"],
                                    self.count(server, "container_metric_1", 4000) +
                                    self.count(server, "node_metric_1_total", 4000))
            finally:
                server.close()
        for percent, (anonymous, resident, catalog, series, found) in figures.items():
            what = "%d %% churn: " % percent
            yield what + "series in all", series, "", None, None
            yield what + "samples found of two metrics", found, "", None, None
            yield what + "anonymous", anonymous / 1e6, "MB", None, None
            yield what + "resident", resident / 1e6, "MB", None, None
            yield what + "RocksDB on disk", catalog / 1e6, "MB", None, None
        yield "anonymous, with churn to without", figures[10][0] / figures[0][0], "x", 1.5, None
        yield "resident, with churn to without", figures[10][1] / figures[0][1], "x", 1.5, None

    def restart(self):
        """kill -9 with 50,000 series x 4 h."""
        server = self.server()
        try:
            server.start()
            self.load(server, 50_000, 960)
            # An hour more than the data: the window moves on while all this takes its time.
            before = self.count(server, "node_metric_1_total", 5 * 3600)
            server.kill()
            yield "kill -9 restart, 50 k series x 4 h", server.start(), "s", 0.6, 0.3
            yield "CPU until ready", server.cpu_seconds(), "s", None, None
            found = self.count(server, "node_metric_1_total", 5 * 3600)
            yield "samples found / before", found / before, "", 1, 1
        finally:
            server.close()

    def disk(self):
        """50,000 series x 4 h of noisy data, as blocks with their index."""
        for name in self.names():
            server = self.server(name)
            try:
                server.start()
                load = self.load(server, self.a.disk_series, 960)
                time.sleep(self.a.settle)
                cpu = server.cpu_seconds()
                size = server.flushed()
                yield name + ": disk", size / load["accepted"], "B/sample", 1.3, 1.05
                yield name + ": CPU to write it", server.cpu_seconds() - cpu, "s", None, None
            finally:
                server.close()

    def node(self):
        """A recording of a real node_exporter."""
        if not self.a.recording:
            print("node: needs --recording")
            return
        for name in self.names():
            server = self.server(name)
            try:
                server.start()
                out = subprocess.run([os.path.join(self.a.bin, "replay_scrapes"), "--file=" + self.a.recording,
                                      "--port=%d" % server.port, "--end-ms=%d" % (int(time.time()) // 60 * 60_000)],
                                     stdout=subprocess.PIPE, text=True, check=True)
                load = json.loads(out.stdout)
                time.sleep(self.a.settle)
                yield name + ": disk, %d scrapes of %d series" % (load["scrapes"], load["series"]), \
                    server.flushed() / load["accepted"], "B/sample", 0.75, 0.62
            finally:
                server.close()

    def latency(self):
        """200,000 samples/s, paced, while the head is cut and blocks are compacted (half-hour blocks)."""
        server = self.server(extra=["--storage.tsdb.min-block-duration=30m", "--storage.tsdb.max-block-duration=4h"])
        try:
            server.start()
            load = self.load(server, 100_000, 600, rate=200_000)
            yield "head cuts meanwhile", server.metric("prometheus_tsdb_head_truncations_total"), "", None, None
            yield "compactions meanwhile", server.metric("prometheus_tsdb_compactions_total"), "", None, None
            yield "request p50", load["p50_ms"], "ms", None, None
            yield "request p99", load["p99_ms"], "ms", 50, None
            yield "request max", load["max_ms"], "ms", None, None
        finally:
            server.close()

    def scrape(self):
        """50 targets x 2,000 series, every second."""
        # Below the ports that the system gives out itself; the next hundred when one is taken.
        for base in range(21000, 32000, 100):
            targets = subprocess.Popen([os.path.join(self.a.bin, "scrape_targets"), "--port=%d" % base],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if targets.stdout.readline() == b"ready\n":
                break
            targets.wait()
        try:
            config = ("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: node\n  static_configs:\n"
                      "  - targets: [%s]\n" % ", ".join("'127.0.0.1:%d'" % (base + i) for i in range(50)))
            for name in self.names():
                extra = ["-promscrape.config=" + "{config}"] if name == "victoria" else []
                server = self.server(name, config, extra)
                server.argv = [x.replace("{config}", os.path.join(server.folder, "config.yml")) for x in server.argv]
                try:
                    server.start()
                    time.sleep(self.a.settle)
                    cpu, workers = server.cpu_seconds(), server.cpu_seconds_of_threads("scrape")
                    begin = time.time()
                    time.sleep(self.a.scrape_seconds)
                    seconds, cpu = time.time() - begin, server.cpu_seconds() - cpu
                    workers = server.cpu_seconds_of_threads("scrape") - workers
                    samples = self.number(server, "sum(sum_over_time(scrape_samples_scraped[%ds]))" % seconds)
                    yield name + ": samples/s scraped", samples / int(seconds), "", None, None
                    samples *= seconds / int(seconds)
                    # The workers take a response that has been received, parse it, append it and write the WAL.
                    if name == "deucalion":
                        yield name + ": parse, append, WAL", samples / workers / 1e6, "M samples per CPU s", 2.2, 4
                    yield name + ": whole server, receiving included", samples / cpu / 1e6, "M samples per CPU s", None, None
                    yield name + ": anonymous", server.memory()[0] / 1e6, "MB", None, None
                finally:
                    server.close()
        finally:
            targets.kill()
            targets.wait()


NAMES = ["ingest", "memory", "churn", "restart", "disk", "node", "latency", "scrape"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("scenarios", nargs="*", metavar="|".join(NAMES))
    p.add_argument("--bin", default=os.path.join(ROOT, "build/bench/bin"))
    p.add_argument("--peers", action="store_true")
    p.add_argument("--recording")
    p.add_argument("--settle", type=float, default=10)
    p.add_argument("--churn-series", type=int, default=100_000)
    p.add_argument("--disk-series", type=int, default=50_000)
    p.add_argument("--scrape-seconds", type=float, default=30)
    a = p.parse_args()
    unknown = set(a.scenarios) - set(NAMES)
    if unknown:
        p.error("no scenario called " + ", ".join(sorted(unknown)))
    scenario = Scenario(a)
    for name in a.scenarios or NAMES:
        run = getattr(scenario, name)
        print("\n%s: %s\n\n| | measured | milestone | goal |\n|---|---:|---:|---:|" % (name, run.__doc__))
        for what, figure, unit, milestone, goal in run():
            figure = "{:,.0f}".format(figure) if figure >= 1000 else "%.3g" % figure
            print("| %s | %s %s | %s | %s |" % (what, figure, unit, "" if milestone is None else "%.3g" % milestone,
                                               "" if goal is None else "%.3g" % goal), flush=True)


if __name__ == "__main__":
    main()
