# SPDX-License-Identifier: Apache-2.0
"""What receivers ask of bulk mail: a golden message for each rule, kept and broken, told of and refused; the counts after kill -9."""
import smtplib

import pytest
from world import daemon
from world.internet import wait_for

NO = 1
RECEIVER = {"receiver good": {"domains": ["good.test"], "messages": 10}}
COMPLAINTS = {"complaints_messages": 10, "complaints_warn": 1000, "complaints_stop": 3000}


@pytest.fixture
def guarded(world, make_sigillo):
    """A daemon with this action, and a sender whose records are there, all but those that are left out."""
    def make(action, domain, without=()):
        d = make_sigillo(settings={"public_url": "https://news.test", "verification": {"required": False}, "guard": {"action": action, **COMPLAINTS}, **RECEIVER})
        s = d.sender(domain, publish=False)
        publish(world, d, domain, without)
        return d, s
    return make


def publish(world, d, domain, without=()):
    world.dns.publish(d.settings["hostname"], "A", d.address)
    sets = {}
    for name, kind, value in d.records(domain):
        sets.setdefault((name, kind), []).append(value)
    for (name, kind), values in sets.items():
        values = [v for v in values if not any(w in name + v for w in without)]
        if values:
            world.dns.publish(name, kind, *values, ttl=1)
    return verify(d, domain)


def verify(d, domain):
    return {name: part["state"] for name, part in d.json("domain", "verify", domain, ok=False)["status"].items()}


def send(d, sender, n, to="x@good.test", extra=()):
    """How many of n messages were taken, and the last refusal."""
    taken, refusal = 0, None
    for _ in range(n):
        try:
            d.submit(sender, to, daemon.message("me@" + sender.domain, [to], extra=extra))
            taken += 1
        except smtplib.SMTPResponseException as e:
            refusal = e.smtp_code, e.smtp_error
    return taken, refusal


def told(d):
    lines = d.json("report", "audit", "--by", "system:guard")["audit"]
    return [(l["action"], l["object"], l["detail"].split(":")[0]) for l in reversed(lines)]


def told_of(d, n):
    return wait_for(lambda: told(d), lambda lines: len(lines) >= n, 5, "lines of the guard")


def report(d, *args):
    return d.json("report", "guard", *args)["domains"]


def counts(d):
    return {(g["domain"], r["receiver"]): (r["messages"], r["complaints"]) for g in report(d) for r in g["receivers"]}


def causes(d):
    return [(c["cause"], c["receiver"], c["stopped"]) for g in report(d) for c in g["causes"]]


def metric(d, name):
    lines = [l for l in d.get("/metrics")[2].decode().splitlines() if l.startswith("sigillo_guard_" + name)]
    return sum(int(l.rsplit(" ", 1)[1]) for l in lines)


def mail(sender, to="x@good.test", **headers):
    return {"from": "me@" + sender.domain, "to": [to], "subject": "s", "text": "x\n",
            "headers": {name.replace("_", "-"): value for name, value in headers.items()}}


# -- much mail, and records that are missing -----------------------------------------------------------------------

def test_much_mail_without_dmarc_is_told_of_then_refused_until_there_is_a_record(world, guarded):
    d, sender = guarded("warn", "nodmarc.guard.test", without=("_dmarc",))
    assert verify(d, sender.domain)["dmarc"] == "in_progress"
    assert send(d, sender, 7) == (7, None) and told(d) == [] and causes(d) == []
    assert send(d, sender, 4) == (4, None)
    assert told_of(d, 1) == [("guard warn", "domain:" + sender.domain, "no-dmarc")], "once, whatever comes"
    assert causes(d) == [("no-dmarc", "good", False)] and metric(d, "warnings_total") == 1
    d.settings["guard"]["action"] = "stop"
    d.reload()
    wait_for(lambda: d.json("report", "audit", "--action", "configuration reload")["audit"], bool, 10, "the reload")
    taken, refusal = send(d, sender, 1)
    assert taken == 0 and refusal[0] == 450 and refusal[1].startswith("4.7.1 "), refusal
    assert "12 messages of guard.test to good" in refusal[1] and "from 10 on" in refusal[1] and "_dmarc." + sender.domain in refusal[1]
    status, _, body = d.post("/v1/messages", mail(sender), sender.key)
    assert (status, body["code"], body["field"]) == (429, "bulk-no-dmarc", "from"), body
    assert send(d, sender, 1, "x@plain.test") == (1, None), "of others nobody asks"
    assert told_of(d, 2)[1:] == [("guard stop", "domain:" + sender.domain, "no-dmarc")]
    assert causes(d) == [("no-dmarc", "good", True)] and metric(d, "stopped_total") == 2
    assert counts(d) == {(sender.domain, "good"): (11, 0), (sender.domain, "other"): (1, 0)}
    world.dns.publish("_dmarc.%s." % sender.domain, "TXT", '"v=DMARC1; p=none"', ttl=1)
    assert verify(d, sender.domain)["dmarc"] == "verified", "the least that receivers ask for"
    assert send(d, sender, 1) == (1, None) and causes(d) == []


