"""Queries of the comparison: 25 from one series to all of them, and more of them by kind.

Every server answers each query in turn, run by run, so that a busy moment of the machine hits all of them.
"""
import json
import socket
import statistics
import time
import urllib.parse

ONE = '{instance="host-0.example:9100",mode="idle"}'
# name, expression, range seconds (0 = instant), step seconds
STANDARD = [
    ("i one series", "node_metric_1_total" + ONE, 0, 0),
    ("i one rate", "rate(node_metric_1_total%s[5m])" % ONE, 0, 0),
    ("i one metric", "node_metric_1_total", 0, 0),
    ("i avg_over_time", "avg_over_time(node_metric_3_total[30m])", 0, 0),
    ("i sum by rate", "sum by (mode) (rate(node_metric_1_total[5m]))", 0, 0),
    ("i topk", "topk(10, node_metric_3_total)", 0, 0),
    ("i regex name", 'count({__name__=~"node_metric_1.*"})', 0, 0),
    ("i count all", 'count({__name__=~".+"})', 0, 0),
    ("i count by name", 'count by (__name__) ({__name__=~".+"})', 0, 0),
    ("i binary", "node_metric_1_total / on (instance, mode) node_metric_3_total", 0, 0),
    ("i group_left", "container_metric_1 * on (instance, pod, le) group_left container_metric_3", 0, 0),
    ("i subquery", "max_over_time(sum(rate(node_metric_1_total[5m]))[30m:1m])", 0, 0),
    ("i quantile", "quantile(0.9, container_metric_3)", 0, 0),
    ("i absent", "absent(nothing_here)", 0, 0),
    ("r one series", "node_metric_1_total" + ONE, 3000, 15),
    ("r one rate", "rate(node_metric_1_total%s[5m])" % ONE, 3000, 15),
    ("r sum by rate", "sum by (mode) (rate(node_metric_1_total[5m]))", 3000, 60),
    ("r sum by rate, pods", "sum by (namespace) (rate(container_metric_11[5m]))", 3000, 60),
    ("r topk", "topk(5, container_metric_3)", 3000, 60),
    ("r binary sums", "sum(rate(node_metric_1_total[5m])) / sum(node_metric_3_total)", 3000, 60),
    ("r max gauge", "max by (rack) (node_metric_3_total)", 3000, 15),
    ("r increase", "sum(increase(container_metric_1[10m]))", 3000, 60),
    ("r max_over_time", "max(max_over_time(node_metric_3_total[10m]))", 3000, 60),
    ("r raw metric", "container_metric_9", 3000, 60),
    ("r count all", 'count({__name__=~".+"})', 3000, 300),
]
MORE = [
    ("j ignoring", "sum without (mode) (node_metric_1_total) / ignoring (mode) sum without (mode) (node_metric_3_total)",
     0, 0),
    ("j group_left label", "node_metric_1_total * on (instance) group_left (rack) "
                           'max by (instance, rack) (node_metric_2_total)', 3000, 60),
    ("j and", 'node_metric_1_total and on (instance) node_metric_3_total{rack=~"r1.*"}', 0, 0),
    ("j unless", 'node_metric_1_total unless on (instance) node_metric_3_total{rack=~"r1.*"}', 3000, 60),
    ("j or", "node_metric_1_total or node_metric_2_total", 0, 0),
    ("j ratio by pod", "sum by (pod) (rate(container_metric_1[5m])) / sum by (pod) (container_metric_3)", 3000, 60),
    ("h classic", "histogram_quantile(0.9, sum by (le) (rate(container_metric_1[5m])))", 3000, 60),
    ("h classic by pod", "histogram_quantile(0.9, rate(container_metric_1[5m]))", 0, 0),
    ("s max of rate", "max_over_time(rate(node_metric_1_total[5m])[30m:1m])", 0, 0),
    ("s nested", "sum(avg_over_time(max_over_time(node_metric_3_total[5m])[20m:1m]))", 3000, 300),
    ("s per step", "avg_over_time(sum by (mode) (rate(node_metric_1_total[1m]))[10m:30s])", 3000, 30),
    ("c sum by instance", "sum by (instance) (rate(node_metric_1_total[5m]))", 3000, 60),
    ("c count by pod", 'count by (pod, namespace) ({__name__=~"container_.+"})', 0, 0),
    ("c topk rate", "topk(10, rate(node_metric_1_total[5m]))", 0, 0),
    ("c label_replace", 'label_replace(node_metric_1_total, "host", "$1", "instance", "(.*):.*")', 0, 0),
    ("c regex label", 'sum({instance=~"host-1.*",mode!="idle"})', 0, 0),
    ("c two names", '{__name__=~"node_metric_(1|2)_total",mode="idle"}', 0, 0),
    ("m one series, 1 s", "node_metric_1_total" + ONE, 3000, 1),
    ("m rate, 1 s", "sum(rate(node_metric_1_total[1m]))", 3000, 1),
    ("m min_over_time, 5 s", "min(min_over_time(node_metric_3_total[10m]))", 3000, 5),
    ("f quantile_over_time", "sum(quantile_over_time(0.9, node_metric_3_total[10m]))", 3000, 60),
    ("f stddev_over_time", "sum(stddev_over_time(node_metric_3_total[10m]))", 3000, 60),
    ("f deriv", "sum(deriv(node_metric_3_total[10m]))", 3000, 60),
    ("f predict_linear", "predict_linear(node_metric_3_total[30m], 3600)", 0, 0),
    ("f irate", "sum(irate(node_metric_1_total[5m]))", 3000, 60),
    ("f changes", "sum(changes(node_metric_1_total[10m]))", 3000, 60),
    ("f clamp, round", "sum(clamp_max(round(node_metric_3_total), 100))", 3000, 60),
    ("f vector op scalar", "node_metric_3_total * 2 > 50", 3000, 60),
    ("f sort_desc", "sort_desc(node_metric_3_total)", 0, 0),
    ("f time()", "time() - timestamp(node_metric_1_total)", 3000, 60),
    ("f stddev", "stddev by (rack) (node_metric_3_total)", 3000, 60),
    ("f avg", "avg(node_metric_3_total)", 3000, 15),
    ("f count_values", 'count_values("v", node_metric_5_total)', 0, 0),
]
# Of a day or more of data, most of it in blocks.
LONG = [
    ("b rate, 24 h", "sum by (mode) (rate(x[5m]))", 86400, 60),
    ("b raw, 24 h", 'x{instance="host-1.example:9100"}', 86400, 60),
    ("b max, 24 h", "max by (group) (x)", 86400, 300),
    ("b increase[1d]", "sum by (group) (increase(x[1d]))", 0, 0),
    ("b max_over_time[20h]", "max_over_time(x[20h])", 0, 0),
    ("b count_over_time[20h]", "sum(count_over_time(x[20h]))", 0, 0),
    ("b avg_over_time[1h], 24 h", "avg(avg_over_time(x[1h]))", 86400, 600),
    ("b past hour", "sum(rate(x[5m] offset 12h))", 3600, 15),
    ("b quantile, 24 h", "quantile by (group) (0.9, x)", 86400, 600),
    ("b subquery", "max_over_time(sum(rate(x[5m]))[12h:1m])", 0, 0),
]
# Not expressions: path and parameters; start and end are added.
METADATA = [
    ("label names", "/api/v1/labels", {}),
    ("label values", "/api/v1/label/__name__/values", {}),
    ("values of a metric", "/api/v1/label/instance/values", {"match[]": "node_metric_1_total"}),
    ("series of a metric", "/api/v1/series", {"match[]": "node_metric_1_total"}),
    ("series of a host", "/api/v1/series", {"match[]": '{instance="host-0.example:9100"}'}),
]
SETS = {"standard": STANDARD, "more": MORE, "long": LONG, "metadata": METADATA}


