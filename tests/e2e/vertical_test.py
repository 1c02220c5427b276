#!/usr/bin/env python3
"""The whole path: a scraped exporter, stored, queried, killed, restarted."""
import json
import os
import re
import shutil
import subprocess
import threading
import unittest

import harness


def scrape_config(address, interval="1s"):
    return """
global:
  scrape_interval: %s
  external_labels: {site: here}
scrape_configs:
  - job_name: app
    static_configs:
      - targets: ['%s']
        labels: {env: test}
""" % (interval, address)


class VerticalTest(unittest.TestCase):
    def setUp(self):
        self.counter = 0

        def render():
            self.counter += 1
            return ("# HELP hits_total Hits.\n# TYPE hits_total counter\n"
                    'hits_total{path="/"} %d\nhits_total{path="/é"} %d\n'
                    "# TYPE level gauge\nlevel -1.5\n" % (self.counter, 2 * self.counter))

        self.exporter = harness.Exporter(render)
        self.server = harness.Server(scrape_config(self.exporter.address))

    def tearDown(self):
        self.server.close()
        self.exporter.close()

    def test_scrapes_stores_and_answers(self):
        self.server.start()
        harness.wait_until(lambda: self.server.query("hits_total") and self.exporter.scrapes >= 3)
        by_path = {r["metric"]["path"]: r["metric"] for r in self.server.query("hits_total")}
        self.assertEqual(by_path["/é"], {"__name__": "hits_total", "path": "/é", "job": "app", "env": "test",
                                         "instance": self.exporter.address})
        self.assertEqual(self.server.query("level")[0]["value"][1], "-1.5")
        self.assertEqual(self.server.query("up")[0]["value"][1], "1")
        self.assertEqual(self.server.query("scrape_samples_scraped")[0]["value"][1], "3")
        rate = harness.wait_until(lambda: self.server.query("rate(hits_total[1m])"))
        self.assertTrue(all(float(r["value"][1]) > 0 for r in rate))
        target = self.server.get("/api/v1/targets").json["data"]["activeTargets"][0]
        self.assertEqual((target["health"], target["lastError"], target["scrapePool"]), ("up", "", "app"))
        metadata = self.server.get("/api/v1/metadata", metric="hits_total").json["data"]
        self.assertEqual(metadata, {"hits_total": [{"type": "counter", "help": "Hits.", "unit": ""}]})

    def test_nothing_a_query_showed_is_lost_by_kill_9(self):
        self.server.start()
        for _ in range(5):
            seen = harness.wait_until(lambda: self.server.query("hits_total[10m]"))
            self.server.kill()
            self.server.start()
            now = {json.dumps(r["metric"]): r["values"] for r in self.server.query("hits_total[10m]")}
            for r in seen:
                kept = now[json.dumps(r["metric"])]
                self.assertEqual([v for v in r["values"] if v not in kept], [])
            scrapes = self.exporter.scrapes
            harness.wait_until(lambda: self.exporter.scrapes > scrapes)

    def test_sigterm_flushes_and_ends_well(self):
        self.server.start()
        harness.wait_until(lambda: self.server.query("hits_total"))
        before = self.server.query("count_over_time(hits_total[10m])")
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        after = self.server.query("count_over_time(hits_total[10m])")
        self.assertGreaterEqual(int(after[0]["value"][1]), int(before[0]["value"][1]))

    def test_metrics_say_whether_the_last_end_was_clean(self):
        def clean():
            return [line.split()[1] for line in self.server.get("/metrics").text.splitlines()
                    if line.startswith("prometheus_tsdb_clean_start ")]
        self.server.start()
        self.assertEqual(clean(), ["1"])  # a new directory
        self.server.kill()
        self.server.start()
        self.assertEqual(clean(), ["0"])
        self.server.stop()
        self.server.start()
        self.assertEqual(clean(), ["1"])
        text = self.server.get("/metrics").text
        self.assertIn("\nprometheus_tsdb_retention_limit_seconds 1296000\n", text)
        replay = re.search(r"\nprometheus_tsdb_data_replay_duration_seconds (\S+)\n", text)
        self.assertTrue(replay and 0 < float(replay[1]) < harness.TIME_FACTOR, replay)

    def test_a_second_process_on_the_same_data_directory_is_refused(self):
        self.server.start()
        other = subprocess.run([a.replace(str(self.server.port), str(harness.free_port()))
                                for a in self.server.command()], capture_output=True, timeout=30)
        self.assertEqual(other.returncode, 1)
        self.assertIn(b"lock", other.stderr.lower())
        self.assertEqual(self.server.get("/-/ready").status, 200)

    def test_a_target_that_goes_away_turns_stale(self):
        self.server.start()
        harness.wait_until(lambda: self.server.query("hits_total"))
        self.exporter.close()
        harness.wait_until(lambda: self.server.query("up == 0"))
        self.assertEqual(self.server.query("hits_total"), [])

        def last_error():
            return self.server.get("/api/v1/targets").json["data"]["activeTargets"][0]["lastError"]
        harness.wait_until(lambda: "connection refused" in last_error())
        error = last_error()
        self.assertTrue(error.startswith('Get "http://%s/metrics": ' % self.exporter.address), error)


