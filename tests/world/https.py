# SPDX-License-Identifier: Apache-2.0
"""One HTTPS server for every name in the world: pages put by the tests, requests kept for them to read."""
import http.server
import ssl
import threading


class Https:
    """put(host, path, body): serves it.  requests: [(method, host, path, headers, body)]."""

    def __init__(self, address, authority, port=443):
        self.address, self.authority, self.port = address, authority, port
        self.pages, self.requests, self._contexts = {}, [], {}
        self._lock = threading.Lock()
        self._server = None

    def put(self, host, path, body, status=200, content_type="text/plain"):
        self.pages[(host, path)] = (status, content_type, body if isinstance(body, bytes) else body.encode())

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                host = (self.headers.get("Host") or "").split(":")[0]
                outer.requests.append((self.command, host, self.path, dict(self.headers), body))
                status, kind, page = outer.pages.get((host, self.path), (404, "text/plain", b"not here\n"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((self.address, self.port), Handler)
        context = self._context("https.test")
        context.sni_callback = self._choose
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _choose(self, connection, name, _context):
        if name:
            connection.context = self._context(name)

    def _context(self, name):
        with self._lock:
            if name not in self._contexts:
                certificate = self.authority.issue(name)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate.certificate, certificate.key)
                self._contexts[name] = context
            return self._contexts[name]
