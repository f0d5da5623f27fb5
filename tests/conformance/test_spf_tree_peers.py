# SPDX-License-Identifier: Apache-2.0
"""
The tree of an SPF record beside two evaluators, pyspf and our own, on generated zones.

A client that no term matches makes an evaluator go through the whole record, so that it has to count what the tree counts.  The limits of pyspf
are raised, to have its count of records that are far above them, too.  SIGILLO_SPF_ZONES sets how many zones are made (default 500),
SIGILLO_SPF_SEED the seed.
"""
import collections
import os
import random

import pytest

import spf_tool
from dns_zone import Zone, raw

ZONES = int(os.environ.get("SIGILLO_SPF_ZONES", "500"))
SEED = int(os.environ.get("SIGILLO_SPF_SEED", "7208"))
CLIENT4, CLIENT6 = "203.0.113.250", "2001:db8:ffff::1"
DOMAINS = 9
HOSTS = {"both.test": ("A", "AAAA"), "four.test": ("A",), "six.test": ("AAAA",), "none.test": ()}
EVALUATED = ("none", "neutral", "fail", "softfail")


class Maker:
    """Records in which d0 includes d1 and so on, never back; every name that is included has a record, and no exchange is without address."""

    def __init__(self, seed, beside):
        self.r = random.Random(seed)
        self.beside = beside  # may a redirect stand beside "all"?

    def term(self, number):
        r = self.r
        kind = r.choices(["ip4", "ip6", "a", "mx", "include", "exists"], [20, 8, 14, 8, 40 if number < DOMAINS - 1 else 0, 2])[0]
        below = "d%d.test" % r.randrange(number + 1, DOMAINS) if number < DOMAINS - 1 else "both.test"
        body = {
            "ip4": r.choice(["ip4:192.0.2.0/24", "ip4:198.51.100.7"]),
            "ip6": "ip6:2001:db8:1::/64",
            "a": r.choice(["a", "a:both.test", "a:four.test/28", "a:six.test//64", "a:none.test", "a:missing.test"]),
            "mx": r.choice(["mx", "mx:d%d.test/28" % r.randrange(DOMAINS), "mx:both.test"]),
            "include": "include:" + below,
            "exists": "exists:nothing.%{d}",  # what exists would match
        }[kind]
        return r.choice(["", "", "+", "-", "~", "?"]) + body

    def record(self, number):
        r = self.r
        terms = [self.term(number) for _ in range(r.choice([0, 1, 1, 2, 2, 3, 4]))]
        end = r.random()
        if end < 0.7:
            terms.insert(len(terms) if r.random() < 0.9 else r.randrange(len(terms) + 1), r.choice(["-all", "~all", "?all"]))
        if end > (0.55 if self.beside else 0.7) and number < DOMAINS - 1:
            terms.insert(r.randrange(len(terms) + 1), "redirect=d%d.test" % r.randrange(number + 1, DOMAINS))
        return " ".join(["v=spf1"] + terms)

    def zone(self):
        zone = Zone()
        for host, kinds in HOSTS.items():
            zone.node(host)
            if "A" in kinds:
                zone.add(host, "A", "192.0.2.9")
            if "AAAA" in kinds:
                zone.add(host, "AAAA", "2001:db8:1::9")
        for number in range(DOMAINS):
            name = "d%d.test" % number
            zone.add(name, "TXT", self.record(number))
            zone.add(name, "MX", (10, "both.test"))
            if self.r.random() < 0.5:
                zone.add(name, "A", "192.0.2.10")
        return zone


@pytest.fixture
def tool():
    tool = spf_tool.Tool()
    yield tool
    tool.close()


@pytest.fixture
def pyspf(monkeypatch):
    spf = pytest.importorskip("spf")
    monkeypatch.setattr(spf, "MAX_LOOKUP", 100000)
    monkeypatch.setattr(spf, "MAX_VOID_LOOKUPS", 100000)
    return spf


def zones(tool, beside):
    for number in range(ZONES):
        zone = Maker(SEED * 1000003 + number, beside).zone()
        tool.zone(zone)
        tree = tool.tree("d0.test")
        assert tree["ok"] and not tree["failed"], (number, tree)
        yield number, zone, tree


def counts_of_pyspf(spf, zone, client):
    def lookup(name, kind, *_args, **_kw):
        _outcome, values = zone.lookup(name, kind)
        return [((name, kind), [raw(v)] if kind == "TXT" else v) for v in values]

    spf.DNSLookup = lookup
    query = spf.query(i=client, s="bob@d0.test", h="h.test", strict=False)
    assert query.check()[0] in EVALUATED
    return query.lookups, query.void_lookups


def test_lookups_are_what_pyspf_counts(tool, pyspf, monkeypatch):
    monkeypatch.setattr(pyspf, "DNSLookup", pyspf.DNSLookup)  # put back afterwards
    seen = collections.Counter()
    for number, zone, tree in zones(tool, beside=False):  # it counts a redirect that it does not follow; s6.1: that is ignored
        lookups = tree["lookups"]
        if lookups > 100:  # there the tree ends
            seen["cut"] += 1
            continue
        assert (lookups, tree["void_lookups"]) == counts_of_pyspf(pyspf, zone, CLIENT4), (number, zone.names)
        assert (lookups, tree["void_lookups6"]) == counts_of_pyspf(pyspf, zone, CLIENT6), (number, zone.names)
        seen["0" if lookups == 0 else "1 to 10" if lookups <= 10 else "above 10"] += 1
    print("\npyspf: %d zones, two clients each; lookups: %s" % (ZONES, dict(seen)))
    assert seen["above 10"] > ZONES // 20 and seen["1 to 10"] > ZONES // 3


def test_a_tree_without_errors_is_one_that_can_be_evaluated(tool):
    """Our evaluator ends in permerror where the tree says so, and nowhere else; where it does not, both have the same counts."""
    seen = collections.Counter()
    for number, zone, tree in zones(tool, beside=True):
        for client, voids in ((CLIENT4, "void_lookups"), (CLIENT6, "void_lookups6")):
            spf = tool.check(client, "bob@d0.test", "h.test")
            broken = tree["lookups"] > 10 or tree[voids] > 2
            assert (spf["result"] == "permerror") == broken, (number, client, spf, tree, zone.names)
            seen[spf["result"]] += 1
            if not broken:
                assert (spf["lookups"], spf["void_lookups"]) == (tree["lookups"], tree[voids]), (number, client, zone.names)
        assert bool(tree["errors"]) == (tree["lookups"] > 10 or tree["void_lookups"] > 2), tree
        assert ("spf-too-many-voids-ipv6" in tree["codes"]) == (tree["void_lookups"] <= 2 < tree["void_lookups6"]), tree
    print("\nsgl_spf_check: %d zones; results: %s" % (ZONES, dict(seen)))
    assert seen["permerror"] > ZONES // 20
