# SPDX-License-Identifier: Apache-2.0
"""OpenSSL's vectors for DANE, as a delivery would judge them: records by the rules of SMTP, then a handshake with the chain.  They lie beside the repository; without them all is skipped.

The vectors are about DANE for any protocol.  Where SMTP says otherwise, expected() does, and the last test counts how often."""
import collections

import pytest

from line_tool import SHARED, LineTool, load, named

CASES = load("dane-openssl", "cases.json")
OK, HOST_MISMATCH, NO_MATCH = 0, 62, 65 # X509_V_...
HASHES = {1: 64, 2: 128} # digits of a matching type


@pytest.fixture(scope="module")
def check():
    tool = LineTool("dane_tool")

    def ask(case, tlsa=None, host=None, domain=None):
        host = host or case["host"]
        got = tool.ask(op="check", host=host, domain=domain or host, tlsa=tlsa or case["tlsa"], chain=case["chain"],
                       root=(SHARED / "dane-openssl" / case["root"]).read_text(encoding="utf-8"))
        assert got.pop("ok"), got
        if got["level"] == "authenticate": # one way or the other, and the way that it says
            assert (got.pop("taken"), got.pop("refused")) == (got["verify_result"] == OK, got["verify_result"] != OK), got
        return got
    yield ask
    tool.close()


def proves(case):
    """The usages of SMTP  [RFC 7672 s3.1]."""
    return [r for r in case["tlsa"] if r["usage"] in (2, 3)]


def authenticated(result, depth, usable=1):
    return {"level": "authenticate", "usable": usable, "verify_result": result, "match_depth": depth if result == OK else -1}


def expected(case):
    """What is expected, and the rule of SMTP that makes it another thing than the vector's."""
    usable = proves(case)
    if not usable:
        return {"level": "encrypt"}, "usages 0 and 1 are unusable [RFC 7672 s3.1.3]: encrypted, whoever it is [RFC 7672 s2.2]"
    if case["verify_result"] == HOST_MISMATCH and all(r["usage"] == 3 for r in usable):
        return authenticated(OK, 0), "names do not count with usage 3 [RFC 7672 s3.1.1]"
    return authenticated(case["verify_result"], case["match_depth"], len(usable)), None


@pytest.mark.parametrize("case", CASES, ids=named(lambda c: c["id"]))
def test_vector(check, case):
    """[RFC 6698 s2.1; RFC 7671 s5.1, s5.2; RFC 7672 s3.1]"""
    assert not case["no_name_checks"] or all(r["usage"] == 3 for r in case["tlsa"]) # so nothing has to be switched off
    assert check(case) == expected(case)[0]


def with_usage(case, usage):
    return [{**r, "usage": usage} for r in case["tlsa"]]


@pytest.mark.parametrize("case", [c for c in CASES if c["match_depth"] == 0 and c["tlsa"][0]["usage"] == 1], ids=named(lambda c: c["id"]))
def test_a_match_of_usage_1_would_be_one_of_usage_3(check, case):
    """Whether anybody trusts the chain or not  [RFC 7671 s5.1]."""
    assert check(case, with_usage(case, 3)[:1]) == authenticated(OK, 0)


@pytest.mark.parametrize("case", [c for c in CASES if proves(c) and c["tlsa"][0]["matching_type"]], ids=named(lambda c: c["id"]))
def test_the_strongest_digest_decides(check, case):
    """Digest agility  [RFC 7671 s9]: a SHA2-256 that matches is no help beside a SHA2-512 that does not; the other way round nothing changes. Another selector is another thing."""
    [record] = case["tlsa"]
    other = 3 - record["matching_type"]
    beside = {**record, "matching_type": other, "data": "00" * (HASHES[other] // 2)}
    want = expected(case)[0]
    for both in ([record, beside], [beside, record]):
        got = check(case, both)
        if other == 2:
            assert (got["usable"], got["match_depth"]) == (1, -1) and got["verify_result"] != OK
        else:
            assert got == want
    assert check(case, [{**beside, "selector": 1 - record["selector"]}, record]) == {**want, "usable": 2}


@pytest.mark.parametrize("case", [c for c in CASES if c["verify_result"] == OK and c["tlsa"][0]["usage"] == 2], ids=named(lambda c: c["id"]))
def test_names_of_usage_2(check, case):
    """The base domain's name or the next hop's, no third  [RFC 7672 s3.2.2]."""
    assert check(case, host="mx.example.net", domain="example.com") == check(case)
    assert check(case, host="mx.example.net", domain="example.net") == authenticated(HOST_MISMATCH, -1)


@pytest.mark.parametrize("case", [c for c in CASES if c["verify_result"] == HOST_MISMATCH], ids=named(lambda c: c["id"]))
def test_the_name_is_what_was_wrong(check, case):
    assert check(case, host="example.org") == authenticated(OK, case["match_depth"])


@pytest.mark.parametrize("case", [c for c in CASES if c["verify_result"] == OK and proves(c)], ids=named(lambda c: c["id"]))
def test_what_cannot_be_used_hides_nothing(check, case):
    """Beside records of unknown numbers, of wrong lengths and of other usages the good one counts  [RFC 7672 s3.1]."""
    [record] = case["tlsa"]
    junk = [{**record, "usage": 4}, {**record, "selector": 2}, {**record, "matching_type": 3}, {**record, "data": record["data"] + "00"},
            {**record, "usage": record["usage"] - 2}]
    assert check(case, junk + [record]) == check(case)
    assert check(case, junk) == {"level": "encrypt"}


@pytest.mark.skipif(not CASES, reason="no vectors")
def test_counts():
    rules = collections.Counter(expected(c)[1] for c in CASES)
    print("\ndane-openssl: %d cases, %d as the vector says" % (len(CASES), rules.pop(None)))
    for rule, n in sorted(rules.items()):
        print("  %d: %s" % (n, rule))
    assert (len(CASES), sum(rules.values())) == (35, 15)
