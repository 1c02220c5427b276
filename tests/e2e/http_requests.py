"""Requests that this server and Debian's prometheus (2.42) are both asked: good ones, bad ones, odd ones.

A request is (method, path, body, headers). NOW is on the minute; data is pushed around it by the test.
"""
import itertools
import urllib.parse

FORM = "application/x-www-form-urlencoded"


def get(path, params=(), headers=None):
    query = urllib.parse.urlencode(params, doseq=True)
    return ("GET", path + ("?" + query if query else ""), None, headers or {})


def raw(path, headers=None):
    return ("GET", path, None, headers or {})


def post(path, params=(), url="", content_type=FORM, method="POST"):
    headers = {"Content-Type": content_type} if content_type else {}
    return (method, path + url, urllib.parse.urlencode(params, doseq=True), headers)


EXPRESSIONS = [
    "up", "1", "1.5e300", "-0", "NaN", "+Inf", "-Inf", "1e21", "1e20", "123456789012345678", "1e-6", "1e-7", "0x1F",
    "vector(1)", "time()", '"text"', "'quo\"ted'", '"<a&b>"', '"\\u00e9\\n\\t\\\\"', "requests_total",
    'requests_total{instance="host1"}', "requests_total[1m]", "requests_total[1m] offset 1m", "sum(requests_total)",
    "sum by (instance) (requests_total)", "sum without (code) (requests_total)", "topk(2, requests_total)",
    "topk(9, special)", "bottomk(9, special)", "topk(5, -requests_total)", "sort(special)", "sort_desc(special)",
    "bottomk by (instance) (2, requests_total)",
    "bottomk(1, requests_total)", "count_values('v', requests_total)", "quantile(0.5, requests_total)",
    "stddev(requests_total)", "stdvar(requests_total)", "group(requests_total)", "avg(requests_total)",
    "rate(requests_total[2m])", "increase(requests_total[2m])", "irate(requests_total[2m])", "delta(requests_total[2m])",
    "deriv(requests_total[2m])", "changes(requests_total[2m])", "resets(requests_total[2m])",
    "max_over_time(requests_total[2m])", "requests_total / on(instance) requests_total", "requests_total == 400",
    "requests_total > bool 400", "requests_total and on(instance) requests_total{instance='host0'}",
    "requests_total unless requests_total{instance='host0'}", "requests_total or vector(1)", "absent(nothing)",
    "absent(nothing{a='b'})", "scalar(sum(requests_total))", "label_replace(requests_total,'x','$1','instance','(.*)')",
    "label_join(requests_total,'x','-','instance','code')", "sort(requests_total)", "sort_desc(requests_total)",
    "special", "special{kind='nan'}", "{__name__=~'req.*'}", "{kind=~'.+'}", "timestamp(requests_total)",
    "round(requests_total, 7)", "clamp(requests_total, 1, 500)", "-requests_total", "requests_total * 2 ^ 3",
    "max_over_time(requests_total[5m:1m])", "requests_total @ end()", "requests_total offset -1m", "days_in_month()",
    "histogram_quantile(0.9, latency_bucket)", "escaped", "{__name__=\"escaped\"}", "ln(vector(0))", "vector(0)/0",
]
BAD_EXPRESSIONS = [
    "", "(", ")", "rate(", "rate(requests_total)", "rate(requests_total[)", "requests_total[1m", "sum(", "sum by", "foo bar",
    "1 +", "+", "{", "}", "{}", "{a='b'", "{a=b}", "{a=~'('}", "{a=''}", "{a=~'.*'}", "foo{a='b',,}", "'abc", '"abc', "foo[1x]",
    "foo[0s]", "foo[-1m]", "nofunction(1)", "abs()", "abs(1)", "abs(foo, foo)", "abs('x')", "vector('x')", "1 and 2", "foo and 1",
    "'a' + 'b'", "1 == 2", "foo offset", "foo offset foo", "foo @ foo", "sum(1)", "topk('x', foo)", "topk(foo, foo)",
    "foo + on(a) group_left(a) foo", "foo and on(a) group_left foo", "foo == bool 'x'", "1 == bool 1 bool", "count_values(1, foo)",
    "label_replace(foo, 'x', 'y', 'z', '(')", "foo[5m:1m:1m]", "foo[5m][5m]", "(foo)[5m]", "#", "# comment", "foo by (a)", "foo{a!b}",
    "sum(foo) by (a) by (b)", "bool", "on", "offset 5m", "foo\x00", "1..2", "0x", "1e", "$", "foo$", "a:b:c d", "\xff",
    "rate(rate(foo[1m])[1m])", "-'x'", "!foo", "foo !~ 'x'", "quantile(foo)", "quantile(0.5)", "time(1)", "sort()", "day_of_week('x')",
]
EXECUTION_ERRORS = [
    "requests_total * on(code) requests_total", "requests_total + on() requests_total", "label_replace(requests_total,'x','y','z','(')",
    "label_replace(requests_total,'1bad','y','z','.*')", "label_join(requests_total,'1bad','-','instance')",
    "count_values('1bad', requests_total)", "sum({__name__=~'requests_total|special'}) by (", "-{__name__=~'requests_total|other_total'}",
    "label_replace(requests_total,'instance','same','instance','.*')", "{__name__=~'.+', instance='host0'} * 1",
]
TIMES = ["{now}", "{now}.123", "{now}.9999", "4", "0", "-1", "1e9", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678+02:00", "x", "", " ",
         "1x", "NaN", "Inf", "2026-13-02T03:04:05Z", "2026-01-02", "2026-01-02T03:04:05", "-292273086-05-16T16:47:06Z",
         "292277025-08-18T07:12:54.999999999Z", "1790000000000", "1e300", "0x10", "1_000"]
