# SPDX-License-Identifier: Apache-2.0
"""What the policies of receivers are known by is taken away while mail waits: no message leaves by less than it was owed, and all leave when it is back."""
import contextlib
import time

import pytest
from odddns import OddDns

from world.internet import wait_for

SETTINGS = {"delivery": {"connect_timeout": "3s", "command_timeout": "8s", "dot_timeout": "8s"}, "resolver": {"timeout": "2s"},
            "queue": {"retry": ["1s"]}}
LATER = {"mail": "451 4.3.0 later"}


class Waiting:
    """One message that waits for `domain`, whose server has said "later" and is now in the hands of somebody who strikes STARTTLS out."""

    def __init__(self, world, sigillo, sender, receiver, domain):
        self.sigillo, self.receiver, self.since = sigillo, receiver, 0
        self.certificate = receiver.certificate
        self.id = sigillo.submit(sender, "x@" + domain)
        self.attempts(1)
        receiver.context, receiver.script = None, {}
        world.loop.run(receiver.cut()) # what was proved stays proved as long as a connection lasts
        self.since = time.monotonic()

    def rcpt(self):
        return self.sigillo.show(self.id)["recipients"][0]

    def attempts(self, more):
        """Until it was tried so often again; the recipient."""
        wanted = (self.rcpt()["attempts"] if self.since else 0) + more
        r = wait_for(self.rcpt, lambda r: r["attempts"] >= wanted or r["state"] != "queued", 60, "%d attempts" % wanted)
        assert r["state"] == "queued", r
        return r

    def reason(self, *words):
        """Until the queue's reason has one of these words."""
        r = wait_for(self.rcpt, lambda r: r["state"] != "queued" or any(w in r["why_wait"] for w in words), 60, "a reason: " + "|".join(words))
        assert r["state"] == "queued", r

    def nothing_left(self):
        """Not so much as MAIL FROM since the server changed hands."""
        assert self.receiver.messages == []
        late = [stage for at, stage, _ in self.receiver.log if at > self.since]
        assert not {"mail", "rcpt", "data"} & set(late), late

    def given_back(self, proved):
        """The server is its owner's again: the message arrives, by what it was owed."""
        self.nothing_left()
        self.receiver.shows(self.certificate)
        self.sigillo.cli("queue", "retry", self.id, ok=False)
        self.sigillo.wait_state(self.id, "delivered", timeout=60)
        assert [m.tls[:5] for m in self.receiver.messages] == ["TLSv1"]
        last = self.sigillo.json("trace", self.id)["events"][-1]["detail"]
        assert last["proved"] in proved, last


@pytest.fixture
def waiting(world, sigillo, sender):
    """waiting(domain, dane=True): a Waiting."""
    def make(domain, dane=True, **kw):
        return Waiting(world, sigillo, sender, world.receiver(domain, dict(LATER), tls=True, dane=dane, **kw), domain)
    return make


@contextlib.contextmanager
def without_dns(world):
    world.dns.stop()
    try:
        yield
    finally:
        world.dns.resume()


def killed(sigillo):
    """As by a loss of power, and started again."""
    sigillo.kill()
    sigillo.start()


DANE = ("dane-ee", "dane-ta")


def test_the_resolver_is_gone(world, sigillo, waiting):
    """The queue holds what it can't look up; with its caches cold, too."""
    mail = waiting("gone.taken.test")
    with without_dns(world):
        mail.reason("lookup failed", "no answer")
        mail.attempts(2)
        killed(sigillo)
        mail.attempts(2)
        mail.reason("lookup failed", "no answer")
        mail.nothing_left()
    mail.reason("DANE requires")
    mail.given_back(DANE)


def test_nobody_promised_anything_and_the_resolver_is_gone(world, sigillo, sender):
    """A domain without records waits as well: that there are none is not known."""
    receiver = world.receiver("unknown.taken.test", dict(LATER))
    message = sigillo.submit(sender, "x@unknown.taken.test")
    wait_for(lambda: sigillo.show(message)["recipients"][0]["attempts"], lambda n: n >= 1, 20, "an attempt")
    with without_dns(world):
        killed(sigillo)
        receiver.script, before = {}, sigillo.show(message)["recipients"][0]["attempts"]
        wait_for(lambda: sigillo.show(message)["recipients"][0]["attempts"], lambda n: n >= before + 2, 60, "attempts")
        assert receiver.messages == []
    sigillo.cli("queue", "retry", message, ok=False)
    sigillo.wait_state(message, "delivered", timeout=60)


@pytest.mark.parametrize("cold", [False, True])
def test_somebody_else_answers_in_the_name_servers_place(world, sigillo, waiting, cold):
    """Answers without signatures: no TLSA record, and the address of another server.  Bogus is never "none" (Stalwart took it for that)."""
    name = "forged-%d.taken.test" % cold
    mail = waiting(name)
    thief = world.listen("mx." + name)
    with without_dns(world), OddDns(world.dns.address, "test", ["ns.test"]) as forger:
        forger.table.update({(name, "MX"): ["10 mx.%s." % name], ("mx." + name, "A"): [thief.address], ("ns.test", "A"): [world.dns.address]})
        if cold:
            killed(sigillo)
        mail.attempts(2)
        mail.reason("lookup failed", "wrongly signed", "validation")
        assert forger.asked
        mail.attempts(1)
        mail.nothing_left()
        assert thief.connections == 0
    mail.given_back(DANE)


def test_the_record_is_gone_but_its_absence_is_not_proved(world, sigillo, waiting):
    """The name servers of the TLSA records alone are struck dumb, as one would who wants plaintext."""
    mail = waiting("dumb.taken.test")
    with OddDns("127.0.0.91", "_tcp.mx.dumb.taken.test", ["ns.taken.test"]) as dumb:
        dumb.how = "silent"
        world.dns.publish("ns.taken.test", "A", "127.0.0.91")
        world.dns.publish("_25._tcp.mx.dumb.taken.test", "TLSA")
        world.dns.publish("_tcp.mx.dumb.taken.test", "NS", "ns.taken.test.")
        mail.reason("TLSA lookup failed")
        killed(sigillo)
        mail.attempts(2)
        mail.nothing_left()
        world.dns.publish("_tcp.mx.dumb.taken.test", "NS")
    world.dns.publish("_25._tcp.mx.dumb.taken.test", "TLSA", mail.certificate.tlsa)
    mail.given_back(DANE)
