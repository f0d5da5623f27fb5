# SPDX-License-Identifier: Apache-2.0
"""A stream of mail for comparing filters: thousands of messages, the same in every run.

Domains like reject-cmp.com publish what stands in POLICIES and SPF; a few hundred messages are signed (by dkimpy), and every one of them comes in several envelopes, from several
addresses, with and without forged fields.  The corpora of others come with the DNS that they need."""
import base64
import json
import os
import random

import dkim

from postmilter import Key

CONFORMANCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "conformance"))
GOOD_IP, GOOD_IP6, BAD_IP = "192.0.2.10", "2001:db8::10", "203.0.113.66"

POLICIES = { # label of the author's domain: its DMARC record
    "reject": "v=DMARC1; p=reject", "quar": "v=DMARC1; p=quarantine", "none": "v=DMARC1; p=none", "bare": None,
    "strict": "v=DMARC1; p=reject; adkim=s; aspf=s", "sp": "v=DMARC1; p=reject; sp=none", "spr": "v=DMARC1; p=none; sp=reject", "np": "v=DMARC1; p=none; np=reject",
    "pct0": "v=DMARC1; p=reject; pct=0", "test": "v=DMARC1; p=reject; t=y", "broken": "v=DMARC1; p=obey; rua=mailto:a@sig-cmp.com", "nop": "v=DMARC1; rua=mailto:a@sig-cmp.com",
    "notone": "v=DMARC1;p=reject;;sp = quarantine ; fo=1:d"}
SPF = "v=spf1 ip4:192.0.2.10 ip6:2001:db8::10 %s"
ENDS = {"reject": "-all", "quar": "~all", "none": "?all", "bare": "-all", "strict": "-all", "sp": "-all", "spr": "include:reject-cmp.com -all", "np": "redirect=reject-cmp.com",
        "pct0": "a:host-cmp.com -all", "test": "exists:%{i}.ok-cmp.com -all", "broken": "mx -all", "nop": "+all", "notone": "ip4:203.0.113.0/28 -all"}


class Message:
    """kind says what was done; data, sender, ip, helo are what is sent; forged, how many fields with the filter's name it has; old, whether a signature is one that RFC 8301 refuses."""

    def __init__(self, kind, data, sender, ip, helo="client-cmp.com", source="generated", forged=0, old=False):
        self.kind, self.data, self.sender, self.ip, self.helo, self.source = kind, data, sender, ip, helo, source
        self.forged, self.old = forged, old


def publish(world):
    rows = [("host-cmp.com", "A", [GOOD_IP]), ("%s.ok-cmp.com" % GOOD_IP, "A", ["127.0.0.2"]), ("client-cmp.com", "A", [GOOD_IP]),
            ("client-cmp.com", "TXT", ['"v=spf1 a -all"']), ("mx.broken-cmp.com", "A", [GOOD_IP]), ("broken-cmp.com", "MX", ["10 mx.broken-cmp.com."]),
            ("two-cmp.com", "TXT", ['"v=spf1 -all"', '"v=spf1 +all"']), ("loop-cmp.com", "TXT", ['"v=spf1 include:loop-cmp.com -all"']),
            ("syntax-cmp.com", "TXT", ['"v=spf1 ip4:1.2.3 -all"'])]
    for label, record in POLICIES.items():
        name = label + "-cmp.com"
        rows.append((name, "TXT", ['"%s"' % (SPF % ENDS[label])]))
        rows.append(("sub." + name, "TXT", ['"%s"' % (SPF % "-all")]))
        rows.append(("sub." + name, "A", [GOOD_IP]))
        if record:
            rows.append(("_dmarc." + name, "TXT", ['"%s"' % record]))
    world.dns.publish_all(rows)


