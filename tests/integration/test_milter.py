# SPDX-License-Identifier: Apache-2.0
"""`sigillo milter` behind a real Postfix: what it signs and what it makes of others' mail."""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request

import dkim
import pytest

from postmilter import Gate, Key, Milter, fields, mail, result, results
from world import daemon
from world.internet import wait_for

OURS, ROGUE = "ours.milter.test", "rogue.milter.test"


def txt(world, name, text):
    world.dns.publish(name, "TXT", '"%s"' % text)


@pytest.fixture(scope="module")
def keys(world):
    folder = os.path.join(world.folder, "milter-keys")
    os.makedirs(folder, exist_ok=True)
    made = {"rsa": Key(folder, OURS, "r1").publish(world), "ed25519": Key(folder, OURS, "e1", "ed25519").publish(world),
            "other": Key(folder, "other.milter.test", "r1").publish(world), "seal": Key(folder, "milter.test", "arc").publish(world),
            "author": Key(folder, "strict.milter.test", "a1").publish(world)}
    with open(os.path.join(folder, "KeyTable"), "w") as f:
        f.write("# name domain:selector:file\n")
        f.write("rsa     %s:r1:%s\n" % (OURS, made["rsa"].file))
        f.write("ed      %s:e1:%s\n" % (OURS, made["ed25519"].file))
        f.write("any     %%:r1:%s\n" % made["other"].file)
    with open(os.path.join(folder, "SigningTable"), "w") as f:
        f.write("*@%s rsa\n*@%s ed\n*@other.*.test any # the author's domain\n" % (OURS, OURS))
    with open(os.path.join(folder, "TrustedHosts"), "w") as f:
        f.write("127.0.0.1\n::1\n198.51.100.0/24\n!198.51.100.9\n.inside.test\n")
    made["folder"] = folder
    txt(world, "strict.milter.test", "v=spf1 ip4:192.0.2.10 -all")
    txt(world, "_dmarc.strict.milter.test", "v=DMARC1; p=reject")
    txt(world, "soft.milter.test", "v=spf1 ip4:192.0.2.10 -all")
    txt(world, "_dmarc.soft.milter.test", "v=DMARC1; p=quarantine")
    txt(world, "watch.milter.test", "v=spf1 ip4:192.0.2.10 -all")
    txt(world, "_dmarc.watch.milter.test", "v=DMARC1; p=none")
    txt(world, "plainspf.milter.test", "v=spf1 ip4:192.0.2.10 -all")
    return made


def settings(keys, **more):
    folder = keys["folder"]
    return {"key_table": os.path.join(folder, "KeyTable"), "signing_table": "refile:" + os.path.join(folder, "SigningTable"),
            "multiple_signatures": True, "internal_hosts": os.path.join(folder, "TrustedHosts"), **more}


@pytest.fixture(scope="module")
def milter(world, keys):
    m = Milter(world, "main", settings(keys, metrics="127.0.0.1:8893")).start()
    yield m
    assert m.stop() == 0
    assert not [l for l in m.lines() if l["level"] == "error"], m.text()


@pytest.fixture(scope="module")
def gate(world, milter):
    g = Gate(world, "main", "127.0.44.1", [milter.postfix_name])
    g.start()
    yield g
    g.stop()


INSIDE = {"ip": "198.51.100.7"}


def verified(world, data):
    """What dkimpy says of each signature."""
    found = fields(data, "DKIM-Signature")
    d = dkim.DKIM(data, logger=None)
    return [d.verify(i, dnsfunc=world.dns.txt) for i in range(len(found))]


# ---- signing ----

def test_mail_of_ours_is_signed_with_both_keys(world, gate):
    assert gate.send(mail("boss@" + OURS), "boss@" + OURS, "signed@milter.test", **INSIDE)[0] == 250
    got = world_mail(gate, "signed@milter.test")
    assert len(fields(got, "DKIM-Signature")) == 2 and verified(world, got) == [True, True]
    assert "a=rsa-sha256" in fields(got, "DKIM-Signature")[0] and "a=ed25519-sha256" in fields(got, "DKIM-Signature")[1]
    assert fields(got, "Authentication-Results") == []


