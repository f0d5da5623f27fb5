# SPDX-License-Identifier: Apache-2.0
"""The table of cases of transport security: one message to each receiver, all at once; then each row reads what became of its own.

Postfix's posttls-finger is asked about the same domains and has to come to the same end, but where the row says why not."""
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from transport import Builder, Delivered, Failed, Waits
from transport_dane import CASES

from world.daemon import message
from world.finger import Finger
from world.internet import wait_for
from world.resolver import Resolver

SETTINGS = {"delivery": {"connect_timeout": "3s", "command_timeout": "8s", "dot_timeout": "8s"}, "resolver": {"timeout": "4s"}}
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
            domain = self.builder.domain(case.name, case.setup.zone)
            self.ids[case.name] = sigillo.submit(sender, "x@" + domain, message("me@case-sender.test", ["x@" + domain]))
            for level in ("dane", "dane-only"):
                self._said[case.name, level] = self._pool.submit(finger.said, domain, level)

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

def check_delivered(run, name, wanted):
    run.sigillo.wait_state(run.ids[name], "delivered", timeout=40)
    receivers = run.receivers(name)
    assert [len(r.messages) for r in receivers] == [int(i == wanted.host) for i in range(len(receivers))]
    got, (kind, tried) = receivers[wanted.host].messages[0], run.tries(name)[-1]
    assert (kind, tried["address"]) == ("delivered", receivers[wanted.host].address)
    assert tried.get("tls", "") == got.tls
    if wanted.how == "plain":
        assert got.tls == "" and tried["demand"] == "opportunistic" and tried["tls_why"]
        return
    assert got.tls == wanted.tls or (not wanted.tls and got.tls in ("TLSv1.2", "TLSv1.3"))
    assert got.sni, "the name is told [RFC 7672 s8.1]"
    if wanted.how == "dane":
        assert tried["demand"] == "dane" and tried["proved"] in ("dane-ee", "dane-ta"), tried
    else:
        assert tried["demand"] in ("opportunistic", "encrypted") and tried["proved"] == "nobody", tried


def nothing_was_said(run, name):
    """Not so much as MAIL FROM, to any host of the domain."""
    for receiver in run.receivers(name):
        assert receiver.messages == []
        assert not {"mail", "rcpt", "data"} & {stage for _, stage, _ in receiver.log}, receiver.log


def check_waits(run, name, wanted):
    shown = run.wait_deferred(name, 2)
    tried = [detail for kind, detail in run.tries(name) if kind == "deferred"]
    assert wanted.failure in {t["failure"] for t in tried}, tried
    assert re.search(wanted.says, tried[0]["reply"]), tried[0]
    assert shown["status"][:2] in ("4.", ""), shown
    assert shown["next_at"] and shown["why_wait"], shown
    nothing_was_said(run, name)


def check_failed(run, name, wanted):
    shown = run.sigillo.wait_state(run.ids[name], "failed", timeout=40)
    assert shown["recipients"][0]["status"] == wanted.status
    assert not any(r.messages for r in run.receivers(name))


@pytest.mark.parametrize("name", NAMES)
def test_what_becomes_of_it(run, name):
    """LESSONS of others are rows, too: DANE that gave way in trouble (dane-*, tlsa-*), wrong answers of a resolver taken for none (tlsa-bogus)."""
    wanted = NAMES[name].happens
    {Delivered: check_delivered, Waits: check_waits, Failed: check_failed}[type(wanted)](run, name, wanted)


# -- the second opinion ---------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("name", NAMES)
def test_posttls_finger_agrees(run, name):
    dane, only = run.said(name, "dane"), run.said(name, "dane-only")
    exception = NAMES[name].finger
    if exception:
        assert exception.says != verdict_of(NAMES[name].happens), "no exception"
    assert verdict(dane, only) == (exception.says if exception else verdict_of(NAMES[name].happens)), dane + only


def test_and_nothing_arrives_later(run):
    """The last of the file: every message that is owed more has been tried again and again meanwhile."""
    for name in (n for n in NAMES if isinstance(NAMES[n].happens, Waits)):
        run.wait_deferred(name, 3)
        nothing_was_said(run, name)
