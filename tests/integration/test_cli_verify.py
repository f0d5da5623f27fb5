# SPDX-License-Identifier: Apache-2.0
"""sigillo verify: one message, judged whole; DNS from a table, and from the signed zones of the small internet."""
import json
import re
import subprocess

import pytest

from tabledns import TableDns
from world import daemon

YES, NO, USAGE, UNKNOWN = 0, 1, 2, 3
PORT = 5393
MESSAGE = b"From: Joe <joe@app.test>\r\nTo: sue@example.net\r\nSubject: x\r\nDate: Tue, 14 Nov 2023 22:13:18 +0000\r\n\r\nHello,\r\n\r\nworld.\r\n"


def run(*args, message=MESSAGE, **kw):
    return subprocess.run([daemon.PROGRAM, "verify", *map(str, args)], input=message, capture_output=True, timeout=60, **kw)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """(file, TXT text) of the key s1 of app.test."""
    file = tmp_path_factory.mktemp("keys") / "s1.pem"
    made = subprocess.run([daemon.PROGRAM, "dkim", "keygen", "--type", "ed25519", "--domain", "app.test", "--selector", "s1", "--out", file],
                          capture_output=True, check=True)
    return file, made.stdout.decode().strip().split(" ", 2)[2]


@pytest.fixture(scope="module")
def dns(key):
    zone = {
        ("s1._domainkey.app.test", "TXT"): [key[1]],
        ("app.test", "TXT"): ['"v=spf1 ip4:192.0.2.1 -all"'],
        ("_dmarc.app.test", "TXT"): ['"v=DMARC1; p=reject"'],
        ("mail.app.test", "TXT"): ['"v=spf1 ip4:192.0.2.1 -all"'],
        ("open.test", "TXT"): ['"v=spf1 ip4:192.0.2.1 -all"'],
        ("arc._domainkey.list.test", "TXT"): [key[1]],
        ("_dmarc.news.app.test", "TXT"): None,
    }
    with TableDns("127.0.0.1", zone, PORT):
        yield ("--resolver", "127.0.0.1@%d" % PORT, "--authserv-id", "mx.here.test")


def sign(key, message=MESSAGE):
    return subprocess.run([daemon.PROGRAM, "dkim", "sign", "--domain", "app.test", "--selector", "s1", "--key", key[0]], input=message,
                          capture_output=True, check=True).stdout


CONNECTION = ("--ip", "192.0.2.1", "--helo", "mail.app.test", "--from", "joe@app.test")


def test_a_good_message(dns, key):
    r = run(*dns, *CONNECTION, "--json", message=sign(key))
    assert (r.returncode, r.stderr) == (YES, b"")
    got = json.loads(r.stdout)
    assert list(got) == ["spf", "dkim", "arc", "dmarc", "authentication_results"]
    assert (got["spf"]["result"], got["spf"]["domain"], got["spf"]["mechanism"], got["spf"]["lookups"]) == ("pass", "app.test", "ip4:192.0.2.1", 0)
    assert (got["spf"]["helo"]["result"], got["spf"]["helo"]["domain"]) == ("pass", "mail.app.test")
    assert [(d["result"], d["domain"], d["selector"]) for d in got["dkim"]] == [("pass", "app.test", "s1")]
    assert got["arc"]["result"] == "none"
    d = got["dmarc"]
    assert (d["result"], d["domain"], d["policy"], d["disposition"], d["spf_aligned"], d["dkim_aligned"]) == ("pass", "app.test", "reject", "none", True, True)
    assert re.fullmatch(
        r"Authentication-Results: mx\.here\.test; spf=pass smtp\.mailfrom=app\.test; spf=pass smtp\.helo=mail\.app\.test; dkim=pass header\.d=app\.test "
        r"header\.i=@app\.test header\.s=s1 header\.a=ed25519-sha256 header\.b=\S+; arc=none; dmarc=pass header\.from=app\.test policy\.dmarc=reject",
        got["authentication_results"])


def test_for_people(dns, key):
    r = run(*dns, *CONNECTION, message=sign(key))
    text = r.stdout.decode()
    assert r.returncode == YES and "\033" not in text
    head, _, field = text.partition("\n\n")
    assert [line.split()[:2] for line in head.splitlines() if not line.startswith(" ")] == [
        ["spf", "pass"], ["spf", "pass"], ["dkim", "pass"], ["arc", "none"], ["dmarc", "pass"]]
    assert field.startswith("Authentication-Results: mx.here.test;\n spf=pass ") and max(map(len, text.splitlines())) <= 100


def test_the_answer_is_no(dns):
    r = run(*dns, "--ip", "203.0.113.1", "--helo", "x.test", "--from", "joe@app.test", "--json")
    got = json.loads(r.stdout)
    assert r.returncode == NO
    assert (got["spf"]["result"], got["dmarc"]["result"], got["dmarc"]["disposition"]) == ("fail", "fail", "reject")
    assert "to be done with it: reject" in run(*dns, "--ip", "203.0.113.1", "--from", "joe@app.test").stdout.decode()


