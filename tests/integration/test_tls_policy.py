# SPDX-License-Identifier: Apache-2.0
"""`sigillo tls-policy`: by its protocol, and behind a real Postfix that sends."""
import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from world import daemon
from world.internet import wait_for
from world.postfix import Sender
from world.resolver import Resolver

WELL_KNOWN = "/.well-known/mta-sts.txt"
POLICY = "version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: 604800\r\n"


class Server:
    """The program on a unix socket; its log is kept for the test to read."""

    def __init__(self, world, name, *more):
        self.folder = os.path.join(world.folder, "tls-policy-" + name)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.path, self.log_file = os.path.join(self.folder, "socket"), os.path.join(self.folder, "log")
        self.args = ["--listen", "unix:" + self.path, "--state", os.path.join(self.folder, "state"), "--ca", world.ca.file,
                     "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor, "--allow-loopback", *more]
        self.process = None

    def start(self):
        self.process = subprocess.Popen([daemon.PROGRAM, "tls-policy", *self.args], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(self.log_file, "ab"))
        wait_for(lambda: self.process.poll() is not None or self.is_there(), bool, 20, "the socket")
        assert self.process.poll() is None, self.log()
        return self

    def is_there(self):
        try:
            self.dial().close()
            return True
        except OSError:
            return False

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.process = None
        return code

    def log(self):
        with open(self.log_file) as f:
            return f.read()

    def dial(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(40)
        s.connect(self.path)
        return s

    def ask(self, key, name="QUERY"):
        with self.dial() as s:
            return asked(s, key, name)


def asked(s, key, name="QUERY"):
    question = b"%s %s" % (name.encode(), key.encode())
    s.sendall(b"%d:%s," % (len(question), question))
    return answer(s)


def answer(s):
    got = b""
    while b":" not in got:
        got += s.recv(1) or b"::"
    n = int(got[:-1])
    data = b""
    while len(data) < n + 1:
        data += s.recv(n + 1 - len(data))
    assert data.endswith(b","), data
    return data[:-1].decode()


@pytest.fixture(scope="module")
def server(world):
    s = Server(world, "main").start()
    yield s
    s.stop()


def publish(world, domain, mode="enforce", mx=None, id_="1"):
    world.dns.publish("mta-sts." + domain, "A", world.https.address)
    world.dns.publish("_mta-sts." + domain, "TXT", '"v=STSv1; id=%s;"' % id_)
    world.https.put("mta-sts." + domain, WELL_KNOWN, POLICY % (mode, mx or "mx." + domain))


@pytest.fixture(scope="module")
def kinds(world):
    """Receivers: name -> Receiver, at NAME.policy.test."""
    ca, made = world.ca, {}

    def make(name, mode=None, mx=None, tlsa=None, **kw):
        domain = name + ".policy.test"
        made[name] = world.receiver(domain, **kw)
        if mode:
            publish(world, domain, mode, mx)
        if tlsa:
            world.dns.publish("_25._tcp.mx." + domain, "TLSA", tlsa)
    self_signed = ca.self_signed("mx.dane.policy.test")
    make("right", "enforce", tls=True)
    make("wild", "enforce", mx="*.wild.policy.test", tls=True)
    make("other", "enforce", mx="mail.elsewhere.test", tls=True)
    make("self", "enforce", tls=ca.self_signed("mx.self.policy.test"))
    make("plain", "enforce")
    make("testing", "testing", tls=ca.self_signed("mx.testing.policy.test"))
    make("off", "none", tls=True)
    make("nothing", tls=ca.self_signed("mx.nothing.policy.test"))
    make("dane", "enforce", tls=self_signed, tlsa=self_signed.tlsa)
    make("danebad", "enforce", tls=True, tlsa="3 1 1 " + "ab" * 32)
    make("daneonly", tls=True, tlsa="3 1 1 " + "ab" * 32)
    make("half", "enforce", mx="*.half.policy.test", tls=True, tlsa="3 1 1 " + "ab" * 32)
    bare = world.listen("mx2.half.policy.test", certificate=ca.issue("mx2.half.policy.test"))
    world.dns.publish("mx2.half.policy.test", "A", bare.address)
    world.dns.publish("half.policy.test", "MX", "10 mx.half.policy.test.", "20 mx2.half.policy.test.")
    made["half2"] = bare
    return made


SECURE = "OK secure match=%s servername=hostname"
ANSWERS = [ # key, answer, answer with --dane
    ("right.policy.test", SECURE % "mx.right.policy.test", SECURE % "mx.right.policy.test"),
    ("wild.policy.test", SECURE % ".wild.policy.test", SECURE % ".wild.policy.test"),
    ("testing.policy.test", "NOTFOUND ", "NOTFOUND "), ("off.policy.test", "NOTFOUND ", "NOTFOUND "),
    ("nothing.policy.test", "NOTFOUND ", "NOTFOUND "), ("none.test", "NOTFOUND ", "NOTFOUND "), ("null.test", "NOTFOUND ", "NOTFOUND "),
    ("dane.policy.test", "NOTFOUND ", "OK dane-only"), ("danebad.policy.test", "NOTFOUND ", "OK dane-only"),
    ("daneonly.policy.test", "NOTFOUND ", "OK dane-only"), ("half.policy.test", "OK dane-only", "OK dane-only"),
    (".right.policy.test", "NOTFOUND ", "NOTFOUND "), ("[mx.right.policy.test]", "NOTFOUND ", "NOTFOUND "),
    ("[mx.right.policy.test]:587", "NOTFOUND ", "NOTFOUND "), ("sub.right.policy.test", "NOTFOUND ", "NOTFOUND "),
    ("RIGHT.policy.test.", SECURE % "mx.right.policy.test", SECURE % "mx.right.policy.test"),
]


@pytest.mark.parametrize("key, left, said", ANSWERS, ids=[a[0] for a in ANSWERS])
def test_what_postfix_is_told(server, kinds, key, left, said):
    """[RFC 8461 s2, s3.4, s5] never over DANE, never for a parent, testing and none demand nothing."""
    assert server.ask(key) == left


def test_where_dane_is_to_be_said(world, kinds):
    server = Server(world, "dane", "--dane").start()
    for key, _, said in ANSWERS:
        assert server.ask(key) == said, key
    assert server.ask("bogus.test").startswith("TEMP ")
    server.stop()


def test_details_for_who_reports(server, kinds):
    """[RFC 8460 s4.4]"""
    assert server.ask("right.policy.test", "QUERYwithTLSRPT") == SECURE % "mx.right.policy.test" + (
        " policy_type=sts policy_domain=right.policy.test policy_ttl=604800 mx_host_pattern=mx.right.policy.test"
        " { policy_string = version: STSv1 } { policy_string = mode: enforce } { policy_string = mx: mx.right.policy.test }"
        " { policy_string = max_age: 604800 }")


def test_what_cannot_be_looked_up_is_not_none(server, world):
    world.dns.publish("bogus.test", "MX", "10 mx.good.test.")
    assert server.ask("bogus.test").startswith("TEMP MTA-STS of bogus.test not known")


def test_many_questions_over_one_connection(server, kinds):
    with server.dial() as s:
        for _ in range(50):
            assert asked(s, "right.policy.test").startswith("OK secure")
            assert asked(s, "nothing.policy.test") == "NOTFOUND "


def test_many_clients(server, kinds):
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        got = list(pool.map(lambda n: server.ask("right.policy.test" if n % 2 else "dane.policy.test"), range(300)))
    assert set(got[0::2]) == {"NOTFOUND "} and set(got[1::2]) == {SECURE % "mx.right.policy.test"}


def test_strangers_are_told_so_and_shown_out(server):
    for junk in (b"GET / HTTP/1.0\r\n\r\n", b"100001:", b"99999999999:", b"5:helloX"):
        with server.dial() as s:
            s.sendall(junk)
            assert answer(s).startswith("PERM ") and s.recv(1) == b""


def test_postmap_reads_its_answers(server, kinds, world):
    """Postfix's own client."""
    from world.zones import library_env
    conf = os.path.join(server.folder, "conf")
    os.makedirs(conf, exist_ok=True)
    with open(os.path.join(conf, "main.cf"), "w") as f:
        f.write("compatibility_level = 3.6\nshlib_directory = %s/usr/lib/postfix\nmeta_directory = %s\n" % (world.peers, conf))
    open(os.path.join(conf, "dynamicmaps.cf"), "w").close()

    def postmap(key):
        return subprocess.run([os.path.join(world.peers, "usr/sbin/postmap"), "-c", conf, "-q", key,
                               "socketmap:unix:%s:QUERY" % server.path], env=library_env(world.peers), capture_output=True, text=True)
    assert postmap("right.policy.test").stdout.strip() == (SECURE % "mx.right.policy.test")[3:]
    assert postmap("nothing.policy.test").stdout == "" and postmap("nothing.policy.test").returncode == 1
    assert "not known" in postmap("bogus.test").stderr


# -- kept ---------------------------------------------------------------------------------------------------------------

def test_a_policy_outlives_the_process_and_the_web_server(world):
    """[RFC 8461 s3.3] What is known stays in force, whatever is gone."""
    world.receiver("kept.policy.test", tls=True)
    publish(world, "kept.policy.test")
    server = Server(world, "kept").start()
    want = SECURE % "mx.kept.policy.test"
    assert server.ask("kept.policy.test") == want
    assert server.stop() == 0 and not os.path.exists(server.path)
    world.https.put("mta-sts.kept.policy.test", WELL_KNOWN, "", status=503)
    server.start()
    assert server.ask("kept.policy.test") == want
    server.process.kill()
    server.process.wait()
    world.dns.publish("_mta-sts.kept.policy.test", "TXT")
    server.start() # the socket's file was left behind
    assert server.ask("kept.policy.test") == want
    server.stop()


def test_signals(world):
    server = Server(world, "signals").start()
    with server.dial() as s:
        assert asked(s, "nothing.policy.test") == "NOTFOUND "
        server.process.send_signal(signal.SIGHUP)
        assert asked(s, "nothing.policy.test") == "NOTFOUND "
        assert server.stop(signal.SIGINT) == 0
        assert s.recv(1) == b""
    lines = [json.loads(l) for l in server.log().splitlines()]
    assert [l["event"] for l in lines if l["event"] in ("listening", "draining", "ended")] == ["listening", "draining", "ended"]
    assert any("reload" in l["event"] for l in lines)


def test_one_process_for_a_state(world, server):
    r = subprocess.run([daemon.PROGRAM, "tls-policy", *server.args], capture_output=True, text=True, timeout=20)
    assert r.returncode == 2 and "another process works there" in r.stderr
    assert server.ask("nothing.policy.test") == "NOTFOUND "


@pytest.mark.parametrize("args, what", [
    ((), "--listen"), (("--listen", "tcp:1"), "--listen"), (("--listen", "unix:x"), "--listen"),
    (("--listen", "inet:localhost:1"), "--listen"), (("--listen", "unix:/tmp/x", "--timeout", "0"), "--timeout"),
    (("--listen", "unix:/tmp/x", "--ca", "/nonexistent"), "--ca"), (("--listen", "unix:/tmp/x", "--state", "/nonexistent/x"), "--state"),
    (("--listen", "unix:/tmp/x", "--resolver", "ns.test"), "DNS"), (("--listen", "unix:/tmp/x", "more"), "more")])
def test_wrong_usage(world, tmp_path, args, what):
    state = () if "--state" in args else ("--state", str(tmp_path / "s"))
    r = subprocess.run([daemon.PROGRAM, "tls-policy", *state, *args], capture_output=True, text=True, timeout=20)
    assert r.returncode == 2 and r.stderr.startswith("sigillo: " + what + ": ") and r.stderr.count("\n") == 1, r


# -- a Postfix that sends -----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def postfix(world, server):
    with Resolver(world.dns, "127.0.0.58") as resolver:
        p = Sender(world, resolver, "127.0.9.1", {"smtp_tls_security_level": "dane",
                                                  "smtp_tls_policy_maps": "socketmap:unix:%s:QUERY" % server.path})
        p.start()
        yield p
        p.stop()


def became_of(postfix, queue_id):
    """(sent or deferred, why)"""
    def read():
        return [re.search(r"status=(\w+) \((.*)\)$", l) for l in postfix.said(queue_id) if "status=" in l]
    m = wait_for(read, bool, 40, "word of " + queue_id)[0]
    return m[1], m[2]


SENT = [ # name, what becomes of it, a word of why
    ("right", "sent", "250"), ("wild", "sent", "250"), ("testing", "sent", "250"), ("off", "sent", "250"), ("nothing", "sent", "250"),
    ("dane", "sent", "250"), ("other", "deferred", "certificate not"), ("self", "deferred", "certificate not"),
    ("plain", "deferred", "TLS is required, but was not offered"), ("danebad", "deferred", "certificate not"),
    ("daneonly", "deferred", "certificate not"), ("half", "deferred", ""),
]


def test_postfix_sends_what_it_may_and_keeps_the_rest(postfix, kinds):
    """[RFC 8461 s2] enforced where there is no DANE, DANE never overridden and never rescued."""
    ids = {name: postfix.submit("who@%s.policy.test" % name) for name, _, _ in SENT}
    for name, want, why in SENT:
        got = became_of(postfix, ids[name])
        assert got[0] == want and why in got[1], (name, got)
        assert len(kinds[name].messages) == (want == "sent"), name
    assert kinds["half2"].messages == [] # no TLSA record there, and a policy that DANE does not cover
    for name in ("right", "wild", "dane"):
        assert "Verified TLS connection established to mx.%s.policy.test" % name in postfix.log(), name
        assert kinds[name].messages[0].sni == "mx.%s.policy.test" % name


def test_postfix_keeps_its_mail_while_nobody_answers(postfix, server, kinds, world):
    world.receiver("later.policy.test", tls=True)
    server.stop()
    try:
        status, why = became_of(postfix, postfix.submit("who@later.policy.test"))
        assert status == "deferred" and "TLS" in why, why
        assert re.search(r"socketmap:unix:\S+:QUERY.*(lookup error|No such file)", postfix.log()), postfix.log()[-2000:]
        assert world.scripted["later.policy.test"].messages == []
    finally:
        server.start()
    assert became_of(postfix, postfix.submit("again@later.policy.test"))[0] == "sent"
