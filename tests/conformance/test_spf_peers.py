# SPDX-License-Identifier: Apache-2.0
"""
lib/spf beside pyspf (strict mode) and Mail::SPF on generated zones: thousands of evaluations, DNS from memory.

Where a peer says something else, one of the rules below must explain it, with the section of RFC 7208 that decides; anything else fails.
SIGILLO_SPF_ZONES sets how many zones are made (default 600 for pyspf and 200 for Mail::SPF, which is slower; ten clients each), SIGILLO_SPF_SEED the seed.
"""
import collections
import json
import os
import pathlib
import random
import subprocess

import pytest

import spf_tool
from dns_zone import Zone, raw

ZONES = int(os.environ.get("SIGILLO_SPF_ZONES", "0"))
SEED = int(os.environ.get("SIGILLO_SPF_SEED", "7208"))
IPS = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "203.0.113.5", "2001:db8::1", "2001:db8:0:1::25", "::ffff:192.0.2.1"]
HOSTS = ["h%d.test" % i for i in range(6)]
DOMAINS = ["d%d.test" % i for i in range(7)]
MISSING = ["n0.test", "n1.test", "n2.test"]
FAILING = ["f0.test"]
BROKEN = ["foo", "all:x.test", "ip4:192.0.2", "ip4:192.0.2.0/33", "a:%{x}.test", "include", "mx/40", "redirect=", "a:b.42", "-exp=h0.test", "ip6:192.0.2.1", "exists:%{d0}.test"]