class Keys:
    """Of every author's domain one; and those for special signatures at sig-cmp.com."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self.rsa = Key(folder, "shared-cmp.com", "r")
        self.ed = Key(folder, "shared-cmp.com", "e", "ed25519")
        rows = []
        for label in [*POLICIES, "sig"]:
            for domain in (label + "-cmp.com", "sub.%s-cmp.com" % label):
                rows += [("r._domainkey." + domain, "TXT", [strings(self.rsa.record)]), ("e._domainkey." + domain, "TXT", [strings(self.ed.record)]),
                         ("revoked._domainkey." + domain, "TXT", ['"v=DKIM1; k=rsa; p="']), ("testing._domainkey." + domain, "TXT", [strings(self.rsa.record + "; t=y")]),
                         ("junk._domainkey." + domain, "TXT", ['"v=DKIM1; k=rsa; p=!!"'])]
        world.dns.publish_all(rows)

    def sign(self, data, domain, selector="r", canon=(b"relaxed", b"relaxed"), **kw):
        key = base64.b64encode(self.ed.seed) if selector == "e" else self.rsa.pem
        algorithm = b"ed25519-sha256" if selector == "e" else b"rsa-sha256"
        return dkim.sign(data, selector.encode(), domain.encode(), key, canonicalize=canon, signature_algorithm=algorithm, **kw) + data


def strings(text):
    return " ".join('"%s"' % text[i:i + 250] for i in range(0, len(text), 250))


# ---- what is done to a message ----

def plain(keys, data, domain):
    return data


def broken_body(keys, data, domain):
    return keys.sign(data, domain) + b"one line more\r\n"


def broken_header(keys, data, domain):
    return keys.sign(data, domain).replace(b"Subject: ", b"Subject: [changed] ")


def two(keys, data, domain):
    return keys.sign(keys.sign(data, domain), "sig-cmp.com")


def one_of_two(keys, data, domain):
    return keys.sign(broken_header(keys, data, domain), "sig-cmp.com")


def rsa_and_ed(keys, data, domain):
    return keys.sign(keys.sign(data, domain, "e"), domain)


KINDS = {
    "unsigned": plain,
    "signed": lambda k, d, n: k.sign(d, n),
    "simple": lambda k, d, n: k.sign(d, n, canon=(b"simple", b"simple")),
    "mixed canon": lambda k, d, n: k.sign(d, n, canon=(b"relaxed", b"simple")),
    "by another": lambda k, d, n: k.sign(d, "sig-cmp.com"),
    "by the parent": lambda k, d, n: k.sign(d, n.partition(".")[2] if n.startswith("sub.") else n),
    "by the child": lambda k, d, n: k.sign(d, n if n.startswith("sub.") else "sub." + n),
    "ed25519": lambda k, d, n: k.sign(d, n, "e"),
    "rsa and ed25519": rsa_and_ed,
    "broken body": broken_body,
    "broken header": broken_header,
    "two signatures": two,
    "one good of two": one_of_two,
    "no key": lambda k, d, n: k.sign(d, n, "missing"),
    "revoked key": lambda k, d, n: k.sign(d, n, "revoked"),
    "broken key": lambda k, d, n: k.sign(d, n, "junk"),
    "testing key": lambda k, d, n: k.sign(d, n, "testing"),
    "body length": lambda k, d, n: k.sign(d, n, length=True),
    "body length and a tail": lambda k, d, n: k.sign(d, n, length=True) + b"a tail that nobody signed\r\n",
    "list": lambda k, d, n: b"List-Id: <l.sig-cmp.com>\r\nList-Post: <mailto:l@sig-cmp.com>\r\n" + k.sign(d, n).replace(b"Subject: ", b"Subject: [l] "),
}
FORGED = [b"", b"Authentication-Results: mx.milter.test; dmarc=pass header.from=sig-cmp.com; spf=pass smtp.mailfrom=sig-cmp.com\r\n",
          b"Authentication-Results: mx.milter.test; dkim=pass header.d=reject-cmp.com\r\nAuthentication-Results: mx.milter.test; spf=pass smtp.mailfrom=reject-cmp.com\r\n"
          b"Authentication-Results: elsewhere.test; spf=pass\r\n",
          b"Authentication-Results: mx.milter.test; dkim=pass header.d=reject-cmp.com\r\nAuthentication-Results: mx.milter.test; dkim=pass header.d=strict-cmp.com\r\n"]


def letter(rnd, domain, n):
    body = "".join("%s\r\n" % " ".join(rnd.choice(("alpha", "beta ", "gamma\t", "delta")) for _ in range(rnd.randint(1, 12))) for _ in range(rnd.randint(0, 20)))
    head = ["From: %s" % rnd.choice(["<a@%s>", "\"A, B\" <a@%s>", "a@%s (comment)", "=?utf-8?q?=C3=A4?= <a@%s>"]) % domain, "To: <reader@milter.test>", "Subject: letter %d" % n,
            "Date: Mon, 23 Nov 2026 08:00:00 +0000", "Message-ID: <%d@sig-cmp.com>" % n]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def envelopes(domain, label):
    """(sender, address) as honest and dishonest ones come."""
    return [("a@" + domain, GOOD_IP), ("a@" + domain, GOOD_IP6), ("a@" + domain, BAD_IP), ("b@sub.%s-cmp.com" % label, GOOD_IP), ("b@sig-cmp.com", GOOD_IP), ("", GOOD_IP), ("", BAD_IP),
            ("x@nowhere-cmp.com", BAD_IP), ("x@two-cmp.com", GOOD_IP), ("x@loop-cmp.com", GOOD_IP), ("x@syntax-cmp.com", GOOD_IP)]


def generated(keys, count):
    rnd = random.Random(20261123)
    signed = []
    for label in POLICIES:
        for domain in (label + "-cmp.com", "sub.%s-cmp.com" % label):
            for kind, make in KINDS.items():
                if rnd.random() < 0.5 or kind in ("unsigned", "signed"):
                    signed.append((kind, label, domain, make(keys, letter(rnd, domain, len(signed)), domain)))
    out = []
    while len(out) < count:
        kind, label, domain, data = signed[len(out) % len(signed)] if len(out) < len(signed) else rnd.choice(signed)
        sender, ip = rnd.choice(envelopes(domain, label))
        forged = rnd.choice(FORGED)
        helo = rnd.choice(["client-cmp.com", "[%s]" % ip if ":" not in ip else "client-cmp.com"])
        out.append(Message("%s, %s" % (kind, domain), forged + data, sender, ip, helo, forged=forged.count(b": mx.milter.test")))
    return out


# ---- the corpora of others ----

def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class Zone:
    """Names of others, published where they can be: the first word about a name counts."""

    def __init__(self):
        self.rows = {}

    def fits(self, message, dns):
        """Is none of the names that stand in the message one that is there already, and is something else here?"""
        text = message.data.lower() + message.sender.lower().encode()
        return not any(self.rows.get((n.lower().rstrip("."), k), v) != v and n.lower().split("._domainkey.")[-1].split("_dmarc.")[-1].encode() in text for (n, k), v in dns.items())

    def add(self, dns):
        for (n, k), v in dns.items():
            self.rows.setdefault((n.lower().rstrip("."), k), v)

    def publish(self, world):
        rows = [(n, k, v) for (n, k), v in sorted(self.rows.items()) if v and possible(n)]
        for at in range(0, len(rows), 40):
            world.dns.publish_all(rows[at:at + 40])


def possible(name):
    return all(0 < len(l) < 64 for l in name.split(".")) and len(name) < 250


def corpora(zone):
    """Messages of the corpora whose names do not contradict those before them."""
    out = []
    for make in (dkim_messages, rspamd, real_mail):
        try:
            made = make()
        except OSError:
            continue
        for message, dns in made:
            if zone.fits(message, dns):
                zone.add(dns)
                out.append(message)
    return out


def dkim_messages():
    folder = os.path.join(CONFORMANCE, "dkim-messages")
    for case in json.load(open(os.path.join(folder, "cases.json"))):
        dns = {(n, "TXT"): [strings(t)] for n, t in case["dns"].items() if t not in ("NXDOMAIN", "TIMEOUT", "SERVFAIL", "") and t.isascii() and '"' not in t and "\\" not in t}
        if "now" in case or len(dns) != len(case["dns"]):
            continue
        data = crlf(open(os.path.join(folder, case["file"]), "rb").read())
        yield Message(case["id"], data, "a@nowhere-cmp.com", BAD_IP, source="dkim-messages", old=not case.get("modern_pass") or b"rsa-sha1" in data), dns


def rspamd():
    folder = os.path.join(CONFORMANCE, "rspamd-auth")
    zones = json.load(open(os.path.join(folder, "zones.json")))
    for case in json.load(open(os.path.join(folder, "cases.json"))):
        dns = {}
        for name, records in zones[case["zone"]].items():
            for kind, values in (records.items() if isinstance(records, dict) else []):
                if isinstance(values, str) or kind not in ("TXT", "A", "AAAA", "MX"):
                    continue
                if kind == "TXT":
                    values = [strings(v) for v in values if v and v.isascii() and '"' not in v and "\\" not in v]
                elif kind == "MX":
                    values = ["%s %s." % (p, h) for p, h in values if possible(h)]
                dns[name, kind] = values
        data = open(os.path.join(folder, "messages", case["message"]), "rb").read() if case.get("message") else b"From: a@nowhere-cmp.com\nSubject: none\n\nx\n"
        yield Message(case["id"], crlf(data), case.get("mail_from", "a@nowhere-cmp.com"), case.get("ip", BAD_IP), case.get("helo") or "client-cmp.com", source="rspamd-auth"), dns


def real_mail():
    folder = os.path.join(CONFORMANCE, "real-mail-auth")
    zone = json.load(open(os.path.join(folder, "zone.json")))
    dns = {(n, "TXT"): [strings(t) for t in ([v] if isinstance(v, str) else v)] for n, v in zone.items()}
    for case in json.load(open(os.path.join(folder, "cases.json"))):
        data = crlf(open(os.path.join(folder, case["file"]), "rb").read())
        yield Message(case["id"], data, case.get("mail_from", ""), case.get("ip", BAD_IP), source="real-mail-auth"), dns
