#!/usr/bin/env python3
"""The remote write receiver, 1.0 and 2.0: what is stored, what is refused and in which words."""
import math
import struct
import time
import unittest

import harness
import remote_write as rw

NOW_MS = int(time.time()) * 1000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7ff0000000000002))[0]


def setUpModule():
    global server
    server = harness.Server(flags=["--web.enable-remote-write-receiver", "--enable-feature=exemplar-storage"]).start()


def tearDownModule():
    server.close()


def metric(name):
    """The value of one of the server's own metrics."""
    for line in server.get("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError("no metric " + name)


class HeaderTest(unittest.TestCase):
    BODY = rw.snappy(b"")

    def post(self, **headers):
        names = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
        names.update({k.replace("_", "-"): v for k, v in headers.items()})
        return server.request("POST", "/api/v1/write", self.BODY, {k: v for k, v in names.items() if v is not None})

    def test_what_is_taken(self):
        for content_type in [None, "application/x-protobuf", "application/x-protobuf;proto=prometheus.WriteRequest",
                             "application/x-protobuf;proto=io.prometheus.write.v2.Request", "application/x-protobuf;charset=utf-8"]:
            self.assertEqual(self.post(Content_Type=content_type).status, 204, content_type)
        self.assertEqual(self.post(Content_Encoding=None).status, 204)

    def test_what_is_refused(self):
        for content_type, text in [
            ("text/plain", "expected application/x-protobuf as the first (media) part, got text/plain content-type"),
            ("application/x-protobuf;proto", "expected parameters to be key-values, got proto in application/x-protobuf;proto content-type"),
            ("application/x-protobuf;proto=x", "unknown type for remote write protobuf message x, supported: prometheus.WriteRequest, "
                                               "io.prometheus.write.v2.Request"),
        ]:
            r = self.post(Content_Type=content_type)
            self.assertEqual(r.status, 415)
            self.assertIn(text, r.text)
        r = self.post(Content_Encoding="zstd")
        self.assertEqual((r.status, r.text), (415, "zstd encoding (compression) is not accepted by this server; only snappy is acceptable\n"))

    def test_a_message_that_flags_exclude(self):
        other = harness.Server(flags=["--web.enable-remote-write-receiver",
                                      "--web.remote-write-receiver.accepted-protobuf-messages=io.prometheus.write.v2.Request"]).start()
        try:
            r = rw.push(other, [({"__name__": "a"}, [(NOW_MS, 1)])])
            self.assertEqual((r.status, r.text), (415, "prometheus.WriteRequest protobuf message is not accepted by this server; "
                                                       "only accepts io.prometheus.write.v2.Request\n"))
        finally:
            other.close()

    def test_off_by_default(self):
        other = harness.Server().start()
        try:
            r = rw.push(other, [({"__name__": "a"}, [(NOW_MS, 1)])])
            self.assertEqual((r.status, r.text), (404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"))
        finally:
            other.close()


class Version1Test(unittest.TestCase):
    def test_all_or_nothing(self):
        self.assertEqual(rw.push(server, [({"__name__": "v1_a"}, [(NOW_MS, 1)])]).status, 204)
        r = rw.push(server, [({"__name__": "v1_b"}, [(NOW_MS, 1)]), ({"__name__": "v1_a"}, [(NOW_MS - 1000, 5)])])
        self.assertEqual((r.status, r.text), (400, "out of order sample\n"))
        self.assertEqual(server.query("v1_b"), [])
        r = rw.push(server, [({"__name__": "v1_a"}, [(NOW_MS, 2)])])
        self.assertEqual((r.status, r.text), (400, "duplicate sample for timestamp %d; overrides not allowed: existing 1, new value 2\n" % NOW_MS))
        self.assertEqual(rw.push(server, [({"__name__": "v1_a"}, [(NOW_MS, 1)])]).status, 204)  # the same again
        r = rw.push(server, [({"__name__": "v1_a"}, [(NOW_MS + 3600_000, 2)])])
        self.assertEqual((r.status, r.text), (400, "out of bounds: timestamp is too far in the future\n"))

    def test_bad_labels_are_left_out_and_counted(self):
        before = metric("prometheus_api_remote_write_invalid_labels_samples_total")
        twice = rw.field(1, rw.field(1, rw.field(1, b"__name__") + rw.field(2, b"v1_dup")) + rw.field(1, rw.field(1, b"a") + rw.field(2, b"1")) +
                         rw.field(1, rw.field(1, b"a") + rw.field(2, b"2")) + rw.field(2, rw.double(1, 1) + rw.number(2, NOW_MS)))
        not_utf8 = rw.field(1, rw.field(1, rw.field(1, b"__name__") + rw.field(2, b"\xff")) + rw.field(2, rw.double(1, 1) + rw.number(2, NOW_MS)))
        body = rw.series({"nameless": "x"}, [(NOW_MS, 1)]) + twice + not_utf8 + rw.series({"__name__": "v1_good"}, [(NOW_MS, 1)])
        self.assertEqual(server.request("POST", "/api/v1/write", rw.snappy(body), rw.HEADERS).status, 204)
        self.assertEqual(len(server.query("v1_good")), 1)
        self.assertEqual(metric("prometheus_api_remote_write_invalid_labels_samples_total"), before + 3)

    def test_labels_in_any_order_make_the_same_series(self):
        def pair(k, v):
            return rw.field(1, rw.field(1, k) + rw.field(2, v))
        sample = rw.field(2, rw.double(1, 7) + rw.number(2, NOW_MS))
        body = rw.field(1, pair(b"z", b"1") + pair(b"a", b"2") + pair(b"empty", b"") + pair(b"__name__", b"v1_order") + sample)
        self.assertEqual(server.request("POST", "/api/v1/write", rw.snappy(body), rw.HEADERS).status, 204)
        [found] = server.query("v1_order")
        self.assertEqual(found["metric"], {"__name__": "v1_order", "a": "2", "z": "1"})

    def test_a_stale_marker_ends_a_series(self):
        rw.push(server, [({"__name__": "v1_stale"}, [(NOW_MS - 30_000, 1)])])
        self.assertEqual(len(server.query("v1_stale", time=NOW_MS / 1000 - 20)), 1)
        self.assertEqual(rw.push(server, [({"__name__": "v1_stale"}, [(NOW_MS - 15_000, STALE)])]).status, 204)
        self.assertEqual(server.query("v1_stale"), [])
        self.assertEqual(len(server.query("v1_stale[5m]")[0]["values"]), 1)

    def test_a_native_histogram(self):
        h = rw.histogram(NOW_MS, 3, 4.5, 0, 0, [1, 1])
        body = rw.field(1, rw.field(1, rw.field(1, b"__name__") + rw.field(2, b"v1_hist")) + rw.field(4, h))
        self.assertEqual(server.request("POST", "/api/v1/write", rw.snappy(body), rw.HEADERS).status, 204)
        [found] = server.query("v1_hist")
        self.assertEqual(found["histogram"][1], {"count": "3", "sum": "4.5", "buckets": [[0, "0.5", "1", "1"], [0, "1", "2", "2"]]})
        bad = rw.histogram(NOW_MS + 1, 99, 4.5, 0, 0, [1, 1])
        body = rw.field(1, rw.field(1, rw.field(1, b"__name__") + rw.field(2, b"v1_hist")) + rw.field(4, bad))
        r = server.request("POST", "/api/v1/write", rw.snappy(body), rw.HEADERS)
        self.assertEqual(r.status, 400)
        self.assertIn("3 observations found in buckets, but the Count field is 99", r.text)


class Version2Test(unittest.TestCase):
    def push(self, symbols, *all_series):
        return rw.push_v2(server, symbols, all_series)

    def test_everything_a_series_can_carry(self):
        s = rw.Symbols()
        h = rw.histogram(NOW_MS, 3, 4.5, 0, 0, [1, 1], start_ms=NOW_MS - 60_000)
        r = self.push(s, rw.series_v2(s, {"__name__": "v2_total", "a": "b"}, [(NOW_MS - 1000, 1, NOW_MS - 60_000), (NOW_MS, 2, NOW_MS - 60_000)],
                                      exemplars=[({"trace_id": "x1"}, 2, NOW_MS)], metadata=(1, "Things.", "")),
                      rw.series_v2(s, {"__name__": "v2_hist"}, histograms=[h], metadata=(3, "Sizes.", "bytes")))
        self.assertEqual((r.status, rw.written(r)), (204, (2, 1, 1)))
        self.assertEqual([v[1] for v in server.query("v2_total[1m]")[0]["values"]], ["1", "2"])
        self.assertEqual(server.query("histogram_count(v2_hist)")[0]["value"][1], "3")
        [exemplars] = server.get("/api/v1/query_exemplars", query="v2_total", start=NOW_MS / 1000 - 10, end=NOW_MS / 1000 + 10).json["data"]
        self.assertEqual(exemplars, {"seriesLabels": {"__name__": "v2_total", "a": "b"},
                                     "exemplars": [{"labels": {"trace_id": "x1"}, "value": "2", "timestamp": NOW_MS / 1000}]})

    def test_good_series_are_written_beside_bad_ones(self):
        s = rw.Symbols()
        for t in ["__name__", "v2_x"]:
            s.ref(t)
        good = rw.series_v2(s, {"__name__": "v2_good"}, [(NOW_MS, 1)])
        cases = [
            (rw.series_v2(s, {"v2_x": "v2_x"}, [(NOW_MS, 1)]), 'invalid metric name or labels, got {v2_x="v2_x"}'),
            (rw.series_v2(s, {}, [(NOW_MS, 1)], refs=[1, 2, 2, 2, 2, 2]),
             'invalid labels for series, labels {__name__="v2_x", v2_x="v2_x", v2_x="v2_x"}, duplicated label v2_x'),
            (rw.series_v2(s, {}, [(NOW_MS, 1)], refs=[1, 2, 3]), "parsing labels for series [1 2 3]: invalid labelRefs length 3"),
            (rw.series_v2(s, {}, [(NOW_MS, 1)], refs=[1, 999]),
             "parsing labels for series [1 999]: labelRefs 1 (name) = 999 (value) outside of symbols table (size %d)"),
            (rw.series_v2(s, {"__name__": "v2_x"}, exemplars=[({"t": "1"}, 1, NOW_MS)]),
             'TimeSeries must contain at least one sample or histogram for series {__name__="v2_x"}'),
        ]
        for i, (bad, text) in enumerate(cases):
            r = rw.push_v2(server, s, [bad, good])
            if "%d" in text:
                text = text % len(s.texts)
            self.assertEqual((r.status, r.text, rw.written(r)), (400, text + "\n", (1, 0, 0)), i)

    def test_order_within_a_request(self):
        s = rw.Symbols()
        r = self.push(s, rw.series_v2(s, {"__name__": "v2_order"}, [(NOW_MS, 1), (NOW_MS - 1, 2), (NOW_MS, 1), (NOW_MS + 1, 3)]))
        self.assertEqual((r.status, rw.written(r)), (400, (2, 0, 0)))
        self.assertEqual(r.text, 'out of order sample for series {__name__="v2_order"}\n'
                                 'duplicate sample for timestamp for series {__name__="v2_order"}\n')
        r = self.push(s, rw.series_v2(s, {"__name__": "v2_order"}, [(NOW_MS - 5000, 1)]),
                      rw.series_v2(s, {"__name__": "v2_future"}, [(NOW_MS + 3600_000, 1)]))
        self.assertEqual(r.text, 'out of order sample for series {__name__="v2_order"}\n'
                                 'out of bounds: timestamp is too far in the future for series {__name__="v2_future"}\n')

    def test_a_bad_exemplar_does_not_cost_its_sample(self):
        s = rw.Symbols()
        r = self.push(s, rw.series_v2(s, {"__name__": "v2_exemplar"}, [(NOW_MS, 1)], exemplars=[([1, 2, 1], 1, NOW_MS), ({"a": "b"}, 1, NOW_MS)]))
        self.assertEqual((r.status, rw.written(r)), (400, (1, 0, 1)))
        self.assertEqual(r.text, 'parsing exemplar for series {__name__="v2_exemplar"}: invalid labelRefs length 3\n')

    def test_a_bad_histogram_is_refused_alone(self):
        s = rw.Symbols()
        r = self.push(s, rw.series_v2(s, {"__name__": "v2_badhist"}, histograms=[rw.histogram(NOW_MS, 99, 1, 0, 0, [1])]),
                      rw.series_v2(s, {"__name__": "v2_goodhist"}, histograms=[rw.histogram(NOW_MS, 1, 1, 0, 0, [1])]))
        self.assertEqual((r.status, rw.written(r)), (400, (0, 1, 0)))
        self.assertIn('for series {__name__="v2_badhist"}', r.text)

    def test_resolution_finer_than_storage_keeps_is_reduced(self):
        s = rw.Symbols()
        r = self.push(s, rw.series_v2(s, {"__name__": "v2_fine"}, histograms=[rw.histogram(NOW_MS, 1, 1, 20, 5, [1])]))
        self.assertEqual((r.status, rw.written(r)), (204, (0, 1, 0)))

    def test_samples_without_metadata_are_counted(self):
        name = "prometheus_api_remote_write_without_metadata_appended_samples_total"
        before = metric(name)
        s = rw.Symbols()
        self.push(s, rw.series_v2(s, {"__name__": "v2_bare"}, [(NOW_MS, 1), (NOW_MS + 1, 1)]),
                  rw.series_v2(s, {"__name__": "v2_told"}, [(NOW_MS, 1)], metadata=(2, "Told.", "")))
        self.assertEqual(metric(name), before + 2)

    def test_a_thousand_reasons_are_cut(self):
        s = rw.Symbols()
        r = self.push(s, *[rw.series_v2(s, {"n": str(i)}, [(NOW_MS, 1)]) for i in range(1000)])
        self.assertEqual(r.status, 400)
        self.assertLess(len(r.body), 10_000)
        self.assertIn("950 more errors omitted", r.text)


class OutOfOrderWindowTest(unittest.TestCase):
    def test_late_samples_inside_the_window(self):
        late = harness.Server("storage: {tsdb: {out_of_order_time_window: 10m}}\n", ["--web.enable-remote-write-receiver"]).start()
        try:
            self.assertEqual(rw.push(late, [({"__name__": "a"}, [(NOW_MS, 1)])]).status, 204)
            self.assertEqual(rw.push(late, [({"__name__": "a"}, [(NOW_MS - 60_000, 2)])]).status, 204)
            self.assertEqual([v[1] for v in late.query("a[5m]")[0]["values"]], ["2", "1"])
            r = rw.push(late, [({"__name__": "a"}, [(NOW_MS - 900_000, 3)])])
            self.assertEqual((r.status, r.text), (400, "too old sample\n"))
        finally:
            late.close()


class StartZeroTest(unittest.TestCase):
    def test_a_zero_is_written_at_the_start_timestamp(self):
        zero = harness.Server(flags=["--web.enable-remote-write-receiver", "--enable-feature=created-timestamp-zero-ingestion"]).start()
        try:
            s = rw.Symbols()
            for t in (NOW_MS - 15_000, NOW_MS):
                r = rw.push_v2(zero, s, [rw.series_v2(s, {"__name__": "c_total"}, [(t, 5, NOW_MS - 60_000)])])
                self.assertEqual((r.status, rw.written(r)), (204, (1, 0, 0)))
            self.assertEqual([v[1] for v in zero.query("c_total[5m]")[0]["values"]], ["0", "5", "5"])
        finally:
            zero.close()


if __name__ == "__main__":
    assert math.isnan(STALE)
    harness.main()
