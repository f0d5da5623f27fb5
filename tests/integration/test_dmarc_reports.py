# SPDX-License-Identifier: Apache-2.0
"""DMARC reports: what was judged is counted, and told to the domains that ask for it and to who agreed to get it, once, whatever happens meanwhile.  [RFC 9990]"""
import itertools
import smtplib
import time
import types

import dkim
import pytest
from conftest import Clock, finish, launch

import dmarc_reader
from world.internet import wait_for

DAY = 86400
GOOD, BAD = "127.0.45.1", "127.0.45.9"
US = "us-dout.test"
_names = itertools.count(1)  # a log of its own for each
SETTINGS = {"dmarc_reports": {"from": "dmarc@" + US, "contact": "postmaster@" + US, "organization": "We & others",
                              "delay": "0s", "skip": ["skipped-dout.test"]},
            "limits": {"idle_timeout": "20s"}, "resolver": {"timeout": "3s"}}


def owner(world, domain, *rua, policy="reject"):
    """A domain whose mail may come from GOOD alone, and what it asks for."""
    world.dns.publish(domain, "TXT", '"v=spf1 ip4:%s -all"' % GOOD)
    world.dns.publish(domain, "MX", "10 mx.good.test.")
    reports = "; rua=" + ",".join(rua) if rua else ""
    world.dns.publish("_dmarc." + domain, "TXT", '"v=DMARC1; p=%s%s"' % (policy, reports))
    return domain


def publish_all(world):
    owner(world, "asks-dout.test", "mailto:rua@asks-dout.test", "https://asks-dout.test/rua", "mailto:two%2Bb@asks-dout.test")
    world.dns.publish("sub.asks-dout.test", "MX", "10 mx.good.test.")
    owner(world, "away-dout.test", "mailto:rua@agreed-dout.test", "mailto:rua@victim-dout.test", policy="none")
    world.dns.publish("away-dout.test._report._dmarc.agreed-dout.test", "TXT", '"v=DMARC1; rua=mailto:other@agreed-dout.test"')
    for name in ("agreed", "victim", "slow"):
        world.dns.publish(name + "-dout.test", "MX", "10 mx.good.test.")
    owner(world, "silent-dout.test")
    for name in ("skipped", "dies", "later"):
        owner(world, name + "-dout.test", "mailto:rua@%s-dout.test" % name)
    owner(world, "waits-dout.test", "mailto:rua@slow-dout.test")
    world.dns.publish("_dmarc.slow-dout.test", "NS", "ns.slow-dout.test.")
    world.dns.publish("ns.slow-dout.test", "A", "127.0.99.98")


class Reporter:
    """A daemon with a door for what arrives, whose day can be over."""

    def __init__(self, world):
        self.world, self.clock = world, Clock(world)
        publish_all(world)  # before a resolver has learnt that there is nothing
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("SIGILLO_TEST_CLOCK", self.clock.file)
        self.d = launch(world, "dmarcout%d" % next(_names), SETTINGS, start=False, preload=self.clock.library)
        self.d.settings["listen world"] = {"door": "inbound", "address": [self.d.address + ":2525"]}
        self.d.start()
        self.d.sender(US)
        for box in ("box", "dmarc"):
            self.d.cli("route", "add", "%s@%s" % (box, US), "--handle", "discard")
        self.days = 0

    def next_day(self):
        self.days += 1
        self.clock.move(self.days * DAY)

    def deliver(self, author, ip=GOOD, mail_from=None, to="box@" + US, extra=""):
        """The reply's code."""
        c = smtplib.SMTP(self.d.address, 2525, "client.dout.test", timeout=30, source_address=(ip, 0))
        try:
            c.ehlo()
            assert c.mail(author if mail_from is None else mail_from)[0] == 250
            assert c.rcpt(to)[0] == 250
            return c.data("From: <%s>\r\nTo: <%s>\r\nSubject: x\r\n%s\r\nHello.\r\n" % (author, to, extra))[0]
        finally:
            c.close()

    def counted(self):
        return sum(float(line.split()[-1]) for line in self.d.get("/metrics")[2].decode().splitlines()
                   if line.startswith("sigillo_dmarc_report_messages_total"))

    def sent(self):
        return self.d.json("dmarc", "sent")["reports"]

    def end(self):
        finish(self.d)
        self.patch.undo()


@pytest.fixture
def reporter(world):
    r = Reporter(world)
    yield r
    r.end()


def report_for(world, mailbox, n=1, timeout=60):
    return dmarc_reader.Mail(world.wait_mail(mailbox, n, timeout=timeout)[n - 1])


