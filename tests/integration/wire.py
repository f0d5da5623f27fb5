# SPDX-License-Identifier: Apache-2.0
"""An SMTP client that says exactly what it is told, and the client's side of SCRAM."""
import base64
import hashlib
import hmac
import os
import socket

from world import daemon


class Wire:
    """A client that says exactly what it is told."""

    def __init__(self, sigillo, port=587, timeout=20):
        self.tls = sigillo.tls_context()
        self.name = sigillo.address
        self.s = socket.create_connection((sigillo.address, port), timeout=timeout)
        if port == 465:
            self.s = self.tls.wrap_socket(self.s, server_hostname=self.name)
        self.rest = b""
        self.greeting = self.reply()

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b"\r\n" not in self.rest:
            more = self.s.recv(65536)
            if not more:
                raise EOFError("closed; so far %r" % self.rest)
            self.rest += more
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line.decode("utf-8")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        assert len({l[:3] for l in lines}) == 1
        return "\n".join(lines)

    def say(self, command, want):
        self.send(command + "\r\n")
        got = self.reply()
        assert got.startswith(want), "%s: got %s, want %s" % (command, got, want)
        return got

    def start_tls(self):
        self.say("EHLO client.test", "250")
        self.say("STARTTLS", "220 2.0.0")
        self.s = self.tls.wrap_socket(self.s, server_hostname=self.name)
        return self

    def login(self, sender):
        self.say("EHLO client.test", "250")
        self.say("AUTH PLAIN " + daemon.plain_auth(sender.user, sender.password), "235 2.7.0")
        return self

    def envelope(self, mail_from, to="someone@plain.test", options=""):
        self.say("MAIL FROM:<%s>%s" % (mail_from, options), "250")
        self.say("RCPT TO:<%s>" % to, "250")
        return self

    def closed(self):
        try:
            while True:
                if not self.s.recv(65536):
                    return True
        except ConnectionResetError:
            return True

    def close(self):
        self.s.close()


def scram(wire, user, password, tamper=False):
    """SCRAM-SHA-256 by RFC 5802, the client's side; the last reply."""
    nonce = base64.b64encode(os.urandom(18)).decode()
    bare = "n=%s,r=%s" % (user.replace("=", "=3D").replace(",", "=2C"), nonce)
    wire.send("AUTH SCRAM-SHA-256 " + base64.b64encode(("n,," + bare).encode()).decode() + "\r\n")
    reply = wire.reply()
    if not reply.startswith("334 "):
        return reply
    first = base64.b64decode(reply[4:]).decode()
    parts = dict(p.split("=", 1) for p in first.split(","))
    assert parts["r"].startswith(nonce) and int(parts["i"]) >= 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    without = "c=biws,r=" + parts["r"]
    message = ",".join((bare, first, without)).encode()
    proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.sha256(key).digest(), message, "sha256")))
    if tamper:
        proof = bytes([proof[0] ^ 1]) + proof[1:]
    final = without + ",p=" + base64.b64encode(proof).decode()
    wire.send(base64.b64encode(final.encode()).decode() + "\r\n")
    reply = wire.reply()
    if not reply.startswith("334 "):
        return reply
    signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
    assert base64.b64decode(reply[4:]).decode() == "v=" + base64.b64encode(signature).decode(), "the server knows it, too"
    wire.send("\r\n")
    return wire.reply()
