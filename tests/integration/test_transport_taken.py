# SPDX-License-Identifier: Apache-2.0
"""What the policies of receivers are known by is taken away while mail waits: no message leaves by less than it was owed, and all leave when it is back.

The resolver, the store and the web servers of policies, one by one and together, with kill -9 between: a peer of ours took a policy for none
whenever the cache that had it was down."""
import contextlib
import os
import sqlite3
import time

import pytest
from odddns import OddDns

from world import namespace
from world.internet import wait_for

SETTINGS = {"delivery": {"connect_timeout": "3s", "command_timeout": "8s", "dot_timeout": "8s"}, "resolver": {"timeout": "2s"},
            "queue": {"retry": ["1s"]}}
RECORD_COUNTS_S = 10 # that there was none, as well
LATER = {"mail": "451 4.3.0 later"}


class Waiting:
    """One message that waits for `domain`, whose server has said "later" and is now in the hands of somebody who strikes STARTTLS out."""

    def __init__(self, world, sigillo, sender, receiver, domain, takes=True):
        self.world, self.sigillo, self.receiver, self.since = world, sigillo, receiver, 0
        self.certificate = receiver.certificate
        self.id = sigillo.submit(sender, "x@" + domain)
        self.attempts(1)
        if takes:
            self.changes_hands()

    def changes_hands(self):
        self.receiver.context, self.receiver.script = None, {}
        self.world.loop.run(self.receiver.cut()) # what was proved stays proved as long as a connection lasts
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

    def given_back(self, policy, proved):
        """The server is its owner's again: the message arrives, by what it was owed."""
        self.nothing_left()
        self.receiver.shows(self.certificate)
        self.sigillo.cli("queue", "retry", self.id, ok=False)
        self.sigillo.wait_state(self.id, "delivered", timeout=60)
        assert [m.tls[:5] for m in self.receiver.messages] == ["TLSv1"]
        last = self.sigillo.json("trace", self.id)["events"][-1]["detail"]
        assert (last["policy"], last["proved"]) == (policy, proved), last


@pytest.fixture
def waiting(world, sigillo, sender):
    """waiting(domain, dane=True): a Waiting."""
    def make(domain, dane=True, takes=True):
        return Waiting(world, sigillo, sender, world.receiver(domain, dict(LATER), tls=True, dane=dane), domain, takes)
    return make


@contextlib.contextmanager
def without_dns(world):
    world.dns.stop()
    try:
        yield
    finally:
        world.dns.resume()


@contextlib.contextmanager
def without_web(world):
    world.https.stop()
    try:
        yield
    finally:
        world.https.start()


def killed(sigillo):
    """As by a loss of power, and started again."""
    sigillo.kill()
    sigillo.start()


DANE = ("dane", "dane-ee")
STS = ("mta-sts", "certificate")


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
    mail.given_back(*DANE)


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
    mail.given_back(*DANE)


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
    mail.given_back(*DANE)


# -- MTA-STS ----------------------------------------------------------------------------------------------------------

@pytest.fixture
def owed(world, waiting):
    """owed(domain): a Waiting for a domain whose policy is enforced, and known since the first attempt."""
    def make(domain):
        world.policy(domain, "mx." + domain)
        return waiting(domain, dane=False)
    return make


def test_the_web_servers_of_policies_are_gone(world, owed, sigillo):
    """What was known stays in force; the record may go, too, and memory be cold: the store has it.  Nobody has to come back for mail to leave."""
    mail = owed("web.taken.test")
    with without_web(world):
        mail.reason("STARTTLS")
        killed(sigillo)
        mail.attempts(2)
        mail.reason("STARTTLS")
        world.dns.publish("_mta-sts.web.taken.test", "TXT")
        killed(sigillo)
        mail.attempts(2)
        mail.given_back(*STS)


def test_the_resolver_and_the_web_servers_are_gone(world, owed, sigillo):
    mail = owed("both.taken.test")
    with without_web(world):
        with without_dns(world):
            killed(sigillo)
            mail.attempts(2)
            mail.reason("lookup failed", "no answer")
            mail.nothing_left()
        mail.reason("STARTTLS")
        mail.given_back(*STS)


@contextlib.contextmanager
def silent(world, zone, address):
    """The name servers of `zone` say nothing."""
    with OddDns(address, zone, ["ns." + zone]) as dumb:
        dumb.how = "silent"
        world.dns.publish("ns." + zone, "A", address)
        world.dns.publish(zone, "TXT")
        world.dns.publish(zone, "NS", "ns.%s." % zone)
        yield
        world.dns.publish(zone, "NS")