DURATIONS = ["1", "15s", "1m", "1h30m", "0.5", "1.5", "0", "-1", "x", "", "1d", "1y", "1e30", "1w2d", "5m30", "30m1h", "1ms", " 1s", "NaN", "Inf",
             "9223372036.9", "1e-9", "15S", "1µs", "1us"]
LIMITS = ["1", "0", "2", "-1", "x", "1.5", "", "99999999999999999999", "+1", " 1", "0x1"]


def query_requests(now):
    at = {"time": str(now - 7)}
    for e in EXPRESSIONS + BAD_EXPRESSIONS + EXECUTION_ERRORS:
        yield get("/api/v1/query", {"query": e, **at})
    for e in EXPRESSIONS[:6] + EXPRESSIONS[15:60] + BAD_EXPRESSIONS[:40] + EXECUTION_ERRORS:
        yield get("/api/v1/query_range", {"query": e, "start": str(now - 127), "end": str(now - 7), "step": "60"})
    for e in EXPRESSIONS[::5] + BAD_EXPRESSIONS[::6]:
        yield post("/api/v1/query", {"query": e, **at})
        yield get("/api/v1/query_exemplars", {"query": e, "start": str(now - 60), "end": str(now)})
    for t in TIMES:
        t = t.format(now=now)
        yield get("/api/v1/query", {"query": "1", "time": t})
        yield get("/api/v1/query_range", {"query": "1", "start": t, "end": str(now), "step": str(10 ** 9)})
        yield get("/api/v1/query_range", {"query": "1", "start": "0", "end": t, "step": str(10 ** 9)})
        yield get("/api/v1/query_exemplars", {"query": "test", "start": t})
    for d in DURATIONS:
        yield get("/api/v1/query", {"query": "1", "timeout": d, **at})
        yield get("/api/v1/query_range", {"query": "1", "start": str(now - 10), "end": str(now), "step": d})
        yield get("/api/v1/query_range", {"query": "1", "start": str(now - 10), "end": str(now), "step": "10", "timeout": d})
    yield get("/api/v1/query_range", {"query": "1", "start": "0", "end": "11000", "step": "1"})
    yield get("/api/v1/query_range", {"query": "1", "start": "0", "end": "11001", "step": "1"})
    yield get("/api/v1/query_range", {"query": "1", "start": "0", "end": "11000.999", "step": "1"})
    yield get("/api/v1/query_range", {"query": "1", "start": "2", "end": "1", "step": "1"})
    yield get("/api/v1/query_range", {"query": "requests_total[1m]", "start": "1", "end": "2", "step": "1"})
    yield get("/api/v1/query_range", {"query": "1"})
    yield get("/api/v1/query_range", {"query": "1", "start": "1"})
    yield get("/api/v1/query_range", {"query": "1", "start": "1", "end": "2"})
    yield get("/api/v1/query")
    yield get("/api/v1/query_range")
    yield get("/api/v1/query_exemplars")
    yield get("/api/v1/query_exemplars", {"query": "test", "start": "2", "end": "1"})


