# SPDX-License-Identifier: Apache-2.0
"""What a row of the table of cases is made of, and how it becomes a domain of the small internet: its servers, certificates, records."""
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Union

from odddns import OddDns

from world.internet import policy_body

WELL_KNOWN = "/.well-known/mta-sts.txt"


@dataclass
class Delivered:
    """By which of: dane, mta-sts, verified, encrypted, plain; at which of the domain's hosts.

    proved: what the certificate shows where nobody asked, "certificate" or "nobody".  policy: whose word counted.  mail: what MAIL says beside."""
    how: str
    host: int = 0
    proved: str = "certificate"
    policy: str = "none"
    tls: str = ""
    mail: str = ""


@dataclass
class Waits:
    """Deferred: the trail's word for the failure, what the reason says, whose word counted; and nothing ever arrives."""
    failure: str
    says: str = ""
    policy: str = "dane"


@dataclass
class Failed:
    status: str


@dataclass
class Finger:
    """posttls-finger comes to another end: to which ("": it knows nothing of this), and why."""
    says: str
    why: str


@dataclass
class Case:
    name: str
    what: str
    setup: "Setup"
    happens: Any
    finger: Optional[Finger] = None # None: posttls-finger agrees
    dnssec: str = ""                # what is kept of DNSSEC: of MX, address, TLSA
    report: Optional[list] = None   # what a report about TLS counts, ["policy-type result-type"]; None: what follows from what happens
    options: list = field(default_factory=list) # of MAIL at the door


RESULT = {"no-starttls": "starttls-not-supported", "tls": "validation-failure", "dane-lookup": "dnssec-invalid",
          "sts-mx": "validation-failure"}
PLAIN = "starttls-not-supported"


def counted(case):
    """The policy types and result types [RFC 8460 s4.3] that a report has of this case, in order; "ok" is a session that succeeded."""
    h = case.happens
    if case.report is not None:
        return sorted(case.report)
    if isinstance(h, Failed) or isinstance(h, Waits) and h.policy in ("", "none"):
        return []
    kind = {"dane": "tlsa", "mta-sts": "sts"}.get(h.how if isinstance(h, Delivered) and h.how in ("dane", "mta-sts") else h.policy, "no-policy-found")
    if isinstance(h, Delivered):
        return [kind + (" tlsa-invalid" if h.how == "encrypted" and kind == "tlsa" else " " + PLAIN if h.how == "plain" else " ok")]
    if h.failure == "tls-verify":
        return [kind + (" validation-failure" if kind == "tlsa" else " certificate-not-trusted")]
    return [kind + " " + RESULT[h.failure]] if h.failure in RESULT else []


@dataclass
class Host:
    """One mail server.  name: "{d}" stands for the domain.

    certificate: made by a function of (authority, name of the host, name of the domain); None: STARTTLS is not offered.
    tlsa: (usage, selector, matching[, which of the path]) of that certificate, or a record as text.
    base: where the TLSA records are.  address: False publishes none.  The rest is scripted.Receiver's."""
    certificate: Optional[Callable] = lambda ca, host, domain: ca.issue(host)
    tlsa: list = field(default_factory=list)
    name: str = "mx.{d}"
    base: str = "{h}"
    address: bool = True
    script: dict = field(default_factory=dict)
    more: dict = field(default_factory=dict)


@dataclass
class Sts:
    """What a domain publishes of MTA-STS: record, web host, policy.  In names {d} is the domain.

    txt: the records in place of the usual one.  body: in place of the one that the fields make; a function writes the answer by itself.
    web: makes the web host's certificate; with None there is no web host.  holds: the policy is one that counts."""
    mx: tuple = ("mx.{d}",)
    mode: str = "enforce"
    max_age: int = 86400
    txt: Optional[list] = None
    body: Union[str, bytes, Callable, None] = None
    answer: dict = field(default_factory=dict) # status, content_type, headers
    web: Optional[Callable] = lambda ca, host, domain: ca.issue(host)
    holds: bool = True


