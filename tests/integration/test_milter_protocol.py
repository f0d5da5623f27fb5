# SPDX-License-Identifier: Apache-2.0
"""`sigillo milter` by its protocol: what Postfix never does, and what it does seldom."""
import os
import socket
import struct
import urllib.request

import dkim
import pytest

from postmilter import Key, Milter
from world.internet import wait_for

DOMAIN = "proto.milter.test"
ACTIONS, STEPS = 0x1FF, 0x1FFFFF
LEADSPC, SKIP, NO_REPLY = 0x100000, 0x400, 0x1000 | 0x2000 | 0x4000 | 0x80


class Client:
    """A mail server: steps is what it can do."""

    def __init__(self, path, steps=STEPS, actions=ACTIONS, version=6):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(30)
        self.s.connect(path)
        self.put(b"O" + struct.pack("!III", version, actions, steps))
        kind, data = self.get()
        assert kind == b"O", kind
        self.version, self.actions, self.steps = struct.unpack("!III", data[:12])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def put(self, packet):
        self.s.sendall(struct.pack("!I", len(packet)) + packet)

    def get(self):
        head = self._read(4)
        data = self._read(struct.unpack("!I", head)[0])
        return data[:1], data[1:]

    def _read(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def step(self, packet, silent=0):
        """A step and its answer; None where none was agreed on."""
        self.put(packet)
        return None if self.steps & silent else self.get()[0]

    def macros(self, command, **kw):
        self.put(b"D" + command + b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in kw.items()))

    def connect(self, ip="127.0.0.1", host="localhost"):
        family = b"U" if ip is None else b"6" if ":" in ip else b"4"
        where = b"" if ip is None else struct.pack("!H", 25) + (b"IPv6:" if ":" in ip else b"") + ip.encode() + b"\0"
        return self.step(b"C" + host.encode() + b"\0" + family + where, 0x1000)

    def mail(self, sender, headers, body=b"", **macros):
        """One message: what the filter answers at its end, [(kind, data)]."""
        if macros:
            self.macros(b"M", **macros)
        assert self.step(b"M<" + sender + b">\0", 0x4000) in (None, b"c")
        for name, value in headers:
            assert self.step(b"L" + name + b"\0" + value + b"\0", 0x80) in (None, b"c")
        answer = self.step(b"N")
        if answer == b"a":
            return [(b"a", b"")]
        assert answer == b"c", answer
        for at in range(0, len(body), 65535):
            answer = self.step(b"B" + body[at:at + 65535])
            if answer == b"s":
                break
            assert answer == b"c", answer
        self.put(b"E")
        out = []
        while True:
            out.append(self.get())
            if out[-1][0] in (b"a", b"c", b"r", b"t", b"d", b"y"):
                return out


def headers(sender=b"a@" + DOMAIN.encode(), blank=b" ", more=()):
    return [(b"From", blank + sender), (b"To", blank + b"x@example.test"), (b"Subject", blank + b"one\n\ttwo"), *more]


@pytest.fixture(scope="module")
def milter(world):
    folder = os.path.join(world.folder, "proto-keys")
    os.makedirs(folder, exist_ok=True)
    key = Key(folder, DOMAIN, "p").publish(world)
    world.dns.publish("_dmarc." + DOMAIN, "TXT", '"v=DMARC1; p=reject"')
    m = Milter(world, "proto", {"domain": [DOMAIN], "selector": "p", "key_file": key.file, "metrics": "127.0.0.1:8894"}).start()
    yield m
    assert m.stop() == 0
    assert not [l for l in m.lines() if l["level"] == "error"], m.text()


def signature(answers):
    """Name and value of the one field that was put in."""
    found = [d for k, d in answers if k == b"i"]
    assert len(found) == 1, answers
    index, (name, value) = struct.unpack("!I", found[0][:4])[0], found[0][4:].split(b"\0")[:2]
    assert index == 0 and name == b"DKIM-Signature" and b"\r" not in value
    return value


def verifies(world, answers, fields, body, blank):
    """dkimpy, over the message as a mail server of that kind writes it."""
    head = [b"DKIM-Signature:" + (b"" if blank else b" ") + signature(answers)] + [n + b":" + (b"" if blank else b" ") + v for n, v in fields]
    data = b"\n".join(head).replace(b"\n", b"\r\n") + b"\r\n\r\n" + body
    return dkim.verify(data, dnsfunc=world.dns.txt)


