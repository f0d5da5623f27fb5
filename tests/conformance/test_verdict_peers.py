# SPDX-License-Identifier: Apache-2.0
"""The whole verdict against an independent one: npm mailauth, by its strict mode, on generated messages, connections and zones.

VERDICT_PEER_CASES sets how many (default 2400). tools/peers fetches mailauth below build/peers/npm; without it, or without node, this is skipped.
"""
import base64
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import time

import pytest

import verdict_tool
from dns_zone import Zone
from line_tool import SOURCE

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa", reason="python3-cryptography is not installed")
from cryptography.hazmat.primitives import serialization  # noqa: E402

PEERS = pathlib.Path(os.environ.get("SIGILLO_PEERS", SOURCE / "build/peers"))
MODULES = PEERS / "npm/node_modules"
HERE = pathlib.Path(__file__).resolve().parent
NODE = shutil.which("node")
CASES = int(os.environ.get("VERDICT_PEER_CASES", "2400"))
PER_ZONE = 6
pytestmark = pytest.mark.skipif(NODE is None or not (MODULES / "mailauth").is_dir(), reason="no node, or no mailauth at %s: run tools/peers" % MODULES)

DOMAINS = ["a.test", "mail.a.test", "x.news.a.test", "b.test", "m.b.test", "c.d.test", "d.test"]
CLIENTS = ["192.0.2.1", "192.0.2.9", "203.0.113.5", "2001:db8::7"]
NETWORKS = {"192.0.2.1": "ip4:192.0.2.0/28", "192.0.2.9": "ip4:192.0.2.9", "203.0.113.5": "ip4:203.0.113.5", "2001:db8::7": "ip6:2001:db8::/32"}


class Key:
    def __init__(self):
        key = rsa.generate_private_key(65537, 1024)
        self.pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.p = base64.b64encode(public).decode()


# ---- messages --------------------------------------------------------------------------------------------------------


def from_field(rng, author):
    kind = rng.randrange(14)
    other = rng.choice(DOMAINS)
    return {
        0: "From: j@%s, k@%s\r\n" % (author, author),
        1: "From: j@%s, k@%s\r\n" % (author, other),
        2: "From: j@%s\r\nFrom: k@%s\r\n" % (author, other),
        3: "Sender: j@%s\r\n" % author,
        4: 'From: "k@%s" <j@%s>\r\n' % (other, author),
        5: "From: =?utf-8?q?J_=40_x?= <j@%s>\r\n" % author.upper(),
        6: "From: (k@%s) j@%s (x)\r\n" % (other, author),
    }.get(kind, "From: J <j@%s>\r\n" % author)


def message(rng, keys, author):
    head = from_field(rng, author) + "To: sue@example.net\r\nSubject: %s\r\nDate: Tue, 14 Nov 2023 22:13:18 +0000\r\n" % rng.choice(["x", "two  words", "a\r\n folded one"])
    body = "".join(rng.choice(["Hello\r\n", "a  b \r\n", "\r\n", "\ttab\r\n", "long " * 20 + "\r\n"]) for _ in range(rng.randrange(6)))
    text = (head + "\r\n" + body).encode()
    has_from = b"From: " in text  # dkimpy signs and seals nothing without
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        if not has_from:
            break
        domain = author if rng.random() < 0.5 else rng.choice(DOMAINS)
        canon = tuple(rng.choice([b"relaxed", b"simple"]) for _ in range(2))
        text = dkim.sign(text, rng.choice([b"s1", b"s2"]), domain.encode(), rng.choice(keys[:1] * 9 + keys[1:]).pem, canonicalize=canon) + text
    if has_from and rng.random() < 0.12:
        text = b"Authentication-Results: mx.list.test; dkim=pass header.d=a.test\r\n" + text
        sealed = dkim.arc_sign(text, b"arc", b"list.test", keys[0].pem, b"mx.list.test", timestamp=1700000000)
        text = b"".join(sealed) + text
    kind = rng.randrange(12)
    if kind == 0:
        text += b"more\r\n"
    elif kind == 1:
        text = text.replace(b"Subject: x", b"Subject: y")
    elif kind == 2:
        text = b"X-New: field\r\n" + text
    return text