def world_mail(gate, to, n=1):
    return wait_for(lambda: gate.mailbox(to), lambda got: len(got) >= n, 30, "mail for " + to)[-1]


SOURCES = [ # who, may be signed
    ({"ip": "198.51.100.7"}, True), ({"ip": "198.51.100.9"}, False), ({"ip": "203.0.113.5"}, False),
    ({"ip": "203.0.113.5", "name": "host.inside.test"}, True), ({"ip": "203.0.113.5", "name": "inside.test"}, False),
    ({"ip": "203.0.113.5", "login": "boss"}, True), ({"ip": "2001:db8::5"}, False), ({"ip": "::1"}, True)]


@pytest.mark.parametrize("who, signed", SOURCES, ids=[str(s[0]) for s in SOURCES])
def test_whose_mail_is_signed(gate, who, signed):
    to = "source%d@milter.test" % SOURCES.index((who, signed))
    code, text = gate.send(mail("boss@" + OURS), "boss@" + OURS, to, **who)
    assert code == 250, text
    got = world_mail(gate, to)
    assert bool(fields(got, "DKIM-Signature")) == signed and bool(fields(got, "Authentication-Results")) == (not signed)


AWKWARD = {
    "folded": [mail("a@" + OURS, ["X-Long: one\r\n two\r\n\tthree", "Subject:no blank", "To:  two blanks"])],
    "eight-bit": [mail("a@" + OURS, ["Subject: gr\u00fc\u00df dich"], "\u00e4\u00f6\u00fc\r\n")],
    "dots": [mail("a@" + OURS, body=".\r\n..\r\n.x\r\n")],
    "blank-lines": [mail("a@" + OURS, body="\r\n\r\nx  \t \r\n\r\n\r\n")],
    "empty": [mail("a@" + OURS, body="")],
    "long-lines": [mail("a@" + OURS, body="x" * 900 + "\r\n")],
    "large": [mail("a@" + OURS, body=("0123456789 " * 7 + "\r\n") * 40000)],
    "many-fields": [mail("a@" + OURS, ["X-%d: %d" % (i, i) for i in range(900)])],
}


@pytest.mark.parametrize("kind", AWKWARD)
def test_signatures_hold_byte_for_byte(world, gate, kind):
    to = kind + "@milter.test"
    code, text = gate.send(AWKWARD[kind][0], "a@" + OURS, to, utf8=kind == "eight-bit", **INSIDE)
    assert code == 250, text
    assert verified(world, world_mail(gate, to)) == [True, True]


def test_a_key_for_any_domain_signs_as_the_author(world, gate):
    """A % in the key table is the author's domain."""
    gate.send(mail("x@other.milter.test"), "x@other.milter.test", "percent@milter.test", **INSIDE)
    got = world_mail(gate, "percent@milter.test")
    assert "d=other.milter.test" in fields(got, "DKIM-Signature")[0] and verified(world, got) == [True]


def test_our_name_cannot_be_used_by_our_own_users(gate):
    forged = "Authentication-Results: mx.milter.test; dmarc=pass header.from=bank.test"
    gate.send(mail("x@unknown.test", [forged]), "x@unknown.test", "own-forger@milter.test", **INSIDE)
    got = world_mail(gate, "own-forger@milter.test")
    assert fields(got, "Authentication-Results") == [] and fields(got, "DKIM-Signature") == []


# ---- judging ----

def signed_by(key, data):
    header = dkim.sign(data, key.selector.encode(), key.domain.encode(), key.seed and base64.b64encode(key.seed) or key.pem,
                       canonicalize=(b"relaxed", b"relaxed"), signature_algorithm=b"ed25519-sha256" if key.seed else b"rsa-sha256")
    return header + data


def test_a_good_message_passes_and_says_so(world, gate, keys):
    data = signed_by(keys["author"], mail("a@strict.milter.test"))
    assert gate.send(data, "a@strict.milter.test", "good@milter.test", ip="192.0.2.10")[0] == 250
    got = world_mail(gate, "good@milter.test")
    assert [(m, r) for m, r, _ in results(got) if m != "arc"] == [("spf", "pass"), ("dkim", "pass"), ("dmarc", "pass")]
    assert "header.d=strict.milter.test" in results(got)[1][2] and "policy.dmarc=reject" in results(got)[-1][2]


