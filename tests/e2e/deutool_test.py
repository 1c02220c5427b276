#!/usr/bin/env python3
"""deutool against a running server; where promtool is installed, both must print the same."""
import json
import os
import shutil
import subprocess
import time
import unittest

import harness

METRICS = """# HELP level_ratio A level.
# TYPE level_ratio gauge
level_ratio{path="/a"} 0.25
level_ratio{path="<b> & \\"c\\""} +Inf
# HELP size_bytes Sizes.
# TYPE size_bytes histogram
size_bytes_bucket{le="1"} 1
size_bytes_bucket{le="10"} 3
size_bytes_bucket{le="+Inf"} 4
size_bytes_sum 30
size_bytes_count 4
"""
CONFIG = """
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: app
    convert_classic_histograms_to_nhcb: true
    static_configs: [{targets: ['%s']}]
"""


def run(tool, *args):
    done = subprocess.run([tool] + list(args), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class DeutoolTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deutool = os.path.join(os.path.dirname(harness.BINARY), "deutool")
        if not harness.BINARY or not os.path.exists(cls.deutool):
            raise unittest.SkipTest("no deutool beside the server's binary")
        cls.promtool = shutil.which("promtool")
        cls.exporter = harness.Exporter(lambda: METRICS)
        cls.server = harness.Server(CONFIG % cls.exporter.address).start()
        cls.url = "http://127.0.0.1:%d" % cls.server.port
        harness.wait_until(lambda: cls.server.query("count_over_time(up[1m]) >= 2"))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.exporter.close()

    def check(self, *args, exit_code=0):
        """Output of deutool, which is also that of promtool."""
        code, out, err = run(self.deutool, *args)
        self.assertEqual(code, exit_code, err)
        if self.promtool:
            self.assertEqual((code, out, err), run(self.promtool, *args))
        return out if exit_code == 0 else err

    def test_instant_queries(self):
        at = "--time=%.3f" % (time.time() - 0.5)
        for query in ("1.5", "vector(1)", "up", "level_ratio", "nosuch", "up[5s]", "1/0", "0 - 1e-9", "1e300",
                      "sort_desc(level_ratio * 3)"):
            for form in ("promql", "json"):
                out = self.check("query", "-o", form, "instant", self.url, query, at)
                if form == "json":
                    json.loads(out)
        self.assertRegex(self.check("query", "instant", at, self.url, "sum(level_ratio{path='/a'})"),
                         r"^\{\} => 0.25 @\[\d+(\.\d+)?\]\n$")

    def test_range_queries(self):
        end = int(time.time())
        for form in ("promql", "json"):
            out = self.check("query", "range", "--format=" + form, self.url, "level_ratio or vector(2)",
                             "--start=%d" % (end - 10), "--end=%d" % end, "--step=5s", "--header", "X-Scope: a")
            self.assertIn("2", out)
            self.check("query", "range", "--format=" + form, self.url, "up", "--start=%d" % (end - 3),
                       "--end=%d.5" % end)
        self.assertIn("not before", self.check("query", "range", self.url, "up", "--start=5", "--end=4", exit_code=1))

    def test_values_that_old_promtools_do_not_know(self):
        self.assertEqual(run(self.deutool, "query", "instant", self.url, '"text"'), (0, "text\n", ""))
        code, out, _ = run(self.deutool, "query", "instant", self.url, "sum(size_bytes)", "--time=%d" % time.time())
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^\{\} => Count: 4\.000000, Sum: 30\.000000, "
                              r"Buckets: \[\[-Inf,1\]:1 \(1,10\]:2 \(10,\+Inf\]:1\] @\[\d+\]\n$")

    def test_series_and_labels(self):
        for form in ("promql", "json"):
            self.assertIn("level_ratio", self.check("query", "-o", form, "series", "--match=level_ratio",
                                                    "--match", 'up{job="app"}', self.url))
            self.assertIn("app", self.check("query", "-o", form, "labels", self.url, "job"))
            self.check("query", "-o", form, "labels", self.url, "path", "--match=level_ratio", "--start=1")
            self.check("query", "-o", form, "labels", self.url, "nosuch")
            self.check("query", "-o", form, "series", "--match=nosuch", self.url)

    def test_errors(self):
        self.assertIn("parse error", self.check("query", "instant", self.url, "sum(", exit_code=1))
        self.assertIn("client error: 404", self.check("query", "instant", self.url + "/nosuch", "up", exit_code=1))
        self.check("query", "instant", self.url, "up", "--time=soon", exit_code=1)
        self.check("query", "series", "--match={", self.url, exit_code=1)
        unused = "http://127.0.0.1:%d" % harness.free_port()
        self.assertIn("connection refused", self.check("query", "instant", unused, "up", exit_code=1))

    def test_health(self):
        for command in ("healthy", "ready"):
            code, out, err = run(self.deutool, "check", command, "--url", self.url)
            self.assertEqual((code, out), (0, ""))
            self.assertRegex(err, r"^  SUCCESS:  Prometheus Server is (Healthy|Ready)\.\n")
        code, _, err = run(self.deutool, "check", "ready", "--url", self.url + "/nosuch")
        self.assertEqual((code, err), (1, "check failed: URL=%s/nosuch, status=404\n" % self.url))

    def test_the_servers_own_metrics_parse(self):
        done = subprocess.run([self.deutool, "check", "metrics", "--extended", "--lint=none"], timeout=60,
                              input=self.server.get("/metrics").text, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\nTotal +\d+ +100% +\n$")

    def test_the_servers_own_config_is_valid(self):
        out = self.check("check", "config", "--syntax-only", self.server.config_path) if not self.promtool else \
            run(self.deutool, "check", "config", self.server.config_path)[1]
        self.assertIn(" SUCCESS: %s is valid prometheus config file syntax\n" % self.server.config_path, out)


if __name__ == "__main__":
    harness.main()
