# SPDX-License-Identifier: Apache-2.0
"""`sigillo arc verify` and `sigillo arc seal`: chains built and read by command line, with dkimpy as a second judge."""
import json
import re
import subprocess

import pytest

from tabledns import TableDns
from world import daemon

MESSAGE = (b"Authentication-Results: mx.test; spf=pass smtp.mailfrom=a.test;\r\n dkim=pass (good) header.d=a.test\r\n"
           b"Authentication-Results: other.test; dmarc=fail\r\nAuthentication-Results: MX.test; dmarc=pass header.from=a.test\r\n"
           b"From: Alice <a@a.test>\r\nTo: b@b.test\r\nSubject: hello\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\nIt works.\r\n")
YES, NO, USAGE, UNKNOWN = 0, 1, 2, 3
DEAD = ["--resolver", "127.0.0.1@9", "--timeout", "1"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """PEM files by type, and the records that publish them."""
    folder, table = tmp_path_factory.mktemp("keys"), {}
    for kind, make in (("rsa", ["genrsa", "2048"]), ("ed25519", ["genpkey", "-algorithm", "ed25519"])):
        pem = folder / (kind + ".pem")
        pem.write_bytes(subprocess.run(["openssl", *make], check=True, capture_output=True).stdout)
        der = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout"], check=True, capture_output=True, text=True).stdout
        p = "".join(der.splitlines()[1:-1])
        if kind == "ed25519":
            raw = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
            p = subprocess.run(["openssl", "base64", "-A"], input=raw, check=True, capture_output=True).stdout.decode()
        record = "v=DKIM1; k=%s; p=%s" % (kind, p)
        table["k._domainkey.%s.test" % kind, "TXT"] = [" ".join('"%s"' % record[i:i + 200] for i in range(0, len(record), 200))]
        table["k._domainkey.%s.test" % kind, "raw"] = record.encode()
    return folder, table


@pytest.fixture(scope="module")
def dns(keys):
    with TableDns("127.0.0.1", {k: v for k, v in keys[1].items() if k[1] == "TXT"}, 0) as server:
        yield ["--resolver", "127.0.0.1@%d" % server._socket.getsockname()[1]]


@pytest.fixture
def run(dns):
    def run(*args, message=b"", resolver=dns):
        return subprocess.run([daemon.PROGRAM, *args, *resolver], input=message, capture_output=True, timeout=60)

    return run


@pytest.fixture
def seal(run, keys):
    def seal(message, kind="rsa", *more, **how):
        return run("arc", "seal", "--domain", kind + ".test", "--selector", "k", "--key", str(keys[0] / (kind + ".pem")),
                   "--authserv-id", "mx.test", "--now", "1700000000", *more, message=message, **how)

    return seal


@pytest.fixture
def verify(run):
    def verify(message, **how):
        r = run("arc", "verify", "--json", message=message, **how)
        return r.returncode, json.loads(r.stdout) if r.stdout else r.stderr

    return verify


def test_a_message_without_a_chain(run, verify):
    status, answer = verify(MESSAGE)
    assert (status, answer) == (NO, {"result": "none", "oldest_pass": 0, "sets": [], "reason": ""})
    assert run("arc", "verify", message=MESSAGE).stdout == b"arc=none  the message has no chain\n"


def test_three_hands(seal, verify, run):
    """One seals with RSA, one with Ed25519, and the last changes the message before it does."""
    one = seal(MESSAGE)
    assert one.returncode == YES, one.stderr
    assert one.stdout.endswith(MESSAGE) and one.stdout.startswith(b"ARC-Seal: a=rsa-sha256;\r\n b=")
    assert b"cv=none; d=rsa.test; i=1; s=k; t=1700000000" in one.stdout
    aar = re.search(rb"ARC-Authentication-Results: ([^\r]*(?:\r\n[ \t][^\r]*)*)", one.stdout).group(1)
    assert re.sub(rb"\s+", b" ", aar) == (b"i=1; mx.test; arc=none; spf=pass smtp.mailfrom=a.test; dkim=pass (good) header.d=a.test; "
                                          b"dmarc=pass header.from=a.test")
    two = seal(one.stdout, "ed25519").stdout
    status, answer = verify(two)
    assert status == YES and answer["result"] == "pass" and answer["oldest_pass"] == 0 and answer["reason"] == ""
    assert [(s["instance"], s["domain"], s["selector"], s["seal"], s["message"]) for s in answer["sets"]] == [
        (1, "rsa.test", "k", "pass", "pass"), (2, "ed25519.test", "k", "pass", "pass")]
    changed = b"Authentication-Results: mx.test; arc=pass\r\n" + two + b"-- \r\nthe list\r\n"
    assert verify(changed)[1]["result"] == "fail"
    three = seal(changed).stdout
    assert b"i=3" in three and b"cv=pass" in three
    status, answer = verify(three)
    assert (status, answer["result"], answer["oldest_pass"]) == (YES, "pass", 3)
    text = run("arc", "verify", message=three).stdout.decode()
    assert text.startswith("arc=pass  the message was last changed before set 3\n") and "ed25519.test" in text


def test_dkimpy_agrees(seal, keys):
    dkim = pytest.importorskip("dkim")
    record = keys[1]["k._domainkey.rsa.test", "raw"]
    sealed = seal(seal(MESSAGE).stdout).stdout
    cv, _, reason = dkim.ARC(sealed).verify(dnsfunc=lambda name, timeout=5: record)
    assert cv == b"pass", reason


def test_a_word_of_ours_is_not_outdone(seal, verify):
    """What did not pass when it arrived is not sealed as if it had."""
    sealed = seal(b"Authentication-Results: mx.test; arc=fail\r\n" + seal(MESSAGE).stdout).stdout
    assert b"cv=fail" in sealed
    assert verify(sealed)[1]["reason"] == "the newest seal says that the chain is broken (instance 2)"


def test_the_same_house_seals_twice(seal, verify):
    """Its field still says that there was no chain when the message came in; the one that it added since is whole."""
    twice = seal(b"Authentication-Results: mx.test; arc=none\r\n" + seal(MESSAGE).stdout).stdout
    assert b"cv=pass" in twice and verify(twice)[0] == YES


def test_a_broken_chain_is_closed(seal, verify, run):
    broken = seal(MESSAGE).stdout.replace(b"It works", b"It worked")
    status, answer = verify(broken)
    assert status == NO and answer["result"] == "fail" and "the body was changed" in answer["reason"]
    closed = seal(broken)
    assert closed.returncode == YES and b"cv=fail; d=rsa.test; i=2" in closed.stdout
    again = seal(closed.stdout)
    assert (again.returncode, again.stdout) == (NO, closed.stdout)
    assert again.stderr == b"sigillo: arc seal: nothing was added: the chain is broken, and its newest seal says so\n"


def test_line_ends_stay_as_they_are(seal, verify):
    """Files end their lines with LF; what is signed has CRLF."""
    lf = MESSAGE.replace(b"\r\n", b"\n")
    sealed = seal(lf).stdout
    assert b"\r" not in sealed and sealed.endswith(lf)
    assert verify(sealed)[0] == YES and verify(sealed.replace(b"\n", b"\r\n"))[0] == YES
    assert sealed.replace(b"\n", b"\r\n") == seal(MESSAGE).stdout


def test_the_fields_that_are_signed(seal, verify):
    sealed = seal(MESSAGE, "rsa", "--headers", "From:Subject:X-None").stdout
    assert b"h=from:subject:x-none;" in sealed and verify(sealed)[0] == YES
    assert verify(b"X-None: 1\r\n" + sealed)[0] == NO


def test_json_of_a_seal(seal):
    answer = json.loads(seal(MESSAGE, "rsa", "--json").stdout)
    assert (answer["sealed"], answer["instance"], answer["chain"]) == (True, 1, "none")
    assert answer["fields"] == seal(MESSAGE).stdout.decode()[:-len(MESSAGE)]


def test_no_dns_no_seal(seal, verify):
    """A chain that cannot be checked fails for good, says RFC 8617 s5.2.1; who asks is told that it could not be found out."""
    one = seal(MESSAGE).stdout
    status, answer = verify(one, resolver=DEAD)
    assert status == UNKNOWN and answer["result"] == "fail"
    r = seal(one, resolver=DEAD)
    assert r.returncode == UNKNOWN and r.stdout == b"" and r.stderr.startswith(b"sigillo: arc seal: the chain cannot be checked now: ")
    assert seal(MESSAGE, resolver=DEAD).returncode == YES  # without a chain nobody is asked


@pytest.mark.parametrize("args, what", [
    ([], "--domain"),
    (["--domain", "a.test"], "--selector"),
    (["--domain", "a.test", "--selector", "k"], "--key"),
    (["--domain", "a.test", "--selector", "k", "--key", "rsa"], "--authserv-id"),
    (["--domain", "a.test", "--selector", "k", "--key", __file__, "--authserv-id", "x"], "--key"),
    (["--domain", "a.test", "--selector", "k", "--key", "/nonexistent", "--authserv-id", "x"], "--key"),
    (["--domain", "a", "--selector", "k", "--key", "rsa", "--authserv-id", "x"], "arc seal"),
    (["--domain", "a.test", "--selector", "k;x", "--key", "rsa", "--authserv-id", "x"], "arc seal"),
    (["--domain", "a.test", "--selector", "k", "--key", "rsa", "--authserv-id", "x y"], "arc seal"),
    (["--domain", "a.test", "--selector", "k", "--key", "rsa", "--authserv-id", "x", "--headers", "to"], "arc seal"),
    (["--domain", "a.test", "--selector", "k", "--key", "rsa", "--authserv-id", "x", "--headers", "from:received"], "arc seal"),
    (["--domain", "a.test", "--selector", "k", "--key", "rsa", "--authserv-id", "x", "--now", "soon"], "--now"),
    (["--domain", "a.test", "--selector", "k", "--key", "rsa", "--authserv-id", "x", "/nonexistent"], "/nonexistent"),
])
def test_wrong_usage(run, keys, args, what):
    args = [str(keys[0] / "rsa.pem") if a == "rsa" else a for a in args]
    r = run("arc", "seal", *args, message=MESSAGE)
    assert r.returncode == USAGE and r.stdout == b""
    assert re.fullmatch(rb"sigillo: %s: [ -~]+\n" % re.escape(what.encode()), r.stderr), r.stderr


@pytest.mark.parametrize("message", [b"this is no message\r\n", bytes(range(256)), b"\x1b[2J\x00", b"From: a" + b"x" * 2000000],
                         ids=["text", "bytes", "escapes", "huge header"])
def test_what_is_no_message(run, message):
    r = run("arc", "verify", message=message)
    assert r.returncode == USAGE and r.stdout == b"" and re.fullmatch(rb"sigillo: [ -~]+\n", r.stderr), r.stderr


@pytest.mark.parametrize("message", [b"", b"\r\nbody\r\n", b"\nbody\n"])
def test_a_message_may_do_without_a_header(verify, message):
    assert verify(message)[1]["result"] == "none"


def test_nothing_from_a_message_reaches_the_terminal(run, seal):
    """Names that a stranger chose are escaped, also where the chain is broken."""
    evil = (b"ARC-Seal: i=1; a=\x1b[31m; cv=none; d=\xc3\xa9\x1b]0;x.test; s=k\x07; b=AAAA\r\n"
            b"ARC-Authentication-Results: i=1; \"\x1b[2J\x07\"; none\r\n" + MESSAGE)
    for args in (["arc", "verify"], ["arc", "verify", "--json"]):
        r = run(*args, message=evil)
        assert r.returncode == NO and not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", r.stdout + r.stderr), r.stdout


def test_a_large_message_is_streamed(seal, verify):
    large = MESSAGE + b"A line of a large message.\r\n" * 400000
    sealed = seal(large).stdout
    assert sealed.endswith(large[-1000:]) and verify(sealed)[0] == YES
