# SPDX-License-Identifier: Apache-2.0
"""Reports about TLS: what happened is counted, and told to who asks for it, once, whatever happens meanwhile.  [RFC 8460]"""
import gzip
import itertools
import time
import types

import dkim
import pytest
from conftest import Clock, finish, launch

import tlsrpt_reader
from world.internet import wait_for

DAY = 86400
_names = itertools.count(1)  # a log of its own for each
SETTINGS = {"tls_reports": {"from": "tlsrpt@reporter.test", "contact": "postmaster@reporter.test",
                            "organization": "The \"Reporters\"", "delay": "0s", "skip": ["quiet.reporter.test"]}}


def receiver(world, name, host, *rua):
    """NAME.reporter.test, whose mail goes to one of the hosts of the world, and who wants reports."""
    domain = name + ".reporter.test"
    world.dns.publish(domain, "MX", "10 %s." % host)
    if rua:
        world.dns.publish("_smtp._tls." + domain, "TXT", '"v=TLSRPTv1; rua=%s"' % ",".join(rua))
    return domain


class Reporter:
    """A daemon whose day can be over."""

    def __init__(self, world, name):
        self.world, self.clock = world, Clock(world)
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("SIGILLO_TEST_CLOCK", self.clock.file)
        self.d = launch(world, name, SETTINGS, preload=self.clock.library)
        self.days = 0

    def next_day(self):
        self.flushed()
        self.days += 1
        self.clock.move(self.days * DAY)

    def counted(self):
        return sum(float(line.split()[-1]) for line in self.d.get("/metrics")[2].decode().splitlines()
                   if line.startswith("sigillo_tls_report_sessions_total"))

    def flushed(self):
        time.sleep(6)  # counts go to the store every five seconds

    def send(self, sender, domain, state="delivered"):
        message = self.d.submit(sender, "someone@" + domain)
        self.d.wait_state(message, state)
        return message

    def fail(self, sender, domain, attempts=2):
        """A message that can't be delivered, ended after some attempts; how many there were."""
        message = self.d.submit(sender, "someone@" + domain)
        wait_for(lambda: self.attempts(message), lambda n: n >= attempts, 30, "attempts")
        self.d.cli("queue", "hold", message)
        time.sleep(1)
        return self.attempts(message)

    def attempts(self, message):
        return sum(r["attempts"] for r in self.d.show(message)["recipients"])

    def end(self):
        finish(self.d)
        self.patch.undo()


@pytest.fixture
def reporter(world):
    r = Reporter(world, "reporter%d" % next(_names))
    yield r
    r.end()


def report_for(world, mailbox, n=1, timeout=40):
    got = world.wait_mail(mailbox, n, timeout=timeout)
    return tlsrpt_reader.Mail(got[n - 1]), got[n - 1]


def test_a_day_is_reported_as_it_was_even_where_tls_fails(world, reporter, monkeypatch):
    """DANE that fails, DANE that holds, no policy at all; by mail, to a domain whose own TLS fails, and by HTTPS."""
    bad = receiver(world, "bad", "mx.wrong.test", "mailto:reports@bad.reporter.test")
    good = receiver(world, "good", "mx.good.test", "https://rua.reporter.test/take?a=1", "mailto:two%2Bb@good.reporter.test?subject=x")
    plain = receiver(world, "plain", "mx.plain.test", "mailto:reports@plain.reporter.test")
    quiet = receiver(world, "quiet", "mx.good.test", "mailto:reports@quiet.reporter.test")
    silent = receiver(world, "silent", "mx.good.test")
    world.dns.publish("rua.reporter.test", "A", world.https.address)
    world.https.put("rua.reporter.test", "/take?a=1", "thanks", status=201)
    sender = reporter.d.sender("reporter.test")
    began = time.gmtime()
    for domain in (good, plain, quiet, silent):
        reporter.send(sender, domain)
    failed = reporter.fail(sender, bad)
    before = reporter.counted()
    assert before == 4 + failed
    reporter.next_day()

    about_bad, raw = report_for(world, "reports@bad.reporter.test")
    assert tlsrpt_reader.sums(about_bad.report) == {"tlsa": (0, failed, {"validation-failure": failed})}
    policy = about_bad.report["policies"][0]
    assert policy["policy"]["policy-string"] == ["3 1 1 " + "ab" * 32] and policy["policy"]["policy-domain"] == bad
    detail = policy["failure-details"][0]
    assert detail["receiving-mx-hostname"] == "mx.wrong.test" and detail["receiving-ip"] == "127.0.1.2"
    assert detail["sending-mta-ip"].startswith("127.") and detail["failure-reason-code"]
    assert about_bad.report["organization-name"] == 'The "Reporters"'
    assert about_bad.report["contact-info"] == "postmaster@reporter.test"
    day = time.strftime("%Y-%m-%d", began)
    assert about_bad.report["date-range"] == {"start-datetime": day + "T00:00:00Z", "end-datetime": day + "T23:59:59Z"}
    assert about_bad.message["From"] == "tlsrpt@reporter.test" and about_bad.message["TLS-Required"] == "No"

    # signed by the reporting domain, all of it, and what tells a reader whose it is
    monkeypatch.setattr(dkim, "time", types.SimpleNamespace(time=lambda: time.time() + DAY))
    assert dkim.verify(raw, dnsfunc=world.dns.txt)
    assert not dkim.verify(raw.replace(b"TLS-Report-Domain: bad", b"TLS-Report-Domain: bat"), dnsfunc=world.dns.txt)
    signature = about_bad.message["DKIM-Signature"]
    tags = dict(t.strip().split("=", 1) for t in str(signature).split(";") if "=" in t)
    assert tags["d"] == "reporter.test" and "l" not in tags
    assert {"tls-report-domain", "tls-report-submitter", "tls-required"} <= set(tags["h"].replace(" ", "").lower().split(":"))

    about_good, _ = report_for(world, "two+b@good.reporter.test")
    assert tlsrpt_reader.sums(about_good.report) == {"tlsa": (1, 0, {})}
    method, host, path, headers, body = wait_for(
        lambda: [r for r in world.https.requests if r[1] == "rua.reporter.test"], lambda r: r, 20, "a report by HTTPS")[0]
    assert (method, path, headers["Content-Type"]) == ("POST", "/take?a=1", "application/tlsrpt+gzip")
    assert tlsrpt_reader.read_json(gzip.decompress(body)) == about_good.report

    about_plain, _ = report_for(world, "reports@plain.reporter.test")
    assert tlsrpt_reader.sums(about_plain.report) == {"no-policy-found": (0, 1, {"starttls-not-supported": 1})}

    # what was made, to whom, and what came of it
    made = reporter.d.json("tlsrpt", "sent")["reports"]
    assert {(r["domain"], r["to"], r["state"], r["attempts"], r["detail"]) for r in made} == {
        (bad, "mailto:reports@bad.reporter.test", "queued", 1, ""),
        (good, "https://rua.reporter.test/take?a=1", "accepted", 1, "it answered 201"),
        (good, "mailto:two%2Bb@good.reporter.test?subject=x", "queued", 1, ""),
        (plain, "mailto:reports@plain.reporter.test", "queued", 1, "")}
    assert {r["day"] for r in made} == {day} and all(r["next_at"] is None and r["at"] for r in made)
    mail = next(r["message"] for r in made if r["domain"] == bad)
    reporter.d.wait_state(mail, "delivered")
    shown = reporter.d.cli("tlsrpt", "sent", "--domain", bad).stdout.splitlines()
    assert shown[1].split() == [day, bad, "mailto:reports@bad.reporter.test", "queued", "as", mail] and len(shown) == 2

    # nobody who did not ask, or is not to get any; and the sessions of reports are in no report
    reporter.next_day()
    time.sleep(8)
    assert reporter.counted() == before
    assert world.mailbox("reports@quiet.reporter.test") == []
    assert len(world.mailbox("reports@bad.reporter.test")) == 1
    assert len([r for r in world.https.requests if r[1] == "rua.reporter.test"]) == 1


