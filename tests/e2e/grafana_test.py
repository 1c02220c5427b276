#!/usr/bin/env python3
"""Grafana's Prometheus data source as a client: its requests, recorded, and the rules it relies on in the answers.

Three callers with different code: the plugin's backend (queries, health), the browser (discovery, variables) and Grafana's
alert list. Nothing of Grafana itself is needed.
"""
import concurrent.futures
import gzip
import json
import re
import time
import unittest
import urllib.parse

import harness
import remote_write as rw

NOW = int(time.time()) // 60 * 60
FORM = "application/x-www-form-urlencoded"
GRAFANA_HEADERS = {"X-Grafana-Org-Id": "1", "X-Dashboard-Uid": "dash1", "X-Panel-Id": "7", "X-Grafana-Cache": "private, max-age=60",
                   "User-Agent": "Grafana/13.2.3", "Accept-Encoding": "gzip"}


def setUpModule():
    global server, exporter
    exporter = harness.Exporter(lambda: "# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total 5\nbare 1\n"
                                        "# TYPE lat histogram\nlat_bucket{le=\"1\"} 1\nlat_bucket{le=\"+Inf\"} 2\nlat_sum 3\nlat_count 2\n")
    server = harness.Server("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: app, static_configs: [{targets: ['%s']}]}]\n"
                            % exporter.address, ["--web.enable-remote-write-receiver", "--enable-feature=exemplar-storage"]).start()
    rows = [({"__name__": "node_cpu", "instance": "host%d" % i, "mode": m}, [((NOW - 3600 + 15 * k) * 1000, 1.0 * k) for k in range(240)])
            for i in range(3) for m in ("idle", "user")]
    assert rw.push(server, rows).status == 204
    s = rw.Symbols()
    h = [rw.histogram((NOW - 60 + 15 * k) * 1000, 3, 4.5, 0, 0, [1, 1]) for k in range(4)]
    r = rw.push_v2(server, s, [rw.series_v2(s, {"__name__": "native"}, histograms=h), rw.series_v2(
        s, {"__name__": "traced_total"}, [((NOW - 30) * 1000, 1)], exemplars=[({"trace_id": "abc"}, 0.5, (NOW - 30) * 1000)])])
    assert r.status == 204, r.text
    harness.wait_until(lambda: server.query("hits_total"))


def tearDownModule():
    server.close()
    exporter.close()


def backend(path, form, url=None, method="POST"):
    """A call of the plugin's backend: form in the body, custom query parameters in the URL."""
    query = "?" + urllib.parse.urlencode(url) if url else ""
    headers = dict(GRAFANA_HEADERS)
    body = urllib.parse.urlencode(form, doseq=True)
    if method == "POST":
        headers["Content-Type"] = FORM
        return decoded(server.request("POST", path + query, body, headers))
    return decoded(server.request("GET", path + ("&" if query else "?") + body if not query else path + query + "&" + body, None, headers))


def decoded(answer):
    if answer.headers.get("Content-Encoding") == "gzip":
        answer.body = gzip.decompress(answer.body)
    return answer


def browser(path, **params):
    return decoded(server.request("GET", path + ("?" + urllib.parse.urlencode(params, doseq=True) if params else ""), None,
                                  {**GRAFANA_HEADERS, "Accept-Encoding": "gzip, deflate, br, zstd", "Accept": "application/json, text/plain, */*"}))