# ---- zones and clients ----


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def target(self, kinds):
        r = self.r
        pick = r.random()
        if pick < 0.07:
            return r.choice(MISSING)
        if pick < 0.09:
            return r.choice(FAILING)
        if pick < 0.16:
            return r.choice(["%{d}", "%{d2}", "%{o}", "%{h}", "x.%{d}", "%{d1r}.test"])
        return r.choice(kinds)

    def lengths(self):
        r = self.r
        return r.choice(["", "", "", "/24", "/16", "//64", "/24//48", "/0", "//0", "/32//128"])

    def term(self):
        r = self.r
        kind = r.choices(["ip4", "ip6", "a", "mx", "include", "exists", "ptr", "all"], [28, 8, 15, 10, 16, 8, 4, 2])[0]
        qualifier = r.choice(["", "", "", "+", "-", "~", "?"])
        if kind == "ip4":
            body = "ip4:" + r.choice(["192.0.2.1", "192.0.2.0/24", "198.51.100.0/25", "203.0.113.4/31", "10.0.0.0/8", "0.0.0.0/0", "192.0.2.64/26"])
        elif kind == "ip6":
            body = "ip6:" + r.choice(["2001:db8::1", "2001:db8::/64", "2001:db8::/32", "2001:d00::/24", "2001:DB8:0:1::/64"])
        elif kind in ("a", "mx"):
            body = kind + r.choice(["", ":" + self.target(HOSTS if kind == "a" else DOMAINS)]) + self.lengths()
        elif kind == "include":
            body = "include:" + self.target(DOMAINS)
        elif kind == "exists":
            body = "exists:" + r.choice(["%{ir}.x.test", "%{l}.u.test", "%{l1r-}.u.test", "%{i}.x.test", "%{v}.x.test", "h0.test", "%{s}.u.test", "%{p}.p.test", "%{ir}.%{v}.x.test"])
        elif kind == "ptr":
            body = r.choice(["ptr", "ptr:" + self.target(["test", "h0.test"]).replace("test", "h.test", 1)])
        else:
            body = "all"
        return qualifier + body

    def record(self):
        r = self.r
        terms = [self.term() for _ in range(r.choices(range(8), [1, 4, 5, 5, 4, 3, 2, 1])[0])]
        end = r.random()
        if end < 0.6:
            terms.append(r.choice(["-all", "-all", "~all", "?all", "+all", "-ALL"]))
        elif end < 0.8:
            terms.append("redirect=" + self.target(DOMAINS))
        if r.random() < 0.2:
            terms.insert(r.randrange(len(terms) + 1), "exp=why.%{d}")
        if r.random() < 0.05:
            terms.insert(r.randrange(len(terms) + 1), "unknown=%{d}/x")
        if r.random() < 0.04:
            terms.insert(r.randrange(len(terms) + 1), r.choice(BROKEN))
        return r.choice(["v=spf1 ", "v=spf1  ", "V=SPF1 "]) + " ".join(terms)

    def zone(self):
        r, zone = self.r, Zone()
        for host in HOSTS:
            for kind, values in (("A", ["192.0.2.1", "192.0.2.77", "198.51.100.9", "10.1.1.1"]), ("AAAA", ["2001:db8::1", "2001:db8:0:1::9"])):
                for value in r.sample(values, r.choice([0, 1, 1, 2])):
                    zone.add(host, kind, value)
            zone.node(host)
        for domain in DOMAINS:
            zone.node(domain)
            if r.random() < 0.95:
                zone.add(domain, "TXT", self.record())
            if r.random() < 0.03:
                zone.add(domain, "TXT", self.record())
            if r.random() < 0.2:
                zone.add(domain, "TXT", "verification=%d" % r.randrange(1000))
            if r.random() < 0.5:
                zone.add(domain, "A", r.choice(["192.0.2.77", "198.51.100.9"]))
            for i in range(r.choices([0, 1, 2, 4, 11], [3, 5, 4, 2, 0.3])[0]):
                zone.add(domain, "MX", (i, r.choice(HOSTS + MISSING[:1]) if i < 4 else "m%d.test" % i))
            zone.add("why." + domain, "TXT", r.choice(["plain", "%{d} says no to %{i}", "%{x}", "see %{o} %{L}", "\xe9"]))
        zone.outcome("f0.test", "SERVFAIL")
        for name in ("192.0.2.1.x.test", "1.2.0.192.x.test", "in-addr.x.test", "bob.u.test", "a.u.test", "unknown.p.test", "h0.test.p.test", "77.2.0.192.in-addr.x.test", "bob.d0.test.u.test"):
            if r.random() < 0.6:
                zone.add(name, "A", "127.0.0.2")
        for reverse in ("1.2.0.192.in-addr.arpa", "77.2.0.192.in-addr.arpa", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"):
            for name in r.sample(HOSTS + DOMAINS + MISSING[:1], r.choice([0, 1, 1, 2, 3])):
                zone.add(reverse, "PTR", name)
        return zone

    def client(self):
        r = self.r
        sender = r.choice(["bob", "a-b", "bob+x"]) + "@" + r.choice(DOMAINS)
        return r.choice(IPS), r.choice([sender] * 9 + [""]), r.choice(DOMAINS + HOSTS[:1])


# ---- peers ----


class PySpf:
    name = "pyspf"
    zones = 600

    def __init__(self):
        self.spf = pytest.importorskip("spf")
        self.spf.DNSLookup = self.lookup

    def lookup(self, name, kind, *_args, **_kw):
        outcome, values = self.zone.lookup(name, kind)
        if outcome == "FAILED":
            raise self.spf.TempError("DNS SERVFAIL")
        return [((name, kind), [raw(v)] if kind == "TXT" else v) for v in values]

    def load(self, zone):
        self.zone = zone

    def check(self, ip, sender, helo):
        query = self.spf.query(i=ip, s=sender, h=helo, receiver="rcv.test", strict=True)
        result, _code, why = query.check()
        return result, why

    @staticmethod
    def explanation(why):
        return "" if why == "SPF fail - not authorized" else why

    def close(self):
        pass


class MailSpf:
    name = "Mail::SPF"
    zones = 200

    def __init__(self):
        if subprocess.run(["perl", "-MMail::SPF", "-e", "1"], capture_output=True).returncode != 0:
            pytest.skip("no Mail::SPF (libmail-spf-perl)")
        self.process = subprocess.Popen(["perl", pathlib.Path(__file__).with_name("mail_spf.pl")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def load(self, zone):
        self.ask({"zone": zone.names})

    def check(self, ip, sender, helo):
        answer = self.ask({"ip": ip, "sender": sender, "helo": helo})
        return answer["result"], answer["why"]

    @staticmethod
    def explanation(_why):
        return None  # not asked for

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


# ---- what may differ ----


Case = collections.namedtuple("Case", "peer zone ip sender helo ours theirs why text")


def is_problem(text):
    return lambda case: case.ours["problem"] == text


RULES = [  # (peer, what it does otherwise and the section that decides, when this is it)
    ("pyspf", "refuses an include of the current domain before its turn; s5.2 evaluates it when it comes", lambda c: c.theirs == "permerror" and "include has trivial recursion" in c.why),
    ("pyspf", "counts each question that finds nothing; s4.6.4 counts terms", lambda c: c.theirs == "permerror" and "Void lookup limit" in c.why and c.ours["void_lookups"] <= 2),
    ("Mail::SPF", "counts each question that finds nothing; s4.6.4 counts terms", lambda c: c.theirs == "permerror" and "Maximum void DNS look-ups" in c.why and c.ours["void_lookups"] <= 2),
    (None, "lets a macro keep zero parts; s7.3: the value MUST be nonzero", is_problem("macro that keeps zero parts")),
    ("Mail::SPF", "expands macros when they are needed; s4.6: the whole record is checked first", is_problem("macro with a letter that it can't have here")),
    ("Mail::SPF", "looks at ten of more MX records; s4.6.4: that is a permerror", is_problem("more than 10 MX records")),
    ("Mail::SPF", "does not count %{p}; s4.6.4: it counts as ptr does", lambda c: c.ours["problem"] == "more than 10 terms that need DNS lookups" and "%{p}" in c.text),
    ("Mail::SPF", "reads 'ip4:192.0.2' as an address; s12: an ip4-network has four parts", is_problem("not an IPv4 address or network")),
]


def explain(case):
    for peer, name, holds in RULES:
        if peer in (None, case.peer) and holds(case):
            return name
    return None


def compare(peer):
    tool, used, total, open_cases = spf_tool.Tool(), collections.Counter(), 0, []
    zones = ZONES or peer.zones
    for number in range(zones):
        maker = Maker(SEED * 1000003 + number)
        zone = maker.zone()
        tool.zone(zone)
        peer.load(zone)
        text = "\n".join("%s %s" % (n, v) for n, node in zone.names.items() for v in node.get("TXT", []))
        for _ in range(10):
            ip, sender, helo = maker.client()
            ours = tool.check(ip, sender, helo, receiver="rcv.test")
            assert ours["ok"], ours
            theirs, why = peer.check(ip, sender, helo)
            total += 1
            if ours["result"] == theirs:
                used["same: " + theirs] += 1
                if theirs == "fail":
                    assert peer.explanation(why) in (None, ours["explanation"]), (number, ip, sender, helo, why, ours)  # s6.2
                continue
            case = Case(peer.name, number, ip, sender, helo, ours, theirs, why, text)
            rule = explain(case)
            used[rule] += 1
            if rule is None:
                open_cases.append(case)
    tool.close()
    peer.close()
    print("\n%s: %d evaluations in %d zones" % (peer.name, total, zones))
    for rule, count in used.most_common():
        print("  %5d  %s" % (count, rule))
    return open_cases


@pytest.mark.parametrize("peer", [PySpf, MailSpf], ids=lambda p: p.name)
def test_peer(peer):
    open_cases = compare(peer())
    for case in open_cases[:5]:
        print("zone %d, %s %s %s: ours %s, theirs %s (%s)\n%s\n" % (case.zone, case.ip, case.sender, case.helo, case.ours, case.theirs, case.why, case.text))
    assert not open_cases, "%d disagreements without an explanation" % len(open_cases)
