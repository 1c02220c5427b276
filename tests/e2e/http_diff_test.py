#!/usr/bin/env python3
"""Asks this server and Debian's prometheus (2.42) the same thousand requests and wants the same answers.

Where they differ, KNOWN says why; anything else is a failure. Skipped where prometheus is not installed.
"""
import collections
import difflib
import gzip
import http.client
import itertools
import json
import os
import re
import shutil
import time
import unittest
import urllib.parse
import zlib

import harness
import http_requests
import remote_write

NOW = int(time.time()) // 60 * 60
COMPARED_HEADERS = ["Content-Type", "Content-Encoding", "Location", "Allow", "X-Content-Type-Options", "Access-Control-Allow-Origin",
                    "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers"]
CONFIG = """
global: {scrape_interval: 1s, external_labels: {site: here}}
scrape_configs:
  - job_name: app
    static_configs: [{targets: ['%s']}]
  - job_name: other
    relabel_configs: [{source_labels: [__address__], regex: 'gone.*', action: drop}]
    static_configs: [{targets: ['gone.example:1']}]
"""


class Peer(harness.Server):
    def command(self):
        return ["prometheus", "--config.file=" + self.config_path, "--storage.tsdb.path=" + os.path.join(self.folder, "data"),
                "--web.listen-address=127.0.0.1:%d" % self.port] + self.flags


def data():
    rows = []
    for i in range(3):
        labels = {"__name__": "requests_total", "instance": "host%d" % i, "code": "200"}
        rows.append((labels, [((NOW - 600 + 15 * k) * 1000, 10.0 * k * (i + 1)) for k in range(41)]))
        labels = {"__name__": "other_total", "instance": "host%d" % i, "code": "200"}
        rows.append((labels, [((NOW - 600 + 15 * k) * 1000, 3.5 * k) for k in range(41)]))
    for kind, value in [("nan", float("nan")), ("inf", float("inf")), ("tiny", 1e-7), ("huge", 1e21), ("big", 1e20), ("neg", -0.0)]:
        rows.append(({"__name__": "special", "kind": kind}, [((NOW - 15) * 1000, value)]))
    for le, count in [("0.1", 5), ("1", 9), ("+Inf", 10)]:
        rows.append(({"__name__": "latency_bucket", "le": le}, [((NOW - 15) * 1000, count)]))
    rows.append(({"__name__": "escaped", "v": '<a&b>"\\\n\t\u00e9\u2028'}, [((NOW - 15) * 1000, 1)]))
    return rows


def ask(server, request):
    method, path, body, headers = request
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for k, v in headers.items():
            connection.putheader(k, v)
        if body is not None:
            connection.putheader("Content-Length", str(len(body.encode())))
        connection.endheaders(body.encode() if body is not None else None)
        r = connection.getresponse()
        return harness.Answer(r.status, r.headers, r.read())
    finally:
        connection.close()


def is_ordered(request):
    """Whether the outermost call says in which order an instant vector is."""
    text = urllib.parse.unquote_plus("%s&%s" % (request[1], request[2] or ""))
    return re.search(r"[?&]query=(topk|bottomk|sort|sort_desc)\(", text) is not None


def canonical(value, ordered):
    """Order where the protocol leaves it open (instant vectors; of `ordered` ones only equal values), and the evaluation
    time where none was asked for."""
    if isinstance(value, dict):
        value = {k: canonical(v, ordered) for k, v in value.items()}
        if value.get("resultType") == "vector":
            runs = itertools.groupby(value["result"], key=lambda x: x["value"][1] if ordered else None)
            value["result"] = [x for _, run in runs for x in sorted(run, key=lambda x: json.dumps(x, sort_keys=True))]
        if value.get("resultType") == "scalar" and abs(value["result"][0] - time.time()) < 60 and value["result"][0] % 1:
            value["result"][0] = "now"
        return value
    return value


