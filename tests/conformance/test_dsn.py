# SPDX-License-Identifier: Apache-2.0
"""Our delivery status notifications as Python's email package reads them, and beside those that others publish."""
import email
import email.policy
import re

import pytest

import mail_tool
from line_tool import SHARED, load

FAILED, DELAYED, DELIVERED, RELAYED = range(4)
ORIGINAL = b"From: a@example.org\r\nTo: bob@example.net\r\nMessage-ID: <1@example.org>\r\nSubject: Hello\r\n\r\nThe body.\r\n"
RCPT = {"address": "bob@example.net", "orcpt": "rfc822;Bob@example.net", "action": FAILED, "status": "5.1.1", "remote_mta": "mx1.example.net [192.0.2.1]",
        "reply": "550 5.1.1 no such user", "last_attempt": 1790000000, "attempts": 2}
REPORT = {"reporting_mta": "mail.example.org", "from_address": "mailer-daemon@example.org", "to": "a@example.org", "env_id": "e1",
          "message_id": "<r@mail.example.org>", "queue_id": "0123456789abc", "now": 1790000100, "arrival": 1789990000, "original": ORIGINAL}


@pytest.fixture(scope="module")
def tool():
    t = mail_tool.Tool()
    yield t
    t.close()


def report(tool, rcpts=None, **changes):
    got = tool("dsn", **{**REPORT, "rcpts": rcpts or [RCPT], **changes})
    assert got["ok"], got
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", got["message"])
    assert max(map(len, got["message"].split(b"\r\n"))) <= 998
    assert got["eightbit"] or got["message"].isascii()
    m = email.message_from_bytes(got["message"], policy=email.policy.SMTP)
    for part in m.walk():
        assert not part.defects, part.defects
    return m, got


def groups(m):
    status = m.get_payload(1)
    assert status.get_content_type() in ("message/delivery-status", "message/global-delivery-status")
    parts = status.get_payload()
    if "global" in status.get_content_type():  # to Python a message with more text
        parts = [parts[0]] + [email.message_from_string(t, policy=email.policy.SMTP) for t in re.split(r"\r?\n\r?\n", parts[0].get_payload()) if t.strip()]
    return [dict((k.lower(), re.sub(r"\s+", " ", v)) for k, v in g.items()) for g in parts]


def test_a_failure_has_three_parts(tool):
    """[RFC 3464 s2; RFC 6522 s3]"""
    m, _ = report(tool)
    assert m.get_content_type() == "multipart/report" and m.get_param("report-type") == "delivery-status"
    assert [p.get_content_type() for p in m.get_payload()] == ["text/plain", "message/delivery-status", "message/rfc822"]
    assert m["auto-submitted"] == "auto-replied" and m["to"].addresses[0].addr_spec == "a@example.org"
    assert m["in-reply-to"] == "<1@example.org>"
    message, rcpt = groups(m)
    assert message == {"original-envelope-id": "e1", "reporting-mta": "dns; mail.example.org", "x-sigillo-id": "0123456789abc",
                       "arrival-date": "Mon, 21 Sep 2026 11:26:40 +0000"}
    assert rcpt == {"original-recipient": "rfc822;Bob@example.net", "final-recipient": "rfc822; bob@example.net", "action": "failed", "status": "5.1.1",
                    "remote-mta": "dns; mx1.example.net", "diagnostic-code": "smtp; 550 5.1.1 no such user",
                    "last-attempt-date": "Mon, 21 Sep 2026 14:13:20 +0000"}
    assert m.get_payload(2).get_payload(0).get_payload() == "The body.\r\n"


