# SPDX-License-Identifier: Apache-2.0
"""One HTTPS server for every name in the world: pages put by the tests, requests kept for them to read.

It is as wrong as a test wants it to be: any certificate for a name, any status, any body at any pace; stop() and start() at will."""
import http.server
import ssl
import threading


class Https:
    """put(host, path, body): serves it.  requests: [(method, host, path, headers, body)].

    put(..., headers=[(name, value)]) sends more of them; put(..., body=function) lets function(handler) write the answer itself, to the end of the connection.
    shows(host, certificate): that one in place of a good one of the world's authority."""

    def __init__(self, address, authority, port=443):
        self.address, self.authority, self.port = address, authority, port
        self.pages, self.requests, self._contexts = {}, [], {}
        self._lock = threading.Lock()
        self._server = None

    def put(self, host, path, body, status=200, content_type="text/plain", headers=()):
        self.pages[(host, path)] = (status, content_type, body.encode() if isinstance(body, str) else body, headers)

    def shows(self, host, certificate):
        with self._lock:
            self._contexts[host] = context_of(certificate)

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                host = (self.headers.get("Host") or "").split(":")[0]
                outer.requests.append((self.command, host, self.path, dict(self.headers), body))
                status, kind, page, more = outer.pages.get((host, self.path), (404, "text/plain", b"not here\n", ()))
                if callable(page):
                    self.close_connection = True
                    page(self)
                    return
                self.send_response(status)
                for name, value in [("Content-Type", kind), ("Content-Length", str(len(page))), *more]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False # a page may take its time

            def handle_error(self, request, client_address):
                pass # clients go away in the middle, and have reason to

        self._server = Server((self.address, self.port), Handler)
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
                self._contexts[name] = context_of(self.authority.issue(name, file="web-" + name))
            return self._contexts[name]


def context_of(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context
