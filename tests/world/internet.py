# SPDX-License-Identifier: Apache-2.0
"""Puts the parts together: names, certificates, receivers."""
import json
import os
import subprocess
import tempfile
import time

from . import namespace, zones
from .https import Https
from .pki import Authority
from .postfix import Postfix
from .scripted import Greylist, Loop, Receiver

ROOT = namespace.ROOT
SCRIPTS = { # domain: script of its receiver
    "temp.test": {"mail": "451 4.3.0 not today"},
    "reject.test": {"rcpt": "550 5.1.1 nobody of that name here"},
    "refuse.test": {"dot": "554 5.7.1 we do not want this message"},
    "tarpit.test": {"connect": ("slow", 5), "mail": ("slow", 2), "rcpt": ("slow", 2)},
    "cut.test": {"dot": "drop"},
    "keepcut.test": {"dot": ["keep+drop"]},
}


class Unavailable(Exception):
    """The world cannot be built here; the text says why."""


def peers_folder():
    return os.path.join(os.path.abspath(os.environ.get("SIGILLO_PEERS", os.path.join(ROOT, "build", "peers"))), "root")


def missing():
    """'' when every program that the world needs is here, else what is missing and how to get it."""
    for program in ("usr/sbin/knotd", "usr/lib/postfix/sbin/master"):
        if not os.path.exists(os.path.join(peers_folder(), program)):
            return "%s is not below %s: run `make deps`" % (program, peers_folder())
    return ""


