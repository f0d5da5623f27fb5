# SPDX-License-Identifier: Apache-2.0
"""A running `sigillo serve` for tests, the demo and the crash runs."""
import base64
import http.client
import json
import os
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time

from . import namespace
from .internet import ROOT, wait_for

PROGRAM = os.environ.get("SIGILLO_PROGRAM", os.path.join(ROOT, "build", "sigillo"))
FAST_RETRY = ["1s", "1s", "2s", "3s"]


class Raw(str):
    """A configuration value that is written without quotes."""


def render(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(render(v) for v in value) + "}"
    if isinstance(value, (int, Raw)):
        return str(value)
    return '"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"')


def configuration(settings, indent=""):
    """The text of a configuration: nested dicts become sections, keys such as "listen submission" titled ones."""
    out = []
    for key, value in settings.items():
        if value is None:
            continue
        if isinstance(value, dict):
            kind, _, title = key.partition(" ")
            head = "%s \"%s\"" % (kind, title) if title else kind
            out.append("%s%s {\n%s%s}\n" % (indent, head, configuration(value, indent + "    "), indent))
        else:
            out.append("%s%s = %s\n" % (indent, key, render(value)))
    return "".join(out)


class Sender:
    """A domain that may send: its credential, its key."""

    def __init__(self, domain, user, password, key):
        self.domain, self.user, self.password, self.key = domain, user, password, key


