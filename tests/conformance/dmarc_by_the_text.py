# SPDX-License-Identifier: Apache-2.0
"""RFC 9989 once more: sections 4.7, 4.8, 4.10 and 5.3, sentence by sentence and without a thought for speed. For comparison with lib/dmarc only.

A zone is {name: [TXT, ...]}; a name that is missing does not exist. Nothing fails here.
"""
import re

URI = re.compile(r"(?i)(mailto:[a-z0-9._~%'*+=/?&-]+@[a-z0-9-]+(\.[a-z0-9-]+)*|https?://[a-z0-9./-]+)(![0-9]+[kmgt]?)?$")


def labels(name):
    return name.split(".")


def name_of(some_labels):
    return ".".join(some_labels)


class Record:
    """What is left of a TXT text that begins with v=DMARC1; valid is False where its tag list is not one [RFC 6376 s3.2]."""

    def __init__(self, text):
        self.text = text
        self.valid = True
        self.tags = {}
        for part in text.split(";"):
            name, equals, value = part.partition("=")
            if not equals:
                continue  # a syntax error is discarded [s4.8]
            if name.strip() in self.tags:
                self.valid = False
            self.tags[name.strip()] = value.strip()

    def value(self, tag, allowed):
        value = self.tags.get(tag, "").lower()
        return value if value in allowed else None

    def policy(self, tag):
        return self.value(tag, ("none", "quarantine", "reject"))

    def psd(self):
        return self.value("psd", ("y", "n", "u")) or "u"

    def has_report_address(self):
        return any(URI.match(u.strip()) for u in self.tags.get("rua", "").split(","))


def is_dmarc(text):
    name, equals, value = text.split(";")[0].partition("=")
    return name.strip() == "v" and bool(equals) and value.strip() == "DMARC1"


def query(zone, domain):
    """Steps 1 and 2, or 5 and 6: the one record at this name, or None."""
    found = [t for t in dict.fromkeys(zone.get("_dmarc." + domain, [])) if is_dmarc(t)]
    if len(found) != 1:
        return None
    record = Record(found[0])
    return record if record.valid else None


def tree_walk(zone, start):
    """Section 4.10: the records retrieved, in order, each with its name."""
    retrieved, asked = [], []

    def visit(name):
        asked.append(name)
        record = query(zone, name)
        if record is None:
            return False
        retrieved.append((name, record))
        return record.psd() in ("y", "n")

    if visit(start):
        return retrieved, asked
    numbered = labels(start)
    x = len(numbered)
    if x < 8:
        target = numbered[1:]
    else:
        target = numbered[-7:]
    while target:
        if visit(name_of(target)):
            break
        target = target[1:]
    return retrieved, asked


def organizational_domain(zone, start):
    """Section 4.10.2, the three rules."""
    retrieved, _ = tree_walk(zone, start)
    from_longest = sorted(retrieved, key=lambda r: -len(labels(r[0])))
    for name, record in from_longest:
        if record.psd() == "n":
            return name
    for name, record in from_longest:
        if name != start and record.psd() == "y":
            return name_of(labels(start)[-(len(labels(name)) + 1) :])
    if from_longest:
        return from_longest[-1][0]
    return start


def discover(zone, author):
    """Section 4.10.1: (name, record), or None."""
    own = query(zone, author)
    if own is not None:
        return author, own
    retrieved, _ = tree_walk(zone, author)
    organization = organizational_domain(zone, author)
    for name, record in retrieved:
        if name == organization:
            return name, record
    for name, record in retrieved:
        if record.psd() == "y":
            return name, record
    return None


def published_policy(zone, author, at, record):
    """None: no DMARC processing for this message."""
    damaged = record.policy("p") is None or any(tag in record.tags and record.policy(tag) is None for tag in ("sp", "np"))
    if damaged:
        return "none" if record.has_report_address() else None
    if at == author:
        return record.policy("p")
    if author in zone:
        return record.policy("sp") or record.policy("p")
    return record.policy("np") or record.policy("sp") or record.policy("p")


def aligned(zone, author, identifier, strict):
    if strict:
        return author == identifier
    return organizational_domain(zone, author) == organizational_domain(zone, identifier)


def evaluate(zone, author, spf, dkim):
    """spf: a domain that passed, or None; dkim: domains that passed."""
    out = {"org": organizational_domain(zone, author), "asked": ["_dmarc." + n for n in tree_walk(zone, author)[1]]}
    out.update(result="none", policy_domain="", policy=None, disposition="none", spf_aligned=False, dkim_aligned=False)
    discovered = discover(zone, author)
    if discovered is None:
        return out
    at, record = discovered
    out["policy_domain"] = at
    policy = published_policy(zone, author, at, record)
    if policy is None:
        return out
    if record.tags.get("t", "").lower() == "y":
        policy = {"reject": "quarantine", "quarantine": "none", "none": "none"}[policy]
    out["policy"] = policy
    out["spf_aligned"] = spf is not None and aligned(zone, author, spf, record.tags.get("aspf", "").lower() == "s")
    out["dkim_aligned"] = any(aligned(zone, author, d, record.tags.get("adkim", "").lower() == "s") for d in dkim)
    out["result"] = "pass" if out["spf_aligned"] or out["dkim_aligned"] else "fail"
    out["disposition"] = policy if out["result"] == "fail" else "none"
    return out
