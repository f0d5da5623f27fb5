# SPDX-License-Identifier: Apache-2.0
"""A real Postfix that asks mail filters, and `sigillo milter` behind it."""
import base64
import json
import os
import shutil
import signal
import smtplib
import subprocess

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from world import daemon, namespace
from world.internet import wait_for
from world.postfix import Postfix


class Key:
    """A key pair for DKIM, its record, and its file."""

    def __init__(self, folder, domain, selector, kind="rsa", mode=0o600):
        self.domain, self.selector, self.kind = domain, selector, kind
        key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)
        form = serialization.PrivateFormat.PKCS8 if kind == "ed25519" else serialization.PrivateFormat.TraditionalOpenSSL
        self.pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        self.seed = key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()) if kind == "ed25519" else None
        public = key.public_key()
        if kind == "ed25519":
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        else:
            raw = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.record = "v=DKIM1; k=%s; p=%s" % (kind, base64.b64encode(raw).decode())
        self.file = os.path.join(folder, "%s.%s.pem" % (selector, domain))
        with open(self.file, "wb") as f:
            f.write(self.pem)
        os.chmod(self.file, mode)

    def publish(self, world):
        text = self.record
        parts = " ".join('"%s"' % text[i:i + 250] for i in range(0, len(text), 250))
        world.dns.publish("%s._domainkey.%s" % (self.selector, self.domain), "TXT", parts)
        return self


class Milter:
    """`sigillo milter` with settings of its own; mend() changes them, log() is what it said."""

    popen = subprocess.Popen

    def __init__(self, world, name, settings):
        self.world, self.folder = world, os.path.join(world.folder, "milter-" + name)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        os.chmod(self.folder, 0o755)
        self.config, self.log_file = os.path.join(self.folder, "milter.conf"), os.path.join(self.folder, "log")
        self.path = os.path.join(self.folder, "socket")
        self.settings = {"socket": "unix:" + self.path, "socket_mode": "0666", "authserv_id": "mx.milter.test",
                         "resolver": {"forward": [world.dns.address], "trust_anchor": world.dns.trust_anchor}}
        if not namespace.one_user():
            self.settings["user"] = "sigillo"
        self.settings.update(settings)
        self.process = None

    @property
    def postfix_name(self):
        where = self.settings["socket"]
        if where.startswith("unix:"):
            return where
        port, _, host = where.partition(":")[2].partition("@")
        return "inet:%s:%s" % (host, port)

    def write(self):
        with open(self.config, "w") as f:
            f.write(daemon.configuration(self.settings))

    def start(self):
        self.write()
        self.process = self.popen([daemon.PROGRAM, "milter", "--config", self.config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(self.log_file, "ab"))
        wait_for(lambda: self.process.poll() is not None or "listening" in self.events(), bool, 20, "the milter")
        assert self.process.poll() is None, self.text()
        return self

    def reload(self, event="configuration reloaded"):
        self.write()
        before = self.events().count(event)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.events().count(event), lambda n: n > before, 20, event)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.process = None
        return code

    def text(self):
        with open(self.log_file) as f:
            return f.read()

    def lines(self):
        return [json.loads(l) for l in self.text().splitlines() if l.startswith("{")]

    def events(self):
        return [l["event"] for l in self.lines()] if os.path.exists(self.log_file) else []

    def said(self, event, **fields):
        return [l for l in self.lines() if l["event"] == event and all(l.get(k) == v for k, v in fields.items())]

    def check(self, ok=True):
        self.write()
        r = subprocess.run([daemon.PROGRAM, "milter", "--config", self.config, "--check"], capture_output=True, text=True, timeout=60)
        assert not ok or r.returncode == 0, r.stderr
        return r


