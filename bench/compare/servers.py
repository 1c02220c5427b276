"""The servers that are compared: how each is started, where its data lies, and what it costs."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


COMMANDS = {
    "deucalion": ["{binary}", "--config.file={config}", "--storage.tsdb.path={data}",
                  "--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
                  "--web.enable-admin-api", "--log.level=warn"],
    "prometheus": ["prometheus", "--config.file={config}", "--storage.tsdb.path={data}",
                   "--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
                   "--web.enable-admin-api", "--storage.tsdb.retention.time=100y", "--log.level=warn"],
    "victoria": ["victoria-metrics", "-storageDataPath={data}", "-httpListenAddr=127.0.0.1:{port}",
                 "-retentionPeriod=100y", "-loggerLevel=ERROR"],
}
PROGRAMS = {"prometheus": "prometheus", "victoria": "victoria-metrics"}


def available(name):
    return name == "deucalion" or shutil.which(PROGRAMS[name]) is not None


class Server:
    def __init__(self, name, binary, config="global: {scrape_interval: 15s}\n", extra=()):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="compare-%s-" % name)
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.pid = None
        path = os.path.join(self.folder, "config.yml")
        with open(path, "w") as f:
            f.write(config)
        self.argv = [a.format(binary=binary, config=path, data=self.data, port=self.port)
                     for a in COMMANDS[name]] + list(extra)

    def start(self):
        """Seconds until it answers."""
        begin = time.monotonic()
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log, cwd=self.folder)
        self.pid = self.process.pid
        ready = "/health" if self.name == "victoria" else "/-/ready"
        while time.monotonic() - begin < 300:
            if self.process.poll() is not None:
                with open(os.path.join(self.folder, "log"), errors="replace") as f:
                    raise SystemExit("%s ended:\n%s" % (self.name, f.read()[-3000:]))
            try:
                if self.get(ready)[0] == 200:
                    return time.monotonic() - begin
            except OSError:
                pass
            time.sleep(0.01)
        raise SystemExit("%s is not ready after 300 s" % self.name)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path, params=None, timeout=120):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            c.request("GET", path + ("?" + urllib.parse.urlencode(params) if params else ""))
            r = c.getresponse()
            return r.status, r.read()
        finally:
            c.close()

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def cpu_seconds_of_threads(self, name=None):
        """To the nanosecond, of the threads that are alive (with this name): for differences over a short time."""
        total = 0
        folder = "/proc/%d/task" % self.pid
        for thread in os.listdir(folder):
            try:
                with open(os.path.join(folder, thread, "comm")) as f:
                    if name is not None and f.read().strip() != name:
                        continue
                with open(os.path.join(folder, thread, "schedstat")) as f:
                    total += int(f.read().split()[0])
            except OSError:
                pass
        return total / 1e9

    def memory(self):
        """(anonymous, peak resident) in bytes."""
        values = {}
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                key, _, rest = line.partition(":")
                if key in ("RssAnon", "VmHWM"):
                    values[key] = int(rest.split()[0]) * 1024
        return values.get("RssAnon", 0), values.get("VmHWM", 0)

    def resident(self):
        """All resident memory, in bytes: what it maps of its files too."""
        with open("/proc/%d/statm" % self.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def metric(self, name):
        """The sum of a metric of its own over all its label sets."""
        total = 0.0
        for line in self.get("/metrics")[1].decode().splitlines():
            if line.startswith((name + " ", name + "{")):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def flushed(self):
        """Bytes that all samples so far take as blocks, index included."""
        if self.name == "victoria":
            self.get("/internal/force_flush")
            self.get("/internal/force_merge", timeout=600)
            size = -1
            while size != self.disk()[0]:  # what was merged is removed a little later
                size = self.disk()[0]
                time.sleep(3)
            return size
        status, body = self.post("/api/v1/admin/tsdb/snapshot")
        if status != 200:
            raise SystemExit("%s: no snapshot: %s" % (self.name, body[:300]))
        path = os.path.join(self.data, "snapshots", json.loads(body)["data"]["name"])
        size = folder_bytes(path)[0]
        shutil.rmtree(path)
        return size

    def post(self, path, timeout=600):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            c.request("POST", path)
            r = c.getresponse()
            return r.status, r.read()
        finally:
            c.close()

    def disk(self):
        """(everything, write-ahead log) in bytes."""
        return folder_bytes(self.data)


    def wal_written(self):
        """Bytes written to the write-ahead log since the start, what a checkpoint has made unnecessary included; to
        a page of 32 KiB."""
        if self.name == "victoria":
            return 0
        return max(self.disk()[1], int(self.metric("prometheus_tsdb_wal_completed_pages_total")) * 32768)


def folder_bytes(path):
    total = wal = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                size = os.stat(os.path.join(folder, name)).st_size
            except OSError:
                continue
            total += size
            if "wal" in os.path.relpath(folder, path).split(os.sep):
                wal += size
    return total, wal