def test_a_day_is_told_to_those_who_ask(world, reporter, monkeypatch):
    asks, away, silent, skipped = (n + "-dout.test" for n in ("asks", "away", "silent", "skipped"))
    began = time.gmtime()
    for _ in range(3):
        assert reporter.deliver("joe@" + asks) == 250
    assert reporter.deliver("joe@" + asks, ip=BAD) == 550  # refused by DMARC, and told of
    assert reporter.deliver("joe@sub." + asks, mail_from="x@" + asks) == 250
    assert reporter.deliver("joe@" + asks, ip=BAD, extra="List-Id: <l.list.test>\r\n") == 250
    assert reporter.deliver("joe@" + away, ip=BAD) == 250
    for domain in (silent, skipped):
        assert reporter.deliver("joe@" + domain) == 250
    before = reporter.counted()
    assert reporter.deliver("postmaster@" + asks, mail_from="", to="dmarc@" + US, ip=BAD) in (250, 550)
    assert reporter.counted() == before == 8  # a bounce of a report is in none; who does not ask is not counted
    reporter.next_day()

    about = report_for(world, "rua@asks-dout.test")
    assert about.domain == asks
    rows = about.rows()
    listed = [k for k in rows if k[3] == "quarantine"]
    assert len(listed) == 1 and listed[0][:3] == (BAD, asks, asks) and listed[0][6] and rows.pop(listed[0]) == 1
    assert rows == {(GOOD, asks, asks, "pass", "fail", "pass", ()): 3, (BAD, asks, asks, "reject", "fail", "fail", ()): 1,
                    (GOOD, "sub." + asks, asks, "pass", "fail", "pass", ()): 1}
    published = {c.tag[len(dmarc_reader.NS):]: c.text for c in about.root.find(dmarc_reader.NS + "policy_published")}
    assert published == {"domain": asks, "discovery_method": "treewalk", "p": "reject", "sp": "reject", "np": "reject", "fo": "0",
                         "adkim": "r", "aspf": "r", "testing": "n"}
    assert dmarc_reader.text(about.root, "report_metadata/org_name") == "We & others"
    assert {"Messages: 6", "Passed: 4"} <= set(about.text.splitlines())
    assert about.message["From"] == "dmarc@" + US and about.message["Auto-Submitted"] == "auto-generated"
    assert int(about.filename.split("!")[2]) == int(time.mktime(began[:3] + (0,) * 6) - time.timezone)

    # aligned, or its receiver ignores it [RFC 9990 s3.5.2]
    monkeypatch.setattr(dkim, "time", types.SimpleNamespace(time=lambda: time.time() + DAY))
    assert dkim.verify(about.raw, dnsfunc=world.dns.txt)
    assert "d=" + US in str(about.message["DKIM-Signature"]).replace(" ", "")

    # every address gets it, the same file; to those outside it goes only where it is wanted [RFC 9990 s3.5, s4]
    second = report_for(world, "two+b@asks-dout.test")
    assert (second.filename, second.xml) == (about.filename, about.xml)
    agreed = report_for(world, "other@agreed-dout.test")
    assert agreed.rows() == {(BAD, away, away, "none", "fail", "fail", ()): 1}
    made = wait_for(reporter.sent, lambda r: len(r) == 3 and all(x["state"] == "queued" for x in r), 30, "three reports")
    assert {(r["domain"], r["to"]) for r in made} == {(asks, "mailto:rua@asks-dout.test"), (asks, "mailto:two%2Bb@asks-dout.test"),
                                                      (away, "mailto:other@agreed-dout.test")}
    shown = reporter.d.cli("dmarc", "sent", "--domain", away).stdout.splitlines()
    assert shown[1].split()[:4] == [time.strftime("%Y-%m-%d", began), away, "mailto:other@agreed-dout.test", "queued"]
    for nobody in ("rua@victim-dout.test", "rua@agreed-dout.test", "rua@skipped-dout.test"):
        assert world.mailbox(nobody) == []


def test_what_was_counted_outlives_a_death_and_is_told_once(world, reporter):
    """A policy that changes in the day: the last one is the report's, and says what the other asked for."""
    dies, later = "dies-dout.test", "later-dout.test"
    assert reporter.deliver("joe@" + dies, ip=BAD) == 550
    reporter.d.restart()  # what is not in the store yet goes there at the end
    owner(world, dies, "mailto:rua@dies-dout.test", policy="none")
    reporter.d.restart()  # and knows no answer of before
    assert reporter.deliver("joe@" + dies, ip=BAD) == 250
    reporter.d.restart()
    reporter.d.kill()
    reporter.next_day()
    reporter.d.start()
    report = report_for(world, "rua@dies-dout.test")
    assert report.rows() == {(BAD, dies, dies, "reject", "fail", "fail", ("other",)): 1, (BAD, dies, dies, "none", "fail", "fail", ()): 1}
    reporter.d.kill()
    reporter.d.start()
    assert reporter.deliver("joe@" + later) == 250
    reporter.next_day()
    report_for(world, "rua@later-dout.test")  # a round after that
    assert len(world.mailbox("rua@dies-dout.test")) == 1


def test_a_permission_that_cannot_be_looked_up_is_asked_for_again(world, reporter):
    assert reporter.deliver("joe@waits-dout.test") == 250
    reporter.next_day()
    wait_for(reporter.d.log, lambda lines: [x for x in lines if x["event"] == "DMARC report waits" and "destination" in x["why"]],
             60, "a reason in the log")
    assert world.mailbox("rua@slow-dout.test") == [] and reporter.sent() == []