@pytest.mark.parametrize("what, without, part", [("nospf", ("spf1",), "spf"), ("nodkim", ("_domainkey",), "dkim")])
def test_bulk_mail_needs_both_spf_and_dkim(guarded, what, without, part):
    d, sender = guarded("stop", what + ".guard2.test", without)
    assert verify(d, sender.domain)[part] != "verified"
    taken, refusal = send(d, sender, 11)
    assert taken == 9 and refusal[0] == 450 and "both SPF and DKIM" in refusal[1], refusal
    assert told_of(d, 2) == [(a, "domain:" + sender.domain, "no-spf-dkim") for a in ("guard warn", "guard stop")]


def test_with_all_records_much_mail_is_fine(guarded):
    d, sender = guarded("stop", "fine.guard.test")
    assert send(d, sender, 12) == (12, None) and told(d) == [] and causes(d) == []


# -- list mail -----------------------------------------------------------------------------------------------------

LIST_ID, POST = "List-Id: <news.guard.test>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
GOLDEN = [  # the fields, is it fine?
    ([], True), (["Precedence: bulk", "Auto-Submitted: auto-replied"], True),
    ([LIST_ID, "List-Unsubscribe: <https://guard.test/u>", POST], True), (["X-Sigillo-List: news.guard.test"], True),
    ([LIST_ID, "X-Sigillo-List: news.guard.test"], True),
    ([LIST_ID], False), (["Precedence: bulk"], False), (["List-Unsubscribe: <mailto:stop@guard.test>"], False),
    (["List-Unsubscribe: <https://guard.test/u>"], False), (["List-Unsubscribe: <http://guard.test/u>", POST], False)]


def test_list_mail_without_one_click_is_refused(guarded):
    d, sender = guarded("stop", "list.guard.test")
    for fields, fine in GOLDEN:
        taken, refusal = send(d, sender, 1, "x@plain.test", fields)
        assert taken == fine, (fields, refusal)
        assert fine or (refusal[0] == 550 and refusal[1].startswith("5.7.1 ") and "RFC 8058" in refusal[1]), refusal
    status, _, body = d.post("/v1/messages", mail(sender, "x@plain.test", Precedence="bulk"), sender.key)
    assert (status, body["code"], body["field"]) == (422, "bulk-no-one-click", "List-Unsubscribe"), body
    assert told_of(d, 1) == [("guard stop", "domain:" + sender.domain, "no-one-click")]
    assert metric(d, "stopped_total") == 6


def test_or_only_told_of(guarded):
    d, sender = guarded("warn", "list2.guard.test")
    for fields, _ in GOLDEN:
        assert send(d, sender, 1, "x@plain.test", fields) == (1, None)
    assert told_of(d, 1) == [("guard warn", "domain:" + sender.domain, "no-one-click")]
    assert causes(d) == [("no-one-click", None, False)] and metric(d, "stopped_total") == 0


# -- complaints ----------------------------------------------------------------------------------------------------

def complain(d, domain, who):
    d.cli("suppression", "add", who, "--domain", domain, "--reason", "complaint")


