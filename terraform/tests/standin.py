"""A deployment's outside, right or with one fault: for finding out whether the smoke test notices. HTTPS and HTTP."""
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import urllib.parse

REFUSED = {"type": "about:blank", "status": 401}


class StandIn:
    def __init__(self, folder, fault=None, revisions=None, canary=None):
        self.fault, self.revisions, self.canary = fault, revisions or {}, canary
        folder = pathlib.Path(folder)
        self.ca, key = folder / "ca.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,DNS:crm.localhost", "-keyout", key, "-out", self.ca],
            check=True, capture_output=True)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.answer(self)

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.answer(self)

        self.https = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.ca, key)
        self.https.socket = tls.wrap_socket(self.https.socket, server_side=True)
        for server in (self.https, self.plain):
            threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        # Not `localhost`, where HSTS is rightly not said.
        self.base = f"https://crm.localhost:{self.https.server_port}"
        self.http = f"http://crm.localhost:{self.plain.server_port}"

    def close(self):
        for server in (self.https, self.plain):
            server.shutdown()
            server.server_close()

    def answer(self, request):
        path = request.path.split("?")[0]
        headers, status, kind, body = {}, 200, "application/json", "{}"
        if self.fault != "no HSTS":
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if not isinstance(request.connection, ssl.SSLSocket):
            status = 200 if self.fault == "plain HTTP is served" else 301
            headers["Location"] = self.base + request.path
        elif path.startswith("/health/"):
            service = path.rsplit("/", 1)[1]
            ours = self.canary is None or request.headers.get("X-Crm-Canary") == self.canary
            revision = self.revisions.get(service, "local") if ours and self.fault != "the old revision answers" else "old"
            status = 503 if self.fault == "the database is away" else 200
            body = json.dumps({"status": "ok", "service": service, "version": "0.1.0", "revision": revision}, separators=(",", ":"))
        elif path == "/":
            kind, body = "text/html; charset=utf-8", "<!doctype html>"
        elif path == "/.well-known/jwks.json":
            body = '{"keys":[{"kid":"a"}]}'
        elif path.startswith("/images/"):
            status = 200 if self.fault == "pictures are public" else 403
        elif path.startswith("/login/"):
            provider = path.rsplit("/", 1)[1]
            sent_back = {
                "redirect by http": self.base.replace("https:", "http:") + f"/login/{provider}/callback",
                "redirect to run.app": f"https://crm-auth-abc-ew.a.run.app/login/{provider}/callback",
                "redirect with a slash more": f"{self.base}/login/{provider}/callback/",
            }.get(self.fault, f"{self.base}/login/{provider}/callback")
            query = urllib.parse.urlencode({"client_id": "1", "redirect_uri": sent_back, "state": "s"})
            status, headers["Location"] = 303, f"https://accounts.example/authorize?{query}"
        else:
            status, kind, body = 401, "application/problem+json", json.dumps(REFUSED)
            if self.fault == "customers are public":
                status = 200
        request.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body.encode())