def test_what_was_counted_outlives_a_death_and_is_told_once(world, reporter):
    """And a policy that changes in the day is another one."""
    scripted = world.receiver("turns.reporter.test", tls=True, dane=True)
    domain = receiver(world, "dies", scripted.name, "mailto:reports@plain.test")
    sender = reporter.d.sender("reporter.test")
    reporter.send(sender, domain)
    reporter.flushed()
    reporter.d.kill()
    reporter.d.start()
    records = [scripted.certificate.tlsa, "3 1 1 " + "cd" * 32]
    world.dns.publish("_25._tcp." + scripted.name, "TLSA", *records)
    reporter.send(sender, domain)
    reporter.d.restart()  # what is not in the store yet goes there at the end
    before = len(world.mailbox("reports@plain.test"))
    reporter.next_day()
    mail, _ = report_for(world, "reports@plain.test", before + 1)
    policies = [(p["policy"]["policy-string"], p["summary"]["total-successful-session-count"]) for p in mail.report["policies"]]
    assert policies == [([records[0].lower()], 1), (sorted(r.lower() for r in records), 1)]
    reporter.d.kill()
    reporter.d.start()
    time.sleep(12)
    assert len(world.mailbox("reports@plain.test")) == before + 1


def test_a_server_that_takes_none_is_asked_again(world, reporter):
    domain = receiver(world, "later", "mx.good.test", "https://later-rua.reporter.test/take")
    world.dns.publish("later-rua.reporter.test", "A", world.https.address)
    world.https.put("later-rua.reporter.test", "/take", "not now", status=503)
    sender = reporter.d.sender("reporter.test")
    reporter.send(sender, domain)
    reporter.next_day()
    asked = lambda: [r for r in world.https.requests if r[1] == "later-rua.reporter.test"]  # noqa: E731
    wait_for(asked, lambda r: len(r) == 1, 30, "a first attempt")
    world.https.put("later-rua.reporter.test", "/take", "thanks", status=200)
    time.sleep(11)
    assert len(asked()) == 1  # a quarter of an hour is not over
    trying = reporter.d.json("tlsrpt", "sent")["reports"][0]
    assert (trying["state"], trying["detail"], trying["attempts"]) == ("trying", "it answered 503", 1) and trying["next_at"]
    reporter.clock.move(reporter.days * DAY + 1000)
    wait_for(asked, lambda r: len(r) == 2, 30, "a second attempt")
    assert asked()[0][4] == asked()[1][4]
    reporter.clock.move(reporter.days * DAY + 80000)
    time.sleep(11)
    assert len(asked()) == 2


def test_a_report_that_no_key_signs_is_not_sent(world, reporter):
    """Its domain goes; who gets an unsigned one would ignore it [RFC 8460 s3]."""
    domain = receiver(world, "unsigned", "mx.good.test", "mailto:reports@unsigned.reporter.test")
    sender = reporter.d.sender("other-reporter.test")
    reporter.send(sender, domain)
    reporter.next_day()
    wait_for(lambda: [l for l in reporter.d.log() if l.get("why") == "no key signs for reporter.test"], bool, 30, "a reason in the log")
    assert world.mailbox("reports@unsigned.reporter.test") == []
