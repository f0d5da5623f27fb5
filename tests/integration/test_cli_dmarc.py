# SPDX-License-Identifier: Apache-2.0
"""`sigillo dmarc check` as its man page promises it, against a name server that answers from a table."""
import json
import os
import subprocess

import pytest

from tabledns import TableDns
from world import daemon

PORT = 15353
TABLE = {
    ("_dmarc.bank.test", "TXT"): ['"v=DMARC1; p=reject; sp=quarantine; np=reject; rua=mailto:r@bank.test"'],
    ("bank.test", "A"): ["192.0.2.1"],
    ("news.bank.test", "A"): ["192.0.2.2"],
    ("_dmarc.trial.test", "TXT"): ['"v=DMARC1; p=reject; t=y; pct=0"'],
    ("_dmarc.strict.test", "TXT"): ['"v=DMARC1; p=quarantine; adkim=s; aspf=s"'],
    ("_dmarc.twice.test", "TXT"): ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'],
    ("_dmarc.double.test", "TXT"): ['"v=DMARC1; p=none; p=reject"'],
    ("_dmarc.long.test", "TXT"): ['"v=DMARC1; p=reject' + "".join(';" "x%d=y' % n for n in range(100)) + '"'],
    ("_dmarc.xn--bcher-kva.test", "TXT"): ['"v=DMARC1; p=none"'],
    ("_dmarc.hostile.test", "TXT"): ['"v=DMARC1; p=none; x=\\027[31m"'],
    ("_dmarc.shop.co.uk", "TXT"): ['"v=DMARC1; p=reject"'],
}
PASS, NO, USAGE, UNKNOWN = 0, 1, 2, 3


@pytest.fixture(scope="module")
def dns():
    if not os.path.exists(daemon.PROGRAM):
        pytest.skip("%s is not built" % daemon.PROGRAM)
    with TableDns("127.0.0.1", TABLE, PORT) as server:
        yield server


def run(*args, resolver="127.0.0.1@%d" % PORT):
    where = ["--resolver", resolver] if resolver else []
    return subprocess.run([daemon.PROGRAM, "dmarc", "check", *args, *where], capture_output=True, timeout=60)


def check(*args, **kw):
    r = run("--json", *args, **kw)
    assert r.stderr == b"", r.stderr
    return r.returncode, json.loads(r.stdout)


def test_a_pass(dns):
    status, got = check("--from-domain", "news.bank.test", "--spf", "fail:bank.test", "--dkim", "pass:other.test", "--dkim", "pass:bank.test")
    assert status == PASS
    asked = [a["name"] for a in got.pop("asked")]
    assert asked == ["_dmarc.news.bank.test", "_dmarc.bank.test", "_dmarc.test"]
    assert got == {
        "result": "pass", "reason": "", "domain": "news.bank.test", "org_domain": "bank.test", "policy_domain": "bank.test",
        "record": "v=DMARC1; p=reject; sp=quarantine; np=reject; rua=mailto:r@bank.test", "policy": "quarantine", "requested": "quarantine",
        "tag": "sp", "disposition": "none", "spf_aligned": False, "dkim_aligned": True, "testing": False, "rules": "rfc9989",
    }  # fmt: skip


@pytest.mark.parametrize("args, status, want", [
    (["--from-domain", "bank.test"], NO, {"result": "fail", "policy": "reject", "disposition": "reject", "tag": "p"}),
    (["--from-domain", "gone.bank.test"], NO, {"tag": "np", "disposition": "reject"}),
    (["--from-domain", "trial.test"], NO, {"requested": "reject", "policy": "quarantine", "testing": True}),
    (["--from-domain", "strict.test", "--spf", "pass:x.strict.test"], NO, {"result": "fail", "spf_aligned": False}),
    (["--from-domain", "strict.test", "--spf", "pass:postmaster@strict.test"], PASS, {"spf_aligned": True}),
    (["--from-domain", "twice.test"], NO, {"result": "none", "policy": None, "record": None, "policy_domain": None}),
    (["--from-domain", "nobody.test", "--spf", "pass:nobody.test"], NO, {"result": "none", "org_domain": "nobody.test"}),
    (["--from-domain", "b\u00fccher.test", "--dkim", "pass:B\u00dcCHER.test"], PASS, {"domain": "xn--bcher-kva.test"}),
    (["--from-domain", "bank.test", "--spf", "temperror:bank.test"], UNKNOWN, {"result": "temperror", "disposition": "none"}),
    (["--from-domain", "a.shop.co.uk", "--dkim", "pass:b.shop.co.uk", "--rules", "rfc7489"], PASS, {"org_domain": "shop.co.uk", "rules": "rfc7489"}),
    (["--from-domain", "shop.co.uk", "--dkim", "pass:co.uk", "--rules", "rfc7489"], NO, {"result": "fail"}),
    (["--from-domain", "trial.test", "--rules", "rfc7489"], NO, {"policy": "quarantine", "testing": True}),
])
def test_verdicts(dns, args, status, want):
    code, got = check(*args)
    assert (code, {k: got[k] for k in want}) == (status, want)


def test_people_read_why(dns):
    r = run("--from-domain", "news.bank.test", "--spf", "softfail:bank.test", "--dkim", "pass:other.test")
    text = r.stdout.decode()
    assert r.returncode == NO and r.stderr == b""
    for part in ("fail  news.bank.test", "no aligned identifier passed", "_dmarc.news.bank.test  nothing", "_dmarc.bank.test  a record",
                 "policy       quarantine, from sp=quarantine", "organisation bank.test", "softfail:bank.test  aligned (relaxed), did not pass",
                 "pass:other.test  not aligned", "disposition  quarantine"):
        assert part in text, (part, text)
    assert "several records" in run("--from-domain", "twice.test").stdout.decode()
    assert "_dmarc.double.test  a record with a tag twice: it does not count" in run("--from-domain", "double.test").stdout.decode()
    assert "_dmarc.long.test  a record with too many tags: it does not count" in run("--from-domain", "long.test").stdout.decode()
    assert "should not reject for this alone" in run("--from-domain", "bank.test").stdout.decode()


def test_nothing_of_a_record_reaches_the_terminal_unescaped(dns):
    r = run("--from-domain", "hostile.test")
    assert b"\033" not in r.stdout and b"x=" in r.stdout


def test_dns_that_does_not_answer(dns):
    status, got = check("--from-domain", "bank.test", "--timeout", "1", resolver="127.0.0.1@1")
    assert (status, got["result"], got["org_domain"]) == (UNKNOWN, "temperror", None)
    assert {a["found"] for a in got["asked"]} == {"the lookup failed"}


@pytest.mark.parametrize("args, what", [
    ([], "--from-domain"),
    (["--from-domain", "a..test"], "--from-domain"),
    (["--from-domain", "."], "--from-domain"),
    (["--from-domain", "a.test", "--spf", "a.test"], "--spf"),
    (["--from-domain", "a.test", "--spf", "pass:"], "--spf"),
    (["--from-domain", "a.test", "--dkim", "good:a.test"], "--dkim"),
    (["--from-domain", "a.test", "--dkim", "pass:a b"], "--dkim"),
    (["--from-domain", "a.test", "--rules", "rfc1"], "--rules"),
    (["--from-domain", "a.test", *["--dkim", "pass:a.test"] * 21], "--dkim"),
])
def test_wrong_usage(args, what):
    r = run(*args, resolver=None)
    assert r.returncode == USAGE and r.stdout == b"" and what in r.stderr.decode() and r.stderr.count(b"\n") == 1, r.stderr