def test_few_complaints_are_fine_and_more_are_told_of(guarded):
    d, sender = guarded("stop", "few.guard6.test")
    assert send(d, sender, 20) == (20, None)
    complain(d, sender.domain, "c0@good.test")
    assert causes(d) == [] and told(d) == [], "5 %"
    complain(d, sender.domain, "c1@good.test")
    assert told_of(d, 1) == [("guard warn", "domain:" + sender.domain, "complaints")], "10 %: at once, without another message"
    assert send(d, sender, 1) == (1, None)
    assert d.json("suppression", "add", "c2@good.test", "--reason", "complaint")["added"] == 1
    assert counts(d) == {(sender.domain, "good"): (21, 2)}, "whose mail the third was about nobody said"


def test_a_rate_needs_messages_and_warns_before_it_stops(guarded):
    d, sender = guarded("stop", "rate.guard.test")
    for n in range(3):
        complain(d, sender.domain, "c%d@good.test" % n)
    assert send(d, sender, 9) == (9, None) and causes(d) == [], "3 complaints of 9 messages: no rate yet"
    assert send(d, sender, 1) == (1, None)
    assert counts(d) == {(sender.domain, "good"): (10, 3)}
    taken, refusal = send(d, sender, 1)
    assert taken == 0 and refusal[0] == 450 and "3 complaints about 10 messages" in refusal[1] and "30.00 %" in refusal[1], refusal
    assert send(d, sender, 1, "x@plain.test") == (1, None)
    assert causes(d) == [("complaints", "good", True)]
    complain(d, sender.domain, "c9@plain.test")
    assert counts(d)[(sender.domain, "other")] == (1, 1)


# -- kill -9, reports ----------------------------------------------------------------------------------------------

def test_after_kill_9_the_counts_are_those_of_what_was_accepted(world, guarded):
    d, sender = guarded("stop", "again.guard3.test", without=("_dmarc",))
    assert send(d, sender, 9) == (9, None)
    complain(d, sender.domain, "c@good.test")
    assert told_of(d, 1) == [("guard warn", "domain:" + sender.domain, "no-dmarc")]
    before = report(d)
    d.kill()
    d.restart()
    assert counts(d) == {(sender.domain, "good"): (9, 1)}
    assert causes(d) == [("no-dmarc", "good", False)]
    assert report(d)[0]["causes"][0]["since"] == before[0]["causes"][0]["since"]
    taken, refusal = send(d, sender, 2)
    assert taken == 0 and "10 messages of guard3.test" in refusal[1]
    assert [a for a, _, _ in told_of(d, 2)] == ["guard warn", "guard stop"], "the warning was not told again"


def test_what_the_report_says(guarded):
    d, sender = guarded("warn", "report.guard4.test", without=("_dmarc",))
    assert d.cli("report", "guard").stdout == "Nothing was counted in the last day.\n"
    d.json("domain", "add", "news.guard4.test")
    assert send(d, sender, 8) == (8, None)
    told_of(d, 1)
    whole = d.json("report", "guard")
    assert whole["settings"]["action"] == "warn" and {"name": "good", "messages": 10} in whole["settings"]["receivers"]
    assert {"name": "gmail", "messages": 5000} in whole["settings"]["receivers"]
    assert [(g["domain"], g["organisation"], len(g["causes"])) for g in whole["domains"]] == [
        ("news.guard4.test", "guard4.test", 0), (sender.domain, "guard4.test", 1)], "the receiver adds them up"
    assert report(d, "--domain", sender.domain.upper()) == whole["domains"][1:]
    table = d.cli("report", "guard", "--domain", sender.domain).stdout
    assert "DOMAIN" in table and "guard4.test" in table and "no-dmarc at good, since 20" in table and "sigillo domain records" in " ".join(table.split())
    assert report(d, "--subscription", "nobody") == []
    r = d.cli("report", "guard", "--domain", "nobody.test", ok=False)
    assert r.returncode == NO and r.stderr.startswith("sigillo: "), r


def test_off_counts_nothing(guarded):
    d, sender = guarded("off", "off.guard5.test", without=("_dmarc",))
    assert send(d, sender, 12) == (12, None) and send(d, sender, 1, extra=["Precedence: bulk"]) == (1, None)
    assert report(d) == [] and told(d) == [] and "The guard is off" in d.cli("report", "guard").stdout