class Client:
    """One connection that stays open; reads answers whole and looks at nothing, so that what is measured is the server."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=300)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, target):
        """(status, body, seconds)."""
        request = ("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target).encode()
        begin = time.perf_counter()
        self.socket.sendall(request)
        data = bytearray()
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            self._receive(data)
        head = bytes(data[:end]).lower()
        at = head.find(b"content-length:")
        if at >= 0:
            want = end + 4 + int(head[at + 15:].split(b"\r\n", 1)[0])
            while len(data) < want:
                self._receive(data)
        else:
            while not data.endswith(b"\r\n0\r\n\r\n"):
                self._receive(data)
        seconds = time.perf_counter() - begin
        return int(head.split(b" ", 2)[1]), self._body(bytes(data[end + 4:]), at < 0), seconds

    def _receive(self, data):
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise ConnectionError("closed in the middle of an answer")
        data += piece

    @staticmethod
    def _body(raw, chunked):
        if not chunked:
            return raw
        pieces, at = [], 0
        while True:
            line = raw.index(b"\r\n", at)
            size = int(raw[at:line], 16)
            if size == 0:
                return b"".join(pieces)
            pieces.append(raw[line + 2:line + 2 + size])
            at = line + 4 + size

    def close(self):
        self.socket.close()


def target_of(query, start_s, end_s, cache=False):
    if isinstance(query[1], str) and query[1].startswith("/api/"):
        _, path, params = query
        return path + "?" + urllib.parse.urlencode(dict(params, start=start_s, end=end_s))
    _, expr, seconds, step = query
    params = {"query": expr}
    if not cache:
        params["nocache"] = 1
    if seconds:
        # In a short run the range is what there is, less the longest window.
        seconds = min(seconds, max(int(end_s - start_s) // 2, step))
        params.update(start=end_s - seconds, end=end_s, step=step)
        return "/api/v1/query_range?" + urllib.parse.urlencode(params)
    params["time"] = end_s
    return "/api/v1/query?" + urllib.parse.urlencode(params)


def results_in(body):
    data = json.loads(body)["data"]
    return len(data["result"] if isinstance(data, dict) else data)


def measure(servers, names, target, budget_s, min_runs=3, max_runs=60):
    """name -> (cold ms, median ms, CPU ms per run, results)."""
    clients = {n: Client(servers[n].port) for n in names}
    times, cpu, cold, results = {n: [] for n in names}, dict.fromkeys(names, 0.0), {}, {}
    try:
        for n in names:
            status, body, seconds = clients[n].get(target)
            if status != 200:
                raise SystemExit("%s: %s answered %d: %s" % (n, target, status, body[:300]))
            cold[n], results[n] = seconds * 1000, results_in(body)
        begin = time.monotonic()
        runs = 0
        while runs < min_runs or (runs < max_runs and time.monotonic() - begin < budget_s * len(names)):
            runs += 1
            for n in names:
                before = servers[n].cpu_seconds_of_threads()
                times[n].append(clients[n].get(target)[2] * 1000)
                cpu[n] += (servers[n].cpu_seconds_of_threads() - before) * 1000
    finally:
        for c in clients.values():
            c.close()
    return {n: (cold[n], statistics.median(times[n]), cpu[n] / runs, results[n]) for n in names}


def run(servers, names, query_set, start_ms, end_ms, budget_s, cache=False):
    """query name -> server name -> (cold ms, warm ms, CPU ms per warm run, number of results)."""
    # A millisecond after the newest sample, as a dashboard asks; odd, so that windows which are open on the left
    # and closed ones see the same samples.
    end_s = end_ms / 1000 + 0.001
    return {q[0]: measure(servers, names, target_of(q, start_ms / 1000, end_s, cache), budget_s)
            for q in query_set}


def print_table(title, names, timings):
    base = "prometheus" if "prometheus" in names else names[0]
    others = [n for n in names if n != base]
    print("\n%s: cold / warm / CPU ms per warm run; x = %s's warm time and CPU time divided by the server's\n" %
          (title, base))
    print("| query | results | %s | " % base + " | ".join("%s | x | x CPU" % n for n in others) + " |")
    print("|---|---:|" + "---:|" * (1 + 3 * len(others)))
    ratios = {n: ([], []) for n in others}
    for query, by_server in timings.items():
        cells = ["%.1f / %.2f / %.2f" % by_server[base][:3]]
        for n in others:
            wall = by_server[base][1] / max(by_server[n][1], 1e-3)
            cpu = by_server[base][2] / max(by_server[n][2], 1e-3)
            ratios[n][0].append(wall)
            ratios[n][1].append(cpu)
            cells.append("%.1f / %.2f / %.2f | %.1f | %.1f" % (by_server[n][:3] + (wall, cpu)))
        different = len({by_server[n][3] for n in names if n != "victoria"}) > 1
        shown = "/".join(str(by_server[n][3]) for n in names) if different else str(by_server[base][3])
        print("| %s | %s | %s |" % (query, shown, " | ".join(cells)))
    for n in others:
        print("\n%s: median %.1f times as fast as %s (CPU %.1f), worst %.2f (CPU %.2f)" %
              (n, statistics.median(ratios[n][0]), base, statistics.median(ratios[n][1]), min(ratios[n][0]),
               min(ratios[n][1])))
