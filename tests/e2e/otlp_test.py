#!/usr/bin/env python3
"""The OTLP receiver: what an OpenTelemetry collector sends is what queries find."""
import gzip
import json
import time
import unittest

import harness

NOW_MS = int(time.time()) * 1000


def ns(ms):
    return str(ms * 1_000_000)


def attribute(key, value):
    return {"key": key, "value": {"stringValue": value}}


def request(*metrics, resource=()):
    return {"resourceMetrics": [{"resource": {"attributes": [attribute(k, v) for k, v in resource]},
                                 "scopeMetrics": [{"scope": {"name": "lib"}, "metrics": list(metrics)}]}]}


def gauge(name, *points, **more):
    return {"name": name, "gauge": {"dataPoints": [{"timeUnixNano": ns(t), "asDouble": v} for t, v in points]}, **more}


class OtlpTest(unittest.TestCase):
    def start(self, config="global: {}\n", flags=("--web.enable-otlp-receiver",)):
        server = harness.Server(config, flags)
        self.addCleanup(server.close)
        return server.start()

    def push(self, server, message, packed=True, content_type="application/json"):
        body = json.dumps(message).encode()
        headers = {"Content-Type": content_type}
        if packed:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        return server.request("POST", "/api/v1/otlp/v1/metrics", body, headers)

    def values(self, server, expr):
        return {tuple(sorted(s["metric"].items())): s["value"][1] for s in server.query(expr, time=NOW_MS / 1000)}

    def test_has_to_be_asked_for(self):
        server = self.start(flags=())
        answer = self.push(server, request())
        self.assertEqual((answer.status, answer.text),
                         (404, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n"))
        self.assertFalse(server.get("/api/v1/features").json["data"]["api"]["otlp_write_receiver"])

    def test_metrics_of_all_kinds(self):
        server = self.start("otlp: {promote_resource_attributes: [zone]}\n", ["--web.enable-otlp-receiver", "--enable-feature=exemplar-storage"])
        self.assertTrue(server.get("/api/v1/features").json["data"]["api"]["otlp_write_receiver"])
        self.assertNotIn("not supported yet", server.log())
        cumulative = {"aggregationTemporality": 2}
        message = request(
            gauge("room.temperature", (NOW_MS, 22), unit="Cel"),
            {"name": "http.requests", "sum": {**cumulative, "isMonotonic": True, "dataPoints": [
                {"timeUnixNano": ns(NOW_MS), "asInt": "7", "attributes": [attribute("http.method", "GET")],
                 "exemplars": [{"timeUnixNano": ns(NOW_MS), "asDouble": 1, "traceId": "0af7651916cd43dd8448eb211c80319c"}]}]}},
            {"name": "latency", "unit": "s", "histogram": {**cumulative, "dataPoints": [
                {"timeUnixNano": ns(NOW_MS), "count": "3", "sum": 4, "bucketCounts": ["1", "2"], "explicitBounds": [0.5]}]}},
            {"name": "size", "unit": "By", "exponentialHistogram": {**cumulative, "dataPoints": [
                {"timeUnixNano": ns(NOW_MS), "count": "4", "sum": 9, "scale": 0, "zeroCount": "1", "positive": {"offset": 0, "bucketCounts": ["1", "2"]}}]}},
            resource=[("service.name", "app"), ("service.instance.id", "i"), ("zone", "z"), ("host.name", "h")])
        answer = self.push(server, message)
        self.assertEqual((answer.status, answer.text), (200, ""))
        own = (("instance", "i"), ("job", "app"), ("zone", "z"))
        self.assertEqual(self.values(server, "room_temperature_celsius"), {(("__name__", "room_temperature_celsius"),) + own: "22"})
        self.assertEqual(self.values(server, "sum by (http_method) (http_requests_total)"), {(("http_method", "GET"),): "7"})
        self.assertEqual(self.values(server, "sum by (le) (latency_seconds_bucket)"), {(("le", "0.5"),): "1", (("le", "+Inf"),): "3"})
        self.assertEqual(self.values(server, "histogram_count(size_bytes) + histogram_sum(size_bytes)"), {own: "13"})
        self.assertEqual(self.values(server, "target_info"), {(("__name__", "target_info"), ("host_name", "h"), ("instance", "i"), ("job", "app"), ("zone", "z")): "1"})
        exemplars = server.get("/api/v1/query_exemplars", query="http_requests_total", start=NOW_MS / 1000 - 60, end=NOW_MS / 1000 + 60).json["data"]
        self.assertEqual(exemplars[0]["exemplars"][0]["labels"], {"trace_id": "0af7651916cd43dd8448eb211c80319c"})
        # The same once more is no harm; what is older is.
        self.assertEqual(self.push(server, message, packed=False).status, 200)
        answer = self.push(server, request(gauge("room.temperature", (NOW_MS - 2000, 1), unit="Cel"),
                                           resource=[("service.name", "app"), ("service.instance.id", "i"), ("zone", "z")]))
        self.assertEqual((answer.status, answer.text), (400, "out of order sample\n"))

    def test_names_follow_the_strategy_also_after_a_reload(self):
        server = self.start("otlp: {translation_strategy: NoTranslation}\n", ["--web.enable-otlp-receiver", "--web.enable-lifecycle"])
        self.assertEqual(self.push(server, request(gauge("a.b", (NOW_MS, 1), unit="s"))).status, 200)
        self.assertEqual(len(server.query('{"a.b"}', time=NOW_MS / 1000)), 1)
        server.write_config("otlp: {translation_strategy: UnderscoreEscapingWithoutSuffixes}\n")
        self.assertEqual(server.request("POST", "/-/reload").status, 200)
        self.assertEqual(self.push(server, request(gauge("a.b", (NOW_MS, 1), unit="s"))).status, 200)
        self.assertEqual(len(server.query("a_b", time=NOW_MS / 1000)), 1)

    def test_nothing_of_a_refused_request_is_written(self):
        server = self.start()
        delta = {"name": "d", "sum": {"aggregationTemporality": 1, "dataPoints": [{"timeUnixNano": ns(NOW_MS), "asInt": 1}]}}
        answer = self.push(server, request(gauge("g", (NOW_MS, 1)), delta))
        self.assertEqual((answer.status, answer.text), (400, 'invalid temporality and type combination for metric "d"\n'))
        self.assertEqual(self.push(server, request(gauge("g", (NOW_MS + 3_600_000, 1)))).status, 400)
        self.assertEqual(self.push(server, {}, content_type="text/plain").status, 400)
        for body in [b"", b"\xff" * 100, b"[" * 100_000, b"\x0a\xff\xff\xff\xff\x0f"]:
            for content_type in ["application/json", "application/x-protobuf"]:
                answer = server.request("POST", "/api/v1/otlp/v1/metrics", body, {"Content-Type": content_type})
                self.assertIn(answer.status, (200, 400), (body[:10], content_type))
        self.assertEqual(server.query("{__name__=~'.+'}", time=NOW_MS / 1000 + 1), [])

    def test_deltas_where_they_are_wanted(self):
        server = self.start(flags=["--web.enable-otlp-receiver", "--enable-feature=otlp-native-delta-ingestion"])
        self.assertTrue(server.get("/api/v1/features").json["data"]["otlp_receiver"]["native_delta_ingestion"])
        delta = {"name": "d", "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": [{"timeUnixNano": ns(NOW_MS), "asInt": 3}]}}
        self.assertEqual(self.push(server, request(delta)).status, 200)
        self.assertEqual(self.values(server, "d_total"), {(("__name__", "d_total"),): "3"})


if __name__ == "__main__":
    harness.main()
