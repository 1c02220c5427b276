#!/usr/bin/env python3
"""Signals while the database is still opening."""
import glob
import os
import signal
import time
import unittest

import harness
import remote_write as rw


class StartSignalsTest(unittest.TestCase):
    def test_a_replay_that_takes_long_does_not_hold_up_sigterm(self):
        server = harness.Server(flags=["--web.enable-remote-write-receiver"]).start()
        self.addCleanup(server.close)
        now = int(time.time() * 1000)
        self.assertEqual(rw.push(server, [({"__name__": "m"}, [(now, 1)])]).status, 204)
        server.kill()
        # A segment that never ends: reading a pipe that nobody writes to.
        segments = sorted(glob.glob(os.path.join(server.folder, "data", "deucalion", "wal", "**", "*"), recursive=True))
        segment = [path for path in segments if os.path.isfile(path)][0]
        os.rename(segment, segment + ".aside")
        kept = os.path.join(server.folder, "aside")
        os.rename(segment + ".aside", kept)
        os.mkfifo(segment)
        for sent in (signal.SIGTERM, signal.SIGINT):
            server.start(wait=False)
            harness.wait_until(lambda: "Starting TSDB" in server.log(), what="the replay")
            harness.wait_until(lambda: self.status(server) == 503, what="the HTTP server")
            server.process.send_signal(sent)
            self.assertEqual(server.process.wait(10), 0)
        # What was there is still there.
        os.unlink(segment)
        os.rename(kept, segment)
        server.start()
        self.assertEqual(len(server.query("m", time=now / 1000)), 1)

    def status(self, server):
        try:
            return server.get("/-/ready").status
        except OSError:
            return 0


if __name__ == "__main__":
    harness.main()
