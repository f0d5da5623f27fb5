# SPDX-License-Identifier: Apache-2.0
"""Published DKIM suites, read by lib/dkim. They lie beside the repository; without them all is skipped.

A second run of dkim-messages with SHA-1 and short keys allowed, as its README proposes, cannot be made: the library has no way to allow them [RFC 8301 s3].
"""
import time

import pytest

import dkim_tool
from line_tool import SHARED, crlf, load, named

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no suites at %s" % SHARED)


@pytest.fixture(scope="module")
def tool():
    t = dkim_tool.Tool()
    yield t
    t.close()


# ---- dkim-messages: 110 messages of seven implementations ------------------------------------------------------------

MESSAGES = load("dkim-messages", "cases.json")
# The suite's clock is five hours behind t=.  [RFC 6376 s3.5] t= in the future may be refused, and we do above five minutes.
EARLY = {"mail-auth/dkim-004": 1667862801}


def read(*path, eol="lf"):
    data = SHARED.joinpath(*path).read_bytes()
    return data if eol == "crlf" else crlf(data)


@pytest.mark.parametrize("case", MESSAGES, ids=named(lambda c: c["id"]))
def test_messages(tool, case):
    """A signature passes when and only when a current verifier says so. l= may leave a tail here: that is a policy, not the mathematics."""
    now = EARLY.get(case["id"], case.get("now", time.time()))
    got = tool.verify(read("dkim-messages", case["file"], eol=case["eol"]), case["dns"], now, partial=True)
    assert any(s["result"] == "pass" for s in got) == case["modern_pass"], got
    if case["expect"] == "none":  # no signature, or (t-test76) one that says so little that OpenDKIM does not count it
        assert all(s["domain"] == "" for s in got)


def test_messages_are_all_there():
    print("dkim-messages: %d cases" % len(MESSAGES))
    assert len(MESSAGES) == 110


@pytest.mark.parametrize("case", [c for c in MESSAGES if c["modern_pass"]], ids=named(lambda c: c["id"]))
def test_a_tail_behind_l_is_refused(tool, case):
    """[RFC 6376 s8.2] By default the same messages pass, but for those whose l= leaves a tail unsigned."""
    now = EARLY.get(case["id"], case.get("now", time.time()))
    message = read("dkim-messages", case["file"], eol=case["eol"])
    lax, strict = (tool.verify(message, case["dns"], now, partial=p) for p in (True, False))
    for a, b in zip(lax, strict):
        assert b["result"] == a["result"] or (b["result"] == "policy" and a["result"] == "pass"), (a, b)
    if any(s["result"] == "policy" for s in strict):
        assert any(s["l"] for s in case["signatures"])


@pytest.mark.parametrize("case", [c for c in MESSAGES if c["modern_pass"]], ids=named(lambda c: c["id"]))
def test_a_changed_body_fails(tool, case):
    """One more line in front of the body: nothing that passed does so now, but for a signature of nothing (l=0)."""
    now = EARLY.get(case["id"], case.get("now", time.time()))
    head, _, body = read("dkim-messages", case["file"], eol=case["eol"]).partition(b"\r\n\r\n")
    got = tool.verify(head + b"\r\n\r\nforged\r\n" + body, case["dns"], now)
    assert not any(s["result"] == "pass" for s in got), got


# ---- record-syntax ---------------------------------------------------------------------------------------------------

# What mox refuses and we read, with the rule.
KEY_READ = {
    "v=DKIM1; p=; ": "RFC 6376 s3.2: FWS may stand around a tag, and most verifiers take it behind the last semicolon",
}
SIGNATURE_READ = {
    "No UTF-8 allowed.": "RFC 8616 s5: the caller says whether the header may hold UTF-8; the field alone cannot know",
}


@pytest.mark.parametrize("case", load("record-syntax", "dkim-key-record.json"), ids=named(lambda c: c["text"][:30]))
def test_key_records(tool, case):
    got = tool("key", text=case["text"])
    assert got["ok"] == (case["valid"] or case["text"] in KEY_READ), got


@pytest.mark.parametrize("case", load("record-syntax", "dkim-signature-header.json"), ids=named(lambda c: c["text"][15:60] + c.get("note", "")))
def test_signature_fields(tool, case):
    value = case["text"].partition(":")[2].rstrip("\r\n")
    if case.get("upstream_error") == "errSigBodyHash":
        pytest.skip("bh= of SHA-1's length can be read; verification refuses the algorithm [RFC 8301 s3.1]")
    got = tool("signature", text=value)
    assert got["ok"] == (case["valid"] or case.get("note") in SIGNATURE_READ), got


# ---- rspamd-auth -----------------------------------------------------------------------------------------------------

# The key of this one is in none of the suite's zones: rspamd's test asked the real DNS.
NO_KEY = {"dkim-64"}


def zone(name):
    return load("rspamd-auth", "zones.json").get(name, {})


@pytest.mark.parametrize("case", [c for c in load("rspamd-auth", "cases.json") if c["id"].startswith("dkim")], ids=named(lambda c: c["id"] + " " + c["name"]))
def test_rspamd(tool, case):
    got = [s["result"] for s in tool.verify(read("rspamd-auth", "messages", case["message"]), zone(case["zone"]), time.time())]
    want = case["expect"].get("dkim")
    if case["id"] in NO_KEY:
        assert got[-1] == "permerror"  # but it is tried, as the case wants: the junk above it counts for nothing
        return
    assert "pass" not in got if want != "pass" else "pass" in got
    if want not in (None, "pass") and not case.get("local_limit"):
        assert want in got, got


# ---- dkim-canonicalization is read by tests/unit/test_dkim_canon.c ---------------------------------------------------