@pytest.mark.parametrize("steps, blank", [(STEPS, b" "), (STEPS, b""), (STEPS, b"\t "), (STEPS & ~LEADSPC, b""), (0, b"")], ids=["all", "no blank", "odd blanks", "blank taken away", "nothing at all"])
def test_a_signature_fits_whatever_the_mail_server_can_do(world, milter, steps, blank):
    with Client(milter.path, steps) as c:
        c.connect()
        leading = bool(c.steps & LEADSPC)
        assert leading == bool(steps & LEADSPC)
        fields, body = headers(blank=blank), b"line\r\n.dot\r\n\r\n"
        answers = c.mail(b"a@" + DOMAIN.encode(), fields, body)
        assert answers[-1][0] in (b"a", b"c") and verifies(world, answers, fields, body, leading)


def test_many_messages_with_aborts_between(world, milter):
    with Client(milter.path) as c:
        c.connect()
        c.step(b"Hclient.test\0", 0x2000)
        for n in range(20):
            if n % 3 == 0: # a message that is given up, at several places
                c.step(b"M<a@%s>\0" % DOMAIN.encode(), 0x4000)
                for name, value in headers()[:n % 4]:
                    c.step(b"L" + name + b"\0" + value + b"\0", 0x80)
                if n % 2:
                    c.step(b"N")
                    c.step(b"Bhalf a body")
                c.put(b"A")
            body = b"message %d\r\n" % n
            answers = c.mail(b"a@" + DOMAIN.encode(), headers(), body)
            assert verifies(world, answers, headers(), body, True)


def test_macros_that_are_missing_or_there(milter):
    """A stranger is judged, and signed for when he has authenticated; no macro at all is no crash."""
    with Client(milter.path) as c:
        c.connect("203.0.113.7", "[203.0.113.7]")
        assert c.mail(b"a@" + DOMAIN.encode(), headers())[-1][0] == b"y" # p=reject
        assert signature(c.mail(b"a@" + DOMAIN.encode(), headers(), **{"{auth_type}": "PLAIN", "{auth_authen}": "a"}))
        assert c.mail(b"a@" + DOMAIN.encode(), headers(), **{"{mail_addr}": "a"})[-1][0] == b"y"
        assert signature(c.mail(b"a@" + DOMAIN.encode(), headers(), **{"{daemon_name}": "ORIGINATING"}))
        assert c.mail(b"a@" + DOMAIN.encode(), headers(), **{"{daemon_name}": "smtpd"})[-1][0] == b"y"


@pytest.mark.parametrize("ip, host", [(None, "localhost"), ("::1", "localhost"), ("127.0.0.1", "[127.0.0.1]"), ("::ffff:127.0.0.1", "x")])
def test_clients_of_this_machine(milter, ip, host):
    with Client(milter.path) as c:
        c.connect(ip, host)
        assert signature(c.mail(b"a@" + DOMAIN.encode(), headers()))


def test_a_client_that_nobody_knows_is_not_of_this_machine(milter):
    with Client(milter.path) as c:
        c.connect(None, "unknown")
        assert c.mail(b"a@" + DOMAIN.encode(), headers())[-1][0] == b"y" # p=reject


def test_what_is_no_field_hides_nothing(milter):
    """A long name is one; what is none, and a message without any, come in unjudged for nobody."""
    forged = (b"Authentication-Results", b" mx.milter.test; dmarc=pass")
    with Client(milter.path) as c:
        c.connect("203.0.113.7", "mx.elsewhere.test")
        for name, code in ((b"N" * 2000, b"550 5.7.1 "), (b"N N", b"554 5.6.0 "), (b"N\x80", b"554 5.6.0 ")):
            kind, data = c.mail(b"a@" + DOMAIN.encode(), [(name, b" x"), *headers(), forged])[-1]
            assert kind == b"y" and data.startswith(code), data
        answers = c.mail(b"a@" + DOMAIN.encode(), [])
        assert [d[4:].split(b"\0")[0] for k, d in answers if k == b"i"] == [b"X-Spam-Flag", b"X-Sigillo-Quarantine", b"Authentication-Results"]


