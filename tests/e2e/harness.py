"""Starts the real binary on free loopback ports and talks to it; the standard library only.

The binary is the first argument of every test, or $DEUCALION_BINARY.
"""
import contextlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

BINARY = os.environ.get("DEUCALION_BINARY", "")
READY_SECONDS = 60
# How much more memory and time the binary takes for the same: a sanitizer keeps what was freed for a while, and is slow.
MEMORY_FACTOR, TIME_FACTOR = (6, 6) if os.environ.get("DEUCALION_SANITIZED") else (1, 1)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """One deucalion process. Its data directory outlives restarts."""

    def __init__(self, config="global: {}\n", flags=(), folder=None, env=None):
        self.folder = folder or tempfile.mkdtemp(prefix="deucalion-e2e-")
        self.port = free_port()
        self.flags = list(flags)
        self.env = env
        self.process = None
        self.config_path = os.path.join(self.folder, "prometheus.yml")
        self.write_config(config)
        self.log_path = os.path.join(self.folder, "log")

    def write_config(self, text):
        with open(self.config_path, "w") as f:
            f.write(text)

    def command(self):
        return [BINARY, "--config.file=" + self.config_path, "--storage.tsdb.path=" + os.path.join(self.folder, "data"),
                "--web.listen-address=127.0.0.1:%d" % self.port] + self.flags

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder, env=self.env)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError("ended with status %s:\n%s" % (self.process.returncode, self.log()))
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/-/ready").status == 200:
                    return
            time.sleep(0.02)
        raise AssertionError("not ready after %d s:\n%s" % (READY_SECONDS, self.log()))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=30):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("SIGTERM did not end it within %d s:\n%s" % (seconds, self.log()))
        return self.process.returncode if self.process else None

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        found = self.sanitizer_reports()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not found, "a sanitizer reports:\n" + found

    def sanitizer_reports(self):
        """What asan, ubsan or tsan wrote to the log, from the first report on; "" for nothing."""
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, errors="replace") as f:
            text = f.read()
        marks = [text.find(m) for m in ("ThreadSanitizer", "AddressSanitizer", "LeakSanitizer", "runtime error:")]
        first = min([m for m in marks if m >= 0], default=-1)
        return "" if first < 0 else text[first:first + 8000]

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()[-8000:]

    def request(self, method, path, body=None, headers=None, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            r = connection.getresponse()
            return Answer(r.status, r.headers, r.read())
        finally:
            connection.close()

    def get(self, path, **params):
        query = "?" + urllib.parse.urlencode(params, doseq=True) if params else ""
        return self.request("GET", path + query)

    def post(self, path, **params):
        return self.request("POST", path, urllib.parse.urlencode(params, doseq=True),
                            {"Content-Type": "application/x-www-form-urlencoded"})

    def query(self, expr, **params):
        a = self.get("/api/v1/query", query=expr, **params)
        assert a.status == 200, a.text
        return a.json["data"]["result"]

    def query_range(self, expr, start, end, step):
        a = self.get("/api/v1/query_range", query=expr, start=start, end=end, step=step)
        assert a.status == 200, a.text
        return a.json["data"]["result"]


class Exporter:
    """Serves text on /metrics; `render` is called for each scrape."""

    def __init__(self, render, content_type="text/plain; version=0.0.4"):
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if exporter.closed:  # a kept connection: gone with the rest
                    self.close_connection = True
                    return
                exporter.scrapes += 1
                body = render().encode()
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.scrapes = 0
        self.closed = False
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.closed = True
        self.server.shutdown()
        self.server.server_close()


def wait_until(condition, seconds=30, what="the condition"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("waited %d s for %s" % (seconds, what))


def main():
    global BINARY
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        BINARY = sys.argv.pop(1)
    if not BINARY:
        sys.exit("usage: %s BINARY [unittest arguments]" % sys.argv[0])
    BINARY = os.path.abspath(BINARY)
    unittest.main(module="__main__", verbosity=2)