def test_people_are_told_who_said_what_when_and_what_happens_next(tool):
    m, _ = report(tool, [dict(RCPT, action=DELAYED, status="4.4.1", will_retry_until=1790200000, next_attempt=1790003600, reason="the site backs off")])
    text = m.get_payload(0).get_content()
    for words in ("<bob@example.net>", "mx1.example.net [192.0.2.1]", "550 5.1.1 no such user", "Tried 2 times", "the site backs off", "Next try:",
                  "Tried until:", "still being tried"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 78
    assert groups(m)[1]["will-retry-until"]
    assert m.get_payload(2).get_content_type() == "text/rfc822-headers" and "The body." not in m.as_string()


def test_several_recipients_with_several_fates(tool):
    rcpts = [dict(RCPT, address="r%d@example.net" % i, action=action, status=status)
             for i, (action, status) in enumerate([(RELAYED, "2.0.0"), (FAILED, "5.2.2"), (DELAYED, "4.0.0"), (DELIVERED, "2.1.5"), (FAILED, "nonsense")])]
    m, _ = report(tool, rcpts)
    assert [(g["action"], g["status"]) for g in groups(m)[1:]] == [("relayed", "2.0.0"), ("failed", "5.2.2"), ("delayed", "4.0.0"), ("delivered", "2.1.5"),
                                                                   ("failed", "5.0.0")]


@pytest.mark.parametrize("ret,whole", [("F", True), ("H", False), (None, True)])
def test_what_is_returned(tool, ret, whole):
    """[RFC 3461 s4.3]"""
    m, _ = report(tool, ret=ret)
    assert ("The body." in m.as_string()) == whole and "Subject: Hello" in m.as_string()


def test_international_reports(tool):
    """[RFC 6533 s3 to s5]"""
    rcpt = dict(RCPT, address="jörg@example.net", orcpt=None, reply="550 kein Empfänger")
    m, got = report(tool, [rcpt])
    assert not got["eightbit"] and not got["smtputf8"]
    assert groups(m)[1]["final-recipient"] == "utf-8; j\\x{F6}rg@example.net"
    assert "jörg@example.net" in m.get_payload(0).get_content() and "kein Empfänger" in m.get_payload(0).get_content()
    m, got = report(tool, [rcpt], smtputf8=True)
    assert [p.get_content_type() for p in m.get_payload()] == ["text/plain", "message/global-delivery-status", "message/global"]
    assert got["eightbit"] and not got["smtputf8"] and "utf-8; jörg@example.net".encode() in got["message"]


@pytest.mark.parametrize("reply", [b"550 a\r\nBcc: x@y.z\r\n\r\n.\r\n", b"550 " + b"x" * 10000, b"550 \xff\xfe\x00\x1b[2J", "550 " + "é" * 10000, "550 " + "a " * 5000,
                                   b"550 --=_05060700000000000000000000000000--", b"\r\n\r\n\r\n", b" "], ids=range(8))
def test_hostile_answers(tool, reply):
    for utf8 in (False, True):
        m, got = report(tool, [dict(RCPT, reply=reply, reason=reply, remote_mta=reply, status=reply[:20], orcpt=reply)], env_id=reply, queue_id=reply,
                        smtputf8=utf8)
        assert len(m.get_payload()) == 3 and len(groups(m)) == 2 and m["bcc"] is None
        assert len(got["message"]) < 20000


@pytest.mark.skipif(not SHARED.is_dir(), reason="no suites at %s" % SHARED)
def test_the_shape_is_that_of_published_reports(tool):
    """Each field that all published failure reports have, ours has; ours has no field of the standard's that they do not know."""
    published = load("dsn-rfc3464", "expected.json")
    m, _ = report(tool)
    ours = groups(m)
    reports = [r for name, r in published.items() if r["report_type"] == "delivery-status" and len(r["groups"]) > 1 and "blank" not in name]
    assert len(reports) >= 3
    for index in (0, 1):
        common = set.intersection(*({name.lower() for name, *_ in fields(r["groups"][index])} for r in reports))
        known = set().union(*({name.lower() for name, *_ in fields(r["groups"][index])} for r in reports))
        assert common <= set(ours[index])
        assert {n for n in ours[index] if not n.startswith("x-")} <= known | {"original-envelope-id", "original-recipient", "arrival-date", "remote-mta"}


def fields(group):
    return group.items() if isinstance(group, dict) else [f if isinstance(f, (list, tuple)) else (f,) for f in group]