class Rules(unittest.TestCase):
    """What the front end and the backend's parser take for granted."""

    def check_envelope(self, answer):
        self.assertEqual(answer.status, 200, answer.text)
        self.assertTrue(answer.headers["Content-Type"].startswith("application/json"))
        self.assertEqual(answer.json["status"], "success")
        for key in ("warnings", "infos"):
            for text in answer.json.get(key, []):
                self.assertIsInstance(text, str)
        return answer.json["data"]

    def check_query(self, answer):
        data = self.check_envelope(answer)
        # The reverse order is buffered and parsed twice.
        self.assertLess(answer.text.index('"resultType"'), answer.text.index('"result":'))
        for series in data["result"] if data["resultType"] in ("vector", "matrix") else []:
            self.assertEqual(list(series)[0], "metric")
            for k, v in series["metric"].items():
                self.assertIsInstance(v, str, k)
            for t, v in series.get("values", []) + ([series["value"]] if "value" in series else []):
                self.assertIsInstance(t, (int, float))
                self.assertIsInstance(v, str)
                float(v)
            for t, h in series.get("histograms", []) + ([series["histogram"]] if "histogram" in series else []):
                for bucket in h["buckets"]:
                    self.assertEqual(len(bucket), 4)
                    self.assertIn(bucket[0], (0, 1, 2, 3))
        return data

    def check_texts(self, answer):
        data = self.check_envelope(answer)
        self.assertIsInstance(data, list)
        self.assertEqual(data, sorted(data))
        return data


class BackendTest(Rules):
    def test_save_and_test(self):
        self.assertEqual(self.check_query(backend("/api/v1/query", {"query": "1+1", "time": "4"}))["result"], [4, "2"])
        build = self.check_envelope(browser("/api/v1/status/buildinfo"))
        self.assertRegex(build["version"], r"^3\.\d+\.\d+$")
        self.assertFalse(build.get("features"), "would mean Mimir")

    def test_range_query_of_a_panel(self):
        step, start, end = 15, NOW - 900, NOW
        expr = 'sum by (mode) (rate(node_cpu{instance=~"host0|host1"}[1m0s]))'
        data = self.check_query(backend("/api/v1/query_range", {"query": expr, "start": str(start), "end": str(end), "step": str(step)}))
        self.assertEqual(data["resultType"], "matrix")
        self.assertEqual(len(data["result"]), 2)
        times = [v[0] for v in data["result"][0]["values"]]
        self.assertEqual((times[0], times[-1], len(times)), (start, end, 61))
        self.assertTrue(all(b - a == step for a, b in zip(times, times[1:])))

    def test_decimal_times_and_steps(self):
        data = self.check_query(backend("/api/v1/query_range", {"query": "node_cpu", "start": "%d.5" % (NOW - 60), "end": "%d.5" % NOW, "step": "0.5"}))
        self.assertEqual(data["result"][0]["values"][1][0] - data["result"][0]["values"][0][0], 0.5)

    def test_eleven_thousand_steps_and_one_point(self):
        form = {"query": "vector(1)", "start": "0", "end": "11000", "step": "1"}
        self.assertEqual(len(self.check_query(backend("/api/v1/query_range", form))["result"][0]["values"]), 11001)
        form["end"] = "11001"
        r = backend("/api/v1/query_range", form)
        self.assertEqual((r.status, r.json["errorType"]), (400, "bad_data"))

    def test_durations_as_go_prints_them(self):
        for duration in ["1m0s", "1h0m0s", "2h30m0s", "30s", "1d", "3600s", "1500ms"]:
            self.check_query(backend("/api/v1/query", {"query": "rate(node_cpu[%s])" % duration, "time": str(NOW)}))

    def test_query_statistics_and_unknown_parameters_in_the_url_of_a_post(self):
        r = backend("/api/v1/query_range", {"query": "node_cpu", "start": str(NOW - 60), "end": str(NOW), "step": "15"},
                    {"stats": "all", "max_samples_processed_warning_threshold": "10", "whatever": "x"})
        samples = self.check_query(r) and r.json["data"]["stats"]["samples"]
        self.assertGreater(samples["totalQueryableSamples"], 0)

    def test_the_form_wins_over_the_url(self):
        r = backend("/api/v1/query", {"query": "2", "time": str(NOW)}, {"query": "1"})
        self.assertEqual(self.check_query(r)["result"][1], "2")

    def test_exemplars(self):
        r = backend("/api/v1/query_exemplars", {"query": "traced_total", "start": str(NOW - 60), "end": str(NOW)})
        [series] = self.check_envelope(r)
        self.assertEqual(list(series), ["seriesLabels", "exemplars"])
        [exemplar] = series["exemplars"]
        self.assertEqual(sorted(exemplar), ["labels", "timestamp", "value"])
        self.assertIsInstance(exemplar["value"], str)
        self.assertIsInstance(exemplar["timestamp"], (int, float))

    def test_native_histograms(self):
        r = backend("/api/v1/query_range", {"query": "native", "start": str(NOW - 60), "end": str(NOW - 15), "step": "15"})
        [series] = self.check_query(r)["result"]
        self.assertEqual(len(series["histograms"]), 4)
        self.assertNotIn("values", series)

    def test_errors_are_json_with_a_status_that_is_parsed(self):
        for form, status, kind in [({"query": "sum("}, 400, "bad_data"),
                                   ({"query": "node_cpu * on(mode) node_cpu", "time": str(NOW)}, 422, "execution"),
                                   ({"query": "node_cpu", "timeout": "1ns"}, 400, "bad_data")]:
            r = backend("/api/v1/query", form)
            self.assertEqual((r.status, r.json["status"], r.json["errorType"]), (status, "error", kind))
            self.assertTrue(r.json["error"])

    def test_get_is_the_other_method(self):
        r = backend("/api/v1/query", {"query": "1", "time": str(NOW)}, method="GET")
        self.assertEqual(self.check_query(r)["result"], [NOW, "1"])

    def test_many_at_once_are_queued_not_refused(self):
        form = {"query": "sum(rate(node_cpu[5m]))", "start": str(NOW - 3600), "end": str(NOW), "step": "15"}
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: backend("/api/v1/query_range", form).status, range(80)))
        self.assertEqual(set(answers), {200})


