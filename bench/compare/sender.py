#!/usr/bin/env python3
"""What sending costs: each server takes the same load without and with one remote_write entry, whose receiver drops
everything; the difference in CPU is that of the sender.

  bench/compare/sender.py [--series 20000] [--samples 60] [--message io.prometheus.write.v2.Request]

Needs a `bench` build and Debian's `prometheus` (left out when it is not installed; it speaks 1.0 only). Traffic stays on
127.0.0.1.
"""
import argparse
import json
import os
import subprocess
import time

import servers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIG = """
global: {scrape_interval: 15s}
remote_write:
  - url: http://127.0.0.1:%d/write
%s    metadata_config: {send: false}
"""


def sent(server):
    total = 0
    for line in server.get("/metrics")[1].decode().splitlines():
        if line.startswith("prometheus_remote_storage_samples_total{"):
            total += float(line.rsplit(" ", 1)[1])
    return total


def run(name, a, config):
    """(samples accepted, CPU seconds until all of them were sent)"""
    server = servers.Server(name, a.binary, config or "global: {scrape_interval: 15s}\n")
    try:
        server.start()
        before = server.cpu_seconds()
        # After its start: Prometheus sends nothing older.
        out = subprocess.run([a.loadgen, "--port=%d" % server.port, "--series=%d" % a.series, "--samples=%d" % a.samples,
                              "--step-ms=1000", "--start-ms=%d" % (time.time() * 1000 + 5000), "--connections=2"],
                             stdout=subprocess.PIPE, text=True)
        accepted = json.loads(out.stdout)["accepted"]
        deadline = time.monotonic() + 300
        while config and sent(server) < accepted:
            if time.monotonic() > deadline:
                raise SystemExit("%s has sent %d of %d samples" % (name, sent(server), accepted))
            time.sleep(0.2)
        return accepted, server.cpu_seconds() - before
    finally:
        server.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default=os.path.join(ROOT, "build/bench/bin/deucalion"))
    p.add_argument("--loadgen", default=os.path.join(ROOT, "build/bench/bin/loadgen"))
    p.add_argument("--sink", default=os.path.join(ROOT, "build/bench/bin/http_bench_server"))
    p.add_argument("--servers", default="deucalion,prometheus")
    p.add_argument("--series", type=int, default=20000)
    p.add_argument("--samples", type=int, default=60)
    p.add_argument("--message", default="")
    a = p.parse_args()
    sink_port = servers.free_port()
    sink = subprocess.Popen([a.sink, str(sink_port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for name in a.servers.split(","):
            if not servers.available(name):
                print("%-12s is not installed" % name)
                continue
            message = "    protobuf_message: %s\n" % a.message if a.message and name == "deucalion" else ""
            _, without = run(name, a, "")
            accepted, with_sender = run(name, a, CONFIG % (sink_port, message))
            print("%-12s %9d samples, CPU s without %.2f, with %.2f: %.0f ns per sample sent" %
                  (name, accepted, without, with_sender, (with_sender - without) / accepted * 1e9), flush=True)
    finally:
        sink.terminate()
        sink.wait()


if __name__ == "__main__":
    main()