def form_requests(now):
    at = str(now - 7)
    yield raw("/api/v1/query?query=1&time=%zz")
    yield raw("/api/v1/query?query=1;time=5&time=" + at)
    yield raw("/api/v1/query?query=1&&&time=" + at)
    yield raw("/api/v1/query?query=1&time=%s&query=2" % at)
    yield raw("/api/v1/query?query=%%31&time=%s&%%zz=5" % at)
    yield raw("/api/v1/query?time=%s&query=1+%%2B+1" % at)
    yield raw("/api/v1/query?query=1?time=5&time=" + at)
    yield raw("/api/v1/series?match[]=up&x=%zz")
    yield raw("/api/v1/labels?x=%zz")
    yield raw("/federate?match[]=nothing&x=%zz")
    yield raw("/api/v1/rules?x=%zz")
    for content_type in [FORM, FORM + "; charset=utf-8", FORM.upper(), "text/plain", "", "application/json", "x;;;", FORM + ";=", "multipart/form-data"]:
        yield post("/api/v1/query", {"query": "2", "time": at}, content_type=content_type)
        yield post("/api/v1/query", {"query": "2", "time": at}, "?query=3", content_type=content_type)
        yield post("/api/v1/series", {"match[]": "requests_total"}, content_type=content_type)
    yield post("/api/v1/query", {"time": at}, "?query=3&time=5")
    yield post("/api/v1/query_range", {"start": "1", "end": "2", "step": "1"}, "?query=3")
    yield ("POST", "/api/v1/query", "query=%zz&time=" + at, {"Content-Type": FORM})
    yield ("POST", "/api/v1/series", "match[]=%zz", {"Content-Type": FORM})
    yield ("POST", "/api/v1/query", "query=" + "%2B".join(["1"] * 3000) + "&time=" + at, {"Content-Type": FORM})
    boundary = "xyz"
    multipart = "".join('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, k, v)
                        for k, v in [("query", "1+1"), ("time", at)]) + "--%s--\r\n" % boundary
    yield ("POST", "/api/v1/query", multipart, {"Content-Type": "multipart/form-data; boundary=" + boundary})
    yield ("POST", "/api/v1/query", multipart[:60], {"Content-Type": "multipart/form-data; boundary=" + boundary})


def metadata_requests(now):
    selectors = ["up", "requests_total", "special", '{kind="inf"}', "nothing", "{", "{}", "{a=''}", "requests_total[1m]", "1", "", "sum(x)",
                 "{__name__=~'req.*'}", "requests_total{code!='200'}", "requests_total offset 1m", "requests_total @ 1"]
    for s in selectors:
        yield get("/api/v1/series", {"match[]": s})
        yield get("/api/v1/labels", {"match[]": s})
        yield get("/api/v1/label/instance/values", {"match[]": s})
        yield post("/api/v1/series", {"match[]": s})
        yield get("/federate", {"match[]": s if s != "up" else "nothing"})
    for a, b in itertools.islice(itertools.combinations(selectors[1:6], 2), 6):
        yield get("/api/v1/series", {"match[]": [a, b]})
        yield get("/api/v1/labels", {"match[]": [a, b]})
        yield get("/api/v1/label/__name__/values", {"match[]": [a, b]})
    for path in ["/api/v1/series", "/api/v1/labels", "/api/v1/label/instance/values"]:
        extra = {"match[]": "requests_total"}
        for t in TIMES:
            t = t.format(now=now)
            yield get(path, {"start": t, **extra})
            yield get(path, {"end": t, **extra})
        yield get(path, {"start": "5", "end": "3", **extra})
        yield get(path, {"start": str(now - 300), "end": str(now), **extra})
    yield get("/api/v1/series")
    yield get("/api/v1/labels")
    yield post("/api/v1/labels")
    for name in ["__name__", "instance", "nothing", "1bad", "a-b", "a%20b", "%C3%A9", "%FF", "a.b", "", "code", "special/x"]:
        yield raw("/api/v1/label/%s/values" % name)
    for name, value in itertools.product(["limit", "limit_per_metric"], LIMITS):
        yield get("/api/v1/metadata", {name: value, "metric": "nothing"})
    yield get("/api/v1/metadata", {"metric": "hits_total"})
    yield get("/api/v1/metadata", {"metric": "hits_total", "limit": "0"})
    yield get("/api/v1/metadata", {"metric": "hits_total", "limit": "1"})
    for value in LIMITS:
        yield get("/api/v1/targets/metadata", {"limit": value, "metric": "hits_total"})
    for s in ["", '{job="app"}', '{job="nothing"}', "{", "up"]:
        yield get("/api/v1/targets/metadata", {"match_target": s, "metric": "hits_total"})
    yield get("/api/v1/targets/metadata", {"metric": "level"})


