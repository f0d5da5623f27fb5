# SPDX-License-Identifier: Apache-2.0
"""Published suites of DMARC and the Public Suffix List against lib/dmarc and lib/psl. They lie beside the repository; without them all is skipped."""
import pytest

import dmarc_tool
from line_tool import SHARED, load, named

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no suites at %s" % SHARED)


@pytest.fixture(scope="module")
def tool():
    t = dmarc_tool.Tool(dmarc_tool.LIST)
    yield t
    t.close()


# ---- dmarc-eval/cases.json ----

# What the RFC says otherwise, with its section; the keys of the case that do not hold.
OTHERWISE = {
    # [RFC 9989 s4.10.1] Neither a valid p= nor an address for reports: no DMARC. The suite's own note calls it arguable.
    "mail-dmarc-03": ({"result": "none"}, ("result", "record_p")),
}


def identifiers(case, kind):
    return [("pass", d) for d in case.get(kind + "_pass", [])] + [("temperror", d) for d in case.get(kind + "_temperror", [])]


@pytest.mark.parametrize("case", load("dmarc-eval", "cases.json"), ids=named(lambda c: c["id"]))
def test_evaluation(tool, case):
    """Each case by all three ways in which answers may come."""
    tool.zone(case["zone"])
    spf = identifiers(case, "spf")
    assert len(spf) <= 1
    for driver in range(3):
        author = tool.author("From: %s\r\n" % case["header_from"])["domain"]
        got = tool.check(author, spf=spf[0] if spf else None, dkim=identifiers(case, "dkim"), driver=driver)
        instead, left_out = OTHERWISE.get(case["id"], ({}, ()))
        for key, want in dict(case["expect"], **instead).items():
            if key in left_out and key not in instead:
                continue
            name = {"organizational_domain": "org", "dmarc_queries": "asked", "author_domain_queries": "asked"}.get(key, key)
            assert got[name] == want, (key, got)


# ---- the other files of dmarc-eval ----


@pytest.mark.parametrize("case", load("dmarc-eval", "alignment.json"), ids=named(lambda c: "%s-%s-%s" % (c["a"], c["b"], c["mode"])))
def test_alignment_by_the_list(tool, case):
    """[RFC 7489 s3.1] The suite ignores dots at the ends; two of its names are none: those align with nothing here."""
    a, b = case["a"], case["b"]
    if ".." in a or a.startswith("."):
        assert not tool.ask(op="ascii", name=a)["ok"]
        a = a.strip(".")
        if ".." in a:
            return
    mode = "s" if case["mode"] == "strict" else "r"
    tool.zone({"_dmarc." + a: {"TXT": ["v=DMARC1; p=none; adkim=" + mode]}})
    got = tool.check(a, dkim=[("pass", b)], rules="rfc7489")
    assert got["dkim_aligned"] == case["aligned"], got


# The strict grammar of RFC 5322 is what counts; readers that guess are what forgers look for [RFC 9989 s11.5].
NOT_AN_ADDRESS = {
    '"Johnson, Joe <joe@joe.com>" joe@joe.com': "RFC 5322 s3.4: a display name needs angle brackets behind it",
    "<<<><joe@joe.com>>>": "RFC 5322 s3.4: not an address; malformed on purpose",
    "Mail From:<joe@joe.com>": "RFC 5322 s3.4: a group without its end; malformed on purpose",
    '"( bob@bob.com)" joe@joe.com': "RFC 5322 s3.4: a display name needs angle brackets behind it",
    "From: Davide D'Marco <user@blah.com>": "RFC 5322 s3.4: a group without its end",
}
SEVERAL_DOMAINS = ("Joe Johnson <joe@joe.com>, ace@ace.com", "joe@joe.com, ace@ace.com")  # [RFC 9989 s5.3.1]: not the first, but none


@pytest.mark.parametrize("case", load("dmarc-eval", "from-domain.json"), ids=named(lambda c: c["from"]))
def test_author_domain(tool, case):
    got = tool.author("From: %s\r\n" % case["from"])
    if case["from"] in NOT_AN_ADDRESS:
        assert (got["domain"], got["state"]) == (None, "the From field cannot be read")
    elif case["from"] in SEVERAL_DOMAINS:
        assert (got["domain"], got["state"]) == (None, "From names several domains")
    else:
        assert got["domain"] == case["domain"], got


@pytest.mark.parametrize("case", load("dmarc-eval", "wild-records.json"), ids=named(lambda c: c["domain"]))
def test_records_seen_in_the_wild(tool, case):
    got = tool.parse(case["record"])
    want = [v.strip()[2:] for v in case["record"].split(";") if v.strip().startswith("p=")]
    assert got["ok"] and [got["p"]] == want, got
    assert len(got["rua"]) == case["record"].count("rua="), got
    if any(part and "=" not in part for part in case["record"].rstrip(";").split(";")):
        assert "dmarc-broken-tag" in got["findings"]


