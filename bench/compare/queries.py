"""The 25 queries of the comparison, from one series to all of them; cold (first run) and warm (median of the rest)."""
import json
import statistics
import time

ONE = '{instance="host-0.example:9100",mode="idle"}'
QUERIES = [  # name, expression, range seconds (0 = instant), step seconds
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


def one(server, expr, end_s, seconds, step):
    params = {"query": expr, "nocache": 1}
    if seconds:
        params.update(start=end_s - seconds, end=end_s, step=step)
    else:
        params["time"] = end_s
    begin = time.monotonic()
    status, body = server.get("/api/v1/query_range" if seconds else "/api/v1/query", params, timeout=300)
    elapsed = (time.monotonic() - begin) * 1000
    if status != 200:
        raise SystemExit("%s: %s answered %d: %s" % (server.name, expr, status, body[:300]))
    return elapsed, len(json.loads(body)["data"]["result"])


def run(server, start_ms, end_ms, budget_s):
    """name -> (cold ms, warm ms, CPU ms per warm run, number of series)."""
    out = {}
    # Odd milliseconds: windows that are open on the left and closed ones then see the same samples.
    end_s = end_ms / 1000 - 0.001
    for name, expr, seconds, step in QUERIES:
        seconds = min(seconds, (end_ms - start_ms) // 1000 // 2) if seconds else 0
        cold, series = one(server, expr, end_s, seconds, step)
        warm, cpu0, begin = [], server.cpu_seconds(), time.monotonic()
        while len(warm) < 2 or (len(warm) < 50 and time.monotonic() - begin < budget_s):
            warm.append(one(server, expr, end_s, seconds, step)[0])
        out[name] = (cold, statistics.median(warm), (server.cpu_seconds() - cpu0) * 1000 / len(warm), series)
    return out


def print_table(names, timings):
    base = "prometheus" if "prometheus" in timings else names[0]
    print("Queries: cold / warm / CPU ms per warm run; x = warm, divided into %s's\n" % base)
    print("| query | series | " + " | ".join(n if n == base else "%s | x" % n for n in names) + " |")
    print("|---|---:|" + "---:|" * (2 * len(names) - 1))
    ratios = {n: [] for n in names}
    for name, _, _, _ in QUERIES:
        cells = []
        for n in names:
            cold, warm, cpu, _ = timings[n][name]
            cells.append("%.1f / %.2f / %.1f" % (cold, warm, cpu))
            if n != base:
                ratio = timings[base][name][1] / max(warm, 1e-3)
                ratios[n].append(ratio)
                cells.append("%.1f" % ratio)
        print("| %s | %d | %s |" % (name, timings[names[0]][name][3], " | ".join(cells)))
    for n in names:
        if n != base:
            print("\n%s: median %.1f times faster than %s, worst %.2f" %
                  (n, statistics.median(ratios[n]), base, min(ratios[n])))
