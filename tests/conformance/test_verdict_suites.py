# SPDX-License-Identifier: Apache-2.0
"""Whole messages with the DNS of their day: real mail, and the functional cases of rspamd. They lie beside the repository; without them all is skipped."""
import pytest

import verdict_tool
from dns_zone import Zone
from line_tool import SHARED, crlf, load, named

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no suites at %s" % SHARED)


def zone_of(names):
    """The suites' form: owner to "NXDOMAIN", "TIMEOUT", or type to records or an outcome."""
    zone = Zone()
    for name, node in names.items():
        if isinstance(node, str):
            if node != "NXDOMAIN":
                zone.outcome(name, node)
            continue
        zone.node(name)
        for kind, records in node.items():
            if isinstance(records, str):  # one outcome for what is not there: the suites never mix two
                zone.outcome(name, records)
            else:
                for record in records:
                    zone.add(name, kind, tuple(record) if isinstance(record, list) else record)
    return zone


@pytest.fixture(scope="module")
def tool():
    t = verdict_tool.Tool()
    yield t
    t.close()


def message(suite, name):
    return crlf(SHARED.joinpath(suite, name).read_bytes())


# ---- real mail -------------------------------------------------------------------------------------------------------

REAL = load("real-mail-auth", "cases.json")


def judge_real(tool, case):
    tool.zone(zone_of(load("real-mail-auth", "zone.json")))
    return tool.judge(message("real-mail-auth", case["file"]), ip=case.get("ip"), sender=case.get("mail_from", ""))


@pytest.mark.parametrize("case", REAL, ids=named(lambda c: c["id"]))
def test_real_mail(tool, case):
    got, want = judge_real(tool, case), case["expect"]
    assert got["ok"], got
    if "spf" in want:
        assert got["spf"]["result"] == want["spf"]
    if "dkim" in want:
        assert [d["result"] for d in got["dkim"]] == want["dkim"], got["dkim"]
    for part in ("dmarc", "arc"):
        if part in want:
            assert got[part] == want[part], got


def test_a_trusted_list_overrides(tool):
    """005 came through a list whose hosts sealed it; whatever DMARC says, a pass is believed only of hosts that are named."""
    case = next(c for c in REAL if c["id"] == "005")
    for sealers in ([], ["subspace.kernel.org", "webhostingserver.nl"]):
        tool.zone(zone_of(load("real-mail-auth", "zone.json")))
        got = tool.judge(message("real-mail-auth", case["file"]), sealers=sealers)
        assert got["arc"] == "pass"
        assert not got["overridden"] or (sealers and got["dmarc"] == "fail")


# ---- rspamd ----------------------------------------------------------------------------------------------------------

RSPAMD = load("rspamd-auth", "cases.json")
ZONES = {name: zone_of(names) for name, names in (load("rspamd-auth", "zones.json") or {}).items()}
# Where RFC 9989 says otherwise than the suite, which has pct=0 halve the policy: that is no tag any more (s4.7, Appendix A.6).
OTHERWISE = {"dmarc-16": {"disposition": "reject"}, "dmarc-17": {"disposition": "quarantine"}}


def judge_rspamd(tool, case):
    tool.zone(ZONES[case["zone"]])
    body = message("rspamd-auth", "messages/" + case["message"]) if case["message"] else b"From: <x@sender.test>\r\n\r\n"
    rules = "rfc7489" if case.get("needs_psl") else None
    got = tool.judge(body, ip=case.get("ip"), sender=case.get("mail_from", ""), helo=case.get("helo", ""), rules=rules)
    assert got["ok"], got
    best = "none"
    for one in got["dkim"]:  # one word for all signatures, as the suite has it
        if one["result"] == "pass" or best == "none":
            best = one["result"]
    return got, {"spf": got["spf"]["result"] if got["spf"] else "none", "dkim": best, "arc": got["arc"], "dmarc": got["dmarc"], "disposition": got["disposition"]}


@pytest.mark.parametrize("case", RSPAMD, ids=named(lambda c: c["id"]))
def test_rspamd(tool, case):
    got, words = judge_rspamd(tool, case)
    if case.get("local_limit"):
        return  # rspamd's own limits: it is enough that there is a verdict, the same in all ways
    for part, want in case["expect"].items():
        accepted = [want] + ([case["spf_reference"]] if part == "spf" and "spf_reference" in case else [])
        if part in OTHERWISE.get(case["id"], {}):
            accepted = [OTHERWISE[case["id"]][part]]
        assert words[part] in accepted, (part, words, got)
    for part, never in case.get("not", []):
        assert words[part] != never, (part, got)


@pytest.mark.parametrize("case", [c for c in RSPAMD if c["id"] in OTHERWISE], ids=named(lambda c: c["id"]))
def test_by_the_old_rules_as_rspamd(tool, case):
    """[RFC 7489 s6.6.4]"""
    tool.zone(ZONES[case["zone"]])
    got = tool.judge(message("rspamd-auth", "messages/" + case["message"]), ip=case.get("ip"), sender=case.get("mail_from", ""), rules="rfc7489")
    assert (got["dmarc"], got["disposition"]) == (case["expect"]["dmarc"], case["expect"]["disposition"])


# ---- what must not matter --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", [{"LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"}, {"LC_ALL": "C.UTF-8", "TZ": "America/St_Johns"}, {"LC_ALL": "C", "TZ": ""}],
                         ids=lambda e: e["LC_ALL"])
def test_neither_locale_nor_time_zone_matters(tool, environment):
    other = verdict_tool.Tool(**environment)
    for case in REAL:
        assert judge_real(other, case) == judge_real(tool, case)
    for case in RSPAMD:
        assert judge_rspamd(other, case) == judge_rspamd(tool, case)
    other.close()


def test_the_order_of_records_does_not_matter(tool):
    """Each name's records the other way round: the same verdicts."""
    for case in RSPAMD:
        forward = judge_rspamd(tool, case)
        names = ZONES[case["zone"]]
        turned = Zone()
        for name, node in names.names.items():
            turned.names[name] = {k: list(reversed(v)) if isinstance(v, list) else v for k, v in node.items()}
        ZONES[case["zone"]] = turned
        try:
            assert judge_rspamd(tool, case) == forward
        finally:
            ZONES[case["zone"]] = names
