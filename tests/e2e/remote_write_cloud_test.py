#!/usr/bin/env python3
"""Remote write to receivers that want to know who sends, as those of the large clouds do: keys and tokens come from small
servers that play the clouds, live for seconds, and are checked by the receiver at every request."""
import datetime
import hashlib
import hmac
import http.server
import json
import os
import threading
import time
import unittest
import urllib.parse

import harness

ROLE = "arn:aws:iam::123456789012:role/writer"


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(secret, request, body, region, service):
    """The signature of a request, from Amazon's description of how it is made."""
    names = request.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0]
    canonical = "\n".join([request.command, request.path, ""] + ["%s:%s" % (n, request.headers[n].strip()) for n in names.split(";")] +
                          ["", names, hashlib.sha256(body).hexdigest()])
    date = request.headers["X-Amz-Date"]
    scope = "/".join([date[:8], region, service, "aws4_request"])
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = digest(key, part)
    return digest(key, text).hex()


class Cloud:
    """Hands out keys and tokens, and takes remote writes of those who have one that is valid."""

    def __init__(self):
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, text = cloud.answer(self, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST = answer

            def log_message(self, *_):
                pass

        self.up = True
        self.secrets = {}  # by access key
        self.tokens = {}   # when they expire
        self.taken = []    # who sent
        self.refused = []
        self.issued = 0
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, body):
        with self.lock:
            path = urllib.parse.urlsplit(request.path).path
            if path == "/api/v1/write":
                return self.take(request, body)
            if not self.up:
                return 503, "not yet"
            if path == "/latest/api/token":
                return 200, "metadata token"
            if path.startswith("/latest/meta-data/iam/security-credentials/"):
                return self.machine(request, path)
            if path == "/":
                return self.sts(request, body)
            if path in ("/metadata/identity/oauth2/token", "/computeMetadata/v1/instance/service-accounts/default/token"):
                return self.token(request)
            return 404, "no such page"

    def keys(self, margin):
        """Of use for two seconds more than the margin within which they are renewed."""
        self.issued += 1
        key = "KEY%d" % self.issued
        self.secrets[key] = "secret of " + key
        at = datetime.datetime.fromtimestamp(time.time() + margin + 2, datetime.timezone.utc)
        return key, at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def machine(self, request, path):
        if request.headers.get("X-aws-ec2-metadata-token") != "metadata token":
            return 401, "a token is wanted"
        if path.endswith("/"):
            return 200, "role-of-the-machine"
        key, expiration = self.keys(300)
        return 200, json.dumps({"Code": "Success", "AccessKeyId": key, "SecretAccessKey": self.secrets[key], "Token": "session of " + key,
                                "Expiration": expiration})

    def sts(self, request, body):
        form = urllib.parse.parse_qs(body.decode())
        who = self.signer(request, body, "sts")
        if who is None or form["RoleArn"] != [ROLE] or form["ExternalId"] != ["outside"]:
            return 403, "<Error><Code>AccessDenied</Code></Error>"
        key, expiration = self.keys(30)
        return 200, ("<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>"
                     "<SessionToken>session of %s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
                     % (key, self.secrets[key], key, expiration))

    def signer(self, request, body, service):
        """The access key a request is signed with, None when the signature is wrong."""
        field = request.headers.get("Authorization", "")
        key = field.split("Credential=")[-1].split("/")[0]
        if key not in self.secrets or request.headers.get("X-Amz-Security-Token") != "session of " + key:
            return None
        wanted = signature(self.secrets[key], request, body, "eu-west-1", service)
        return key if field.endswith("Signature=" + wanted) else None

    def token(self, request):
        if request.headers.get("Metadata") != "true" and request.headers.get("Metadata-Flavor") != "Google":
            return 400, "a metadata header is wanted"
        self.issued += 1
        token = "token%d" % self.issued
        self.tokens[token] = time.time() + 5
        return 200, json.dumps({"access_token": token, "expires_in": "4", "token_type": "Bearer"})

    def take(self, request, body):
        field = request.headers.get("Authorization", "")
        if field.startswith("Bearer "):
            token = field[len("Bearer "):]
            who = token if self.tokens.get(token, 0) > time.time() else None
        else:
            who = self.signer(request, body, "aps")
        (self.refused if who is None else self.taken).append(who or field)
        return (401, "who are you?") if who is None else (204, "")


class CloudTest(unittest.TestCase):
    def setUp(self):
        self.cloud = Cloud()
        self.addCleanup(self.cloud.close)
        self.exporter = harness.Exporter(lambda: "m 1\n")
        self.addCleanup(self.exporter.close)

    def start(self, section, env):
        config = ("global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
                  "scrape_configs: [{job_name: app, static_configs: [{targets: ['%s']}]}]\n"
                  "remote_write:\n- url: %s/api/v1/write\n  queue_config: {batch_send_deadline: 100ms, max_backoff: 200ms}\n  metadata_config: {send: false}\n"
                  "  %s\n" % (self.exporter.address, self.cloud.url, section))
        env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "AZURE_", "GOOGLE_"))} | {"HOME": "/nowhere"} | env
        server = harness.Server(config, env=env)
        self.addCleanup(server.close)
        return server.start()

    def sends(self, section, env, senders):
        """A server with this section sends, and at least so many keys or tokens are used one after the other."""
        self.start(section, env)
        harness.wait_until(lambda: len(set(self.cloud.taken)) >= senders, what="%d keys or tokens in use" % senders)
        self.assertEqual(self.cloud.refused, [])
        if senders > 1:  # not one for each request
            self.assertGreater(len(self.cloud.taken), 2 * len(set(self.cloud.taken)))

    def test_a_role_of_amazons_over_that_of_the_machine(self):
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.cloud.url, "AWS_ENDPOINT_URL_STS": self.cloud.url}
        self.sends("sigv4: {region: eu-west-1, role_arn: '%s', external_id: outside}" % ROLE, env, 3)

    def test_a_managed_identity_of_azures(self):
        self.sends("azuread: {managed_identity: {client_id: 12345678-1234-1234-1234-123456789abc}}",
                   {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.cloud.url}, 3)

    def test_a_machine_of_googles(self):
        self.sends("google_iam: {}", {"GCE_METADATA_HOST": self.cloud.url[len("http://"):]}, 3)

    def test_what_cannot_be_authorized_waits(self):
        self.cloud.up = False
        server = self.start("azuread: {managed_identity: {}}", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.cloud.url})
        harness.wait_until(lambda: "Failed to get access token" in server.log(), what="a word in the log")
        self.assertEqual((self.cloud.taken, self.cloud.refused), ([], []))
        self.cloud.up = True
        harness.wait_until(lambda: self.cloud.taken, what="what was scraped meanwhile")
        self.assertEqual(self.cloud.refused, [])
        metrics = server.get("/metrics").text
        self.assertRegex(metrics, r"(?m)^prometheus_remote_storage_samples_failed_total\{.*\} 0$")
        self.assertRegex(metrics, r"(?m)^prometheus_remote_storage_samples_retried_total\{.*\} [1-9]")


if __name__ == "__main__":
    harness.main()
