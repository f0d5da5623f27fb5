# SPDX-License-Identifier: Apache-2.0
"""Bounces and complaints that were really sent, read by `sigillo bounce parse`. They lie beside the repository; without them all is skipped.

Counted for the suite of Sisimai: each recipient of each mail, whose class must be the one that the README of the suite (and CLASS below, where that is silent) gives to the
word of the corpus. A recipient that is not found is a miss. 97 of 100 must agree; every miss is a known one, with its reason.
"""
import json
import os
import subprocess

import pytest

from line_tool import SHARED, SOURCE, load

PROGRAM = SOURCE / os.environ.get("BUILD", "build") / "sigillo"
SENDER = {"block", "policy"}  # who sent it, or what was sent: not a fault of the address
FAILED = {"hard", "soft", "full", "block", "policy", "unknown"}
CLASS = {
    **dict.fromkeys(("userunknown", "hostunknown", "hasmoved", "notaccept"), {"hard"}),
    **dict.fromkeys(("expired", "networkerror", "systemerror", "toomanyconn", "speeding", "systemfull", "mailererror"), {"soft"}),
    **dict.fromkeys(("blocked", "badreputation", "authfailure", "policyviolation", "spamdetected", "notcompliantrfc", "requireptr", "rejected", "norelaying",
                     "securityerror", "virusdetected", "contenterror", "mesgtoobig", "exceedlimit", "syntaxerror"), SENDER),
    "mailboxfull": {"full"}, "feedback": {"complaint"}, "vacation": {"auto-reply"}, "delivered": {"delivered"},
    # the README gives these no class: refused by a filter, suspended, no reason at all
    **dict.fromkeys(("filtered", "suspend", "undefined", "onhold"), FAILED),
}  # fmt: skip
KNOWN_SISIMAI = {
    "lhost-amazonses-10.eml": "JSON of a web hook in a mail, with a line end in the middle of a string",
    "lhost-amazonses-11.eml": "JSON of a web hook in a mail",
    "lhost-exim-30.eml": "554 5.7.1 Access denied: a policy is no dead mailbox",
    "lhost-fml-03.eml": "list software tells its owner of a loop: no recipient failed",
    "lhost-messagelabs-03.eml": "'Rejected' without any reason is not enough to give an address up",
    "lhost-opensmtpd-12.eml": "Action: delayed: it has not failed yet",
    "lhost-postfix-75.eml": "the transcript of a session for the postmaster of the server: no bounce",
    "lhost-sendmail-14.eml": "a person forwards a bounce, quoted: no mail system wrote it",
    "lhost-sendmail-21.eml": "connection refused for hours: nothing says that the sender is blocked",
    "rfc3464-01.eml": "two causes in one: the server says 5.1.1 User Unknown",
    "rfc3464-28.eml": "two mails in one file: the second is not read",
}
KNOWN_FLUFL = {
    "aol_01.txt": "a name without a domain",
    "simple_42.txt": "the address that the report names is not expected, because it was made unreadable by three dots",
}
KNOWN_BOUNCEPARSER = {
    "att-via-sendmail.unknown.msg": "suspended: it may come back (Sisimai: suspend, not hard)",
    "long-smtp.msg": "447 is no reply code of SMTP; it is 4.4.7",
    "no-message-collected.msg": "the mail has no content at all",
    "not-a-relay.msg": "refused to relay: called an error of the domain there, a policy here",
    "postfix-host-unknown.msg": "there is no reply code in it",
    "quota-4.msg": "'max message size exceeded': called over quota there, the size of the message here",
    "relaying-denied.msg": "refused to relay: called an error of the domain there, a policy here",
    "spam-bogus-email-in-report.msg": "an advertisement: no bounce",
    "yahoo-via-sendmail.unknown.msg": "disabled or discontinued: it may come back (Sisimai: suspend, not hard)",
}


def parse(path):
    done = subprocess.run([PROGRAM, "bounce", "parse", "--json", path], capture_output=True, timeout=60)
    assert done.returncode in (0, 1), (path, done.stderr)
    return json.loads(done.stdout)


def told(suite, good, of, misses, known):
    print(f"{suite}: {good} of {of} ({100 * good / of:.1f} %)")
    for name, why in sorted(misses.items()):
        print(f"  {name}: {why}; {known.get(name, 'NOT KNOWN')}")
    assert set(misses) == set(known), "misses that are not known, or known ones that are none any more"