def test_the_record_can_not_be_looked_up(world, owed, waiting, sigillo):
    """A policy that is known counts; of a domain that nobody has asked about before nothing is known, which is not "none"."""
    known, unknown = owed("asked.taken.test"), waiting("unasked.taken.test", dane=False, takes=False)
    with silent(world, "_mta-sts.asked.taken.test", "127.0.0.92"), silent(world, "_mta-sts.unasked.taken.test", "127.0.0.93"):
        killed(sigillo)
        unknown.changes_hands()
        known.reason("STARTTLS")
        unknown.reason("MTA-STS")
        for mail in (known, unknown):
            mail.attempts(2)
            mail.nothing_left()
    known.given_back(*STS)
    unknown.given_back("none", "certificate")


def test_what_the_store_has_can_not_be_read(world, owed, sigillo):
    """And nobody else can say: the mail waits.  A new policy is as good as the old one."""
    mail = owed("unread.taken.test")
    with without_web(world):
        sigillo.kill()
        with contextlib.closing(sqlite3.connect(os.path.join(sigillo.state, "store", "sigillo.db"))) as db, db:
            n = db.execute("UPDATE noun SET value = '{' WHERE kind = 'mta-sts' AND key = 'unread.taken.test'").rowcount
        sigillo.start()
        assert n == 1
        sigillo.expect("unread.taken.test")
        mail.reason("MTA-STS")
        mail.attempts(2)
        mail.nothing_left()
    world.policy("unread.taken.test", "mx.unread.taken.test", id="2")
    mail.reason("STARTTLS")
    mail.given_back(*STS)


@pytest.fixture
def small_disk(world):
    """A state folder on a file system of its own, of 96 MiB."""
    state = os.path.join(world.folder, "full-state")
    os.mkdir(state)
    namespace.run("mount", "-t", "tmpfs", "-o", "size=96m,mode=755", "small", state)
    yield state
    namespace.run("umount", "-l", state)


def fill(path):
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as f:
        while True:
            f.write(bytes(65536))


def test_the_store_is_full_when_a_policy_appears(world, small_disk, make_sigillo):
    """The mail stays where it is; when there is room again it is owed what the policy says."""
    d = make_sigillo(dict(SETTINGS, state_dir=small_disk), start=False, state_dir=small_disk)
    if d.user:
        os.chown(small_disk, namespace.USERS["sigillo"], namespace.USERS["sigillo"])
    d.start()
    d.expect(".") # a full disk is told of again and again
    receiver = world.receiver("full.taken.test", dict(LATER), tls=True)
    mail = Waiting(world, d, d.sender("taken-full.test"), receiver, "full.taken.test", takes=False)
    fill(os.path.join(small_disk, "filler"))
    world.policy("full.taken.test", "mx.full.taken.test")
    mail.changes_hands()
    time.sleep(RECORD_COUNTS_S + 2)
    mail.nothing_left()
    os.unlink(os.path.join(small_disk, "filler"))
    mail.reason("STARTTLS")
    mail.given_back(*STS)


# -- the owner changes what is owed ----------------------------------------------------------------------------------

def test_a_policy_shrinks_while_mail_waits(world, owed):
    """A host that is taken out of it gets nothing more, a record with a new id is enough; and it is put in again."""
    mail = owed("shrinks.taken.test")
    world.policy("shrinks.taken.test", "other.taken.test", id="2")
    mail.reason("is not in the policy")
    mail.receiver.shows(mail.certificate) # however good it is
    mail.attempts(2)
    mail.nothing_left()
    world.policy("shrinks.taken.test", "mx.shrinks.taken.test", id="3")
    mail.given_back(*STS)


def test_a_policy_is_taken_back_while_mail_waits(world, owed, sigillo):
    mail = owed("freed.taken.test")
    mail.reason("STARTTLS")
    mail.nothing_left()
    world.policy("freed.taken.test", mode="none", id="2")
    sigillo.wait_state(mail.id, "delivered", timeout=60)
    assert [m.tls for m in mail.receiver.messages] == [""]


def test_a_policy_ends_and_nobody_renews_it(world, make_sigillo, clock):
    """max_age has passed, the record and the web server are gone: from then on it is as if there had been none."""
    d = make_sigillo(SETTINGS, preload=clock.library)
    world.policy("ends.taken.test", "mx.ends.taken.test", max_age=7200)
    receiver = world.receiver("ends.taken.test", dict(LATER), tls=True)
    mail = Waiting(world, d, d.sender("taken-ends.test"), receiver, "ends.taken.test")
    world.dns.publish("_mta-sts.ends.taken.test", "TXT")
    with without_web(world):
        clock.move(3600)
        mail.attempts(2)
        mail.reason("STARTTLS")
        mail.nothing_left()
        clock.move(7300)
        d.wait_state(mail.id, "delivered", timeout=60)
    assert [m.tls for m in receiver.messages] == [""]