class BrowserTest(Rules):
    SPAN = {"start": NOW - 3600, "end": NOW}

    def test_init(self):
        self.assertEqual(self.check_envelope(browser("/api/v1/rules")), {"groups": []})
        # The exemplar probe sends milliseconds where seconds are wanted.
        r = backend("/api/v1/query_exemplars", {"query": "test", "start": str((NOW - 900) * 1000), "end": str(NOW * 1000)})
        self.assertEqual(self.check_envelope(r), [])

    def test_metric_names(self):
        names = self.check_texts(browser("/api/v1/label/__name__/values", limit=40000, **self.SPAN))
        self.assertIn("node_cpu", names)
        cut = browser("/api/v1/label/__name__/values", limit=2, **self.SPAN)
        self.assertEqual(len(self.check_texts(cut)), 2)
        self.assertEqual(cut.json["warnings"], ["results truncated due to limit"])
        self.assertEqual(self.check_texts(browser("/api/v1/label/__name__/values", limit=0, **self.SPAN)), names)

    def test_labels_by_post_and_get(self):
        form = {"limit": "40000", "match[]": ['node_cpu{instance=~".+"}'], **self.SPAN}
        self.assertEqual(self.check_texts(backend("/api/v1/labels", form)), ["__name__", "instance", "mode"])
        self.assertEqual(self.check_texts(browser("/api/v1/labels", **form)), ["__name__", "instance", "mode"])

    def test_label_values(self):
        self.assertEqual(self.check_texts(browser("/api/v1/label/mode/values", limit=40000, **{"match[]": 'node_cpu{instance="host0"}'}, **self.SPAN)),
                         ["idle", "user"])
        self.assertEqual(self.check_texts(browser("/api/v1/label/U__mode/values", **self.SPAN)), ["idle", "user"])
        self.assertEqual(self.check_texts(browser("/api/v1/label/nothing/values", **self.SPAN)), [])

    def test_the_fallback_of_a_refused_post(self):
        self.assertIn(backend("/api/v1/label/mode/values", {}).status, (400, 405))

    def test_metadata(self):
        data = self.check_envelope(browser("/api/v1/metadata", limit=40000))
        for name, entries in data.items():
            self.assertTrue(entries, name)  # the first is used without a check
            self.assertEqual(sorted(entries[0]), ["help", "type", "unit"])
            self.assertEqual(entries[0]["type"], entries[0]["type"].lower())
        self.assertEqual(data["hits_total"], [{"type": "counter", "help": "Hits.", "unit": ""}])
        self.assertEqual(data["lat"][0]["type"], "histogram")

    def test_series_of_variables(self):
        data = self.check_envelope(browser("/api/v1/series", **{"match[]": "node_cpu"}, **self.SPAN))
        self.assertEqual(len(data), 6)
        self.assertTrue(all(s["__name__"] == "node_cpu" for s in data))

    def test_search_is_off_in_the_way_that_falls_back(self):
        for what in ("metric_names", "label_names", "label_values"):
            self.assertEqual(browser("/api/v1/search/" + what, limit=10000, sort_by="score").status, 404)

    def test_zstd_is_never_sent_to_someone_who_takes_gzip(self):
        r = server.request("GET", "/api/v1/label/__name__/values", None, {"Accept-Encoding": "gzip, deflate, br, zstd"})
        self.assertIn(r.headers.get("Content-Encoding"), (None, "gzip"))
        r = server.request("GET", "/metrics", None, {"Accept-Encoding": "zstd, gzip"})
        self.assertEqual(r.headers["Content-Encoding"], "gzip")
        gzip.decompress(r.body)