def test_dmarc_is_followed(world, gate, milter):
    """[RFC 9989 s7.2, RFC 7372] refused in the session, marked, or only told."""
    code, text = gate.send(mail("a@strict.milter.test"), "a@" + ROGUE, "refused@milter.test")
    assert code == 550 and text.startswith("5.7.1 "), text
    assert gate.send(mail("a@soft.milter.test"), "a@" + ROGUE, "marked@milter.test")[0] == 250
    got = world_mail(gate, "marked@milter.test")
    assert result(got, "dmarc") == ["fail"] and fields(got, "X-Spam-Flag") == [" YES"]
    assert gate.send(mail("a@watch.milter.test"), "a@" + ROGUE, "told@milter.test")[0] == 250
    got = world_mail(gate, "told@milter.test")
    assert result(got, "dmarc") == ["fail"] and fields(got, "X-Spam-Flag") == []
    assert milter.said("message judged", from_domain="strict.milter.test", action="reject", dmarc="fail", dkim="none")


def test_a_broken_body_fails(gate, keys, milter):
    """The author signed it, and somebody changed it: not refused, but marked."""
    data = signed_by(keys["author"], mail("a@strict.milter.test")) + b"more\r\n"
    code, text = gate.send(data, "a@" + ROGUE, "broken@milter.test")
    assert code == 250, text
    got = world_mail(gate, "broken@milter.test")
    assert result(got, "dkim") == ["fail"] and result(got, "dmarc") == ["fail"] and fields(got, "X-Spam-Flag") == [" YES"]


def test_forged_results_are_removed_whichever_way(gate):
    """CVE-2022-48521: the second of two must not survive the first.  [RFC 8601 s5]"""
    forged = ["Authentication-Results: mx.milter.test; dmarc=pass", "Authentication-Results: elsewhere.test; spf=pass", "authentication-results:MX.Milter.Test ; dkim=pass",
              "Authentication-Results:\r\n \"mx.milter.test\"; spf=pass", "Authentication-Results: (x) mx.milter.test/1; arc=pass", "Authentication-Results: third.test; none",
              "Authentication-Results: \"unclosed", "Authentication-Results: mx.milter.test 99; dmarc=pass"]
    gate.send(mail("a@watch.milter.test", forged), "a@" + ROGUE, "forged@milter.test")
    got = world_mail(gate, "forged@milter.test")
    assert result(got, "dmarc") == ["fail"]
    assert [f.strip().split(";")[0] for f in fields(got, "Authentication-Results")] == ["mx.milter.test", "elsewhere.test", "third.test"]


def test_several_messages_and_a_reset_in_one_session(gate, keys):
    with gate.session(ip="192.0.2.10") as s:
        s.c.docmd("MAIL FROM:<a@strict.milter.test>")
        s.c.docmd("RCPT TO:<x@milter.test>")
        s.c.rset()
        for n in range(5):
            sender = "a@strict.milter.test" if n % 2 else "a@" + ROGUE
            code, text = s.message(mail("a@strict.milter.test"), sender, "several@milter.test")
            assert code == (250 if n % 2 else 550), text


def test_null_sender_and_utf8_addresses(gate, keys):
    data = signed_by(keys["author"], mail("a@strict.milter.test"))
    assert gate.send(data, "", "null@milter.test")[0] == 250
    assert "smtp.helo=client.test" in results(world_mail(gate, "null@milter.test"))[0][2]
    assert gate.send(mail("j\u00f6rg@watch.milter.test"), "j\u00f6rg@watch.milter.test", "utf8@milter.test", utf8=True, ip="192.0.2.10")[0] == 250
    assert result(world_mail(gate, "utf8@milter.test"), "dmarc") == ["pass"]


def test_a_header_without_an_end_is_refused(gate, milter):
    """Nothing unjudged comes in for being large: no more than so much is kept of a header."""
    data = mail("a@strict.milter.test", ["X-Filler: %d" % i for i in range(100000)])
    code, text = gate.send(data, "a@" + ROGUE, "huge@milter.test")
    assert code in (552, 554) and "header" in text, text
    assert milter.said("message not handled: its header is too large")