class Gate(Postfix):
    """A Postfix on `address` whose filters are `milters`; whoever talks to it may say by XCLIENT who he is."""

    def __init__(self, world, name, address, milters, settings=None):
        super().__init__(os.path.join(world.folder, "gate-" + name), world.peers, [("mx.milter.test", address, None, None)])
        self.address, self.milters, self.settings = address, milters, settings or {}

    def main(self):
        own = {"smtpd_milters": ", ".join(self.milters), "smtpd_authorized_xclient_hosts": "127.0.0.0/8", "milter_default_action": "tempfail",
               "smtpd_milter_maps": "", "smtpd_client_port_logging": "no", "header_size_limit": "10000000", "smtpd_delay_reject": "yes",
               "smtpd_recipient_limit": "2000", "smtputf8_enable": "yes", "smtpd_timeout": "60s",
               "smtpd_hard_error_limit": "10000", "smtpd_soft_error_limit": "10000", "smtpd_error_sleep_time": "0", **self.settings}
        kept = [l for l in super().main().splitlines() if l.split(" = ")[0].rstrip(" =") not in own]
        return "\n".join(kept + ["%s = %s" % kv for kv in own.items()]) + "\n"

    def session(self, ip="192.0.2.77", name=None, helo="client.test", login=None):
        return Session(self.address, ip, name, helo, login)

    def send(self, data, sender="someone@elsewhere.test", to="reader@milter.test", utf8=False, **who):
        """One message: (code, text) of the final reply."""
        with self.session(**who) as s:
            return s.message(data, sender, to, utf8)

    def last(self, to="reader@milter.test"):
        return self.mailbox(to)[-1]


class Session:
    """One SMTP session that says it comes from elsewhere; the data go as they are, byte for byte."""

    def __init__(self, address, ip, name, helo, login):
        self.c = smtplib.SMTP(address, timeout=120)
        self.c.command_encoding = "utf-8"
        self.c.ehlo("tester.test")
        shown = "ADDR=%s NAME=%s" % (("IPV6:" + ip) if ":" in ip else ip, name or "[UNAVAILABLE]")
        if login:
            shown += " LOGIN=" + login
        code, text = self.c.docmd("XCLIENT", shown)
        assert code == 220, text
        self.c.ehlo(helo)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.c.close()

    def message(self, data, sender="someone@elsewhere.test", to="reader@milter.test", utf8=False):
        code, text = self.c.docmd("MAIL FROM:<%s>%s" % (sender, " SMTPUTF8" if utf8 else ""))
        if code == 250:
            code, text = self.c.docmd("RCPT TO:<%s>" % to)
        if code == 250:
            code, text = self.c.docmd("DATA")
        if code != 354:
            self.c.rset()
            return code, text.decode("utf-8", "replace")
        lines = data.split(b"\r\n")
        stuffed = b"\r\n".join(b"." + l if l.startswith(b".") else l for l in lines)
        self.c.sock.sendall(stuffed + (b"" if data.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        code, text = self.c.getreply()
        return code, text.decode("utf-8", "replace")


def fields(data, name):
    """All fields of that name: their raw values, first to last."""
    head = data.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape")
    out, open_ = [], False
    for line in head.split("\r\n"):
        if line[:1] in (" ", "\t"):
            if open_:
                out[-1] += "\r\n" + line
            continue
        key, _, value = line.partition(":")
        open_ = key.strip().lower() == name.lower()
        if open_:
            out.append(value)
    return out


def results(data, authserv="mx.milter.test"):
    """What our own Authentication-Results say: [(method, result, text)]; there must be one."""
    own = [" ".join(v.split()) for v in fields(data, "Authentication-Results") if v.split(";")[0].strip() == authserv]
    assert len(own) == 1, own
    out = []
    for part in own[0].split("; ")[1:]:
        method, _, rest = part.partition("=")
        out.append((method, rest.split(" ")[0], part))
    return out


def result(data, method, **kw):
    return [r for m, r, _ in results(data, **kw) if m == method]


def mail(sender, extra=(), body="Hello.\r\n", to="reader@milter.test", subject="A test"):
    head = ["From: <%s>" % sender, "To: <%s>" % to, "Subject: " + subject, "Date: Mon, 23 Nov 2026 08:00:00 +0000", "Message-ID: <%d@client.test>" % (id(extra) ^ hash(subject)), *extra]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")
