# SPDX-License-Identifier: Apache-2.0
"""lib/dmarc against others on generated zones: a plain transcription of RFC 9989 (dmarc_by_the_text.py), and libopendmarc by RFC 7489 where it is installed.

SIGILLO_SEED and SIGILLO_CASES choose other zones, and more of them.
"""
import ctypes
import ctypes.util
import os
import random

import pytest

import dmarc_by_the_text as text
import dmarc_tool

SEED = int(os.environ.get("SIGILLO_SEED", "20261122"))
CASES = int(os.environ.get("SIGILLO_CASES", "6000"))


@pytest.fixture(scope="module")
def suffixes(tmp_path_factory):
    """A short list for both sides: the published one where it is at hand is longer, not different in kind."""
    path = tmp_path_factory.mktemp("psl") / "list.dat"
    path.write_text("// ===BEGIN ICANN DOMAINS===\ntest\nco.test\nexample\n*.wild.example\n!www.wild.example\n// ===END ICANN DOMAINS===\n")
    return path


@pytest.fixture(scope="module")
def tool(suffixes):
    t = dmarc_tool.Tool(suffixes)
    yield t
    t.close()


# ---- generator ----


def record(r, odd):
    """A record; odd ones have every fault that a tag may have."""
    parts = []
    if r.random() < 0.9:
        parts.append("p=" + r.choice(["none", "quarantine", "reject", "Reject"]))
    for tag in ("sp", "np"):
        if r.random() < 0.3:
            parts.append(tag + "=" + r.choice(["none", "quarantine", "reject"]))
    if r.random() < 0.5:
        parts.append("psd=" + r.choice("ynuYn"))
    for tag in ("adkim", "aspf"):
        if r.random() < 0.25:
            parts.append(tag + "=" + r.choice("rsS"))
    if r.random() < 0.2:
        parts.append("t=" + r.choice("yn"))
    if r.random() < 0.4:
        parts.append("rua=" + r.choice(["mailto:r@a.test", "mailto:r@a.test!10m", "bad, mailto:r@a.test", "https://a.test/r"]))
    if odd and r.random() < 0.3:
        parts.append(r.choice(["p=deny", "sp=", "np=x", "psd=maybe", "rua=bad", "adkim=q", "fo:1", "pct=0", "x=1", "", "P=none", "t=Y", "rua=,mailto:r"]))
    r.shuffle(parts)
    version = r.choice(["v=DMARC1", "v=DMARC1", "v=DMARC1", "v = DMARC1", "v=dmarc1", "v=DMARC12"]) if odd else "v=DMARC1"
    return r.choice([";", "; ", " ; "]).join([version] + parts) + r.choice(["", ";"])


def zone_for(r, names):
    zone = {}
    for name in names:
        if r.random() < 0.5:
            zone[name] = []  # it exists
        if r.random() < 0.4:
            zone["_dmarc." + name] = [record(r, True) for _ in range(r.choice([1, 1, 1, 1, 2]))]
        if r.random() < 0.05:
            zone.setdefault("_dmarc." + name, []).append("v=spf1 -all")
    return zone


def tails(name):
    parts = name.split(".")
    return [".".join(parts[i:]) for i in range(len(parts))]


def relatives(r, author):
    """Names that may align: above, below, beside, and strangers."""
    above = r.choice(tails(author))
    return [r.choice([above, "west." + above, "north.west." + above, author, "beta.other", "test"]) for _ in range(r.randint(0, 3))]


def author_of(r, top=("test", "example")):
    depth = r.choice([1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 12])
    return ".".join([r.choice("abc") for _ in range(depth - 1)] + [r.choice(top)])


