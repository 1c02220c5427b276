#!/usr/bin/env python3
"""By hand: kills the server with -9 in the middle of ingest, N times in a row, and looks for every sample that any query had
shown before a kill.   kill_loop.py BINARY [N]"""
import json
import random
import sys
import threading
import time

import harness
import remote_write


def main():
    harness.BINARY = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    server = harness.Server(flags=["--web.enable-remote-write-receiver"])
    shown = {}  # series -> time -> value, of all rounds
    state = {"t": int(time.time() * 1000) - 3_600_000, "n": 0}
    for n in range(rounds):
        server.start()
        for r in server.query('{__name__=~"load.*"}[2h]'):
            now = dict((t, v) for t, v in r["values"])
            for t, v in shown.pop(json.dumps(r["metric"]), {}).items():
                assert now.get(t) == v, "round %d: %s lost %s %s, has %s" % (n, r["metric"], t, v, now.get(t))
        assert not shown, "round %d: %d series lost" % (n, len(shown))
        stop = threading.Event()

        def push():
            while not stop.is_set():
                state["t"] += 50
                state["n"] += 1
                rows = [({"__name__": "load%d" % i, "churn": str(state["n"] // 40)}, [(state["t"], state["n"] * 1.1)])
                        for i in range(5)]
                try:
                    remote_write.push(server, rows)
                except OSError:
                    return

        thread = threading.Thread(target=push)
        thread.start()
        time.sleep(random.uniform(0.05, 0.4))
        for r in server.query('{__name__=~"load.*"}[2h]'):
            shown[json.dumps(r["metric"])] = dict((t, v) for t, v in r["values"])
        server.kill()
        stop.set()
        thread.join()
    server.start()
    server.stop()
    server.close()
    print("%d kills, %d requests, nothing lost" % (rounds, state["n"]))


if __name__ == "__main__":
    main()