def test_a_body_that_nobody_needs_is_not_sent(milter):
    with Client(milter.path) as c:
        c.connect("203.0.113.7", "mx.elsewhere.test")
        assert c.step(b"M<a@nothing.milter.test>\0", 0x4000) is None
        for name, value in headers(b"a@nothing.milter.test"):
            c.step(b"L" + name + b"\0" + value + b"\0", 0x80)
        assert c.step(b"N") == b"c" and c.step(b"B" + b"x" * 65000) == b"s"
        c.put(b"E")
        assert c.get()[0] == b"i"


def test_a_hundred_thousand_header_lines(milter):
    with Client(milter.path) as c:
        c.connect("203.0.113.7", "mx.elsewhere.test")
        c.step(b"M<a@b.test>\0", 0x4000)
        packet = b"LX-A\0 1\0"
        c.s.sendall((struct.pack("!I", len(packet)) + packet) * 100000)
        assert c.step(b"N") == b"c"
        c.put(b"E")
        kind, data = c.get()
        assert kind == b"y" and data.startswith(b"552 5.3.4 ")
        assert c.mail(b"a@nothing.test", headers(b"a@nothing.test"))[-1][0] in (b"a", b"c") # and the session goes on


def test_fields_of_any_length_that_postfix_sends(world, milter):
    """Longer than 64 KiB: Postfix lets 100 KiB through (header_size_limit)."""
    with Client(milter.path) as c:
        c.connect()
        fields, body = headers(more=[(b"X-Long", b" " + b"x" * 102400)]), b"hello\r\n"
        assert verifies(world, c.mail(b"a@" + DOMAIN.encode(), fields, body), fields, body, True)
        addresses = b",\n ".join(b"user%d@example.test" % i for i in range(4500))
        fields = [(n, b" " + addresses if n == b"To" else v) for n, v in headers()]
        assert verifies(world, c.mail(b"a@" + DOMAIN.encode(), fields, body), fields, body, True)


def test_bytes_that_are_no_text(milter):
    """8-bit, lone CR and LF, odd names, an address without an end: judged, never broken off."""
    odd = [(b"From", b" \xff\xfe <a@\xc3\xa4.test"), (b"X", b"a\rb\nc\n d"), (b"Y\x01", b"z"), (b"From", b""), (b"Authentication-Results", b" mx.milter.test; x=\x80"), (b"Subject", b" " + b"\xf0" * 5000)]
    with Client(milter.path) as c:
        c.connect("203.0.113.7", "\xff%s%n")
        for sender in (b"", b"\xff@\xfe", b"a" * 4000, b"<<>>", b"a b@c"):
            answers = c.mail(sender, odd, bytes(range(256)) * 50)
            assert answers[-1][0] in (b"a", b"c", b"y", b"t")
            assert not any(b"\r" in d for k, d in answers if k == b"i")


@pytest.mark.parametrize("junk", [b"", b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 64, struct.pack("!I", 0), struct.pack("!I", 3) + b"O\0\0", struct.pack("!I", 13) + b"O" + b"\0" * 12,
                                  struct.pack("!I", 1) + b"M", struct.pack("!I", 1 << 30) + b"L"])
def test_strangers_do_no_harm(milter, junk):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(milter.path)
    s.sendall(junk)
    s.close()
    with Client(milter.path) as c:
        c.connect()
        assert signature(c.mail(b"a@" + DOMAIN.encode(), headers()))


def test_a_mail_server_that_may_not_change_fields_is_told_so(milter):
    """A filter that can do nothing must not be taken for one that has looked."""
    with pytest.raises(EOFError):
        Client(milter.path, actions=0x10)


def test_steps_out_of_order(milter):
    for order in (b"B", b"E", b"N", b"L", b"A", b"T", b"R<x>\0"):
        with Client(milter.path) as c:
            c.connect()
            c.put(order + (b"a\0b\0" if order == b"L" else b""))
            try:
                c.s.settimeout(0.3)
                c.get()
            except (EOFError, TimeoutError, ConnectionResetError):
                pass
    with Client(milter.path) as c:
        c.connect()
        assert signature(c.mail(b"a@" + DOMAIN.encode(), headers()))


def test_no_session_is_left(milter):
    def now():
        with urllib.request.urlopen("http://127.0.0.1:8894/metrics", timeout=10) as r:
            return [l for l in r.read().decode().splitlines() if l.startswith("sigillo_smtp_sessions ")]
    wait_for(now, lambda l: l == ["sigillo_smtp_sessions 0"], 30, "sessions to end")