def test_without_a_policy_somebody_has_to_pass(dns):
    message = MESSAGE.replace(b"joe@app.test", b"joe@open.test")
    assert run(*dns, "--ip", "192.0.2.1", "--from", "joe@open.test", message=message).returncode == YES
    assert run(*dns, "--ip", "192.0.2.9", "--from", "joe@open.test", message=message).returncode == NO
    assert run(*dns, message=message).returncode == NO
    d = json.loads(run(*dns, "--json", message=message).stdout)["dmarc"]
    assert (d["result"], d["policy"], d["record"], d["policy_domain"], d["org_domain"], d["testing"]) == ("none", None, None, None, "open.test", False)


@pytest.mark.parametrize("author", [b"From: <joe@app.test>\r\nFrom: <eve@open.test>", b"From: <eve@open.test>\r\nFrom : <joe@app.test>",
                                    b"From: <joe@app.test>, <eve@open.test>", b"From: <joe@app.test", b"X-From: joe@app.test"], ids=repr)
def test_who_hides_the_author_buys_no_yes(dns, author):
    """SPF passes for the sender's own domain, and no policy can be found for the author: that proves nothing.  [RFC 9989 s11.5]"""
    r = run(*dns, "--ip", "192.0.2.1", "--from", "eve@open.test", "--json", message=author + b"\r\nSubject: x\r\n\r\nHello\r\n")
    got = json.loads(r.stdout)
    assert (r.returncode, got["spf"]["result"], got["dmarc"]["result"]) == (NO, "pass", "none")


def test_without_a_connection_only_spf_is_left_out(dns, key):
    r = run(*dns, "--json", message=sign(key))
    got = json.loads(r.stdout)
    assert r.returncode == YES
    assert (got["spf"]["result"], got["spf"]["checked"], got["dmarc"]["result"]) == ("none", False, "pass")
    assert "spf=" not in got["authentication_results"]


def test_the_null_sender_is_that_of_helo(dns):
    for sender in ([], ["--from", ""], ["--from", "<>"]):
        r = run(*dns, "--ip", "192.0.2.1", "--helo", "mail.app.test", *sender, "--json")
        got = json.loads(r.stdout)
        assert (r.returncode, got["dmarc"]["result"]) == (YES, "pass")
        assert "smtp.helo=mail.app.test" in got["authentication_results"] and "smtp.mailfrom" not in got["authentication_results"]
    assert run(*dns, "--ip", "192.0.2.1", "--helo", "mail.app.test").stdout.count(b"(HELO)") == 1


def test_files_with_lf_and_with_crlf_are_the_same(dns, key, tmp_path):
    file = tmp_path / "message"
    signed = sign(key)
    answers = []
    for text in (signed, signed.replace(b"\r\n", b"\n")):
        file.write_bytes(text)
        for args, message in ((["-"], text), ([file], b""), ([], text)):
            r = run(*dns, *CONNECTION, "--json", *args, message=message)
            answers.append((r.returncode, r.stdout))
    assert len(set(answers)) == 1 and answers[0][0] == YES


def test_a_large_body_is_read_in_pieces(dns, key, tmp_path):
    file = tmp_path / "large"
    file.write_bytes(sign(key, MESSAGE + b"A line of text that goes on and on and on. \r\n" * 700000))
    limited = ["bash", "-c", 'ulimit -v 2000000; exec "$@"', "bash", daemon.PROGRAM, "verify", *dns, *CONNECTION, str(file)]
    assert subprocess.run(limited, capture_output=True, timeout=60).returncode == YES


def test_a_trusted_sealer(dns, key):
    """A list that changed the message behind the author's signature, and sealed what it saw before."""
    seal = subprocess.run([daemon.PROGRAM, "help"], capture_output=True).stdout
    if b"arc seal" not in seal and b"arc" not in seal:
        pytest.skip("no verb to seal with")
    before = sign(key)
    saw = b"Authentication-Results: mx.list.test; dkim=pass header.d=app.test; dmarc=pass header.from=app.test\r\n"
    sealed = subprocess.run([daemon.PROGRAM, "arc", "seal", "--domain", "list.test", "--selector", "arc", "--key", key[0], "--authserv-id", "mx.list.test",
                             *dns[:2]], input=saw + before + b"-- \r\nthe list\r\n", capture_output=True)
    assert sealed.returncode == YES, sealed.stderr
    plain = json.loads(run(*dns, "--json", message=sealed.stdout).stdout)
    assert (plain["arc"]["result"], plain["dmarc"]["result"], plain["dmarc"]["disposition"]) == ("pass", "fail", "reject")
    r = run(*dns, "--trust-sealer", "list.test", "--json", message=sealed.stdout)
    got = json.loads(r.stdout)
    assert (r.returncode, got["dmarc"]["result"], got["dmarc"]["disposition"], got["dmarc"]["overridden"]) == (YES, "fail", "none", True)
    assert got["dmarc"]["witness"] == "list.test"
    assert b"overridden: list.test" in run(*dns, "--trust-sealer", "list.test", message=sealed.stdout).stdout