class Sigillo:
    """One daemon with its own address, state folder and configuration.

    settings       the configuration as nested dicts; change it before start(), or later with reload()
    address        where it listens: 587 STARTTLS, 465 TLS, 25 plain for the trusted network 127.0.0.0/8 (no AUTH;
                   acts as the credential "trusted"), 8080 HTTP
    cli(*args)     runs the program against this daemon: CompletedProcess (text); ok=False allows any exit status
    json(*args)    the same with --json, parsed
    sender(domain) adds the domain, publishes its records, makes a credential and a key: Sender
    connect(port)  smtplib client, TLS already on for 587 and 465
    submit(sender, to, data, ...)  one message by SMTP: the queue id
    post(path, body, key), get(path, key)   HTTP: (status, headers, parsed JSON or bytes)
    wait_state(id, states, rcpt=None)       until the recipient(s) of a message are in one of the states
    pids()         {"supervisor": n, "keys": n, "service": n}
    log()          parsed lines so far; expect(pattern): error lines that match are no failure
    stop(), kill(which="all"), restart()
    """

    def __init__(self, world, address="127.0.10.1", name="mail", settings=None, preload=None, state_dir=None):
        self.world, self.address, self.name = world, address, name
        self.folder = os.path.join(world.folder, "sigillo-" + name)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.state = state_dir or os.path.join(self.folder, "state")
        self.config_file = os.path.join(self.folder, "sigillo.conf")
        self.log_file = os.path.join(self.folder, "log")
        self.socket = os.path.join(self.folder, "admin.sock")
        self.preload = preload
        self.process, self._expected, self._log_seen, self._trusted = None, [], 0, False
        self.certificate = world.ca.issue("%s.test" % name, "localhost", address)
        self.settings = self.defaults()
        merge(self.settings, settings or {})
        os.makedirs(self.state, exist_ok=True)
        self.user = None
        if not namespace.one_user():
            self.user = self.settings.setdefault("user", "sigillo")

    def defaults(self):
        world, here = self.world, self.address
        return {
            "hostname": "%s.test" % self.name, "state_dir": self.state, "admin_socket": self.socket,
            "tls_certificate": self.certificate.certificate, "tls_key": self.certificate.key,
            "listen submission": {"door": "submission", "address": ["%s:587" % here], "tls": "starttls"},
            "listen submissions": {"door": "submission", "address": ["%s:465" % here], "tls": "implicit"},
            "listen trusted": {"door": "submission", "address": ["%s:25" % here], "tls": "plain",
                               "trust": ["127.0.0.0/8"], "trust_credential": "trusted"},
            "listen http": {"door": "http", "address": ["%s:8080" % here], "tls": "plain"},
            "resolver": {"root_hints": world.dns.root_hints, "trust_anchor": world.dns.trust_anchor},
            # Tests bounce at the same addresses again and again.
            "delivery": {"allow_loopback": True, "ca_file": world.ca.file, "suppress_hard_bounces": "0s"},
            "queue": {"retry": FAST_RETRY, "jitter": 0},
            "verification": {"required": False},
        }

    # -- life ---------------------------------------------------------------------------------------------------

    def write_config(self):
        with open(self.config_file, "w") as f:
            f.write(configuration(self.settings))
        os.chmod(self.config_file, 0o644)

    def start(self, wait=True):
        self.write_config()
        env = dict(os.environ)
        if self.preload:
            env["LD_PRELOAD"] = self.preload
        out = open(self.log_file, "ab")
        self.process = subprocess.Popen([PROGRAM, "serve", "--config", self.config_file], stdin=subprocess.DEVNULL,
                                        stdout=out, stderr=out, env=env, start_new_session=True)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=20):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError("sigillo serve ended with %d:\n%s" % (self.process.returncode, self.raw_log()))
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        raise AssertionError("sigillo is not ready after %d s:\n%s" % (timeout, self.raw_log()[-3000:]))

    def stop(self, timeout=30):
        """SIGTERM; the exit status."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("SIGTERM did not end sigillo in %d s" % timeout)
        self.process = None
        return code

    def pids(self):
        """By what the processes say of themselves: the supervisor is ours, its children are told by their titles."""
        found = {"supervisor": self.process.pid}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    stat = f.read()
                name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
            except OSError:
                continue
            if int(rest[1]) == self.process.pid and rest[0] != "Z":
                for role in ("keys", "service"):
                    if role in name:
                        found[role] = int(pid)
        return found

    def kill(self, which="all"):
        """SIGKILL to the service, the keys process, or everything at once."""
        if self.process is None:
            return
        pids = self.pids()
        self.expect("the supervisor is gone") # so say its children, if they live so long
        victims = list(pids.values()) if which == "all" else [pids[which]] if which in pids else []
        for pid in victims: # the supervisor first, so that it cannot start children again
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if which == "all":
            self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        """Writes the settings and sends SIGHUP."""
        self.write_config()
        self.process.send_signal(signal.SIGHUP)

    # -- log ----------------------------------------------------------------------------------------------------

    def raw_log(self):
        try:
            with open(self.log_file, errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def log(self):
        lines = []
        for line in self.raw_log().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"level": "error", "not_json": line})
        return lines

    def expect(self, pattern):
        self._expected.append(re.compile(pattern))

    def unexpected_errors(self):
        """Error lines since the last call that no expect() allows."""
        lines = self.log()
        fresh, self._log_seen = lines[self._log_seen:], len(lines)
        bad = [l for l in fresh if str(l.get("level")) in ("error", "critical", "fatal")
               and not any(p.search(json.dumps(l)) for p in self._expected)]
        self._expected = []
        return bad

    # -- command line -------------------------------------------------------------------------------------------

    def cli(self, *args, ok=True, input=None, timeout=60):
        r = subprocess.run([PROGRAM, *args], env=dict(os.environ, SIGILLO_SERVER="unix:" + self.socket), input=input,
                           capture_output=True, text=not isinstance(input, bytes), timeout=timeout)
        if ok and r.returncode != 0:
            raise AssertionError("sigillo %s: exit %d\n%s%s" % (" ".join(args), r.returncode, r.stdout, r.stderr))
        return r

    def json(self, *args, **kw):
        return json.loads(self.cli(*args, "--json", **kw).stdout)

    def sender(self, domain="app.test", user=None, publish=True, ed25519=False):
        user = user or "sender-" + domain.split(".")[0]
        self.json("domain", "add", domain, *(["--ed25519"] if ed25519 else []))
        if publish:
            self.publish_records(domain)
        if user != "trusted" and not self._trusted:
            self.json("credential", "add", "trusted", "--domain", "*") # whom clients of the trusted network act as
        self._trusted = True
        credential = self.json("credential", "add", user, "--domain", domain)
        key = self.json("key", "add", "--domain", domain)
        return Sender(domain, user, credential["password"], key["key"])

    def publish_records(self, domain):
        sets = {}
        for name, kind, value in self.records(domain):
            sets.setdefault((name, kind), []).append(value)
        for (name, kind), values in sets.items():
            self.world.dns.publish(name, kind, *values)

    def records(self, domain):
        """[(name, type, value in zone-file form)]"""
        out = []
        for line in self.cli("domain", "records", domain, "--format", "zone").stdout.splitlines():
            m = re.match(r"(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(TXT|MX|CNAME|A|AAAA|TLSA)\s+(.*)$", line)
            if m:
                out.append(m.groups())
        return out

    # -- doors --------------------------------------------------------------------------------------------------

    def tls_context(self):
        return ssl.create_default_context(cafile=self.world.ca.file)

    def open_https(self):
        """One more door, HTTPS on port 8443, from the next start on, and links lead there; its URL."""
        self.settings["listen https"] = {"door": "http", "address": ["%s:8443" % self.address], "tls": "implicit"}
        self.settings["public_url"] = "https://%s:8443" % self.address
        return self.settings["public_url"]

    def connect(self, port=587, timeout=20):
        if port == 465:
            return smtplib.SMTP_SSL(self.address, port, "client.test", timeout=timeout, context=self.tls_context())
        c = smtplib.SMTP(self.address, port, "client.test", timeout=timeout)
        c.ehlo()
        if port == 587:
            c.starttls(context=self.tls_context())
            c.ehlo()
        return c

    def submit(self, sender, to, data=None, mail_from=None, port=587, mail_options=(), rcpt_options=()):
        """Sends one message by SMTP with AUTH; the id that the server gave it."""
        to = [to] if isinstance(to, str) else to
        mail_from = "me@%s" % sender.domain if mail_from is None else mail_from
        data = data or message(mail_from, to)
        c = self.connect(port)
        try:
            if port != 25:
                c.login(sender.user, sender.password)
            check(c.mail(mail_from, list(mail_options)), 250)
            for address in to:
                check(c.rcpt(address, list(rcpt_options)), 250)
            return queue_id(check(c.data(data), 250))
        finally:
            c.close()

    def request(self, method, path, body=None, key=None, headers=None, timeout=20, tls=False):
        """Over plain HTTP, or by the door of open_https(): (status, headers, parsed JSON or bytes)."""
        c = (http.client.HTTPSConnection(self.address, 8443, timeout=timeout, context=self.tls_context()) if tls else
             http.client.HTTPConnection(self.address, 8080, timeout=timeout))
        try:
            h = dict(headers or {})
            if key:
                h["Authorization"] = "Bearer " + key
            if body is not None and not isinstance(body, (bytes, str)):
                body, _ = json.dumps(body), h.setdefault("Content-Type", "application/json")
            c.request(method, path, body, h)
            r = c.getresponse()
            data = r.read()
            kind = r.getheader("Content-Type") or ""
            return r.status, dict(r.getheaders()), json.loads(data) if "json" in kind else data
        finally:
            c.close()

    def post(self, path, body, key=None, headers=None):
        return self.request("POST", path, body, key, headers)

    def get(self, path, key=None, headers=None):
        return self.request("GET", path, None, key, headers)

    def admin(self, method, path, body=None):
        """A request to the admin API over its unix socket: (status, parsed JSON or bytes)."""
        c = http.client.HTTPConnection("localhost", timeout=20)
        c.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        c.sock.settimeout(20)
        c.sock.connect(self.socket)
        try:
            c.request(method, path, json.dumps(body) if body is not None else None,
                      {"Content-Type": "application/json"} if body is not None else {})
            r = c.getresponse()
            data = r.read()
            return r.status, json.loads(data) if "json" in (r.getheader("Content-Type") or "") else data
        finally:
            c.close()

    # -- what became of a message -------------------------------------------------------------------------------

    def show(self, message_id):
        """The message and its recipients as `sigillo queue show` gives them."""
        return self.json("queue", "show", message_id)

    def wait_state(self, message_id, states, rcpt=None, timeout=20.0):
        """Until every recipient (or the one named) is in one of `states`; the shown message."""
        states = [states] if isinstance(states, str) else states

        def there(shown):
            rows = [r for r in shown["recipients"] if rcpt is None or r["address"] == rcpt]
            return rows and all(r["state"] in states for r in rows)
        return wait_for(lambda: self.show(message_id), there, timeout, "%s to be %s" % (message_id, "/".join(states)))


def merge(into, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def check(reply, code):
    """A reply of smtplib, which must have this code; its text."""
    text = reply[1].decode("utf-8", "replace") if isinstance(reply[1], bytes) else reply[1]
    if reply[0] != code:
        raise smtplib.SMTPResponseException(reply[0], text)
    return text


def queue_id(text):
    """The message id in the reply to the final dot: 13 characters of Crockford's base32."""
    m = re.search(r"\b([0-9a-hjkmnp-tv-z]{13})\b", text)
    assert m, "no message id in the reply: " + text
    return m.group(1)


def message(mail_from, to, subject="A test", body="Hello.\r\n", extra=()):
    """A plain message as bytes."""
    head = ["From: <%s>" % mail_from, "To: " + ", ".join("<%s>" % t for t in to), "Subject: " + subject, *extra]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def plain_auth(user, password):
    return base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode()