# Words of 2.42 that later releases have changed: (of 2.42, of 3.14).
REWORDED = [
    (re.compile(r"Invalid time value"), "invalid time value"),
    (re.compile(r'unexpected "<Item \d+>" '), "unexpected "),
    (re.compile(r", expected duration$"), ", expected number, duration, step(), or range()"),
    (re.compile(r"`\^\(\?:\(\)\$`"), "`(`"),
    (re.compile(r"bad duration syntax"), "bad number or duration syntax"),
    (re.compile(r"timed out in query queue"), "timed out in query execution"),
]


def without_position(body):
    """An error about nothing at all is at 1:1 in 2.42 and at an unknown position in 3.x."""
    text = json.dumps(body, sort_keys=True) if isinstance(body, dict) else body
    return re.sub(r"(1:1|unknown position): parse error: (no expression found in input|unexpected end of input)", r"nowhere: \2", text)


def in_order(match):
    """Duplicates of a match are named in label order; 2.42 begins with the one it met later."""
    return "operation: [%s];" % ", ".join(sorted(match.group(1, 2)))


def in_words_of_3(request, body):
    """2.42's body as a 3.14 would have worded it."""
    if isinstance(body, dict) and "error" in body:
        error = re.sub(r"operation: \[(\{.*?\}), (\{.*?\})\];", in_order, body["error"])
        if "/query_range" in request[1] and body["errorType"] == "bad_data" and not error.startswith(("invalid parameter", "exceeded")):
            error = 'invalid parameter "query": ' + error
        for pattern, words in REWORDED:
            error = pattern.sub(words, error)
        return {**body, "error": error}
    if isinstance(body, str):
        text = body.rstrip("\n")
        for pattern, words in REWORDED:
            text = pattern.sub(words, text)
        return text + body[len(body.rstrip("\n")):]
    return body


def body_of(request, answer):
    body = answer.body
    try:
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        elif answer.headers.get("Content-Encoding") == "deflate":
            body = zlib.decompress(body)
    except (OSError, zlib.error):
        pass
    text = body.decode("utf-8", "replace")
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        try:
            return canonical(json.loads(text), is_ordered(request))
        except ValueError:
            return "BAD JSON " + text
    return text


def describe(request):
    method, path, body, headers = request
    return "%s %s%s%s" % (method, path, " body=%r" % body[:200] if body else "", " %s" % headers if headers else "")


# Why the rest differs: (a pattern of the request, what differs, reason). 3.14 is the measure where it is documented.
KNOWN = [
    # 3.x
    (r"1bad|/label/(a-b|a%20b|%C3%A9|a\.b)/", "*", "names may be any UTF-8"),
    (r"limit_per_metric", "*", "a parameter of 3.x"),
    (r"/rules\?x=%zz", "*", "3.x parses the form here"),
    (r"query_range\?query=sort", "body", "3.x warns that sort has no effect"),
    (r"query=requests_total\+(%2A\+on%28code|%2B\+on%28)%29\+requests_total", "body", "3.x names the duplicates of a match in label order"),
    (r"query=(rate%28requests_total%5B%29|foo%5B-1m%5D|1\.\.2|0x|1e)(&|$)", "body", "numbers and durations are one thing in 3.x"),
    (r"/status/(config|buildinfo|runtimeinfo|flags)|/version$", "body", "another version, and more fields"),
    (r"/status/tsdb", "body", "order of equal counts; times of the newest scrape"),
    (r"/targets", "body", "times of scrapes; 3.x has droppedTargetCounts and the pool of dropped targets"),
    (r"POST /api/v1/format_query/", "*", "308 instead of 307 in newer routers"),
    # Ours, on purpose
    (r"=(NaN|Inf|1e300|1_000)(&|$)", "*", "times and durations that are none are refused; Go takes them for wild values"),
    (r"(start|end|time)=(-292273086|292277025|1790000000000)", "*", "far times stay what they are; Go's nanoseconds wrap around"),
    (r"step=1e-9", "body", "a step below a millisecond counts as none"),
    (r"1%2B1%2B1%2B1", "*", "expressions may be 1,000 levels deep"),
    (r"/api/v1/(query|label|label/x|label/x/values|labels|metadata|format_query)/( |$)|query%2f", "*",
     "a redirect to where the endpoint is; Go's loses the prefix"),
    (r"GET /api/v1$", "*", "no redirect to a path that is not there"),
    (r"%61pi", "*", "an escaped letter is that letter"),
    (r"/consoles/", "body", "not supported yet"),
    (r"HEAD /-/(healthy|ready)", "Content-Type", "of the body that GET would have"),
    (r"Accept-Encoding", "Content-Encoding", "small bodies are not worth it; case does not matter; zstd where nothing else is offered"),
]
KNOWN = [(re.compile(pattern), what, reason) for pattern, what, reason in KNOWN]