def test_a_trusted_sealer_whose_word_cannot_be_weighed(dns, key):
    """What it saw may be of the author's organisation: the walk that would tell fails."""
    saw = b"Authentication-Results: mx.list.test; dkim=pass header.d=%s\r\n"
    for domain, status in ((b"news.app.test", UNKNOWN), (b"news.open.test", NO), (b"mail.app.test", YES)):
        sealed = subprocess.run([daemon.PROGRAM, "arc", "seal", "--domain", "list.test", "--selector", "arc", "--key", key[0], "--authserv-id",
                                 "mx.list.test", *dns[:2]], input=saw % domain + MESSAGE, capture_output=True)
        assert sealed.returncode == YES, sealed.stderr
        r = run(*dns, "--trust-sealer", "list.test", "--json", message=sealed.stdout)
        assert (r.returncode, json.loads(r.stdout)["dmarc"]["result"]) == (status, "fail"), domain


def test_dns_that_does_not_answer():
    r = run("--resolver", "127.0.0.1@1", "--timeout", "2", *CONNECTION, "--json")
    assert r.returncode == UNKNOWN
    got = json.loads(r.stdout)
    assert (got["spf"]["result"], got["dmarc"]["result"]) == ("temperror", "temperror")


@pytest.mark.parametrize("args,named", [
    (["--ip", "300.1.1.1", "--from", "a@b"], "--ip"), (["--from", "a@b"], "--ip"), (["--helo", "x"], "--ip"), (["--ip", "192.0.2.1"], "--from"),
    (["--rules", "rfc822"], "--rules"), (["--trust-sealer", "a b"], "--trust-sealer"), (["--authserv-id", "a;b"], "--authserv-id"),
    (["/does/not/exist"], "/does/not/exist"), (["--now", "soon"], "--now"), (["one", "two"], "")])
def test_wrong_usage(args, named):
    r = run(*args)
    assert (r.returncode, r.stdout) == (USAGE, b"")
    assert r.stderr.count(b"\n") == 1 and named.encode() in r.stderr


@pytest.mark.parametrize("message", [b"", b"\r\n", b"not a message\r\n", b"\x00\x01\x02", b"\x1b]0;x\x07: y\r\n\r\n"], ids=repr)
def test_what_is_not_a_message(message):
    r = run(message=message)
    assert (r.returncode, r.stdout) == (USAGE, b"") and r.stderr.count(b"\n") == 1
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", r.stderr)


HOSTILE = b"\x1b]0;pwned\x07\x1b[2J\xc2\x9b31m\xff\xfe"


@pytest.mark.parametrize("json_too", [False, True])
def test_nothing_of_a_message_reaches_the_terminal_raw(dns, json_too):
    message = (b"DKIM-Signature: v=1; a=" + HOSTILE + b"; d=" + HOSTILE + b"; s=" + HOSTILE + b"; h=from; bh=AAAA; b=" + HOSTILE + b"\r\n"
               b"ARC-Seal: i=1; d=" + HOSTILE + b"; s=" + HOSTILE + b"; a=x; cv=none; b=AAAA\r\n"
               b"ARC-Authentication-Results: i=1; " + HOSTILE + b"; none\r\n"
               b"From: " + HOSTILE + b" <" + HOSTILE + b"@" + HOSTILE + b">\r\n\r\n" + HOSTILE)
    r = run(*dns, "--ip", "192.0.2.1", "--helo", HOSTILE.replace(b"\0", b"").decode("latin-1"), "--from", "x; dmarc=pass@\x1b[31m",
            *(["--json"] if json_too else []), message=message)
    assert r.returncode == NO
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", r.stdout + r.stderr)


def test_by_either_rules(dns):
    for rules in ("rfc9989", "rfc7489"):
        r = run(*dns, *CONNECTION, "--rules", rules, "--json")
        assert r.returncode == YES and json.loads(r.stdout)["dmarc"]["rules"] == rules


def test_signed_zones_of_the_small_internet(world, key):
    """The key comes by DNSSEC, and the verdict says so."""
    world.dns.publish("verify.test", "TXT", '"v=spf1 ip4:192.0.2.1 -all"')
    world.dns.publish("_dmarc.verify.test", "TXT", '"v=DMARC1; p=quarantine"')
    world.dns.publish("s1._domainkey.verify.test", "TXT", key[1])
    message = MESSAGE.replace(b"app.test", b"verify.test")
    signed = subprocess.run([daemon.PROGRAM, "dkim", "sign", "--domain", "verify.test", "--selector", "s1", "--key", key[0]], input=message,
                            capture_output=True, check=True).stdout
    r = run("--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor, "--ip", "192.0.2.1", "--from", "joe@verify.test", "--json", message=signed)
    got = json.loads(r.stdout)
    assert r.returncode == YES, got
    assert (got["spf"]["result"], got["dkim"][0]["result"], got["dkim"][0]["dnssec"], got["dmarc"]["result"]) == ("pass", "pass", True, "pass")
