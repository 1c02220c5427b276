#!/usr/bin/env python3
"""By hand: asks this server and Debian's prometheus (2.42) random queries over random floats and wants the same answers.

   random_queries.py BINARY [SEED [N]]

The target `random_queries`, built only when asked for, is looked for beside BINARY. What 2.42 does not know, or answers otherwise
than 3.x does, is left out: the lists are below. Evaluation times lie where no sample is on the edge of a window.
"""
import collections
import http.client
import json
import math
import os
import random
import re
import struct
import subprocess
import sys
import time
import urllib.parse

import harness
import remote_write

# Not of 2.42.
NEWER = re.compile(
    r"smoothed|anchored|fill|first_over_time|mad_over_time|ts_of_|double_exponential|limitk|limit_ratio|sort_by|start_timestamp|min_of|max_of"
    r"|\b(step|range|start|end)\(\)(?<!@ start\(\))(?<!@ end\(\))|\[[^\]]*[-+*^%(]|\[\d+[\]:]|:\d+\]|offset -?\d+(?![\dsm])")
# 3.x answers otherwise: counters near zero are extrapolated less far; one NaN has no deviation of 0; atan2 drops names; what @ fixes
# (parameters, too) stays where it is in a range query; the left edge of a window (here of a subquery in another) is not in it.
CHANGED = re.compile(r"\b(rate|increase|stddev|stdvar|stddev_over_time|stdvar_over_time|predict_linear)\b|atan2|"
                     r"(topk|bottomk|quantile|quantile_over_time)\b.*@|\[[^\]]*:.*\[[^\]]*:")


class Peer(harness.Server):
    def command(self):
        return ["prometheus", "--config.file=" + self.config_path, "--storage.tsdb.path=" + os.path.join(self.folder, "data"),
                "--web.listen-address=127.0.0.1:%d" % self.port] + self.flags


def generate(seed, count):
    """(rows for remote_write.push, expressions)"""
    program = os.path.join(os.path.dirname(harness.BINARY), "random_queries")
    text = subprocess.run([program, str(seed), str(count)], capture_output=True, text=True, check=True).stdout
    rows, queries = [], []
    for line in text.splitlines():
        kind, *rest = line.split("\t")
        if kind == "series":
            rows.append((dict(zip(rest[::2], rest[1::2])), []))
        elif kind == "sample":
            value = struct.unpack("<d", struct.pack("<Q", int(rest[1], 16)))[0]
            rows[-1][1].append((BASE_MS + 100 + int(rest[0]), value))
        else:
            queries.append(rest[0])
    return [row for row in rows if row[1]], queries


class Client:
    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def get(self, path):
        self.connection.request("GET", path)
        return json.loads(self.connection.getresponse().read())


def points(data):
    """(labels, time) -> value"""
    if data["resultType"] == "scalar":
        return {("", data["result"][0]): float(data["result"][1])}
    return {(json.dumps(s["metric"], sort_keys=True), t): float(v)
            for s in data["result"] for t, v in s.get("values", [s.get("value")])}


def close(a, b):
    if a is None or b is None or math.isnan(a) or math.isnan(b):
        return a is not None and b is not None and math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= 1e-6 * max(1, abs(a), abs(b))


def difference(ours, theirs):
    """What differs, in words; None when nothing does that 3.x has not changed."""
    if ours["status"] != theirs["status"]:
        # 2.42 refuses series that are alike without their names also where they never meet, and looks for double matches only among
        # those that a filter lets through.
        if "same labelset" in theirs.get("error", "") or "multiple matches" in ours.get("error", ""):
            return None
        return "ours: %s, theirs: %s" % (ours.get("error", "ok"), theirs.get("error", "ok"))
    if ours["status"] != "success":
        return None
    a, b = points(ours["data"]), points(theirs["data"])
    for key in sorted(set(a) | set(b)):
        if not close(a.get(key), b.get(key)):
            return "%s at %.3f: ours %s, theirs %s" % (key[0], key[1] - BASE_MS / 1000, a.get(key), b.get(key))
    return None


def requests(query, dice):
    """The same expression as an instant and as a range query."""
    query = re.sub(r"@ (\d+)", lambda m: "@ %.3f" % (BASE_MS / 1000 + int(m.group(1)) + 0.5), query)
    start = BASE_MS / 1000 + dice.randrange(900) + 0.5
    step = 7 + dice.randrange(90)
    times = {"start": "%.3f" % start, "end": "%.3f" % (start + dice.randrange(8) * step), "step": step}
    yield "/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": times["start"]})
    yield "/api/v1/query_range?" + urllib.parse.urlencode({"query": query, **times})


def main():
    harness.BINARY = os.path.abspath(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
    flags = ["--web.enable-remote-write-receiver", "--query.lookback-delta=1m"]
    servers = [harness.Server(flags=flags).start(), Peer(flags=flags).start()]
    outcomes = collections.Counter()
    try:
        rows, queries = generate(seed, count)
        for server in servers:
            for i in range(0, len(rows), 5):
                assert remote_write.push(server, rows[i:i + 5]).status in (200, 204)
        clients = [Client(server) for server in servers]
        dice = random.Random(seed)
        for query in queries:
            if NEWER.search(query) or CHANGED.search(query):
                outcomes["left out"] += 1
                continue
            for request in requests(query, dice):
                found = difference(*(client.get(request) for client in clients))
                outcomes["differs" if found else "agrees"] += 1
                if found:
                    print("%s\n    %s" % (urllib.parse.unquote_plus(request), found))
    finally:
        for server in servers:
            server.close()
    print(dict(outcomes))
    sys.exit(1 if outcomes["differs"] else 0)


BASE_MS = (int(time.time()) // 3600 - 2) * 3600 * 1000
if __name__ == "__main__":
    main()