def test_sisimai(capsys):
    cases = load("bounces-sisimai", "expected.json")
    if not cases:
        pytest.skip("the suite is not here")
    good = of = codes = codes_of = sure = 0
    misses = {}
    for name, want in cases.items():
        got = parse(SHARED / "bounces-sisimai" / "mails" / name)
        for i, rcpt in enumerate(want):
            have = got[i] if i < len(got) else {"class": "not found", "status": None}
            accepted = CLASS[rcpt["reason"]] if rcpt["hard_bounce"] or CLASS[rcpt["reason"]] != {"hard"} else {"soft"}
            of += 1
            if have["class"] in accepted:
                good += 1
            else:
                misses[name] = f"want {rcpt['reason']}, got {have['class']}"
            sure += (have["class"] == "hard") == rcpt["hard_bounce"]
            if rcpt["status"] and ".0.9" not in rcpt["status"] and have["class"] != "not found":
                codes_of += 1
                codes += have["status"] == rcpt["status"]
    with capsys.disabled():
        print(f"\nsisimai: hard or not as the corpus says {sure} of {of} ({100 * sure / of:.1f} %), status codes {codes} of {codes_of}")
        told("sisimai: class of each recipient", good, of, misses, KNOWN_SISIMAI)
    assert good >= 0.97 * of


def test_what_is_no_bounce():
    folder = SHARED / "bounces-sisimai" / "not-bounces"
    if not folder.is_dir():
        pytest.skip("the suite is not here")
    for path in sorted(folder.iterdir()):
        assert not [r for r in parse(path) if r["class"] in FAILED or r["action"] == "failed"], path.name


def test_flufl(capsys):
    """The addresses that failed or wait, each file as a whole."""
    cases = load("bounces-flufl", "expected.json")
    if not cases:
        pytest.skip("the suite is not here")
    misses = {}
    for name, want in cases.items():
        got = {r["recipient"].lower() for r in parse(SHARED / "bounces-flufl" / "mails" / name) if r["action"] in ("failed", "delayed")}
        expected = {a.lower() for a in want["permanent"] + want["temporary"]}
        if got != expected:
            misses[name] = f"want {sorted(expected)}, got {sorted(got)}"
    with capsys.disabled():
        told("\nflufl: addresses of each mail", len(cases) - len(misses), len(cases), misses, KNOWN_FLUFL)


def test_bounceparser(capsys):
    """Bounce or not, addresses, reply code, and the reason as a class: all of a file must be right."""
    cases = load("bounces-bounceparser", "expected.json")
    if not cases:
        pytest.skip("the suite is not here")
    reasons = {"user_unknown": {"hard"}, "over_quota": {"full"}, "domain_error": {"hard", "soft"}, "spam": SENDER, "user_disabled": {"soft"}, "message_too_large": {"policy"}}
    misses, judged = {}, 0
    for name, want in cases.items():
        got = parse(SHARED / "bounces-bounceparser" / "mails" / name)
        bounced = bool([r for r in got if r["class"] in FAILED])
        judged += bounced == want["is_bounce"]
        wrong = [] if bounced == want["is_bounce"] else ["is_bounce"]
        if want.get("std_reason") in reasons and not [r for r in got if r["class"] in reasons[want["std_reason"]]]:
            wrong.append(want["std_reason"])
        if want.get("addresses") and {a.lower() for a in want["addresses"]} != {(r["recipient"] or "").lower() for r in got}:
            wrong.append("addresses")
        if want.get("smtp_code") and want["smtp_code"] not in [r["code"] for r in got]:
            wrong.append("smtp_code")
        if wrong:
            misses[name] = ", ".join(wrong)
    with capsys.disabled():
        print(f"\nbounceparser: bounce or not {judged} of {len(cases)}")
        told("bounceparser: all of a mail", len(cases) - len(misses), len(cases), misses, KNOWN_BOUNCEPARSER)


def test_reports_by_the_book():
    """RFC 3464: as many recipients as groups, their addresses, actions and codes."""
    cases = load("dsn-rfc3464", "expected.json")
    if not cases:
        pytest.skip("the suite is not here")
    for name, want in cases.items():
        got = parse(SHARED / "dsn-rfc3464" / name)
        if want["part"].endswith("disposition-notification"):
            assert got == [], name
            continue
        groups = [g for g in want["groups"] if "final-recipient" in g or "original-recipient" in g]
        assert not groups or len(got) == len(groups), name
        for have, group in zip(got, groups):
            address = group.get("original-recipient", group.get("final-recipient"))[0].split(";")[1].strip()
            assert have["recipient"] == address.strip("<>"), name
            assert "action" not in group or have["action"] == group["action"][0].lower(), name
            assert "status" not in group or have["status"].split(".")[0] == group["status"][0].split(".")[0], name


def test_feedback_reports():
    cases = load("arf-reports", "expected.json")
    if not cases:
        pytest.skip("the suite is not here")
    for want in cases:
        got = parse(SHARED / "arf-reports" / want["file"])
        if "fields" not in want:  # text only: nothing that a program could act upon
            assert not [r for r in got if r["class"] in FAILED], want["file"]
            continue
        assert got and {(r["action"], r["class"], r["reason"]) for r in got} == {("complaint", "complaint", want["feedback_type"])}, want["file"]
        rcpts = want["fields"].get("original-rcpt-to", []) + want["fields"].get("removal-recipient", [])
        assert {r["recipient"] for r in got} == ({a.strip("<>") for a in rcpts} or {None}), want["file"]