class AlertListTest(Rules):
    def test_no_ruler_is_a_404_that_says_so(self):
        for path in ["/rules/namespace/group", "/config/v1/rules", "/api/prom/rules"]:
            r = browser(path)
            self.assertEqual(r.status, 404, path)
            self.assertIn("page not found", r.text)

    def test_the_version_probe_of_last_resort(self):
        [series] = self.check_query(browser("/api/v1/query", query="count(prometheus_build_info) or vector(0)"))["result"]
        self.assertEqual(series["metric"], {})
        self.assertTrue(re.search(r'^prometheus_build_info\{.*version="3\.', server.get("/metrics").text, re.M))

    def test_rules_and_alerts_with_every_filter(self):
        for params in [{}, {"state": "firing"}, {"file[]": "x"}, {"rule_group[]": "x", "rule_name[]": "y"}, {"group_limit": "40"}, {"type": "alert"}]:
            self.assertEqual(self.check_envelope(browser("/api/v1/rules", **params)), {"groups": []})
        self.assertEqual(self.check_envelope(browser("/api/v1/alerts")), {"alerts": []})
        self.assertEqual(browser("/api/v1/status/flags").json["status"], "success")


class StabilityTest(Rules):
    def test_past_points_stay_the_same_when_the_tail_is_asked_again(self):
        form = {"query": "sum(rate(node_cpu[5m]))", "start": str(NOW - 1800), "end": str(NOW - 600), "step": "30"}
        first = dict(map(tuple, self.check_query(backend("/api/v1/query_range", form))["result"][0]["values"]))
        form.update(start=str(NOW - 1200), end=str(NOW))
        second = dict(map(tuple, self.check_query(backend("/api/v1/query_range", form))["result"][0]["values"]))
        common = sorted(set(first) & set(second))
        self.assertGreater(len(common), 10)
        self.assertEqual([first[t] for t in common], [second[t] for t in common])

    def test_dashboard_and_panel_are_in_the_query_log(self):
        with open(server.config_path) as f:
            config = f.read()
        server.write_config(config.replace("scrape_interval: 1s", "scrape_interval: 1s, query_log_file: %s/queries.log" % server.folder))
        server.process.send_signal(1)
        harness.wait_until(lambda: "query_log_file" in server.get("/api/v1/status/config").json["data"]["yaml"])
        backend("/api/v1/query", {"query": "vector(424242)", "time": str(NOW)})

        def entry():
            try:
                with open(server.folder + "/queries.log") as f:
                    return [json.loads(line) for line in f if "424242" in line]
            except FileNotFoundError:
                return None
        [line] = harness.wait_until(entry)
        self.assertIn("dash1", json.dumps(line))
        self.assertIn("7", json.dumps(line["httpRequest"]))


if __name__ == "__main__":
    harness.main()
