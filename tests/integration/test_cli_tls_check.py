# SPDX-License-Identifier: Apache-2.0
"""`sigillo tls check` against receivers of every kind, and posttls-finger asked about the same ones."""
import json
import os
import pty
import re
import subprocess
import time

import pytest

from world import daemon
from world.finger import Finger
from world.internet import wait_for
from world.resolver import Resolver

WELL_KNOWN = "/.well-known/mta-sts.txt"
POLICY = "version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: 604800\r\n"


def sigillo(*args):
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.run([daemon.PROGRAM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=clean)


@pytest.fixture(scope="module")
def check(world):
    def run(domain, *args, json_=True):
        r = sigillo("tls", "check", domain, "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor, "--ca",
                    world.ca.file, "--helo", "checker.test", *args, *(["--json"] if json_ else []))
        return r, (json.loads(r.stdout) if json_ and r.stdout else None)
    return run


@pytest.fixture(scope="module")
def finger(world):
    with Resolver(world.dns, "127.0.0.57") as resolver:
        yield Finger(world, resolver)


def enforce(world, domain, mx=None, mode="enforce", id_="1"):
    world.dns.publish("mta-sts." + domain, "A", world.https.address)
    world.dns.publish("_mta-sts." + domain, "TXT", '"v=STSv1; id=%s;"' % id_)
    world.https.put("mta-sts." + domain, WELL_KNOWN, POLICY % (mode, mx or "mx." + domain))


def codes(answer):
    return {p["code"] for p in answer["problems"]}


def errors(answer):
    return {p["code"] for p in answer["problems"] if p["severity"] == "error"}


@pytest.fixture(scope="module")
def best(world):
    """Everything: DNSSEC, two TLSA records, an enforced policy, reports."""
    domain = "best.tlscheck.test"
    certificate = world.ca.issue("mx." + domain)
    receiver = world.receiver(domain, tls=certificate, tls_extensions=["REQUIRETLS"])
    world.dns.publish("_25._tcp.mx." + domain, "TLSA", certificate.tlsa, "3 1 1 " + "cd" * 32)
    world.dns.publish("_smtp._tls." + domain, "TXT", '"v=TLSRPTv1; rua=mailto:tls@%s"' % domain)
    enforce(world, domain)
    receiver.domain = domain
    return receiver


def test_where_everything_is_well_the_answer_is_yes(check, best):
    r, a = check(best.domain)
    assert r.returncode == 0, r.stdout + r.stderr
    assert errors(a) == set() and not a["incomplete"] and not a["dnssec_unavailable"] and a["connected"]
    assert (a["domain"], a["port"], a["dnssec"], a["null_mx"], a["implicit_mx"]) == (best.domain, 25, "secure", False, False)
    host, = a["mx"]
    assert (host["host"], host["preference"], host["dnssec"], host["tlsa"]) == ("mx." + best.domain, 10, True, 2)
    assert (host["level"], host["tls"], host["result"], host["problem"], host["transit"]) == ("dane", "TLSv1.3", "ok", None, "dane")
    assert host["dane"] == "authenticate" and host["sts_listed"]
    records = {x["data"]: x for x in host["records"]}
    mine, next_ = records[best.certificate.tlsa.split()[3]], records["cd" * 32]
    assert (mine["usage"], mine["selector"], mine["matching"], mine["usable"], mine["counts"], mine["matched"]) == (3, 1, 1, True, True, True)
    assert mine["name"] == "_25._tcp.mx." + best.domain
    assert next_["usable"] and not next_["matched"] and next_["problem"] is None
    address, = host["addresses"]
    assert (address["address"], address["end"], address["starttls"], address["requiretls"]) == (best.address, "done", True, True)
    assert (address["tls"], address["chain"], address["name"], address["dane"]) == ("TLSv1.3", "ok", True, "ok")
    assert address["cipher"].startswith("TLS_") and address["group"]
    x = address["certificate"]
    assert (x["sha256"], x["spki_sha256"]) == (best.certificate.fingerprint, best.certificate.tlsa.split()[3])
    assert (x["names"], x["names_more"], x["key"], x["key_bits"], x["self_signed"]) == (["mx." + best.domain], 0, "EC", 256, False)
    assert x["issuer"] == "Test world authority" and re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", x["not_after"])
    assert (a["mta_sts"]["mode"], a["mta_sts"]["max_age"], a["mta_sts"]["mx"], a["mta_sts"]["id"]) == \
        ("enforce", 604800, ["mx." + best.domain], "1")
    assert a["tls_rpt"]["rua"] == ["mailto:tls@" + best.domain]
    assert "dane-record-unmatched" in codes(a) and "dane-single-record" not in codes(a)


def test_it_says_ehlo_and_goes_and_sends_nothing(check, best):
    best.log.clear()
    check(best.domain)
    lines = [line for _, _, line in best.log if line]
    assert lines and all(re.match(r"EHLO checker\.test|STARTTLS", line) for line in lines), lines
    assert best.messages == []


def test_without_connecting_nobody_is_disturbed(check, best):
    before = best.connections
    r, a = check(best.domain, "--no-connect")
    assert r.returncode in (0, 1) and best.connections == before and not a["connected"]
    host, = a["mx"]
    assert (host["level"], host["tls"], host["result"], host["transit"]) == ("dane", None, "not-checked", "unknown")
    assert host["addresses"] == [] and host["records"][0]["matched"] is None


def test_certificates_are_judged_by_the_clock_that_is_given(check, world):
    world.receiver("clock.tlscheck.test", tls=True)
    enforce(world, "clock.tlscheck.test")
    assert check("clock.tlscheck.test")[1]["mx"][0]["result"] == "ok"
    r, a = check("clock.tlscheck.test", "--now", str(int(time.time()) + 200 * 86400))
    assert r.returncode == 1 and a["mx"][0]["result"] == "certificate-expired", a["mx"]


@pytest.fixture(scope="module")
def kinds(world):
    """Receivers, one fault each."""
    dns, ca = world.dns, world.ca

    def made(name, **kw):
        return world.receiver(name + ".tlscheck.test", **kw)

    def policy(name, **kw):
        enforce(world, name + ".tlscheck.test", **kw)

    def tlsa(name, *records):
        dns.publish("_25._tcp.mx.%s.tlscheck.test" % name, "TLSA", *records)

    made("plain")
    made("open", tls=True)
    made("self", tls=ca.self_signed("mx.self.tlscheck.test"))
    made("refuses", tls=True, script={"starttls": "454 4.7.0 TLS not available"})
    made("cut", tls=True, script={"handshake": "drop"})
    made("old", tls=True, versions=("TLSv1", "TLSv1_1"))
    made("one", tls=True, dane=True)
    made("stale", tls=True)
    tlsa("stale", "3 1 1 " + "ab" * 32)
    made("nottls")
    tlsa("nottls", "3 1 1 " + "ab" * 32)
    expired = ca.issue("elsewhere.test", days_to=-1, file="tlscheck-expired")
    made("expired", tls=expired)
    tlsa("expired", expired.tlsa, "3 1 1 " + "cd" * 32)
    anchor = ca.issue("mx.anchor.tlscheck.test")
    made("anchor", tls=anchor)
    tlsa("anchor", anchor.record(2, 0, 1, of=-1), anchor.record(3, 0, 1))
    misnamed = ca.issue("elsewhere.test", file="tlscheck-misnamed")
    made("taname", tls=misnamed)
    tlsa("taname", misnamed.record(2, 1, 1, of=-1))
    made("unusable", tls=True)
    tlsa("unusable", "1 1 1 " + "ab" * 32, "3 1 1 " + "ab" * 31)
    agile = ca.issue("mx.agile.tlscheck.test")
    made("agile", tls=agile)
    tlsa("agile", agile.tlsa, "3 1 2 " + "ab" * 64)
    made("sts", tls=True)
    policy("sts")
    made("stsname", tls=ca.issue("elsewhere.test", file="tlscheck-stsname"))
    policy("stsname")
    made("stsself", tls=ca.self_signed("mx.stsself.tlscheck.test"))
    policy("stsself")
    made("stsplain")
    policy("stsplain")
    made("stsother", tls=True)
    policy("stsother", mx="mail.elsewhere.test")
    made("ststest", tls=ca.self_signed("mx.ststest.tlscheck.test"))
    policy("ststest", mode="testing")
    made("stscn", tls=ca.issue("mx.stscn.tlscheck.test", san=False))
    policy("stscn")
    made("both", tls=True)
    tlsa("both", "3 1 1 " + "ab" * 32)
    policy("both")
    made("slow", tls=True, script={"connect": "hang"})
    made("rude", tls=True, script={"connect": "554 5.7.1 \x1b[31mgo\x07 away"})


# name, exit status, level, tls, result, transit, findings that must be there
ROWS = [
    ("plain", 0, "none", None, "starttls-not-supported", "plain", "starttls-missing"),
    ("open", 0, "opportunistic", "TLSv1.3", "ok", "encrypted", ""),
    ("self", 0, "opportunistic", "TLSv1.3", "ok", "encrypted", "certificate-unproved"),
    ("refuses", 0, "none", None, "starttls-not-supported", "plain", "starttls-refused"),
    ("cut", 0, "none", None, "validation-failure", "plain", "tls-handshake-failed"),
    ("old", 0, "none", None, "validation-failure", "plain", "tls-handshake-failed"),
    ("one", 0, "dane", "TLSv1.3", "ok", "dane", "dane-single-record"),
    ("stale", 1, "dane", "TLSv1.3", "validation-failure", "deferred", "dane-no-match"),
    ("nottls", 1, "dane", None, "starttls-not-supported", "deferred", "starttls-missing"),
    ("expired", 0, "dane", "TLSv1.3", "ok", "dane", "dane-certificate-expired"),
    ("anchor", 0, "dane", "TLSv1.3", "ok", "dane", "dane-whole-certificate"),
    ("taname", 1, "dane", "TLSv1.3", "certificate-host-mismatch", "deferred", "dane-anchor-failed"),
    ("unusable", 1, "dane", "TLSv1.3", "ok", "encrypted", "dane-unusable"),
    ("agile", 1, "dane", "TLSv1.3", "validation-failure", "deferred", "dane-record-outdone dane-no-match"),
    ("sts", 0, "mta-sts", "TLSv1.3", "ok", "mta-sts", ""),
    ("stsname", 1, "mta-sts", "TLSv1.3", "certificate-host-mismatch", "deferred", "mta-sts-certificate"),
    ("stsself", 1, "mta-sts", "TLSv1.3", "certificate-not-trusted", "deferred", "mta-sts-certificate"),
    ("stsplain", 1, "mta-sts", None, "starttls-not-supported", "deferred", "starttls-missing"),
    ("stsother", 1, "mta-sts", "TLSv1.3", "sts-mx-mismatch", "deferred", "mta-sts-mx-not-covered"),
    ("ststest", 0, "opportunistic", "TLSv1.3", "ok", "encrypted", "mta-sts-certificate mta-sts-policy-testing"),
    ("stscn", 1, "mta-sts", "TLSv1.3", "certificate-host-mismatch", "deferred", "mta-sts-certificate"),
    ("both", 1, "dane", "TLSv1.3", "validation-failure", "deferred", "dane-no-match"),
    ("slow", 3, "opportunistic", None, "no-smtp", "deferred", "host-no-smtp"),
    ("rude", 3, "opportunistic", None, "no-smtp", "deferred", "host-no-smtp"),
]


@pytest.mark.parametrize("name, status, level, tls, result, transit, found", ROWS, ids=[r[0] for r in ROWS])
def test_each_fault_has_its_level_result_and_mend(check, kinds, name, status, level, tls, result, transit, found):
    r, a = check(name + ".tlscheck.test", "--timeout", "4")
    host, = a["mx"]
    assert (host["level"], host["tls"], host["result"], host["transit"]) == (level, tls, result, transit), host
    assert (host["problem"] is None) == (result == "ok")
    assert set(found.split()) <= codes(a), a["problems"]
    assert r.returncode == status, a["problems"]
    for p in a["problems"]:
        assert p["text"] and (p["mend"] or p["severity"] != "error"), p
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", r.stdout)


@pytest.mark.parametrize("name", ["stale", "agile", "both"])
def test_the_record_that_mends_it_does(check, kinds, world, name):
    domain = name + ".tlscheck.test"
    mend, = [p["mend"] for p in check(domain)[1]["problems"] if p["code"] == "dane-no-match"]
    owner, kind, data = mend.split(" ", 2)
    before = [" ".join(x.to_text().split()) for rr in world.dns.query(owner, kind).answer for x in rr if x.rdtype == 52]
    world.dns.publish(owner, kind, data)
    try:
        time.sleep(1.1) # answers have a TTL of a second
        assert check(domain)[1]["mx"][0]["result"] == "ok"
    finally:
        world.dns.publish(owner, kind, *before)


DELIVERED = ["plain", "open", "self", "refuses", "cut", "old", "one", "stale", "nottls", "expired", "anchor", "taname", "unusable", "agile", "both",
             "sts", "stsname", "stsself", "stsplain", "stsother", "ststest", "stscn"]


def test_a_delivery_does_what_was_said(check, kinds, world, sigillo, sender):
    """One message to each: it travels as the check says, or waits."""
    ids = {name: sigillo.submit(sender, "who@%s.tlscheck.test" % name) for name in DELIVERED}
    for name, number in ids.items():
        domain = name + ".tlscheck.test"
        said = check(domain)[1]["mx"][0]["transit"]
        messages = world.scripted[domain].messages
        if said == "deferred":
            wait_for(lambda: sigillo.show(number)["recipients"][0], lambda r: r["attempts"] > 0, 20, "an attempt at " + name)
            assert messages == [], name
        else:
            sigillo.wait_state(number, "delivered")
            assert (len(messages), messages[0].tls) == (1, "" if said == "plain" else "TLSv1.3"), name
    for number in ids.values():
        sigillo.cli("queue", "cancel", number, ok=False)


# -- shapes of domains ---------------------------------------------------------------------------------------------------

def test_a_domain_that_takes_no_mail(check):
    r, a = check("null.test")
    assert r.returncode == 0 and a["null_mx"] and a["mx"] == []


def test_a_domain_that_does_not_exist(check):
    r, a = check("none.test")
    assert r.returncode == 1 and "domain-missing" in codes(a)


def test_forged_signatures_are_named(check):
    r, a = check("bogus.test")
    assert r.returncode == 1 and a["dnssec"] == "bogus" and "dnssec-bogus" in errors(a) and a["incomplete"]


def test_a_host_whose_records_are_forged_gets_no_mail(check, world):
    """[RFC 7672 s2.1.2] bogus is never "none"."""
    world.dns.publish("bogushost.tlscheck.test", "MX", "10 mx.bogus.test.")
    world.dns.publish("mx.bogus.test", "A", "127.0.1.1")
    r, a = check("bogushost.tlscheck.test")
    host, = a["mx"]
    assert (host["level"], host["result"], host["transit"]) == ("dane", "dnssec-invalid", "deferred")
    assert r.returncode == 3, r.stdout


def test_records_of_an_unsigned_zone_bind_nobody(check):
    r, a = check("insecure.test")
    host, = a["mx"]
    assert r.returncode == 0 and a["dnssec"] == "insecure" and not host["dnssec"] and host["tlsa"] == 0
    assert (host["level"], host["transit"]) == ("opportunistic", "encrypted")


def test_a_domain_without_mx_records_is_its_own_host(check, world):
    receiver = world.listen("own.tlscheck.test", certificate=world.ca.issue("own.tlscheck.test"))
    world.dns.publish("own.tlscheck.test", "A", receiver.address)
    r, a = check("own.tlscheck.test")
    assert r.returncode == 0 and a["implicit_mx"] and a["mx"][0]["host"] == "own.tlscheck.test"
    assert a["mx"][0]["transit"] == "encrypted"


def test_hosts_are_shown_in_their_order_and_looked_at_together(check, world):
    for n, wait in (("a", 1.0), ("b", 1.0), ("c", 1.0)):
        receiver = world.listen("%s.many.test" % n, {"connect": ("slow", wait)}, world.ca.issue("%s.many.test" % n))
        world.dns.publish("%s.many.test" % n, "A", receiver.address)
    world.dns.publish("many.test", "MX", "30 c.many.test.", "10 a.many.test.", "20 b.many.test.", "40 gone.many.test.")
    began = time.monotonic()
    r, a = check("many.test")
    assert time.monotonic() - began < 2.6
    assert [h["host"] for h in a["mx"]] == ["a.many.test", "b.many.test", "c.many.test", "gone.many.test"]
    assert [h["result"] for h in a["mx"]] == ["ok", "ok", "ok", "no-address"] and r.returncode == 1


def test_an_address_without_starttls_beside_one_that_has_it(check, world):
    """[RFC 7672 s9.2]"""
    good = world.listen("mx.half.test", certificate=world.ca.issue("mx.half.test"))
    bad = world.listen("mx.half.test")
    world.dns.publish("half.test", "MX", "10 mx.half.test.")
    world.dns.publish("mx.half.test", "A", good.address, bad.address)
    r, a = check("half.test")
    assert r.returncode == 0 and "starttls-selective" in codes(a) and a["mx"][0]["transit"] == "plain"
    assert {x["end"] for x in a["mx"][0]["addresses"]} == {"done", "no-starttls"}


def test_an_address_that_does_not_answer_beside_one_that_does(check, world):
    good = world.listen("mx.lame.test", certificate=world.ca.issue("mx.lame.test"))
    world.dns.publish("lame.test", "MX", "10 mx.lame.test.")
    world.dns.publish("mx.lame.test", "A", good.address, "127.9.9.9")
    r, a = check("lame.test")
    assert r.returncode == 3 or r.returncode == 1, r.stdout
    assert a["incomplete"] and a["mx"][0]["result"] == "ok" and "host-unreachable" in codes(a)


def test_another_port_has_records_of_its_own(check, world):
    certificate = world.ca.issue("mx.port.test")
    receiver = world.listen("mx.port.test", certificate=certificate, port=2525)
    world.route("port.test", "mx.port.test", receiver.address)
    world.dns.publish("_2525._tcp.mx.port.test", "TLSA", certificate.tlsa)
    r, a = check("port.test", "--port", "2525")
    assert a["port"] == 2525 and a["mx"][0]["transit"] == "dane" and r.returncode == 0
    assert a["mx"][0]["records"][0]["name"] == "_2525._tcp.mx.port.test"


def test_a_policy_that_cannot_be_fetched_is_named_and_binds_nobody(check, world):
    """[RFC 8461 s3.3]"""
    world.receiver("nofetch.tlscheck.test", tls=True)
    enforce(world, "nofetch.tlscheck.test")
    world.https.put("mta-sts.nofetch.tlscheck.test", WELL_KNOWN, "", status=301)
    r, a = check("nofetch.tlscheck.test")
    assert r.returncode == 1 and "mta-sts-policy-unreachable" in errors(a) and a["mx"][0]["level"] == "opportunistic"


def test_where_nothing_can_be_validated_it_says_so(world, best):
    r = sigillo("tls", "check", best.domain, "--ca", world.ca.file, "--json")
    a = json.loads(r.stdout)
    assert a["dnssec_unavailable"] and a["mx"][0]["level"] == "mta-sts" and a["mx"][0]["transit"] == "mta-sts"
    shown = sigillo("tls", "check", best.domain, "--ca", world.ca.file).stdout
    assert "do not pass DNSSEC on" in shown


def test_a_dead_name_server_ends_in_could_not_find_out(world):
    began = time.monotonic()
    r = sigillo("tls", "check", "best.tlscheck.test", "--resolver", "127.0.0.99", "--timeout", "2", "--json")
    a = json.loads(r.stdout)
    assert r.returncode == 3 and time.monotonic() - began < 10 and a["incomplete"] and a["dnssec"] == "indeterminate"
    assert r.stderr.count("\n") == 1 and "looked up" in r.stderr


# -- for people ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["best", "stale", "taname", "unusable", "stsother", "ststest", "rude", "plain", "both", "old"])
def test_for_people_it_fits_80_columns_and_holds_no_control_character(check, kinds, best, name):
    r, _ = check(name + ".tlscheck.test", "--timeout", "4", json_=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", r.stdout + r.stderr) and r.stdout.isascii()
    for line in r.stdout.splitlines():
        assert len(line) <= 80 or " TLSA 3 1 1 " in line, line


def test_for_people_the_verdict_is_one_line_a_host(check, kinds, best):
    def said(name):
        return check(name + ".tlscheck.test", json_=False)[0].stdout
    shown = said("best")
    assert "  =>        a delivery insists on DANE; mail goes, proved by DANE\n" in shown
    assert "MX        1 host, DNSSEC secure" in shown and "enforce, for 7 days, id 1: mx.best.tlscheck.test" in shown
    assert re.search(r"3 1 1 \w{24}\.\.\.  matches\n", shown) and "matches nothing" in shown
    assert "sha256      %s" % best.certificate.fingerprint in shown and "REQUIRETLS  offered" in shown
    assert "insists on nothing; mail goes in plaintext" in said("plain")
    assert "insists on MTA-STS; mail goes, proved by MTA-STS" in said("sts")
    assert "insists on DANE; mail waits" in said("stale")
    assert "_25._tcp.mx.stale.tlscheck.test TLSA 3 1 1 " in said("stale")


def on_a_terminal(*args, env=None):
    child, terminal = pty.fork()
    if child == 0:
        os.execve(daemon.PROGRAM, [daemon.PROGRAM, *args], dict(os.environ, TERM="xterm", **(env or {})))
    shown = b""
    while True:
        try:
            got = os.read(terminal, 65536)
        except OSError:
            break
        if not got:
            break
        shown += got
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def test_on_a_terminal_waiting_is_shown_and_taken_away_again(world, kinds):
    args = ("tls", "check", "slow.tlscheck.test", "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor,
            "--timeout", "4")
    status, shown = on_a_terminal(*args)
    assert status == 3
    lines = re.findall(rb"\r\x1b\[Kwaiting for mx\.slow\.tlscheck\.test[^\r\x1b]*", shown)
    assert lines and max(map(len, lines)) <= 84 and b" s left" in lines[0], shown
    assert shown.rfind(b"\r\x1b[K") > shown.rfind(b"waiting for")


def test_colours_on_a_terminal_only_and_not_for_who_wants_none(world, best):
    args = ("tls", "check", best.domain, "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor, "--ca",
            world.ca.file)
    assert b"\x1b[32m" in on_a_terminal(*args)[1]
    assert b"\x1b" not in on_a_terminal(*args, env={"NO_COLOR": "1"})[1]


@pytest.mark.parametrize("args", [(), ("a.test", "b.test"), ("a..test",), ("192.0.2.1",), ("a.test", "--port", "0"),
                                  ("a.test", "--port", "65536"), ("a.test", "--port", "smtp"), ("a.test", "--ca", "/nonexistent"),
                                  ("a.test", "--ca", daemon.PROGRAM), ("a.test", "--helo", "a b"), ("a.test", "--now", "x"),
                                  ("a.test", "--timeout", "0"), ("a.test\x1b[31m",)])
def test_wrong_usage(world, args):
    r = sigillo("tls", "check", *args)
    assert r.returncode == 2 and r.stdout == "" and r.stderr.startswith("sigillo: ") and r.stderr.count("\n") == 1, r
    assert "\x1b" not in r.stderr


# -- Postfix asked the same ------------------------------------------------------------------------------------------------

FINGER = ["best", "one", "stale", "expired", "anchor", "taname", "agile", "open", "self"]


@pytest.mark.parametrize("name", FINGER)
def test_posttls_finger_says_the_same(check, finger, kinds, best, name):
    """It proves what we prove, by records or, where there are none, by authority and name; it sees the version, the cipher, the group and the key that we see."""
    said = finger.said(name + ".tlscheck.test", "dane")
    host, = check(name + ".tlscheck.test")[1]["mx"]
    address, = host["addresses"]
    proved = host["transit"] == "dane" or (host["level"] == "opportunistic" and address["chain"] == "ok" and address["name"])
    assert "%s TLS connection established" % ("Verified" if proved else "Untrusted") in said, said
    assert "%s with cipher %s" % (address["tls"], address["cipher"]) in said, said
    assert address["group"].lower() in said.lower(), said
    digest = re.search(r"pkey_fingerprint=([0-9A-F:]+)", said)[1].replace(":", "").lower()
    assert digest == address["certificate"]["spki_sha256"]