# ---- zones -----------------------------------------------------------------------------------------------------------


def spf_record(rng):
    terms = [rng.choice(["a", "mx", "a:mx.%s" % rng.choice(DOMAINS), "include:%s" % rng.choice(DOMAINS), rng.choice(list(NETWORKS.values())), "exists:%{i}.e.test", "ip4:198.51.100.0/24"])
             for _ in range(rng.randrange(4))]
    end = rng.choice(["-all", "~all", "?all", "", "redirect=%s" % rng.choice(DOMAINS), "+all", "unknown"])
    return " ".join(["v=spf1", *terms, end]).strip()


def dmarc_record(rng):
    tags = ["v=DMARC1"]
    if rng.random() < 0.92:
        tags.append("p=" + rng.choice(["none", "quarantine", "reject", "reject", "Reject", "bad"]))
    for tag, values in (("sp", ["none", "reject", "quarantine", "bad"]), ("np", ["reject", "none"]), ("adkim", ["s", "r"]), ("aspf", ["s", "r"]), ("t", ["y", "n"]),
                        ("psd", ["y", "n", "u"]), ("rua", ["mailto:x@a.test", "nonsense"]), ("pct", ["0"]), ("unknown", ["1"])):
        if rng.random() < 0.2:
            tags.append(tag + "=" + rng.choice(values))
    return "; ".join(tags)


def zone_of(rng, keys):
    zone = Zone()
    for domain in DOMAINS:
        if rng.random() < 0.75:
            zone.add(domain, "TXT", spf_record(rng))
        if rng.random() < 0.5:
            zone.add(domain, "A", rng.choice(CLIENTS[:3]))
            zone.add(domain, "MX", (10, "mx." + domain))
        zone.add("mx." + domain, "A", rng.choice(CLIENTS[:3]))
        if rng.random() < 0.5:
            zone.add("mx." + domain, "TXT", "v=spf1 a -all")
        for selector in ("s1", "s2"):
            kind = rng.randrange(12)
            name = "%s._domainkey.%s" % (selector, domain)
            if kind == 0:
                zone.outcome(name, "SERVFAIL")
            elif kind != 1:
                zone.add(name, "TXT", {2: "v=DKIM1; p=", 3: "v=DKIM1; k=rsa; h=sha1; p=" + keys[0].p, 4: "v=DKIM1; t=y; p=" + keys[0].p, 5: "p=" + keys[0].p,
                                       6: "v=DKIM1; t=s; p=" + keys[0].p, 7: "nothing"}.get(kind, "v=DKIM1; k=rsa; p=" + keys[0].p))
    zone.add("arc._domainkey.list.test", "TXT", "v=DKIM1; k=rsa; p=" + keys[0].p)
    for name in ["_dmarc." + d for d in DOMAINS + ["news.a.test", "test"]]:
        if rng.random() < (0.08 if name == "_dmarc.test" else 0.55):
            for _ in range(1 + (rng.random() < 0.08)):
                zone.add(name, "TXT", dmarc_record(rng))
        elif rng.random() < 0.05:
            zone.outcome(name, "SERVFAIL")
    return zone


def for_node(zone):
    return json.dumps({"zone": zone.names})


# ---- the comparison --------------------------------------------------------------------------------------------------


class Case:
    def __init__(self, rng, pool):
        self.message = rng.choice(pool)
        self.ip = rng.choice(CLIENTS)
        domain = rng.choice(DOMAINS)
        self.helo = "mx." + rng.choice(DOMAINS)
        self.sender = "" if rng.random() < 0.15 else "joe@" + domain

    def for_node(self):
        return json.dumps({"message": base64.b64encode(self.message).decode(), "ip": self.ip, "helo": self.helo, "sender": self.sender})


def policy_in(field):
    flat = " ".join(field.split())
    return flat.rpartition("policy.dmarc=")[2] if "policy.dmarc=" in flat else ""


KEY_FAULTS = ["the key is not for SHA-256", "no key record stands at the selector", "the key was revoked"]
KEY_WORDS = ["inappropriate hash algorithm", "invalid public key", "no key"]