def test_bare_ends_and_nul(gate, keys):
    """What Postfix makes of them is judged as it is delivered: a bare LF ends a line, a NUL ends a field."""
    data = mail("a@watch.milter.test", ["X-Odd: a\x00b\x01"]).replace(b"Hello.", b"Hello.\x00\x0c")
    code, text = gate.send(data, "a@" + ROGUE, "nul@milter.test")
    assert code == 250, text
    assert result(world_mail(gate, "nul@milter.test"), "dmarc") == ["fail"]


def test_a_client_that_goes_away_leaves_nothing(gate, milter):
    for stop in (b"From: <a@strict.milter.test>\r\n", b"From: <a@strict.milter.test>\r\n\r\nhello\r\n"):
        with gate.session() as s:
            s.c.docmd("MAIL FROM:<a@b.test>")
            s.c.docmd("RCPT TO:<x@milter.test>")
            s.c.docmd("DATA")
            s.c.sock.sendall(stop)
    wait_for(lambda: figure(milter, "sigillo_smtp_sessions"), lambda n: n == 0, 20, "sessions to end")


def figure(milter, name):
    with urllib.request.urlopen("http://127.0.0.1:8893/metrics", timeout=10) as r:
        text = r.read().decode()
    return sum(float(l.rsplit(" ", 1)[1]) for l in text.splitlines() if l.startswith(name + " ") or l.startswith(name + "{"))


def test_figures(gate, milter):
    before = figure(milter, "sigillo_messages_total")
    gate.send(mail("a@watch.milter.test"), "a@" + ROGUE, "figures@milter.test")
    assert figure(milter, "sigillo_messages_total") == before + 1
    assert figure(milter, "sigillo_signatures_total") > 0 and figure(milter, "sigillo_milter_results_total") > 0


# ---- other settings, trouble, life ----

@pytest.fixture
def both(world):
    """A milter with settings, and a Postfix that asks it: make(name, address, settings, Postfix's own)."""
    made = []

    def make(name, address, given, own=None):
        m = Milter(world, name, given).start()
        made.append(m)
        g = Gate(world, name, address, [m.postfix_name], own)
        made.append(g)
        g.start()
        return m, g
    yield make
    for one in reversed(made):
        if one.process is not None:
            one.stop()


def test_nothing_is_refused_where_mail_is_only_marked(keys, both):
    m, g = both("mark", "127.0.44.2", {"mode": ["verify"], "dmarc": "mark", "ignore_hosts": "203.0.113.9"})
    assert g.send(mail("a@strict.milter.test"), "a@" + ROGUE, "mark@milter.test")[0] == 250
    got = world_mail(g, "mark@milter.test")
    assert result(got, "dmarc") == ["fail"] and fields(got, "X-Spam-Flag") == []
    m.settings["dmarc"] = "follow" # and what was only marked is refused after a reload, but for hosts that are ignored
    m.reload()
    assert g.send(mail("a@strict.milter.test"), "a@" + ROGUE, "mark@milter.test")[0] == 550
    assert g.send(mail("a@strict.milter.test"), "a@" + ROGUE, "ignored@milter.test", ip="203.0.113.9")[0] == 250
    assert result(world_mail(g, "ignored@milter.test"), "dmarc") == ["fail"]


def test_mail_is_held_where_that_is_asked_for(keys, both):
    m, g = both("hold", "127.0.44.3", {"mode": ["verify"], "quarantine": "hold", "spf": "reject", "peers": "203.0.113.8"})
    assert g.send(mail("a@soft.milter.test"), "a@" + ROGUE, "held@milter.test")[0] == 250
    wait_for(lambda: os.listdir(os.path.join(g.folder, "queue", "hold")), bool, 20, "the held message")
    code, text = g.send(mail("a@plainspf.milter.test"), "a@plainspf.milter.test", "spf@milter.test")
    assert code == 550 and text.startswith("5.7.23 "), text # [RFC 7372 s3.2]
    forged = ["Authentication-Results: mx.milter.test; dmarc=pass"]
    assert g.send(mail("a@strict.milter.test", forged), "a@" + ROGUE, "peer@milter.test", ip="203.0.113.8")[0] == 250
    assert len(fields(world_mail(g, "peer@milter.test"), "Authentication-Results")) == 1 # a peer's mail is left alone


