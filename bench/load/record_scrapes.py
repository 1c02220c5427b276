#!/usr/bin/env python3
"""Records scrapes of one target on this machine for replay_scrapes and bench/scenario/disk.py.

  bench/load/record_scrapes.py OUTPUT [--url http://127.0.0.1:9100/metrics] [--every 15] [--scrapes 960]

Each scrape is a line "#SCRAPE <unix ms> <bytes>" and the body.
"""
import argparse
import time
import urllib.request

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("output")
p.add_argument("--url", default="http://127.0.0.1:9100/metrics")
p.add_argument("--every", type=float, default=15)
p.add_argument("--scrapes", type=int, default=960)
a = p.parse_args()
due = time.time()
with open(a.output, "ab") as out:
    for _ in range(a.scrapes):
        with urllib.request.urlopen(a.url, timeout=10) as answer:
            body = answer.read()
        out.write(b"#SCRAPE %d %d\n" % (int(time.time() * 1000), len(body)) + body)
        out.flush()
        due += a.every
        time.sleep(max(0, due - time.time()))
