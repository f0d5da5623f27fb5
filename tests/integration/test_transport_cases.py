# SPDX-License-Identifier: Apache-2.0
"""The table of cases of transport security: one message to each receiver, all at once; then each row reads what became of its own.

Postfix's posttls-finger is asked about the same domains and has to come to the same end, but where the row says why not."""
import contextlib
import os
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from transport import Builder, Delivered, Failed, Waits, counted

import transport_dane
import transport_sts

from world.daemon import message
from world.finger import Finger
from world.internet import wait_for
from world.resolver import Resolver

SETTINGS = {"delivery": {"connect_timeout": "3s", "command_timeout": "8s", "dot_timeout": "8s"}, "resolver": {"timeout": "4s"},
            "tls_reports": {"from": "tlsrpt@case-sender.test"}}
CASES = transport_dane.CASES + transport_sts.CASES
NAMES = {c.name: c for c in CASES}
LOOKUPS = ("dane-lookup", "addresses", "mx-lookup")


class Run:
    """All cases set up and sent: ids by name, and the receivers.  said(name, level): what posttls-finger prints, asked at the same time."""

    def __init__(self, world, sigillo, sender, resolver):
        self.sigillo, self.builder, self.ids, self._said = sigillo, Builder(world, "case"), {}, {}
        for case in CASES:
            self.builder.add(case.name, case.setup)
        self.builder.publish()
        finger, self._pool = Finger(world, resolver), ThreadPoolExecutor(12)
        for case in CASES:
            domain = self.domain(case)
            self.ids[case.name] = sigillo.submit(sender, "x@" + domain, message("me@case-sender.test", ["x@" + domain]),
                                                 mail_options=case.options)
            for level, match in self.questions(case, domain):
                self._said[case.name, level] = self._pool.submit(finger.said, domain, level, *match)

    @staticmethod
    def questions(case, domain):
        """A policy that holds is asked about as Postfix would be told of it: the level "secure", and the names that a certificate may have."""
        sts = case.setup.sts
        if sts and sts.holds and not case.setup.is_of_dane():
            return [("secure", [re.sub(r"^\*", "", mx.format(d=domain)) for mx in sts.mx])]
        return [("dane", ["hostname"]), ("dane-only", [])]

    def domain(self, case):
        return self.builder.domain(case.name, case.setup.zone)

    def messages(self, name):
        """What arrived for this domain, at each of its hosts: some share theirs with another."""
        rcpt = ["x@" + self.domain(NAMES[name])]
        return [[m for m in r.messages if m.recipients == rcpt] for r in self.receivers(name)]

    def said(self, name, level):
        return self._said[name, level].result()

    def close(self):
        self._pool.shutdown(cancel_futures=True)
        self.builder.close()

    def receivers(self, name):
        return self.builder.receivers[name]

    def tries(self, name):
        """The trail's attempts, oldest first: [(kind, detail)]."""
        return [(e["kind"], e["detail"]) for e in self.sigillo.json("trace", self.ids[name])["events"]
                if e["kind"] in ("attempt", "deferred", "delivered", "failed")]

    def wait_deferred(self, name, times):
        """Until it was tried that often; the recipient as the queue shows it."""
        shown = wait_for(lambda: self.sigillo.show(self.ids[name])["recipients"][0],
                         lambda r: r["attempts"] >= times or r["state"] in ("delivered", "failed"), 40, "attempts")
        assert shown["state"] == "queued", shown
        return shown


@pytest.fixture(scope="module")
def run(world, sigillo):
    with Resolver(world.dns, "127.0.0.56") as resolver:
        r = Run(world, sigillo, sigillo.sender("case-sender.test"), resolver)
        yield r
        r.close()


# -- what becomes of the message ------------------------------------------------------------------------------------