def test_a_resolver_that_does_not_answer(world, keys, both):
    """[RFC 7372 s4] Never "no policy": mail waits, or is let in where that is asked for."""
    silent = {"mode": ["verify"], "dns_timeout": "1s", "resolver": {"forward": ["127.0.0.99"], "trust_anchor": world.dns.trust_anchor}}
    m, g = both("silent", "127.0.44.4", silent)
    code, text = g.send(mail("a@strict.milter.test"), "a@" + ROGUE, "waits@milter.test")
    assert code == 451 and text.startswith("4."), text
    m.settings["on_error"] = "accept"
    m.reload()
    assert g.send(mail("a@strict.milter.test"), "a@" + ROGUE, "let-in@milter.test")[0] == 250
    assert result(world_mail(g, "let-in@milter.test"), "dmarc") == ["temperror"]


def test_what_arrives_is_sealed(world, keys, both):
    """[RFC 8617 s5.1] once, and again over the first set; a reader of the world's names finds the chain good."""
    seal = {"domain": "milter.test", "selector": "arc", "key_file": keys["seal"].file}
    m, g = both("seal", "127.0.44.5", {"mode": ["verify"], "arc_seal": seal, "trusted_sealers": ["milter.test"]})
    forged = ["Authentication-Results: mx.milter.test; dmarc=pass"]
    data = signed_by(keys["author"], mail("a@strict.milter.test", forged))
    assert g.send(data, "a@strict.milter.test", "sealed@milter.test", ip="192.0.2.10")[0] == 250
    first = world_mail(g, "sealed@milter.test")
    assert dkim.arc_verify(first, dnsfunc=world.dns.txt)[0] == b"pass", (m.text(), first)
    assert "spf=pass" in fields(first, "ARC-Authentication-Results")[0] and len(fields(first, "Authentication-Results")) == 1
    assert g.send(first.partition(b"\r\n")[2], "a@" + ROGUE, "twice@milter.test")[0] == 250
    got = world_mail(g, "twice@milter.test")
    cv, sets, why = dkim.arc_verify(got, dnsfunc=world.dns.txt)
    assert cv == b"pass" and len(sets) == 2, why
    assert result(got, "arc") == ["pass"]


def test_one_key_without_tables(world, keys, both):
    one = {"mode": ["sign"], "domain": [OURS], "selector": "r1", "key_file": keys["rsa"].file, "subdomains": True, "canonicalization": "simple/simple",
           "sign_headers": ["From", "To", "Subject"], "oversign_headers": ["From"], "signature_expire": "7d", "socket": "inet:8895@127.0.0.1"}
    m, g = both("one", "127.0.44.6", one)
    assert g.send(mail("a@deep.%s" % OURS, ["X-A: 1"]), "a@" + OURS, "one@milter.test", ip="127.0.0.1")[0] == 250
    got = world_mail(g, "one@milter.test")
    tags = "".join(fields(got, "DKIM-Signature")[0].split())
    assert "h=From:From:To:Subject;" in tags and "c=simple/simple" in tags and "x=" in tags and "d=%s;" % OURS in tags
    assert verified(world, got) == [True]


def test_reload_keeps_what_runs_when_there_is_a_mistake(world, keys, both):
    """New sessions use the new, those that are there the old; a mistake changes nothing. The keys are root's alone."""
    m, g = both("reload", "127.0.44.7", settings(keys))
    with g.session(**INSIDE) as old:
        assert old.message(mail("a@" + OURS), "a@" + OURS, "before@milter.test")[0] == 250
        table = os.path.join(m.folder, "SigningTable")
        with open(table, "w") as f:
            f.write("*@%s ed\n" % OURS)
        m.settings["signing_table"] = "refile:" + table
        m.reload()
        assert g.send(mail("a@" + OURS), "a@" + OURS, "new@milter.test", **INSIDE)[0] == 250
        assert old.message(mail("a@" + OURS), "a@" + OURS, "old@milter.test")[0] == 250
    assert len(fields(world_mail(g, "new@milter.test"), "DKIM-Signature")) == 1
    assert len(fields(world_mail(g, "old@milter.test"), "DKIM-Signature")) == 2
    with open(table, "w") as f:
        f.write("*@%s ed\n*@other.test nokey\n" % OURS)
    m.reload("configuration not reloaded: what ran goes on")
    assert m.lines()[-1]["why"] == "%s:2: the row names a key that the key table has not" % table
    assert g.send(mail("a@" + OURS), "a@" + OURS, "still@milter.test", **INSIDE)[0] == 250
    assert len(fields(world_mail(g, "still@milter.test"), "DKIM-Signature")) == 1