def signature_explained(ours, theirs, comment):
    """One signature whose two results differ."""
    if ours["reason"] in KEY_FAULTS and theirs == "neutral" and comment in KEY_WORDS:
        return "a key that cannot be used is a permerror (RFC 6376 s6.1.2 steps 3 to 7, PERMFAIL; RFC 8601 s2.7.1); mailauth says neutral"
    if (ours["reason"] in KEY_FAULTS or ours["result"] == "temperror") and theirs == "fail" and comment == "body hash did not verify":
        return "the key comes before the body (RFC 6376 s6.1.2, s6.1.3); mailauth tells of the body first"
    return None


def explained(part, ours, theirs, got, peer):
    """Why a disagreement is no fault of ours; None: it is not known."""
    if part == "dkim" and not ours:
        return "without a signature mailauth lists one \"none\"" if theirs == ["none"] else None
    if part == "dkim" and len(ours) == len(theirs):
        why = [signature_explained(*three) for three in zip(got["dkim"], theirs, peer["why"]) if three[0]["result"] != three[1]]
        return why[0] if all(why) else None
    if part == "spf" and ours == "permerror" and "more than 2 lookups that found nothing" in " ".join(got["field"].split()):
        return "of an mx whose hosts have no address of this kind a void lookup is counted (RFC 7208 s4.6.4); mailauth counts none there"
    if part == "dmarc" and got["spf"]["result"] != peer["spf"]:
        return explained("spf", got["spf"]["result"], peer["spf"], got, peer)  # what follows from it
    if part == "dmarc" and ours == "temperror" and theirs in ("fail", "none") and (
            got["spf"]["result"] == "temperror" or any(d["result"] == "temperror" for d in got["dkim"])):
        return "an aligned identifier whose check ended in temperror might have passed (RFC 9989 s5.3.6); mailauth hands on passes only"
    return None


def words(got):
    return {"spf": got["spf"]["result"], "dkim": [d["result"] for d in got["dkim"]], "arc": got["arc"], "dmarc": got["dmarc"],
            "policy": policy_in(got["field"]) if got["dmarc"] in ("pass", "fail") else ""}


def test_against_mailauth():
    rng = random.Random(9989)
    keys = [Key(), Key()]
    pool = [message(rng, keys, rng.choice(DOMAINS[:5])) for _ in range(160)]
    rounds = [(zone_of(rng, keys), [Case(rng, pool) for _ in range(PER_ZONE)]) for _ in range(max(1, CASES // PER_ZONE))]
    lines = [line for zone, cases in rounds for line in (for_node(zone), *(c.for_node() for c in cases))]
    node = subprocess.run([NODE, HERE / "mailauth_peer.cjs", MODULES], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300)
    assert node.returncode == 0, node.stderr
    answers = iter(node.stdout.splitlines())
    seen, excused, wrong = collections.Counter(), collections.Counter(), []
    tool = verdict_tool.Tool()
    for zone, cases in rounds:
        tool.zone(zone)
        for case in cases:
            peer = json.loads(next(answers))
            got = tool.judge(case.message, ip=case.ip, sender=case.sender, helo=case.helo, now=int(time.time()) + 60, all_ways=False)
            assert got["ok"] and "error" not in peer, (got, peer)
            ours = words(got)
            seen["%s dmarc=%s" % ("signed" if got["dkim"] else "unsigned", got["dmarc"])] += 1
            for part in ours:
                theirs = peer[part] if part != "policy" or ours["dmarc"] in ("pass", "fail") else ""
                if ours[part] == theirs or (part == "policy" and ours["dmarc"] != peer["dmarc"]):
                    continue
                why = explained(part, ours[part], theirs, got, peer)
                excused[why] += 1
                if why is None:
                    wrong.append((part, ours[part], theirs, got, peer, case.ip, case.sender, case.helo, case.message.decode(), zone.names))
    tool.close()
    print("verdicts compared: %d" % sum(len(c) for _, c in rounds), dict(seen))
    for why, count in excused.items():
        print("%d times: %s" % (count, why))
    assert not wrong, "%d unexplained, the first:\n%s" % (len(wrong), json.dumps(wrong[0], indent=1, default=str)[:6000])