def test_against_the_text(tool):
    """[RFC 9989 s4.10, s5.3] Every answer the same: result, names asked, Organizational Domain, policy, alignment."""
    r = random.Random(SEED)
    seen = {}
    for n in range(CASES):
        author = author_of(r)
        spf, dkim = (relatives(r, author) + [None])[0], relatives(r, author)
        names = {t for name in [author, spf or author] + dkim for t in tails(name)}
        zone = zone_for(r, sorted(names))
        want = text.evaluate(zone, author, spf, dkim)
        tool.zone({name: {"TXT": records} for name, records in zone.items()})
        got = tool.check(author, spf=("pass", spf) if spf else None, dkim=[("pass", d) for d in dkim], driver=n % 3)
        for key, value in want.items():
            assert got[key] == value, (SEED, n, key, value, got, author, spf, dkim, zone)
        seen[want["result"]] = seen.get(want["result"], 0) + 1
    print("%d zones: %s" % (CASES, seen))
    assert min(seen.get(k, 0) for k in ("pass", "fail", "none")) > CASES // 50


def completions(r, zone, failing, times=12):
    """The zone as it may be behind the lookups that fail."""
    for _ in range(times):
        whole = {name: records for name, records in zone.items() if name not in failing}
        for name in failing:
            choice = r.random()
            if choice < 0.3:
                continue  # no such name
            dmarc = name.startswith("_dmarc.")
            whole[name] = [record(r, True) for _ in range(r.choice([1, 1, 2]))] if dmarc and choice < 0.9 else []
        yield whole