class World:
    """A small internet.  Only inside the namespaces (`world enter -- COMMAND`).

    world.dns.publish(name, type, *values)   replaces records, signed at once (zones: test., insecure.test., bogus.test.)
    world.dns.stop(), world.dns.resume()     the name server dies and comes back
    world.dns.address, .trust_anchor, .root_hints
    world.dns.publish_all([(name, type, [values])])   many at once
    world.ca.file, world.ca.issue(*names)    the authority that everybody here trusts; .below(name): one that it vouches for
    world.mailbox("who@good.test")           [bytes]: delivered by Postfix (the receivers below), oldest first
    world.wait_mail("who@good.test", n=1)    the same, as soon as there are n
    world.receiver("busy.test", {"mail": "451 4.3.0 later"})   a scripted receiver of that domain (scripted.Receiver)
    world.listen("mx.other.test", certificate=c)               one that no name leads to as yet
    resolver.Resolver, finger.Finger         a validating resolver for programs, posttls-finger behind it
    world.https.put(host, path, body)        world.https.requests; .shows(host, certificate), .stop(), .start()
    world.policy("busy.test", "*.busy.test", mode="enforce")   an MTA-STS policy: record, web host, body
    world.folder                             all files, gone with the world

    Domains with a real Postfix behind them (any mailbox; nobody@ is refused 550, full@ 452, blocked@ 554):
      good.test      TLSA matches               (DANE)
      wrong.test     TLSA of another key        (DANE fails)
      plain.test     no STARTTLS                (opportunistic: plain)
      expired.test   certificate expired        (opportunistic: still TLS)
      insecure.test  zone without DNSSEC, with a TLSA record that must not be believed
      grey.test      the first attempt of a pair is greylisted
      six.test       IPv6 only
    Scripted, always there: temp.test reject.test refuse.test tarpit.test cut.test keepcut.test (world.scripted[name])
    null.test has a null MX; none.test does not exist at all; bogus.test fails DNSSEC validation; app.test and
    example.test are free for senders.
    """

    def __init__(self, postfix=True):
        if not namespace.is_inside():
            raise Unavailable("not inside the namespaces: run tests/world/world enter -- COMMAND")
        if missing():
            raise Unavailable(missing())
        self.folder = tempfile.mkdtemp(prefix="w", dir=os.environ[namespace.MARK])
        os.chmod(self.folder, 0o755)
        self.peers = peers_folder()
        self.ca = Authority(os.path.join(self.folder, "pki"))
        self.dns = zones.Dns(os.path.join(self.folder, "dns"), self.peers)
        self.https = Https("127.0.0.80", self.ca)
        self.loop = Loop()
        self.greylist = Greylist("127.0.0.54")
        self.scripted, self._receivers, self._next, self._with_postfix, self.postfix = {}, [], 0, postfix, None

    def __enter__(self):
        try:
            self.dns.start()
            self.loop.run(self.greylist.open())
            self.https.start()
            if self._with_postfix:
                self._postfix_receivers()
            for domain, script in SCRIPTS.items():
                self.receiver(domain, script)
            self.dns.publish("null.test", "MX", "0 .")
            self.dns.publish("https.test", "A", self.https.address)
            self._describe()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.postfix:
            self.postfix.stop()
        for receiver in self._receivers:
            self.loop.run(receiver.close())
        self.https.stop()
        self.dns.stop()
        self.loop.stop()

    def _postfix_receivers(self):
        grey = "%s:%d" % (self.greylist.address, self.greylist.port)
        table = [ # name, address, days the certificate still has, policy
            ("good.test", "127.0.1.1", 90, None), ("wrong.test", "127.0.1.2", 90, None),
            ("plain.test", "127.0.1.3", None, None), ("expired.test", "127.0.1.4", -1, None),
            ("insecure.test", "127.0.1.5", 90, None), ("grey.test", "127.0.1.6", 90, grey),
            ("six.test", namespace.IPV6[0], 90, None)]
        hosts = []
        for domain, address, days, policy in table:
            host = "mx." + domain
            certificate = self.ca.issue(host, days_to=days) if days is not None else None
            hosts.append((host, address, certificate, policy))
            self.route(domain, host, address)
        for domain, tlsa in (("good.test", hosts[0][2].tlsa), ("wrong.test", "3 1 1 " + "ab" * 32),
                             ("insecure.test", "3 1 1 " + "ab" * 32)):
            self.dns.publish("_25._tcp.mx." + domain, "TLSA", tlsa)
        self.postfix = Postfix(os.path.join(self.folder, "postfix"), self.peers, hosts)
        self.postfix.start()

    def route(self, domain, host, address):
        """Publishes `domain` MX 10 `host`, and the host's address."""
        self.dns.publish(host, "AAAA" if ":" in address else "A", address)
        self.dns.publish(domain, "MX", "10 %s." % host)

    def receiver(self, domain, script=None, tls=False, dane=False, **kw):
        """A scripted receiver for `domain` on an address of its own; tls: True or a pki.Certificate; more: see scripted.Receiver."""
        host = "mx." + domain
        certificate = self.ca.issue(host) if tls is True else (tls or None)
        receiver = self.listen(host, script, certificate, **kw)
        self.route(domain, host, receiver.address)
        if dane:
            self.dns.publish("_25._tcp." + host, "TLSA", certificate.tlsa)
        self.scripted[domain] = receiver
        return receiver

    def listen(self, host, script=None, certificate=None, **kw):
        """A scripted receiver that no name leads to as yet, on an address of its own."""
        address = "127.0.%d.%d" % (2 + self._next // 250 * 64, 1 + self._next % 250)
        self._next += 1
        receiver = Receiver(host, address, script, certificate, **kw)
        self.loop.run(receiver.open())
        self._receivers.append(receiver)
        return receiver

    def policy(self, domain, *mx, mode="enforce", max_age=86400, id="20260101"):
        """An MTA-STS policy of `domain`: its record, the web host's address, the body."""
        self.dns.publish_all([("_mta-sts." + domain, "TXT", ['"v=STSv1; id=%s;"' % id]), ("mta-sts." + domain, "A", [self.https.address])])
        self.https.put("mta-sts." + domain, "/.well-known/mta-sts.txt", policy_body(*mx, mode=mode, max_age=max_age))

    def mailbox(self, address):
        return self.postfix.mailbox(address)

    def wait_mail(self, address, n=1, timeout=20.0):
        return wait_for(lambda: self.mailbox(address), lambda got: len(got) >= n, timeout,
                        "%d message(s) for %s" % (n, address))

    def _describe(self):
        self.file = os.path.join(self.folder, "world.json")
        with open(self.file, "w") as f:
            json.dump({"folder": self.folder, "dns": self.dns.address, "trust_anchor": self.dns.trust_anchor,
                       "root_hints": self.dns.root_hints, "ca": self.ca.file,
                       "maildirs": self.postfix.maildirs if self.postfix else None,
                       "scripted": {d: r.address for d, r in self.scripted.items()}}, f, indent=1)


def policy_body(*mx, mode="enforce", max_age=86400):
    """[RFC 8461 s3.2]"""
    return "".join(line + "\r\n" for line in ["version: STSv1", "mode: " + mode, "max_age: %d" % max_age, *["mx: " + m for m in mx]])


def wait_for(read, enough, timeout, what):
    """Polls until enough(read()); the value, or AssertionError with what was wanted and what was there last."""
    end = time.monotonic() + timeout
    while True:
        got = read()
        if enough(got):
            return got
        if time.monotonic() > end:
            raise AssertionError("waited %.0f s for %s, got %r" % (timeout, what, got))
        time.sleep(0.03)


def run_inside(command):
    """`world up`, once inside: the whole world around a command."""
    try:
        with World() as world:
            print("world: up; %s" % world.file, flush=True)
            return subprocess.run(command, env=dict(os.environ, SIGILLO_WORLD=world.file)).returncode
    except Unavailable as e:
        print("world: %s" % e)
        return 77
