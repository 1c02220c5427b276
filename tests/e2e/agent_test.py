#!/usr/bin/env python3
"""--agent: scrapes and sends, keeps what could not be sent yet, answers no queries."""
import os
import signal
import unittest

import harness

VALUE = {"n": 1}


class Agent(harness.Server):
    def command(self):
        return [harness.BINARY, "--agent", "--config.file=" + self.config_path, "--storage.agent.path=" + os.path.join(self.folder, "data-agent"),
                "--web.listen-address=127.0.0.1:%d" % self.port] + self.flags


class AgentTest(unittest.TestCase):
    def start(self, kind, *args, **kwargs):
        server = kind(*args, **kwargs).start()
        self.addCleanup(server.close)
        return server

    def config(self, exporter, receiver):
        return ("global: {scrape_interval: 200ms, scrape_timeout: 200ms, external_labels: {site: edge}}\n"
                "scrape_configs: [{job_name: app, static_configs: [{targets: ['%s']}]}]\n"
                "remote_write: [{url: 'http://127.0.0.1:%d/api/v1/write', queue_config: {batch_send_deadline: 100ms, max_backoff: 200ms}}]\n"
                % (exporter.address, receiver.port))

    def test_scrapes_and_sends_also_what_it_could_not_send_at_first(self):
        exporter = harness.Exporter(lambda: "m %d\n" % VALUE["n"])
        self.addCleanup(exporter.close)
        receiver = self.start(harness.Server, flags=["--web.enable-remote-write-receiver"])
        agent = self.start(Agent, self.config(exporter, receiver))
        harness.wait_until(lambda: receiver.query('m{site="edge", job="app"}'), what="the first sample at the receiver")
        # Counted as Prometheus's agent counts.
        metrics = agent.get("/metrics").text
        for line in ["# TYPE prometheus_agent_active_series gauge", "# TYPE prometheus_agent_samples_appended_total counter",
                     "# TYPE prometheus_agent_exemplars_appended_total counter", "# TYPE prometheus_agent_out_of_order_samples_total counter",
                     "# TYPE prometheus_agent_truncate_duration_seconds summary", "# TYPE prometheus_agent_corruptions_total counter",
                     "# TYPE prometheus_agent_data_replay_duration_seconds gauge", "# TYPE prometheus_agent_checkpoint_creations_total counter",
                     "# TYPE prometheus_agent_checkpoint_creations_failed_total counter", "# TYPE prometheus_agent_checkpoint_deletions_total counter",
                     "# TYPE prometheus_agent_checkpoint_deletions_failed_total counter"]:
            self.assertIn(line + "\n", metrics)
        self.assertRegex(metrics, r'(?m)^prometheus_agent_samples_appended_total\{type="float"\} [1-9]')
        self.assertRegex(metrics, r"(?m)^prometheus_agent_active_series [1-9]")
        self.assertNotIn("prometheus_agent_", receiver.get("/metrics").text)
        self.assertTrue(os.path.isdir(os.path.join(agent.folder, "data-agent")))
        self.assertNotIn("not supported yet", agent.log())
        # Away: what is scraped meanwhile comes later, even over a restart of the agent.
        receiver.kill()
        VALUE["n"] = 2
        before = exporter.scrapes
        harness.wait_until(lambda: exporter.scrapes > before + 5, what="scrapes while the receiver is away")
        self.assertEqual(agent.process.poll(), None)
        agent.kill()
        VALUE["n"] = 3
        agent.start()
        receiver.start()
        harness.wait_until(lambda: receiver.query("m == 3"), what="the present at the receiver")
        harness.wait_until(lambda: receiver.query("count_over_time((m == 2)[5m:200ms])"), what="what was scraped meanwhile")

    def test_what_needs_a_queryable_storage_is_unavailable(self):
        agent = self.start(Agent, flags=["--web.enable-admin-api"])
        for method, path in [("GET", "query?query=up"), ("POST", "query"), ("GET", "query_range"), ("GET", "query_exemplars"), ("GET", "format_query"),
                             ("GET", "parse_query"), ("GET", "series"), ("DELETE", "series"), ("GET", "labels"), ("GET", "label/a/values"), ("GET", "rules"),
                             ("GET", "alerts"), ("GET", "alertmanagers"), ("GET", "status/tsdb"), ("POST", "admin/tsdb/snapshot"),
                             ("POST", "admin/tsdb/delete_series"), ("POST", "admin/tsdb/clean_tombstones")]:
            answer = agent.request(method, "/api/v1/" + path)
            self.assertEqual((answer.status, answer.json), (422, {"status": "error", "errorType": "execution",
                                                                  "error": "unavailable with Prometheus Agent"}), path)
        for path in ["targets", "scrape_pools", "targets/metadata", "metadata", "status/config", "status/flags", "status/runtimeinfo", "status/buildinfo",
                     "status/walreplay", "features", "notifications"]:
            self.assertEqual(agent.get("/api/v1/" + path).status, 200, path)
        answer = agent.get("/federate", **{"match[]": "up"})
        self.assertEqual((answer.status, answer.text), (500, "unsupported operation with WAL-only storage\n"))
        self.assertEqual(agent.request("POST", "/api/v1/read").status, 500)
        self.assertEqual(agent.get("/-/healthy").text, "Prometheus Agent is Healthy.\n")
        self.assertEqual(agent.get("/-/ready").text, "Prometheus Agent is Ready.\n")
        self.assertIn("agent mode", agent.get("/agent").text)
        self.assertEqual(agent.get("/query").status, 404)
        features = agent.get("/api/v1/features").json["data"]["prometheus"]
        self.assertEqual((features["agent_mode"], features["server_mode"]), (True, False))
        agent.process.send_signal(signal.SIGTERM)
        self.assertEqual(agent.process.wait(30), 0)

    def test_configurations_and_flags_of_a_server_are_refused(self):
        for config, flags, status, text in [
            ("rule_files: [a.yml]\n", [], 2, "field rule_files is not allowed in agent mode"),
            ("remote_read: [{url: 'http://a'}]\n", [], 2, "field remote_read is not allowed in agent mode"),
            ("", ["--storage.tsdb.path=x"], 3, "The following flag(s) can not be used in agent mode: [--storage.tsdb.path]"),
        ]:
            agent = Agent(config, flags=flags)
            self.addCleanup(agent.close)
            agent.start(wait=False)
            self.assertEqual(agent.process.wait(30), status)
            self.assertIn(text, agent.log().replace('\\"', '"').replace('"', ""))


if __name__ == "__main__":
    harness.main()