@pytest.mark.parametrize("case", load("dmarc-eval", "external-destinations.json"), ids=named(lambda c: "%s-%s" % (c["policy_domain"], c["destination"])))
def test_external_destinations(tool, case):
    """[RFC 9990 s4]"""
    name = "%s._report._dmarc.%s" % (case["policy_domain"], case["destination"])
    tool.zone({name: {"TXT": case["txt"]}} if case["txt"] is not None else {})
    got = tool.ask(op="destination", domain=case["policy_domain"], host=case["destination"])
    assert got["destination"] == ("authorised" if case["accepts"] else "refused")
    assert got["rua"] == case.get("override_rua", "")


# ---- record-syntax/dmarc-record.json ----

# mox keeps to the ABNF of RFC 7489; these records are what RFC 9989 makes of them.
BY_9989 = {
    "v=DMARC1": "s4.8: dmarc-record = dmarc-version *(...) [dmarc-sep]: nothing has to follow",
    "v=DMARC1;": "s4.7: p is RECOMMENDED, not required",
    "v=DMARC1; sp=reject; p=reject": "s4.7: only v has a place",
    "v=DMARC1;;": "s4.8: a syntax error behind v is discarded",
    "v=DMARC1; adkim=x": "s4.8: discarded in favour of the default",
    "v=DMARC1; aspf=123": "s4.8: discarded in favour of the default",
    "v=DMARC1; ri=123bad": "s4.7: an unknown tag",
    "v=DMARC1; fo=": "s4.8: discarded in favour of the default",
    "v=DMARC1; fo=01": "s4.8: discarded in favour of the default",
    "v=DMARC1; rf=bad-trailing-dash-": "s4.7: an unknown tag",
    "v=DMARC1; sp=bad": "s4.10.1: a record; without an address for reports it means no DMARC",
    "v=DMARC1; pct=110": "s4.7: an unknown tag",
    "v=DMARC1; pct=bogus": "s4.7: an unknown tag",
    "v=DMARC1; pct=": "s4.7: an unknown tag",
    "v=DMARC1; rua=": "s4.8: ignored",
}
CASE_COUNTS = "V = DMARC1"  # [RFC 6376 s3.2, which RFC 9989 s4.7 takes over]: names of tags are case-sensitive; mox folds them


@pytest.mark.parametrize("case", load("record-syntax", "dmarc-record.json"), ids=named(lambda c: c["text"][:40]))
def test_record_syntax(tool, case):
    got = tool.parse(case["text"])
    if case["text"] in BY_9989:
        assert got["ok"] and not case["valid"] and got["findings"], got
        # In a verdict none of them applies a policy, but for the one that has a p=.
        tool.zone({"_dmarc.example.org": {"TXT": [case["text"]]}})
        assert (tool.check("example.org")["result"] == "fail") == (" p=" in case["text"])
    elif case["text"].startswith(CASE_COUNTS):
        assert not got["ok"] and case["valid"]
    else:
        assert got["ok"] == case["valid"], got


# ---- rspamd-auth ----

# What SPF and DKIM say of the message and its client [the suite's names and zones].
PASSED = {
    "dmarc-01": (None, [("pass", "cacophony.za.org")]),
    "dmarc-02": (("pass", "spf.cacophony.za.org"), []),
    "dmarc-11": (("pass", "yo.mom.za.org"), []),
    "dmarc-13": (("pass", "mom.za.org"), []),
    "dmarc-16": (("pass", "mom.za.org"), []),
    "dmarc-17": (("pass", "mom.za.org"), []),
    "spf-19": (("temperror", "fail2.org.org.za"), []),
}


@pytest.mark.parametrize("case", [c for c in load("rspamd-auth", "cases.json") if "dmarc" in c["expect"]], ids=named(lambda c: c["id"]))
def test_rspamd(tool, case):
    """By RFC 7489, as rspamd does; where neither the list nor pct= matters, by RFC 9989 as well."""
    zone = load("rspamd-auth", "zones.json")[case["zone"]]
    message = (SHARED / "rspamd-auth" / "messages" / case["message"]).read_bytes().replace(b"\n", b"\r\n")
    spf, dkim = PASSED.get(case["id"], (None, []))
    author = tool.author(message)
    assert author["domain"] is not None, author
    tool.zone(zone)
    pct = any("pct=" in text for text in zone.get("_dmarc.zero_pct.com", {}).get("TXT", [])) and "zero_pct" in author["domain"]
    for rules in ("rfc7489", "rfc9989"):
        if rules == "rfc9989" and (pct or case.get("needs_psl")):
            continue  # [RFC 9989 sA.6; s4.10.2]
        got = tool.check(author["domain"], spf=spf, dkim=dkim, rules=rules)
        assert got["result"] == case["expect"]["dmarc"], got
        assert got["disposition"] == case["expect"].get("disposition", "none"), got


# ---- psl ----


def vectors():
    path = SHARED / "psl" / "tests.txt"
    if not path.is_file():
        return []
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [tuple(line.split()) for line in lines if line and not line.startswith("//")]


@pytest.mark.parametrize("name,want", vectors(), ids=str)
def test_public_suffix_list(tool, name, want):
    """The list's own vectors. Names are A-labels here, so the answers are compared as such."""
    got = tool.ask(op="registrable", name="" if name == "null" else name)["domain"]
    assert got == (None if want == "null" else tool.ask(op="ascii", name=want)["domain"])