def test_what_fails_is_never_guessed(tool):
    """[RFC 9989 s5.3.6] A verdict in spite of failed lookups is the one that every answer to them would have given."""
    r = random.Random(SEED + 1)
    seen = {}
    for n in range(CASES // 3):
        author = author_of(r)
        spf, dkim = (relatives(r, author) + [None])[0], relatives(r, author)
        names = sorted({t for name in [author, spf or author] + dkim for t in tails(name)})
        zone = zone_for(r, names)
        failing = {name for name in ["_dmarc." + n for n in names] + [author] if r.random() < 0.25}
        answers = {name: {"TXT": records} for name, records in zone.items()}
        answers.update({name: r.choice(["SERVFAIL", "TIMEOUT"]) for name in failing})
        tool.zone(answers)
        got = tool.check(author, spf=("pass", spf) if spf else None, dkim=[("pass", d) for d in dkim], driver=n % 3)
        seen[got["result"]] = seen.get(got["result"], 0) + 1
        if got["result"] == "temperror":
            assert failing and got["disposition"] == "none"
            continue
        for whole in completions(r, zone, failing):
            want = text.evaluate(whole, author, spf, dkim)
            assert got["result"] == want["result"], (SEED, n, got, want, author, spf, dkim, answers, whole)
            assert got["disposition"] == want["disposition"], (SEED, n, got, want, author, spf, dkim, answers, whole)
    print("%d zones with failures: %s" % (CASES // 3, seen))
    assert len(seen) == 4


# ---- libopendmarc ----

ABSENT, PASS, REJECT, QUARANTINE, NONE = 14, 15, 16, 17, 18


class Opendmarc:
    """Alignment and policy of libopendmarc: it is handed the record, so that it asks nobody."""

    def __init__(self, suffixes):
        found = ctypes.util.find_library("opendmarc")
        if found is None:
            pytest.skip("libopendmarc is not installed")
        self.lib = ctypes.CDLL(found)
        self.lib.opendmarc_policy_connect_init.restype = ctypes.c_void_p
        self.settings = ctypes.create_string_buffer(16384)
        ctypes.memmove(self.settings, (1).to_bytes(4, "little") + str(suffixes).encode() + b"\0", 5 + len(str(suffixes)))
        assert self.lib.opendmarc_policy_library_init(self.settings) == 0

    def close(self):
        self.lib.opendmarc_policy_library_shutdown(self.settings)

    def judge(self, record_text, author, at, spf, dkim):
        """(policy to enforce, SPF aligned, DKIM aligned); None: it does not take the record."""
        context = ctypes.c_void_p(self.lib.opendmarc_policy_connect_init(b"192.0.2.1", 4))
        self.lib.opendmarc_policy_store_from_domain(context, author.encode())
        if spf:
            self.lib.opendmarc_policy_store_spf(context, spf.encode(), 1, 1, None)
        for d in dkim:
            self.lib.opendmarc_policy_store_dkim(context, d.encode(), b"s", 1, None)
        try:
            if self.lib.opendmarc_policy_store_dmarc(context, record_text.encode(), author.encode(), None if at == author else at.encode()) != 0:
                return None
            policy = self.lib.opendmarc_get_policy_to_enforce(context)
            a, b = ctypes.c_int(), ctypes.c_int()
            self.lib.opendmarc_policy_fetch_alignment(context, ctypes.byref(a), ctypes.byref(b))
            return policy, b.value == 4, a.value == 4
        finally:
            self.lib.opendmarc_policy_connect_shutdown(context)


def plain_record(r):
    parts = ["v=DMARC1", "p=" + r.choice(["none", "quarantine", "reject"])]
    if r.random() < 0.5:
        parts.append("sp=" + r.choice(["none", "quarantine", "reject"]))
    for tag in ("adkim", "aspf"):
        if r.random() < 0.4:
            parts.append(tag + "=" + r.choice("rs"))
    if r.random() < 0.3:
        parts.append(r.choice(["pct=100", "ri=3600", "fo=1", "rua=mailto:r@a.test", "x=1"]))
    return r.choice([";", "; "]).join(parts)


def too_generous(tool, mode, author, domain):
    """Where libopendmarc 1.4.2 sees alignment and RFC 7489 does not.

    - A public suffix above the author: "test" for mail of alpha.test [s3.1: both have to have one Organizational Domain].
    - A name below the author under strict alignment [s3.1.1: only an exact match].
    """
    suffix = tool.ask(op="registrable", name=domain)["domain"] is None
    return (suffix and mode == "r" and author.endswith("." + domain)) or (mode == "s" and domain.endswith("." + author))


def test_against_libopendmarc(tool, suffixes):
    """[RFC 7489 s3.1, s6.6.2, s6.6.3] Alignment by the Public Suffix List and the policy that follows.

    Labels have several letters: the peer turns names round wrongly when one has a single letter (it aligns b.test with x.test).
    """
    peer = Opendmarc(suffixes)
    r = random.Random(SEED)
    seen, differ = {}, 0
    for n in range(CASES):
        author = ".".join([r.choice(["alpha", "beta", "gamma"]) for _ in range(r.randint(1, 3))] + [r.choice(["test", "co.test", "example"])])
        spf, dkim = (relatives(r, author) + [None])[0], relatives(r, author)
        at = r.choice([author, tool.ask(op="registrable", name=author)["domain"]])
        published = plain_record(r)
        tool.zone({"_dmarc." + at: {"TXT": [published]}})
        got = tool.check(author, spf=("pass", spf) if spf else None, dkim=[("pass", d) for d in dkim], rules="rfc7489")
        want = peer.judge(published, author, at, spf, dkim)
        enforce = PASS if got["result"] == "pass" else {"reject": REJECT, "quarantine": QUARANTINE, "none": NONE}[got["policy"]]
        mine = (enforce, got["spf_aligned"], got["dkim_aligned"])
        assert want is not None, published
        generous = [too_generous(tool, "s" if "adkim=s" in published else "r", author, d) for d in dkim]
        generous.append(bool(spf) and too_generous(tool, "s" if "aspf=s" in published else "r", author, spf))
        if any(generous):
            differ += mine != want
            continue
        assert mine == want, (SEED, n, mine, want, author, spf, dkim, at, published)
        seen[enforce] = seen.get(enforce, 0) + 1
    peer.close()
    print("%d records: %s the same, %d differ where libopendmarc is too generous" % (CASES, seen, differ))
    assert sum(seen.values()) > CASES // 3