def test_sessions_end_before_it_does(keys, both):
    m, g = both("drain", "127.0.44.8", settings(keys, drain="300s"))
    with g.session(**INSIDE) as s:
        s.c.docmd("MAIL FROM:<a@%s>" % OURS)
        m.process.send_signal(signal.SIGTERM)
        wait_for(lambda: m.said("draining"), bool, 20, "draining")
        assert s.c.docmd("RCPT TO:<drained@milter.test>")[0] == 250
        assert s.c.docmd("DATA")[0] == 354
        s.c.sock.sendall(mail("a@" + OURS) + b".\r\n")
        assert s.c.getreply()[0] == 250
        assert g.send(mail("a@" + OURS), "a@" + OURS, "late@milter.test", **INSIDE)[0] == 451 # nobody new
    assert m.process.wait(30) == 0
    m.process = None
    assert len(fields(world_mail(g, "drained@milter.test"), "DKIM-Signature")) == 2
    assert not os.path.exists(m.path)


def test_what_is_wrong_is_said_with_its_place(world, keys):
    m = Milter(world, "wrong", settings(keys))
    assert m.check().stdout.strip().endswith("is good")
    os.chmod(keys["other"].file, 0o640)
    r = m.check(ok=False)
    os.chmod(keys["other"].file, 0o600)
    assert r.returncode == 2 and "group or others may read" in r.stderr and keys["other"].file in r.stderr
    m.settings["dmarc"] = "obey"
    r = m.check(ok=False)
    assert r.returncode == 2 and "milter.conf:" in r.stderr and "dmarc" in r.stderr
    m.settings.update(dmarc="follow", socket="unix:/nonexistent/socket")
    m.write()
    r = subprocess.run([daemon.PROGRAM, "milter", "--config", m.config], capture_output=True, text=True, timeout=30)
    assert r.returncode == 2 and "not started" in r.stderr


def test_the_second_on_a_socket_leaves_the_first_alone(world, keys, milter, gate):
    r = subprocess.run([daemon.PROGRAM, "milter", "--config", milter.config], capture_output=True, text=True, timeout=30)
    assert r.returncode == 2 and "not started" in r.stderr
    assert gate.send(mail("a@watch.milter.test"), "a@" + ROGUE, "first@milter.test")[0] == 250


# ---- from OpenDKIM and OpenDMARC ----

def typed(*args, ok=True):
    r = subprocess.run([daemon.PROGRAM, "milter", *args], capture_output=True, text=True, timeout=60)
    assert not ok or r.returncode == 0, r.stderr
    return r