def differences(request, ours, theirs):
    found = []
    if ours.status != theirs.status:
        found.append(("status", ours.status, theirs.status))
    for name in COMPARED_HEADERS:
        a, b = ours.headers.get(name), theirs.headers.get(name)
        if a is not None and "/federate" in request[1]:
            a = a.replace("; escaping=underscores", "")
        if a != b:
            found.append((name, a, b))
    # What cannot be unpacked here is compared by everything else.
    if ours.headers.get("Content-Encoding") != "zstd":
        a, b = body_of(request, ours), in_words_of_3(request, body_of(request, theirs))
        if "/federate" in request[1]:  # 3.x adds series about scrapes, and the two scrape at different times
            a, b = (re.sub(r" \d+$", " T", text, flags=re.M) for text in (a, b))
            a, b = (re.sub(r"^(# TYPE )?scrape_\S+ .*\n", "", text, flags=re.M) for text in (a, b))
        if without_position(a) != without_position(b):
            found.append(("body", a, b))
    return found


def explained(request, what):
    text = describe(request)
    return any(pattern.search(text) and known in ("*", what) for pattern, known, _ in KNOWN)


@unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
class HttpDiffTest(unittest.TestCase):
    def setUp(self):
        self.exporter = harness.Exporter(lambda: "# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total 5\n"
                                                 "# TYPE level gauge\nlevel 1\n")
        config = CONFIG % self.exporter.address
        self.ours = harness.Server(config, ["--web.enable-remote-write-receiver"]).start()
        self.theirs = Peer(config, ["--web.enable-remote-write-receiver"]).start()
        for server in (self.ours, self.theirs):
            self.assertEqual(remote_write.push(server, data()).status, 204)
            harness.wait_until(lambda: server.get("/api/v1/targets/metadata", metric="hits_total").json["data"])

    def tearDown(self):
        self.ours.close()
        self.theirs.close()
        self.exporter.close()

    def test_the_same_answers(self):
        asked, unexplained, used = 0, [], collections.Counter()
        for request in http_requests.everything(NOW):
            asked += 1
            found = differences(request, ask(self.ours, request), ask(self.theirs, request))
            if any(not explained(request, what) for what, _, _ in found):
                # One answer in a thousand is evaluated on a whole second, and looks as if that had been asked for.
                found = differences(request, ask(self.ours, request), ask(self.theirs, request))
            for what, a, b in found:
                if explained(request, what):
                    used["explained"] += 1
                else:
                    lines = "\n".join(difflib.unified_diff(str(b).splitlines(), str(a).splitlines(), "theirs", "ours", lineterm="", n=0))
                    unexplained.append("%s\n%s:\n%s" % (describe(request), what, lines[:1500]))
        print("%d requests, %d differences explained, %d not" % (asked, used["explained"], len(unexplained)))
        self.assertGreater(asked, 1000)
        self.assertEqual(unexplained[:20], [], "\n".join(unexplained[:20]))


if __name__ == "__main__":
    harness.main()
