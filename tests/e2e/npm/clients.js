// Talks to the server as people do from node: prometheus-query asks, prom-client is scraped.
// Prints one JSON object; npm_test.py looks at it.
const { PrometheusDriver } = require("prometheus-query");
const client = require("prom-client");
const http = require("http");

const [endpoint, now] = [process.argv[2], Number(process.argv[3]) * 1000];

async function ask() {
  const driver = new PrometheusDriver({ endpoint, baseURL: "/api/v1" });
  const out = {};
  const instant = await driver.instantQuery("up", new Date(now));
  out.instant = instant.result.map((s) => [s.metric.toString(), s.value.value]).sort();
  const range = await driver.rangeQuery("up", new Date(now - 60000), new Date(now), 15);
  out.range = [range.resultType, range.result.length, range.result[0].values.length];
  out.labels = await driver.labelNames();
  out.values = await driver.labelValues("instance");
  out.series = (await driver.series(["up"], new Date(now - 600000), new Date(now))).length;
  out.targets = Object.keys(await driver.targets());
  out.rules = await driver.rules();
  out.alerts = await driver.alerts();
  out.alertmanagers = await driver.alertmanagers();
  out.metadata = typeof (await driver.metadata());
  out.status = [typeof (await driver.status()).toString()];
  out.error = await driver.instantQuery("sum(").catch((e) => JSON.stringify(e.cause || e));
  console.log(JSON.stringify(out));
}

// Serves an OpenMetrics page with exemplars until stdin closes.
async function expose() {
  const registry = new client.Registry();
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
  const counter = new client.Counter({ name: "jobs_total", help: "Jobs.", labelNames: ["kind"], registers: [registry], enableExemplars: true });
  const histogram = new client.Histogram({ name: "job_seconds", help: "Time.", buckets: [0.1, 1], registers: [registry], enableExemplars: true });
  const gauge = new client.Gauge({ name: "queue", help: "Length.", registers: [registry] });
  counter.inc({ labels: { kind: "é\"\\" }, value: 3, exemplarLabels: { trace_id: "abc" } });
  histogram.observe({ value: 0.5, exemplarLabels: { trace_id: "def" } });
  gauge.set(2.5);
  client.collectDefaultMetrics({ register: registry });
  const server = http.createServer(async (_, res) => {
    res.setHeader("Content-Type", registry.contentType);
    res.end(await registry.metrics());
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
  process.stdin.on("end", () => process.exit(0)).resume();
}

(process.argv[2] === "expose" ? expose() : ask()).catch((e) => {
  console.error(e);
  process.exit(1);
});
