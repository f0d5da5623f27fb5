# SPDX-License-Identifier: Apache-2.0
"""Published SPF suites against lib/spf. They lie beside the repository; without them all is skipped."""
import pytest

import spf_tool
from dns_zone import Zone
from line_tool import SHARED, load, named

yaml = pytest.importorskip("yaml")
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no suites at %s" % SHARED)


@pytest.fixture(scope="module")
def tool():
    t = spf_tool.Tool()
    yield t
    t.close()


# ---- openspf.org ----


def openspf_zone(data):
    """Records of the old type count as TXT where a name has no TXT [spf-openspf/README.md]."""
    zone = Zone(failing="error.")
    for name, entries in data.items():
        txt = any(isinstance(e, dict) and "TXT" in e for e in entries)
        zone.node(name)
        for entry in entries:
            if entry == "TIMEOUT":
                zone.outcome(name, "SERVFAIL")
                break
            ((kind, value),) = entry.items()
            if kind == "SPF" and not txt:
                zone.add(name, "TXT", value)
            if kind not in ("TXT", "SPF") or (kind == "TXT" and value != "NONE"):
                zone.add(name, kind, tuple(value) if kind == "MX" else value)
    return zone


def openspf(file):
    if not SHARED.is_dir():
        return []
    scenarios = []
    with open(SHARED / "spf-openspf" / file, encoding="utf-8") as f:
        for document in yaml.safe_load_all(f):
            if document:
                scenarios.append(document)
    return [pytest.param(document, case, id="%s-%s" % (document["description"].replace(" ", "_"), name)) for document in scenarios for name, case in document["tests"].items()]


def wanted(case):
    return case["result"] if isinstance(case["result"], list) else [case["result"]]


def check_openspf(tool, document, case):
    tool.zone(openspf_zone(document["zonedata"]))
    got = tool.check(str(case["host"]), case["mailfrom"], case["helo"], receiver="receiver.example.com")
    assert got["ok"], got
    assert got["result"] in wanted(case), got
    explanation = case.get("explanation")
    if explanation is not None:
        assert got["explanation"] == ("" if explanation == "DEFAULT" else explanation), got


@pytest.mark.parametrize("document,case", openspf("rfc7208-tests.yml"))
def test_openspf_7208(tool, document, case):
    check_openspf(tool, document, case)


@pytest.mark.parametrize("document,case", openspf("rfc4408-tests.yml"))
def test_openspf_4408(tool, document, case):
    """RFC 4408 as it is maintained today: nothing in it contradicts RFC 7208."""
    check_openspf(tool, document, case)


# ---- mail-auth ----


# (file, group, sender, ip): what RFC 7208 gives and why the file is wrong by it.
DIFFERS_MAIL_AUTH = {
    ("all", "All test", "sender@test.org", "10.0.0.1"): ("permerror", "s4.6: the unknown mechanism 'ip' is an error although it stands behind all"),
    ("basic", "DNS Lookup Limits", "sender@ok.test.org", "172.168.0.1"): ("permerror", "s4.6.4: ten targets that do not exist are more than two void lookups"),
    ("basic", "DNS Lookup Limits", "sender@mx.test.org", "10.0.0.8"): ("permerror", "s4.6.4: eleven MX records, whichever the server sends first"),
    ("basic", "HELO identity", "sender@test.org", "172.168.0.1"): ("pass", "s2.4: the sender's record says +all; the file means the HELO identity"),
    ("exists", "Exists", "sender@ip6.test.org", "167.1.2.3"): ("fail", "s5.7: exists looks for A only, the name has AAAA only"),
    ("ip", "IPv6 match", "sender@test.org", "10.1.2.3"): ("fail", "s5.6: ip6 does not hold an IPv4 client, mapped or not"),
    ("macro", "Macro expansion 2", "strong-bad@email.example.com", "2001:db8::cb01"): ("fail", "s5.7: exists looks for A only, also for IPv6 clients"),
}


def mail_auth_zone(records):
    """What is not there does not exist; names that hold "_dns_error." fail."""
    zone = Zone(failing="_dns_error.")
    for owner, kind, value in records:
        zone.add(owner, kind, tuple(value) if kind == "MX" else value)
    return zone