class ReloadTest(unittest.TestCase):
    def test_a_bad_configuration_keeps_the_old_one(self):
        exporter = harness.Exporter(lambda: "a 1\n")
        server = harness.Server(scrape_config(exporter.address), ["--web.enable-lifecycle"])
        try:
            server.start()
            harness.wait_until(lambda: server.query("a"))
            server.write_config("global: {scrape_intervall: 1s}\n")
            refused = server.request("POST", "/-/reload")
            self.assertEqual(refused.status, 500)
            self.assertIn("scrape_intervall", refused.text)
            self.assertIn("job_name: app", server.get("/api/v1/status/config").json["data"]["yaml"])
            self.assertIn("prometheus_config_last_reload_successful 0", server.get("/metrics").text)
            server.write_config(scrape_config(exporter.address).replace("job_name: app", "job_name: other"))
            self.assertEqual(server.request("POST", "/-/reload").status, 200)
            harness.wait_until(lambda: server.query('a{job="other"}'))
            self.assertIn("prometheus_config_last_reload_successful 1", server.get("/metrics").text)
        finally:
            server.close()
            exporter.close()

    def test_auto_reload_follows_the_file_and_those_it_names(self):
        exporter = harness.Exporter(lambda: "a 1\n")
        server = harness.Server("scrape_config_files: ['jobs_*.yml']\n",
                                ["--config.auto-reload", "--config.auto-reload-interval=1s"])
        jobs = os.path.join(server.folder, "jobs_1.yml")
        try:
            server.start()
            with open(jobs, "w") as f:
                f.write(scrape_config(exporter.address)[scrape_config("").index("scrape_configs"):])
            harness.wait_until(lambda: "app" in server.get("/api/v1/scrape_pools").text)
            self.assertIn("Configuration file change detected", server.log())
            with open(jobs, "w") as f:
                f.write("scrape_configs: [{job_nam: x}]\n")
            harness.wait_until(lambda: "Error reloading config" in server.log())
            self.assertIn("job_nam", server.log())
            self.assertIn("app", server.get("/api/v1/scrape_pools").text)
        finally:
            server.close()
            exporter.close()

    def test_queries_and_scrapes_go_on_through_reloads(self):
        exporter = harness.Exporter(lambda: "a 1\n")
        one = scrape_config(exporter.address, "100ms")
        two = one.replace("env: test", "env: other")
        server = harness.Server(one, ["--web.enable-lifecycle"])
        errors = []
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                for path in ("/api/v1/query?query=count(up)", "/api/v1/targets", "/api/v1/status/config", "/metrics"):
                    answer = server.get(path)
                    if answer.status != 200:
                        errors.append((path, answer.status, answer.text))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        try:
            server.start()
            harness.wait_until(lambda: server.query("a"))
            for t in threads:
                t.start()
            for n in range(20):
                server.write_config(two if n % 2 == 0 else one)
                self.assertEqual(server.request("POST", "/-/reload").status, 200)
            # Only now is it certain that there was time for a scrape under each.
            harness.wait_until(lambda: server.query('a{env="test"}'))
            server.write_config(two)
            self.assertEqual(server.request("POST", "/-/reload").status, 200)
            harness.wait_until(lambda: server.query('a{env="other"}'))
            self.assertEqual(errors, [])
        finally:
            stop.set()
            for t in threads:
                if t.ident is not None:
                    t.join()
            server.close()
            exporter.close()

    def test_options_without_machinery_are_named_once(self):
        server = harness.Server("rule_files: []\ntracing: {endpoint: 'localhost:4317'}\n",
                                ["--rules.max-concurrent-evals=9", "--enable-feature=search-api",
                                 "--query.max-concurrency=7"])
        try:
            server.start()
            log = server.log()
            for what in ("flag=--rules.max-concurrent-evals", "feature=search-api", "section=tracing"):
                self.assertEqual(log.count(what), 1, log)
            self.assertNotIn("query.max-concurrency", log)
            flags = server.get("/api/v1/status/flags").json["data"]
            self.assertEqual(flags["rules.max-concurrent-evals"], "9")
        finally:
            server.close()

    def test_a_bad_configuration_at_start_ends_with_status_2(self):
        server = harness.Server("scrape_configs: [{job_name: a}, {job_name: a}]\n")
        try:
            server.start(wait=False)
            self.assertEqual(server.process.wait(30), 2)
            self.assertIn('found multiple scrape configs with job name', server.log())
        finally:
            server.close()


class NodeExporterTest(unittest.TestCase):
    @unittest.skipUnless(shutil.which("prometheus-node-exporter"), "prometheus-node-exporter is not installed")
    def test_counts_what_a_real_exporter_shows(self):
        port = harness.free_port()
        exporter = subprocess.Popen(["prometheus-node-exporter", "--web.listen-address=127.0.0.1:%d" % port],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server = harness.Server(scrape_config("127.0.0.1:%d" % port))
        try:
            server.start()
            harness.wait_until(lambda: server.query("rate(node_cpu_seconds_total[1m])"))
            scraped = int(server.query("scrape_samples_scraped")[0]["value"][1])
            stored = int(server.query('count({__name__=~".+"}) - 5')[0]["value"][1])
            self.assertEqual(stored, scraped)
            self.assertGreater(stored, 100)
        finally:
            server.close()
            exporter.terminate()
            exporter.wait()


if __name__ == "__main__":
    harness.main()
