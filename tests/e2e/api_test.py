#!/usr/bin/env python3
"""Every endpoint of the HTTP API and its errors, as a client sees them."""
import gzip
import json
import os
import re
import socket
import time
import unittest
import urllib.parse

import harness
import remote_write

NOW = int(time.time()) // 60 * 60


def start_server():
    return harness.Server("global: {scrape_interval: 15s, external_labels: {site: here}}\n",
                          ["--web.enable-remote-write-receiver", "--web.enable-admin-api"]).start()


def setUpModule():
    global server
    server = start_server()
    rows = []
    for i in range(3):
        labels = {"__name__": "requests_total", "instance": "host%d" % i, "code": "200"}
        rows.append((labels, [((NOW - 600 + 15 * k) * 1000, 10.0 * k * (i + 1)) for k in range(41)]))
    rows.append(({"__name__": "special", "kind": "nan"}, [(NOW * 1000, float("nan"))]))
    rows.append(({"__name__": "special", "kind": "inf"}, [(NOW * 1000, float("inf"))]))
    rows.append(({"__name__": "special", "kind": "tiny"}, [(NOW * 1000, 1e-7)]))
    answer = remote_write.push(server, rows)
    assert answer.status == 204, (answer.status, answer.text)


def tearDownModule():
    server.close()