def status_requests():
    for path in ["targets", "targets?state=active", "targets?state=dropped", "targets?state=ANY", "targets?state=x", "targets?scrapePool=app",
                 "targets?scrapePool=nothing", "scrape_pools", "rules", "rules?type=alert", "rules?type=record", "rules?type=x", "rules?type=ALERT",
                 "alerts", "alertmanagers", "status/config", "status/walreplay", "status/buildinfo", "status/runtimeinfo", "status/flags",
                 "status/tsdb", "status/tsdb?limit=1", "nothing", "", "query/", "status", "status/", "label", "label/", "label/x", "label/x/",
                 "label/x/values/", "labels/", "metadata/"]:
        yield raw("/api/v1/" + path)
    for path in ["/api", "/api/", "/api/v1", "/api/v2/query", "/-/healthy", "/-/ready", "/-/reload", "/-/quit", "/-/nothing", "/nothing", "/metrics/",
                 "/federate", "/federate/", "/version", "/version/", "/api/v1//query?query=1", "//", "/a/../api/v1/query?query=1&time=1",
                 "/api/v1/./query?query=1&time=1", "/debug/pprof", "/debug", "/debug/nothing", "/debug/pprof/nothing", "/user/x", "/consoles/nothing.html",
                 "/api/v1/query%2f?query=1", "/%61pi/v1/query?query=1&time=1"]:
        yield raw(path)


def method_requests():
    paths = ["query", "query_range", "query_exemplars", "series", "labels", "label/x/values", "targets", "targets/metadata", "metadata", "rules", "alerts",
             "alertmanagers", "status/config", "status/flags", "status/tsdb", "status/walreplay", "admin/tsdb/snapshot", "admin/tsdb/delete_series",
             "admin/tsdb/clean_tombstones", "nothing"]
    for method, path in itertools.product(["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"], paths):
        yield (method, "/api/v1/" + path, None, {})
    for path in ["label/x/values", "targets", "targets/metadata", "metadata", "rules", "alerts", "status/config", "nothing", "format_query/"]:
        yield ("POST", "/api/v1/" + path, "", {"Content-Type": FORM})
    for method, path in itertools.product(["HEAD", "POST", "PUT", "DELETE", "OPTIONS"], ["/-/healthy", "/-/ready", "/-/reload", "/-/quit", "/federate",
                                                                                         "/metrics", "/version", "/nothing", "/api/v1/write", "/api/v1/read"]):
        yield (method, path, "", {})


def header_requests(now):
    q = "/api/v1/query?query=requests_total&time=%d" % (now - 7)
    for accept in ["gzip", "deflate", "gzip, deflate", "deflate, gzip", "br", "zstd", "zstd, gzip", "identity", "", "gzip;q=0", "*", "GZIP", "x-gzip", "gzip, "]:
        yield raw("/api/v1/query_range?query=requests_total&start=%d&end=%d&step=1" % (now - 307, now - 7), {"Accept-Encoding": accept})
        yield raw(q, {"Accept-Encoding": accept})
    for origin in ["http://a.example", "null", "https://b.example:8080", ""]:
        yield raw(q, {"Origin": origin})
        yield ("OPTIONS", "/api/v1/query", None, {"Origin": origin, "Access-Control-Request-Method": "POST"})
        yield raw("/api/v1/nothing", {"Origin": origin})
        yield raw("/-/healthy", {"Origin": origin})
        yield raw("/api/v1/query?query=(", {"Origin": origin})
    for accept in ["application/json", "text/html", "*/*", "application/xml", "application/json;q=0", "x", ""]:
        yield raw(q, {"Accept": accept})


def everything(now):
    for part in [query_requests(now), form_requests(now), metadata_requests(now), status_requests(), method_requests(), header_requests(now)]:
        yield from part