@dataclass
class Setup:
    """A domain.  zone: "test" is signed, "insecure.test" is not.  records: more, or in place of the usual ones: (name, type, value).

    In names and values {d} is the domain, {x} the same name in the other zone, {h} and {a} the first host and its address, {tlsa} its record.
    hosts: servers of its own, or the name of the case whose servers it shares.
    odd: {zone: how} name servers that are played (odddns.OddDns), each behind a delegation of its own; "unsigned": with a DS all the same."""
    hosts: Union[list, str] = field(default_factory=lambda: [Host()])
    zone: str = "test"
    mx: bool = True
    records: list = field(default_factory=list)
    odd: dict = field(default_factory=dict)
    sts: Optional[Sts] = None

    def is_of_dane(self):
        return bool(self.odd) or isinstance(self.hosts, list) and any(h.tlsa for h in self.hosts)


class Builder:
    """add(name, setup) for each; publish() at the end.  receivers: {name: [scripted.Receiver of each host]}."""

    def __init__(self, world, below):
        self.world, self.below = world, below
        self.receivers, self.rows, self.played, self.certificates = {}, {}, [], {}

    def domain(self, name, zone="test"):
        return "%s.%s.%s" % (name, self.below, zone)

    def add(self, name, setup):
        d = self.domain(name, setup.zone)
        words = {"d": d, "x": self.domain(name, "test" if setup.zone == "insecure.test" else "insecure.test"), "n": name}
        if isinstance(setup.hosts, str):
            self.receivers[name] = self.receivers[setup.hosts]
        else:
            self.receivers[name] = [self._host(h, d, words, i) for i, h in enumerate(setup.hosts)]
        if setup.mx:
            self._put(d, "MX", *["%d %s." % (10 * (i + 1), r.name) for i, r in enumerate(self.receivers[name])])
        for owner, kind, value in setup.records:
            self._put(owner.format(**words), kind, *([value.format(**words)] if value else []))
        for zone, how in setup.odd.items():
            self._odd(zone.format(**words), how)
        if setup.sts:
            self._sts(setup.sts, words)

    def _sts(self, sts, words):
        d, web = words["d"], "mta-sts." + words["d"]
        for text in ["v=STSv1; id=1;"] if sts.txt is None else sts.txt:
            self._put("_mta-sts." + d, "TXT", '"%s"' % text)
        if sts.web is None:
            return
        self._put(web, "A", self.world.https.address)
        self.world.https.shows(web, sts.web(self.world.ca, web, d))
        mx = [m.format(**words) for m in sts.mx]
        body = policy_body(*mx, mode=sts.mode, max_age=sts.max_age) if sts.body is None else sts.body
        if isinstance(body, str):
            body = body.replace("{d}", d)
        self.world.https.put(web, WELL_KNOWN, body, **{k: v.format(**words) if isinstance(v, str) else v for k, v in sts.answer.items()})

    def _host(self, host, domain, words, index):
        name = host.name.format(**words)
        certificate = host.certificate(self.world.ca, name, domain) if host.certificate else None
        receiver = self.world.listen(name, dict(host.script), certificate, **host.more)
        mine = dict(words, h=name, a=receiver.address)
        records = [t if isinstance(t, str) else certificate.record(*t) for t in host.tlsa]
        if host.address:
            self._put(name, "A", receiver.address)
        if records:
            self._put("_25._tcp." + host.base.format(**mine), "TLSA", *records)
        if index == 0:
            words.update(mine, tlsa=records[0] if records else certificate.tlsa if certificate else "")
        return receiver

    def _odd(self, zone, how):
        address = "127.0.7.%d" % (1 + len(self.played))
        self._put(zone, "NS", "ns.%s." % zone)
        self._put("ns." + zone, "A", address)
        if how == "unsigned":
            self._put(zone, "DS", "12345 13 2 " + "ab" * 32)
        server = OddDns(address, zone, ["ns." + zone])
        server.how = "answers" if how == "unsigned" else how
        server.table[("ns." + zone, "A")] = [address]
        self.played.append(server.__enter__())

    def _put(self, name, kind, *values):
        there = self.rows.setdefault((name, kind), [])
        there[:] = list(values) if kind in ("MX", "CNAME") else there + list(values)

    def publish(self):
        self.world.dns.publish_all([(name, kind, values) for (name, kind), values in self.rows.items()])

    def close(self):
        for server in self.played:
            server.__exit__()
