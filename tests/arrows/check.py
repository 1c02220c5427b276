#!/usr/bin/env python3
"""Reads every #include "..." of the tree and the table of allowed arrows below: a room may include itself and
the rooms its line names. Headers of heavy libraries may be included only in the files listed for them.
Prints each broken arrow; exit status 1 if there is one."""
import os
import re
import sys

ROOMS = {  # room: what it may include besides itself
    "base": [],
    "model": ["base"],
    "tsdb/chunk": ["base", "model"],
    "tsdb/storage": ["base", "model"],
    "tsdb": ["base", "model", "tsdb/chunk", "tsdb/storage"],
    "promql": ["base", "model", "tsdb/storage"],
    "scrape": ["base", "model", "tsdb/storage"],
    "server": ["base", "model", "tsdb/storage", "promql", "scrape", "server/remote"],
    # Remote read streams samples in Prometheus's chunk encodings.
    "server/remote": ["base", "model", "tsdb/chunk", "tsdb/storage", "scrape", "server"],
}
# Files of the server that may name the concrete engine.
WIRING = re.compile(r"^server/(main\.cc|wiring\.(cc|h)|tool/.*)$")

LIBRARIES = {  # include prefix: where it may stand
    "rocksdb/": r"^tsdb/catalog/",
    "boost/": r"^promql/parser/grammar_spirit\.cc$",
    "httplib.h": r"^server/http/.*$",
    "re2/": r"^model/regex\.cc$",
    "yaml-cpp/": r"\.cc$",
    "nlohmann/": r"\.cc$",
    "curl/": r"^scrape/fetch/",
    "spdlog/": r"^base/log\.cc$",
    "google/protobuf/": r"^(tests|scrape|server)/.*\.cc$",
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def room_of(path):
    best = None
    for room in ROOMS:
        if path.startswith(room + "/") and (best is None or len(room) > len(best)):
            best = room
    return "tsdb/storage" if path == "tsdb/storage.h" else best


def sources(root):
    for top in {room.split("/")[0] for room in ROOMS}:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".h", ".cc")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    broken, files = [], 0
    for path in sorted(sources(root)):
        files += 1
        room = room_of(path)
        with open(os.path.join(root, path), encoding="utf-8") as f:
            text = f.read()
        for ours, theirs in INCLUDE.findall(text):
            target = room_of(ours) if ours else None
            if target and target != room and target not in ROOMS[room]:
                if not (target in ("tsdb", "tsdb/chunk") and WIRING.match(path)):
                    broken.append("%s (%s) includes %s (%s)" % (path, room, ours, target))
            for prefix, allowed in LIBRARIES.items():
                if (theirs or ours).startswith(prefix) and not re.match(allowed, path) and not re.search(allowed, path):
                    broken.append("%s includes <%s>, allowed only in %s" % (path, theirs or ours, allowed))
    for line in broken:
        print(line)
    print("%d files, %d broken arrows" % (files, len(broken)))
    return 1 if broken or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