def test_what_is_imported_runs_and_signs_as_they_did(world, keys, both, tmp_path):
    """Their configuration, their tables, nothing else: the result is a filter that works."""
    folder = keys["folder"]
    (tmp_path / "opendkim.conf").write_text(
        "Syslog yes\nMode sv\nCanonicalization relaxed/simple\nKeyTable %s/KeyTable\nSigningTable refile:%s/SigningTable\nInternalHosts refile:%s/TrustedHosts\n"
        "MultipleSignatures yes\nOversignHeaders From\nUMask 000\nSocket inet:8897@127.0.0.1\nNameservers %s\nTrustAnchorFile %s\nLDAPBindUser x\n"
        % (folder, folder, folder, world.dns.address, world.dns.trust_anchor))
    (tmp_path / "opendmarc.conf").write_text("AuthservID mx.milter.test\nRejectFailures true\nIgnoreHosts %s/ignore\nHistoryFile /var/run/opendmarc.dat\n" % tmp_path)
    (tmp_path / "ignore").write_text("203.0.113.9\n")
    out = str(tmp_path / "milter.conf")
    args = ["import", "--opendkim", str(tmp_path / "opendkim.conf"), "--opendmarc", str(tmp_path / "opendmarc.conf"), "--out", out]
    r = typed(*args)
    notes = r.stderr.splitlines()
    assert [n.split(": ")[0].rsplit("/", 1)[1] + " " + n.split(": ")[1] for n in notes] == ["opendkim.conf:1 Syslog", "opendkim.conf:13 LDAPBindUser", "opendmarc.conf:4 HistoryFile"]
    assert typed("--check", "--config", out).stdout.strip() == out + " is good"
    again = typed(*args, ok=False)
    assert again.returncode == 2 and "--out" in again.stderr # what is there is not written over
    m = Milter(world, "imported", {})
    m.write = lambda: shutil.copyfile(out, m.config)
    m.settings = {"socket": "inet:8897@127.0.0.1"}
    m.start()
    g = Gate(world, "imported", "127.0.44.10", [m.postfix_name])
    g.start()
    try:
        assert g.send(mail("a@" + OURS), "a@" + OURS, "imported@milter.test", **INSIDE)[0] == 250
        assert verified(world, world_mail(g, "imported@milter.test")) == [True, True]
        assert g.send(mail("a@strict.milter.test"), "a@" + ROGUE, "imported2@milter.test")[0] == 550
        assert g.send(mail("a@strict.milter.test"), "a@" + ROGUE, "imported2@milter.test", ip="203.0.113.9")[0] == 250
    finally:
        g.stop()
        assert m.stop() == 0


def test_what_cannot_be_imported_is_said(tmp_path):
    bad = tmp_path / "bad.conf"
    bad.write_text("Mode s\n\nSelector\n")
    r = typed("import", "--opendkim", str(bad), ok=False)
    assert r.returncode == 2 and "line 3: a key without a value" in r.stderr and r.stdout == ""
    r = typed("import", "--opendkim", str(tmp_path / "none"), ok=False)
    assert r.returncode == 2 and "--opendkim" in r.stderr
    bad.write_text("KeyTable dsn:mysql://u:p@h/d\nX \u00e4\n")
    r = typed("import", "--opendkim", str(bad), "--json")
    told = json.loads(r.stdout)
    assert [(n["line"], n["key"]) for n in told["not_taken"]] == [(1, "KeyTable"), (2, "X")] and "mode" in told["configuration"]


def test_the_examples_of_the_page_work(world, keys, tmp_path):
    """docs/milter.md: what it tells to type, with files of this world."""
    with open(os.path.join(daemon.ROOT, "docs", "milter.md")) as f:
        text = f.read()
    lines = [l.strip() for block in re.findall(r"^ *```\n(.*?)^ *```", text, re.M | re.S) for l in block.splitlines()]
    typed_lines = [l for l in lines if l.startswith("sigillo ")]
    assert typed_lines == ["sigillo milter import --out /etc/sigillo/milter.conf", "sigillo milter --check"]
    (tmp_path / "opendkim.conf").write_text("Domain %s\nSelector r1\nKeyFile %s\nSocket inet:8898@127.0.0.1\n" % (OURS, keys["rsa"].file))
    config = str(tmp_path / "milter.conf")
    for line in typed_lines:
        args = line.replace("/etc/sigillo/milter.conf", config).split()[2:]
        more = ["--opendkim", str(tmp_path / "opendkim.conf")] if "import" in args else ["--config", config]
        typed(*args, *more)
    postfix = dict(l.split(" = ") for l in lines if " = " in l and "milter" in l.split(" = ")[0])
    assert sorted(postfix) == ["milter_default_action", "non_smtpd_milters", "smtpd_milters"]
    seal = re.search(r"`(arc_seal \{.*?\})`", text).group(1).replace("/etc/sigillo/arc.pem", keys["seal"].file)
    with open(config, "a") as f:
        f.write(seal + "\n" + re.search(r'`(metrics = ".*?")`', text).group(1) + "\n" + re.search(r'`(user = ".*?")`', text).group(1) + "\n")
    typed("--check", "--config", config)