class QueryTest(unittest.TestCase):
    def test_instant_vector(self):
        r = server.get("/api/v1/query", query="requests_total", time=NOW)
        self.assertEqual((r.status, r.headers["Content-Type"]), (200, "application/json"))
        self.assertEqual(r.json["status"], "success")
        self.assertLess(r.text.index('"resultType"'), r.text.index('"result":'))
        self.assertEqual(r.json["data"]["resultType"], "vector")
        by_host = {x["metric"]["instance"]: x["value"] for x in r.json["data"]["result"]}
        self.assertEqual(by_host["host1"], [NOW, "800"])

    def test_values_are_text_as_go_writes_them(self):
        values = {x["metric"]["kind"]: x["value"][1] for x in server.query("special", time=NOW)}
        self.assertEqual(values, {"nan": "NaN", "inf": "+Inf", "tiny": "1e-07"})

    def test_post_form_and_url_are_merged(self):
        body = urllib.parse.urlencode({"query": "1+1", "time": "4"})
        r = server.request("POST", "/api/v1/query?stats=all&unknown=x", body,
                           {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        self.assertEqual(r.json["data"]["result"], [4, "2"])
        self.assertIn("totalQueryableSamples", r.json["data"]["stats"]["samples"])

    def test_a_multipart_form_is_read_too(self):
        body = "".join('--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % kv for kv in [("query", "1+1"), ("time", "4")]) + "--b--\r\n"
        r = server.request("POST", "/api/v1/query", body, {"Content-Type": "multipart/form-data; boundary=b"})
        self.assertEqual(r.json["data"]["result"], [4, "2"])

    def test_parameters_that_cannot_be_decoded_are_left_out_or_refused(self):
        self.assertEqual(server.request("GET", "/api/v1/query?query=1&time=4&x=%zz").json["data"]["result"], [4, "1"])
        for path in ["/api/v1/series?match[]=up&x=%zz", "/api/v1/rules?x=%zz"]:
            r = server.request("GET", path)
            self.assertEqual((r.status, r.json["error"]), (400, 'error parsing form values: invalid URL escape "%zz"'))

    def test_stats_other_than_true_and_all_are_deprecated(self):
        for value, warnings in [("true", None), ("all", None), ("1", [
                'value "1" for parameter "stats" is deprecated and will be rejected in the next major release, use "true" or "all"'])]:
            r = server.get("/api/v1/query", query="1", stats=value).json
            self.assertEqual(r.get("warnings"), warnings)
            self.assertIn("samples", r["data"]["stats"])

    def test_a_lookback_for_one_query(self):
        self.assertEqual(server.query('requests_total{instance="host0"}', time=NOW + 200)[0]["value"][1], "400")
        self.assertEqual(server.query('requests_total{instance="host0"}', time=NOW + 200, lookback_delta="1m"), [])
        r = server.get("/api/v1/query", query="1", lookback_delta="x")
        self.assertEqual(r.json["error"], 'error parsing lookback delta duration: cannot parse "x" to a valid duration')

    def test_a_timeout_that_has_run_out(self):
        r = server.get("/api/v1/query", query="requests_total", timeout="0.000001")
        self.assertIn((r.status, r.json.get("errorType")), [(503, "timeout"), (200, None)])

    def test_a_long_expression_may_be_posted(self):
        r = server.post("/api/v1/query", query="+".join(["1"] * 900))
        self.assertEqual(r.json["data"]["result"][1], "900")

    def test_range(self):
        r = server.get("/api/v1/query_range", query="sum(rate(requests_total[1m]))", start=NOW - 120, end=NOW, step=60)
        [series] = r.json["data"]["result"]
        self.assertEqual([v[0] for v in series["values"]], [NOW - 120, NOW - 60, NOW])
        self.assertAlmostEqual(float(series["values"][0][1]), 4.0)

    def test_rfc3339_times_and_duration_steps(self):
        start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 60))
        r = server.get("/api/v1/query_range", query="1", start=start, end=NOW, step="30s")
        self.assertEqual(len(r.json["data"]["result"][0]["values"]), 3)

    def test_errors(self):
        for path, params, status, kind, text in [
            ("query", {"query": ""}, 400, "bad_data", "no expression found in input"),
            ("query", {"query": "1", "time": "x"}, 400, "bad_data",
             "invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp"),
            ("query", {"query": "1", "timeout": "x"}, 400, "bad_data",
             'invalid parameter "timeout": cannot parse "x" to a valid duration'),
            ("query", {"query": "1", "limit": "x"}, 400, "bad_data", 'invalid parameter "limit"'),
            ("query", {"query": "rate(a)"}, 400, "bad_data", "expected type range vector"),
            ("query", {"query": "requests_total + on() requests_total", "time": NOW}, 422, "execution",
             "found duplicate series for the match group"),
            ("query_range", {"query": "1", "start": 2, "end": 1, "step": 1}, 400, "bad_data",
             'invalid parameter "end": end timestamp must not be before start time'),
            ("query_range", {"query": "1", "start": 1, "end": 2, "step": 0}, 400, "bad_data",
             "zero or negative query resolution step widths are not accepted"),
            ("query_range", {"query": "1", "start": 0, "end": 11001, "step": 1}, 400, "bad_data",
             "exceeded maximum resolution of 11,000 points per timeseries"),
            ("query_range", {"query": "1", "end": 1, "step": 1}, 400, "bad_data", 'invalid parameter "start"'),
            ("series", {}, 400, "bad_data", "no match[] parameter provided"),
            ("series", {"match[]": "{"}, 400, "bad_data", 'invalid parameter "match[]"'),
            ("status/tsdb", {"limit": "0"}, 400, "bad_data", "limit must be a positive number"),
            ("rules", {"type": "x"}, 400, "bad_data", "not supported value"),
        ]:
            with self.subTest(path=path, params=params):
                r = server.get("/api/v1/" + path, **params)
                self.assertEqual(r.status, status, r.text)
                self.assertEqual((r.json["status"], r.json["errorType"]), ("error", kind))
                self.assertIn(text, r.json["error"])

    def test_11001_points_are_allowed(self):
        r = server.get("/api/v1/query_range", query="1", start=0, end=11000, step=1)
        self.assertEqual(len(r.json["data"]["result"][0]["values"]), 11001)

    def test_limit_cuts_with_a_warning(self):
        r = server.get("/api/v1/query", query="requests_total", time=NOW, limit=2).json
        self.assertEqual(len(r["data"]["result"]), 2)
        self.assertEqual(r["warnings"], ["results truncated due to limit"])

    def test_annotations_are_beside_the_data(self):
        r = server.get("/api/v1/query", query="rate(label_replace(requests_total, '__name__', 'x', '', '')[5m:15s])", time=NOW).json
        self.assertTrue(any("might not be a counter" in text for text in r["infos"]), r)

    def test_format_and_parse(self):
        self.assertEqual(server.get("/api/v1/format_query", query="sum by(a)(x)").json["data"], "sum by (a) (x)")
        ast = server.get("/api/v1/parse_query", query="sum by(a)(x)").json["data"]
        self.assertEqual((ast["type"], ast["op"], ast["grouping"]), ("aggregation", "sum", ["a"]))

    def test_exemplars(self):
        self.assertEqual(server.get("/api/v1/query_exemplars", query="1").status, 204)
        far = server.get("/api/v1/query_exemplars", query="test", start=NOW * 1000, end=NOW * 1000 + 1)
        self.assertEqual(far.json, {"status": "success", "data": []})


class MetadataTest(unittest.TestCase):
    def test_names_values_and_series(self):
        self.assertEqual(server.get("/api/v1/labels").json["data"], ["__name__", "code", "instance", "kind"])
        self.assertEqual(server.post("/api/v1/labels", **{"match[]": "special"}).json["data"], ["__name__", "kind"])
        self.assertEqual(server.get("/api/v1/label/instance/values").json["data"], ["host0", "host1", "host2"])
        self.assertEqual(server.get("/api/v1/label/U__instance/values", limit=1).json,
                         {"status": "success", "data": ["host0"], "warnings": ["results truncated due to limit"]})
        series = server.get("/api/v1/series", **{"match[]": ["special", '{kind="inf"}']}).json["data"]
        self.assertEqual(sorted(s["kind"] for s in series), ["inf", "nan", "tiny"])
        self.assertEqual(server.get("/api/v1/label/instance/values", start=1, end=2).json["data"], [])

    def test_methods(self):
        self.assertEqual(server.request("POST", "/api/v1/label/x/values").status, 405)
        dropped = server.request("DELETE", "/api/v1/series")
        self.assertEqual((dropped.status, dropped.json["errorType"], dropped.json["error"]),
                         (500, "internal", "not implemented"))
        self.assertEqual(server.request("OPTIONS", "/api/v1/query").status, 204)
        self.assertEqual(server.get("/api/v1/search/metric_names").status, 404)
        missing = server.get("/rules/x/y")
        self.assertEqual((missing.status, missing.text), (404, "404 page not found\n"))

    def test_cors(self):
        r = server.request("GET", "/api/v1/query?query=1", headers={"Origin": "http://a.example"})
        self.assertEqual(r.headers["Access-Control-Allow-Origin"], "*")
        self.assertEqual(r.headers["Access-Control-Allow-Methods"], "GET, POST, OPTIONS")

    def test_the_first_coding_that_is_known_is_used(self):
        path = "/api/v1/query_range?query=1&start=0&end=5000&step=1"
        for accept, want in [("gzip", "gzip"), ("deflate, gzip", "deflate"), ("br, gzip", "gzip"), ("zstd", "zstd"), ("zstd, deflate", "deflate"),
                             ("gzip;q=0", None), ("identity", None), ("", None)]:
            r = server.request("GET", path, headers={"Accept-Encoding": accept})
            self.assertEqual(r.headers.get("Content-Encoding"), want, accept)
            self.assertIn("Accept-Encoding", ", ".join(r.headers.get_all("Vary")))

    def test_gzip_when_accepted(self):
        r = server.request("GET", "/api/v1/query_range?query=1&start=0&end=5000&step=1",
                           headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
        self.assertEqual(r.headers["Content-Encoding"], "gzip")
        self.assertEqual(json.loads(gzip.decompress(r.body))["status"], "success")


class StatusTest(unittest.TestCase):
    def test_status_pages(self):
        build = server.get("/api/v1/status/buildinfo").json["data"]
        self.assertTrue(build["version"].startswith("3."))
        self.assertEqual(set(build), {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"})
        self.assertIn("scrape_interval: 15s", server.get("/api/v1/status/config").json["data"]["yaml"])
        flags = server.get("/api/v1/status/flags").json["data"]
        self.assertEqual((flags["query.lookback-delta"], flags["web.enable-admin-api"]), ("5m", "true"))
        runtime = server.get("/api/v1/status/runtimeinfo").json["data"]
        self.assertEqual((runtime["reloadConfigSuccess"], runtime["storageRetention"]), (True, "15d"))
        tsdb = server.get("/api/v1/status/tsdb").json["data"]
        self.assertEqual(tsdb["headStats"]["numSeries"], 6)
        self.assertIn({"name": "requests_total", "value": 3}, tsdb["seriesCountByMetricName"])
        self.assertEqual(set(server.get("/api/v1/status/walreplay").json["data"]), {"min", "max", "current"})
        self.assertEqual(server.get("/api/v1/rules").json["data"], {"groups": []})
        self.assertEqual(server.get("/api/v1/alerts").json["data"], {"alerts": []})
        self.assertEqual(server.get("/api/v1/targets").json["data"]["activeTargets"], [])
        self.assertEqual(server.get("/api/v1/scrape_pools").json["data"], {"scrapePools": []})
        self.assertTrue(server.get("/api/v1/features").json["data"]["promql"]["subqueries"])
        families = server.get("/api/v1/status/self_metrics", metric_name_pattern="prometheus_build_info").json["data"]
        self.assertEqual([f["name"] for f in families], ["prometheus_build_info"])

    def test_health_lifecycle_and_front_page(self):
        self.assertEqual(server.get("/-/healthy").text, "Prometheus Server is Healthy.\n")
        self.assertEqual(server.get("/-/ready").text, "Prometheus Server is Ready.\n")
        self.assertEqual(server.request("POST", "/-/reload").status, 403)
        self.assertEqual(server.get("/-/reload").status, 405)
        self.assertIn("Deucalion", server.get("/").text)

    def test_own_metrics(self):
        text = server.get("/metrics").text
        for name in ["prometheus_build_info{", "prometheus_ready 1", "process_resident_memory_bytes ",
                     "prometheus_config_last_reload_successful 1", "prometheus_engine_queries ",
                     "prometheus_tsdb_head_series 6", "prometheus_http_requests_total{"]:
            self.assertIn("\n" + name, "\n" + text)

    def test_version_is_build_information(self):
        r = server.get("/version")
        self.assertEqual(r.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(r.json, server.get("/api/v1/status/buildinfo").json["data"])
        self.assertTrue(r.text.endswith("}\n"))

    def test_openapi_describes_what_is_served(self):
        r = server.get("/api/v1/openapi.yaml")
        self.assertEqual((r.status, r.headers["Content-Type"]), (200, "application/yaml; charset=utf-8"))
        self.assertTrue(r.text.startswith("openapi: 3.1.0\n"))
        self.assertTrue(server.get("/api/v1/openapi.yaml", openapi_version="3.2").text.startswith("openapi: 3.2.0\n"))
        paths = re.findall(r"^  (/\S+):$", r.text, re.M)
        self.assertGreater(len(paths), 30)
        for path in paths:
            answer = server.request("GET", "/api/v1" + path.replace("{name}", "x"))
            self.assertNotEqual(answer.status, 404, path)

    def test_what_is_not_there_says_so(self):
        self.assertEqual((server.get("/consoles/index.html").status, server.get("/consoles/index.html").text),
                         (404, "console templates are not supported yet\n"))
        self.assertEqual(server.get("/debug/pprof/heap").status, 404)
        self.assertEqual(server.get("/debug/pprof/heap").headers["X-Go-Pprof"], "1")
        self.assertIn("not a Go program", server.get("/debug/pprof/").text)
        self.assertIn("--web.enable-admin-api", server.get("/debug/pprof/cmdline").text)
        self.assertEqual(server.get("/user/x").status, 404)

    def test_federate(self):
        text = server.get("/federate", **{"match[]": 'requests_total{instance="host0"}'}).text
        self.assertEqual(text, "# TYPE requests_total untyped\n"
                         'requests_total{code="200",instance="host0",site="here"} 400 %d\n' % (NOW * 1000))


class NotificationTest(unittest.TestCase):
    def test_events_and_the_limit_of_subscribers(self):
        other = harness.Server("global: {}\n", ["--web.max-notifications-subscribers=2", "--web.enable-lifecycle"]).start()
        streams = []

        def subscribe():
            s = socket.create_connection(("127.0.0.1", other.port), timeout=10)
            s.sendall(b"GET /api/v1/notifications/live HTTP/1.1\r\nHost: x\r\n\r\n")
            streams.append(s)
            return s

        def read_until(s, text):
            out = b""
            while text not in out:
                piece = s.recv(4096)
                self.assertTrue(piece, out)
                out += piece
            return out
        try:
            self.assertEqual(other.get("/api/v1/notifications").json, {"status": "success", "data": []})
            head = read_until(subscribe(), b"\r\n\r\n")
            self.assertIn(b"200 OK", head)
            self.assertIn(b"Content-Type: text/event-stream", head)
            other.write_config("nonsense: 1\n")
            self.assertEqual(other.request("POST", "/-/reload").status, 500)
            event = read_until(streams[0], b"\n\n")
            self.assertIn(b'data: {"text":"Configuration reload has failed.","date":"', event)
            self.assertIn(b'"active":true}', event)
            [active] = other.get("/api/v1/notifications").json["data"]
            self.assertEqual((active["text"], active["active"]), ("Configuration reload has failed.", True))
            # Who comes later hears at once what is active.
            self.assertIn(b"Configuration reload", read_until(subscribe(), b"\n\n"))
            full = other.get("/api/v1/notifications/live")
            self.assertEqual((full.status, full.body), (204, b""))
            other.write_config("global: {}\n")
            self.assertEqual(other.request("POST", "/-/reload").status, 200)
            self.assertIn(b'"active":false}', read_until(streams[0], b"\n\n"))
        finally:
            for s in streams:
                s.close()
            other.close()


class PrefixTest(unittest.TestCase):
    def test_route_prefix_and_external_url(self):
        other = harness.Server("global: {}\n", ["--web.external-url=http://ext.example/prom/", "--web.enable-lifecycle"])
        other.start(wait=False)
        try:
            harness.wait_until(lambda: self.ready(other))
            self.assertEqual(other.get("/prom/api/v1/query", query="1").status, 200)
            self.assertEqual(other.get("/api/v1/query", query="1").status, 404)
            self.assertEqual((other.get("/").status, other.get("/").headers["Location"]), (302, "/prom"))
            self.assertEqual((other.get("/prom").status, other.get("/prom").headers["Location"]), (301, "/prom/"))
            self.assertIn('href="/prom/metrics"', other.get("/prom/").text)
            self.assertIn('url: "http://ext.example/prom/api/v1"', other.get("/prom/api/v1/openapi.yaml").text)
            self.assertIn('handler="/api/v1/query"', other.get("/prom/metrics").text)
            self.assertEqual(other.request("POST", "/prom/-/quit").text, "Requesting termination... Goodbye!")
            self.assertEqual(other.process.wait(30), 0)
        finally:
            other.close()

    @staticmethod
    def ready(other):
        try:
            return other.get("/prom/-/ready").status == 200
        except OSError:
            return False

    def test_user_assets(self):
        other = harness.Server()
        os.makedirs(other.folder + "/assets/sub")
        with open(other.folder + "/assets/sub/page.html", "w") as f:
            f.write("<p>mine")
        other.flags.append("--web.user-assets=" + other.folder + "/assets")
        other.start()
        try:
            r = other.get("/user/sub/page.html")
            self.assertEqual((r.status, r.text, r.headers["Content-Type"]), (200, "<p>mine", "text/html; charset=utf-8"))
            self.assertEqual(other.get("/user/%2e%2e/prometheus.yml").status, 301)
            self.assertEqual(other.get("/user/nothing").status, 404)
        finally:
            other.close()


class CorsTest(unittest.TestCase):
    def test_only_origins_that_match(self):
        other = harness.Server("global: {}\n", [r"--web.cors.origin=https?://(a|b)\.example"]).start()
        try:
            for origin, want in [("https://a.example", "https://a.example"), ("http://b.example", "http://b.example"), ("https://c.example", None),
                                 ("https://a.example.evil", None)]:
                r = other.request("GET", "/api/v1/query?query=1", headers={"Origin": origin})
                self.assertEqual(r.headers.get("Access-Control-Allow-Origin"), want, origin)
                self.assertEqual(r.headers.get("Access-Control-Expose-Headers"), "Date")  # as upstream, whatever the origin
                self.assertIn("Origin", r.headers.get_all("Vary"))
        finally:
            other.close()


class AdminTest(unittest.TestCase):
    def test_off_by_default(self):
        other = harness.Server().start()
        try:
            for what in ("snapshot", "delete_series", "clean_tombstones"):
                r = other.post("/api/v1/admin/tsdb/" + what)
                self.assertEqual((r.status, r.json["errorType"], r.json["error"]), (500, "unavailable", "admin APIs disabled"))
        finally:
            other.close()

    def test_parameters(self):
        for path, params, text in [
            ("snapshot", {"skip_head": "x"}, 'invalid parameter "skip_head": unable to parse boolean: strconv.ParseBool: parsing "x": invalid syntax'),
            ("delete_series", {}, "no match[] parameter provided"),
            ("delete_series", {"match[]": "{"}, 'invalid parameter "match[]": 1:2: parse error: unexpected end of input inside braces'),
            ("delete_series", {"match[]": "a", "start": "x"}, "invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp"),
        ]:
            r = server.post("/api/v1/admin/tsdb/" + path, **params)
            self.assertEqual((r.status, r.json["error"]), (400, text))
        self.assertEqual(server.request("PUT", "/api/v1/admin/tsdb/clean_tombstones").status, 204)
        self.assertRegex(server.post("/api/v1/admin/tsdb/snapshot").json["data"]["name"], r"^\d{8}T\d{6}Z-[0-9a-f]{16}$")


class WritingTest(unittest.TestCase):
    """Has a server of its own, as it changes what is there."""

    def setUp(self):
        self.server = start_server()

    def tearDown(self):
        self.server.close()

    def send(self, body, **headers):
        return self.server.request("POST", "/api/v1/write", body, dict(remote_write.HEADERS, **headers))

    def test_refuses_what_is_not_a_request(self):
        good = remote_write.snappy(remote_write.series({"__name__": "x"}, [(NOW * 1000, 1)]))
        self.assertEqual(self.send(b"\xff\xff\xff\xff\x0f").status, 400)
        self.assertEqual(self.send(remote_write.varint(4 << 30) + b"abc").status, 400)
        self.assertEqual(self.send(good[:-3]).status, 400)
        self.assertEqual(self.send(remote_write.snappy(b"\x0a\x7fabc")).status, 400)
        self.assertEqual(self.send(good, **{"Content-Type": "text/plain"}).status, 415)
        self.assertEqual(self.send(good, **{"Content-Encoding": "zstd"}).status, 415)

    def test_a_refused_sample_refuses_the_request(self):
        rows = [({"__name__": "whole", "n": "1"}, [(NOW * 1000, 1)]), ({"__name__": "whole", "n": "2"}, [(NOW * 1000, 1)])]
        self.assertEqual(remote_write.push(self.server, rows).status, 204)
        self.assertEqual(remote_write.push(self.server, rows).status, 204)  # the same again is nothing new
        clash = [({"__name__": "whole", "n": "3"}, [(NOW * 1000, 1)]), ({"__name__": "whole", "n": "1"}, [(NOW * 1000, 2)])]
        refused = remote_write.push(self.server, clash)
        self.assertEqual(refused.status, 400)
        self.assertTrue(refused.text.startswith("duplicate sample for timestamp"), refused.text)
        self.assertEqual(len(self.server.query("whole", time=NOW)), 2)
        late = remote_write.push(self.server, [({"__name__": "whole", "n": "1"}, [((NOW - 30) * 1000, 2)])])
        self.assertEqual((late.status, late.text), (400, "out of order sample\n"))
        future = remote_write.push(self.server, [({"__name__": "whole", "n": "4"}, [((NOW + 3600) * 1000, 2)])])
        self.assertEqual(future.status, 400)
        self.assertIn("too far in the future", future.text)

    def test_ten_annotations_and_a_count_of_the_rest(self):
        names = ["gauge%d" % i for i in range(13)]
        answer = remote_write.push(self.server, [({"__name__": n}, [((NOW - 60 + 15 * k) * 1000, k) for k in range(5)]) for n in names])
        self.assertEqual(answer.status, 204, answer.text)
        r = self.server.get("/api/v1/query", query=" or ".join("rate(%s[1m])" % n for n in names), time=NOW).json
        self.assertEqual(len(r["infos"]), 11)
        self.assertEqual(r["infos"][10], "3 more info annotations omitted")

    def test_delete_series(self):
        rows = [({"__name__": "doomed", "n": str(n)}, [(NOW * 1000, 1)]) for n in range(2)]
        self.assertEqual(remote_write.push(self.server, rows).status, 204)
        self.assertEqual(self.server.post("/api/v1/admin/tsdb/delete_series").status, 400)
        self.assertEqual(self.server.post("/api/v1/admin/tsdb/delete_series", **{"match[]": "{}"}).status, 204)
        self.assertEqual(len(self.server.query("doomed", time=NOW)), 2)
        self.assertEqual(self.server.post("/api/v1/admin/tsdb/delete_series", **{"match[]": 'doomed{n="0"}'}).status, 204)
        self.assertEqual([r["metric"]["n"] for r in self.server.query("doomed", time=NOW)], ["1"])


if __name__ == "__main__":
    harness.main()