def mail_auth():
    cases = []
    for file in ("all", "basic", "exists", "ip", "macro", "mx"):
        for group in load("spf-mail-auth", file + ".json"):
            cases += [pytest.param(file, group, test, id="%s-%s-%d" % (file, group["name"].replace(" ", "_"), i)) for i, test in enumerate(group["tests"])]
    return cases


@pytest.mark.parametrize("file,group,test", mail_auth())
def test_mail_auth(tool, file, group, test):
    tool.zone(mail_auth_zone(group["records"]))
    got = tool.check(test["ip"], test["mailfrom"], test["helo"], receiver="unknown")
    assert got["ok"], got
    want, _why = DIFFERS_MAIL_AUTH.get((file, group["name"], test["mailfrom"], test["ip"]), (test["result"], None))
    assert got["result"] == want, got
    if "explanation" in test and want == test["result"]:
        assert got["explanation"] == test["explanation"], got


# ---- syntax ----


def libspf2():
    return load("spf-syntax-libspf2", "cases.json")


@pytest.mark.parametrize("case", libspf2(), ids=named(lambda c: c["record"][:60]))
def test_syntax_of_libspf2(tool, case):
    got = tool.parse(case["record"])
    if case["valid"] is not None:
        assert got["ok"] == case["valid"], got


def mox():
    return load("record-syntax", "spf-record.json")


@pytest.mark.parametrize("case", mox(), ids=named(lambda c: c["text"][:60]))
def test_syntax_of_mox(tool, case):
    got = tool.parse(case["text"])
    assert got["ok"] == case["valid"], (got, case)


# ---- rspamd ----


def rspamd():
    return [pytest.param(c, id=c["id"]) for c in load("rspamd-auth", "cases.json") if "spf" in c.get("expect", {}) and "ip" in c]


def rspamd_zone(name):
    zone = Zone()
    for owner, types in load("rspamd-auth", "zones.json")[name].items():
        if types == "NXDOMAIN":
            continue
        zone.node(owner)
        for kind, values in types.items():
            if isinstance(values, str):
                zone.outcome(owner, "SERVFAIL" if values in ("TIMEOUT", "SERVFAIL") else values)
                continue
            for value in values:
                zone.add(owner, kind, tuple(value) if kind == "MX" else value)
    return zone


@pytest.mark.parametrize("case", rspamd())
def test_rspamd(tool, case):
    tool.zone(rspamd_zone(case["zone"]))
    got = tool.check(case["ip"], case.get("mail_from", ""), case.get("helo") or "unknown")
    assert got["ok"], got
    if case.get("local_limit"):
        return  # rspamd's own limits: only that we end
    assert got["result"] in (case["expect"]["spf"], case.get("spf_reference")), got


# ---- what a verdict must not depend on ----


@pytest.mark.parametrize("environment", [{"LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"}, {"LC_ALL": "C", "TZ": "America/Adak"}], ids=["turkish", "posix"])
def test_verdicts_know_no_locale_and_no_time_zone(environment):
    """The same tool in other surroundings; records in the other order."""
    tool = spf_tool.Tool(environment)
    for parameters in openspf("rfc7208-tests.yml"):
        document, case = parameters.values
        zone = openspf_zone(document["zonedata"])
        for node in zone.names.values():
            for values in node.values():
                if isinstance(values, list):
                    values.reverse()
        tool.zone(zone)
        got = tool.check(str(case["host"]), case["mailfrom"], case["helo"], receiver="receiver.example.com")
        assert got["result"] in wanted(case), (parameters.id, got)
    tool.close()


def test_counts():
    """How many cases each suite has here."""
    print(
        "openspf 7208: %d, openspf 4408: %d, mail-auth: %d, libspf2: %d, mox: %d, rspamd: %d"
        % (len(openspf("rfc7208-tests.yml")), len(openspf("rfc4408-tests.yml")), len(mail_auth()), len(libspf2()), len(mox()), len(rspamd()))
    )
    assert len(openspf("rfc7208-tests.yml")) == 203