def check_evidence(case, tried, receiver, policy):
    """What is kept of an attempt: whose word counted, what DNSSEC says, the certificate that was shown."""
    assert tried.get("policy", "") == policy, tried
    if case.dnssec:
        assert " ".join(tried["dnssec"][k] for k in ("mx", "address", "tlsa") if k in tried["dnssec"]) == case.dnssec
    if "certificate" in tried:
        assert tried["certificate"]["sha256"] == receiver.certificate.fingerprint


def check_delivered(run, case, wanted):
    run.sigillo.wait_state(run.ids[case.name], "delivered", timeout=40)
    arrived = run.messages(case.name)
    assert [len(m) for m in arrived] == [int(i == wanted.host) for i in range(len(arrived))]
    receiver, (kind, tried) = run.receivers(case.name)[wanted.host], run.tries(case.name)[-1]
    got = arrived[wanted.host][0]
    assert (kind, tried["address"]) == ("delivered", receiver.address)
    assert tried.get("tls", "") == got.tls and wanted.mail in got.mail_line
    check_evidence(case, tried, receiver, {"dane": "dane", "mta-sts": "mta-sts", "verified": "demand"}.get(wanted.how, wanted.policy))
    if wanted.how == "plain":
        assert got.tls == "" and tried["demand"] == "opportunistic" and tried["tls_why"] and "certificate" not in tried
        return
    assert got.tls == wanted.tls or (not wanted.tls and got.tls in ("TLSv1.2", "TLSv1.3"))
    assert got.sni, "the name is told [RFC 7672 s8.1]"
    if wanted.how == "dane":
        assert tried["demand"] == "dane" and tried["proved"] in ("dane-ee", "dane-ta"), tried
        return
    if wanted.how == "mta-sts":
        assert tried["demand"] == "mta-sts" and tried["proved"] == "certificate" and tried["mta_sts"]["mode"] == "enforce", tried
        return
    if wanted.how == "verified":
        assert tried["demand"] == "verified" and tried["proved"] == "certificate", tried
        return
    assert tried["demand"] == {"none": "opportunistic", "dane": "encrypted"}[wanted.policy], tried
    assert tried["proved"] == wanted.proved and ("unproved" in tried) == (wanted.proved == "nobody"), tried


def nothing_was_said(run, name):
    """Not so much as MAIL FROM, to any host of the domain."""
    for receiver in run.receivers(name):
        said = [(stage, line) for _, stage, line in receiver.log if stage in ("mail", "rcpt", "data")]
        domain = "@" + run.domain(NAMES[name])
        assert not [line for stage, line in said if stage == "rcpt" and domain in line]
        assert not said or receiver in run.receivers("shared-good"), said


def check_waits(run, case, wanted):
    shown = run.wait_deferred(case.name, 2)
    tried = [detail for kind, detail in run.tries(case.name) if kind == "deferred"]
    assert wanted.failure in {t["failure"] for t in tried}, tried
    assert re.search(wanted.says, tried[0]["reply"]), tried[0]
    assert shown["status"][:2] in ("4.", ""), shown
    assert shown["next_at"] and shown["why_wait"], shown
    for t in tried:
        check_evidence(case, t, run.receivers(case.name)[-1] if run.receivers(case.name) else None, wanted.policy)
    assert wanted.failure != "tls-verify" or tried[0]["unproved"] and tried[0]["certificate"]
    nothing_was_said(run, case.name)


def check_failed(run, case, wanted):
    shown = run.sigillo.wait_state(run.ids[case.name], "failed", timeout=40)
    assert shown["recipients"][0]["status"] == wanted.status
    assert not any(run.messages(case.name))


@pytest.mark.parametrize("name", NAMES)
def test_what_becomes_of_it(run, name):
    """LESSONS of others are rows, too: DANE that gave way in trouble (dane-*, tlsa-*), wrong answers of a resolver taken for none (tlsa-bogus)."""
    check = {Delivered: check_delivered, Waits: check_waits, Failed: check_failed}[type(NAMES[name].happens)]
    check(run, NAMES[name], NAMES[name].happens)


# -- the second opinion ---------------------------------------------------------------------------------------------

