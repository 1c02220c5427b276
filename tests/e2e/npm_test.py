#!/usr/bin/env python3
"""npm's prometheus-query asks this server, npm's prom-client is scraped by it. Skipped without node and npm, or when the packages
cannot be fetched (they are pinned in npm/package-lock.json and kept in a cache folder, never in the tree)."""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

import harness
import remote_write as rw

NOW = int(time.time()) // 60 * 60
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npm")


def installed():
    """The folder with node_modules, or None."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    with open(os.path.join(HERE, "package-lock.json"), "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()[:16]
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(base, "deucalion-test-npm", digest)
    if not os.path.exists(os.path.join(folder, "done")):
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        fresh = tempfile.mkdtemp(dir=os.path.dirname(folder))
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(os.path.join(HERE, name), fresh)
        try:
            done = subprocess.run(["npm", "ci"], cwd=fresh, capture_output=True, text=True, timeout=180)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != 0:
            print("npm ci: " + done.stderr.strip()[-300:])
            shutil.rmtree(fresh, ignore_errors=True)
            return None
        open(os.path.join(fresh, "done"), "w").close()
        try:
            os.rename(fresh, folder)
        except OSError:  # another run was faster
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


class NpmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.modules = installed()
        if cls.modules is None:
            raise unittest.SkipTest("node, npm or the packages cannot be had")

    def node(self, *args, **kwargs):
        env = {**os.environ, "NODE_PATH": os.path.join(self.modules, "node_modules")}
        return subprocess.Popen(["node", os.path.join(HERE, "clients.js")] + list(args), env=env, text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)

    def test_prometheus_query(self):
        server = harness.Server(flags=["--web.enable-remote-write-receiver"]).start()
        try:
            rows = [({"__name__": "up", "instance": "host%d" % i}, [((NOW - 600 + 15 * k) * 1000, float(i)) for k in range(41)]) for i in range(3)]
            self.assertEqual(rw.push(server, rows).status, 204)
            out, err = self.node("http://127.0.0.1:%d" % server.port, str(NOW)).communicate(timeout=60)
            self.assertTrue(out, err)
            got = json.loads(out)
            self.assertEqual([v for _, v in got["instant"]], [0, 1, 2])
            self.assertIn("host1", got["instant"][1][0])
            self.assertEqual(got["range"], ["matrix", 3, 5])
            self.assertEqual(got["labels"], ["__name__", "instance"])
            self.assertEqual(got["values"], ["host0", "host1", "host2"])
            self.assertEqual(got["series"], 3)
            self.assertIn("activeTargets", got["targets"])
            self.assertEqual((got["rules"], got["alerts"]), ([], []))
            self.assertIn("parse error", got["error"])
        finally:
            server.close()

    def test_prom_client(self):
        exposer = self.node("expose")
        port = int(exposer.stdout.readline())
        server = harness.Server("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: node, static_configs: [{targets: ['127.0.0.1:%d']}]}]\n"
                                % port, ["--enable-feature=exemplar-storage"]).start()
        try:
            harness.wait_until(lambda: server.query("jobs_total"))
            [jobs] = server.query("jobs_total")
            self.assertEqual((jobs["metric"]["kind"], jobs["value"][1]), ('é"\\', "3"))
            self.assertEqual(server.query('job_seconds_bucket{le="1.0"} or job_seconds_bucket{le="1"}')[0]["value"][1], "1")
            self.assertEqual(server.query("queue")[0]["value"][1], "2.5")
            self.assertGreater(len(server.query("{__name__=~'nodejs_.+'}")), 20)
            self.assertEqual(server.query("up")[0]["value"][1], "1")
            found = server.get("/api/v1/query_exemplars", query="jobs_total", start=time.time() - 600, end=time.time() + 60).json["data"]
            self.assertEqual(found[0]["exemplars"][0]["labels"], {"trace_id": "abc"})
            self.assertEqual(server.get("/api/v1/metadata", metric="jobs").json["data"]["jobs"][0]["type"], "counter")
        finally:
            exposer.communicate()
            server.close()


if __name__ == "__main__":
    harness.main()