def verdict_of_policy(said):
    """From what it prints at the level "secure"."""
    if "nullMX" in said:
        return "null-mx"
    return "mta-sts" if "Verified TLS connection established" in said else "refused"


def verdict(dane, dane_only):
    """From what posttls-finger prints at the levels "dane" and "dane-only" to a word of ours."""
    up = re.search(r"(Verified|Trusted|Untrusted|Anonymous) TLS connection established", dane)
    if "nullMX" in dane:
        return "null-mx"
    if up and up[1] != "Untrusted" and "Matched DANE" in dane:
        return "dane"
    if "no TLSA records found" in dane_only:
        return "encrypted" if up else "plain"
    if re.search("no usable TLSA records found|all TLSA records unusable", dane_only):
        return "encrypted" if up else "refused"
    return "lookup" if re.search("TLSA lookup error|lookup failed", dane) else "refused"


def verdict_of(wanted):
    if isinstance(wanted, Delivered):
        return wanted.how
    return "null-mx" if isinstance(wanted, Failed) else "lookup" if wanted.failure in LOOKUPS else "refused"


@pytest.mark.parametrize("name", [n for n, case in NAMES.items() if case.finger is None or case.finger.says])
def test_posttls_finger_agrees(run, name):
    wanted, exception = NAMES[name].happens, NAMES[name].finger
    said = [run.said(name, level) for level, _ in run.questions(NAMES[name], "")]
    thinks = verdict(*said) if len(said) == 2 else verdict_of_policy(*said)
    assert thinks == (exception.says if exception else verdict_of(wanted)), said
    assert not exception or exception.says != verdict_of(wanted), "no exception"
    if isinstance(wanted, Delivered) and wanted.how != "plain" and not exception:
        check_details(run.tries(name)[-1][1], said[0])


def check_details(tried, said):
    """The same record, the same certificate, and the same opinion of it where nobody asked for one."""
    record = re.search(r"Matched DANE (EE|TA) certificate at depth \d+: (\d \d \d)", said)
    assert tried.get("matched") == (record[2] if record else None)
    if record:
        assert tried["proved"] == "dane-" + record[1].lower()
    else: # "Trusted": it did not look at the names
        assert (tried["proved"] == "certificate") == ("Untrusted TLS connection" not in said), said
    assert tried["certificate"]["sha256"] == re.search(r", fingerprint=([0-9A-F:]+)", said)[1].replace(":", "").lower()


# -- what the receiver is told ---------------------------------------------------------------------------------------

TYPES = ["no-policy-found", "tlsa", "sts"]
COUNTS = """SELECT type, 'ok', successes FROM tlsrpt_policy WHERE domain = :d AND successes > 0 UNION ALL
            SELECT p.type, f.result, sum(f.sessions) FROM tlsrpt_policy p JOIN tlsrpt_failure f ON f.policy = p.id WHERE p.domain = :d GROUP BY 1, 2"""


def sessions(run, name):
    """What is counted for the day's report: {"policy-type result-type": sessions}."""
    path = "file:%s?mode=ro" % os.path.join(run.sigillo.state, "store", "sigillo.db")
    with contextlib.closing(sqlite3.connect(path, uri=True, timeout=10)) as db:
        return {"%s %s" % (TYPES[kind], result): n for kind, result, n in db.execute(COUNTS, {"d": run.domain(NAMES[name])})}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_report_about_tls_counts(run, name):
    case, wanted = NAMES[name], counted(NAMES[name])
    there = wait_for(lambda: sessions(run, name), lambda s: sorted(s) == wanted, 10, "%s counted" % wanted)
    if isinstance(case.happens, Delivered):
        assert set(there.values()) <= {1}, there


def test_and_nothing_arrives_later(run):
    """The last of the file: every message that is owed more has been tried again and again meanwhile."""
    for name in (n for n in NAMES if isinstance(NAMES[n].happens, Waits)):
        run.wait_deferred(name, 3)
        nothing_was_said(run, name)
