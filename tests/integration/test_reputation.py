# SPDX-License-Identifier: Apache-2.0
"""Who tries names that nobody has is refused at the door: his neighbour is not, a restart changes nothing, an operator does."""
import json
import smtplib

import pytest

from conftest import finish, launch
from world.internet import wait_for

BAD, NEIGHBOUR, GOOD = "127.0.73.1", "127.0.73.2", "127.0.74.1"
# limits of a minute would stop him earlier
SETTINGS = {"inbound": {"unknown_per_minute": 0, "unknown_per_session": 0, "errors_per_minute": 0, "recipients": 1000, "recipients_per_minute": 0},
            "limits": {"errors": 100000}}


@pytest.fixture(scope="module")
def sigillo(world):
    world.dns.publish("sender.repute.test", "TXT", '"v=spf1 ip4:%s -all"' % GOOD)
    d = launch(world, "repute", SETTINGS, start=False)
    d.settings["listen arrivals"] = {"door": "inbound", "address": [d.address + ":2525"], "tls": "starttls"}
    d.start()
    d.cli("domain", "add", "repute.test")
    d.cli("route", "add", "bin@repute.test", "--handle", "discard")
    d.cli("route", "add", "trap@repute.test", "--handle", "trap")
    yield d
    finish(d)


def connect(sigillo, ip):
    return smtplib.SMTP(sigillo.address, 2525, "client.test", timeout=20, source_address=(ip, 0))


def greeting(sigillo, ip):
    """The code that he is greeted with."""
    try:
        c = connect(sigillo, ip)
    except smtplib.SMTPConnectError as e:
        return e.smtp_code
    c.close()
    return 220


def row(sigillo, name):
    r = sigillo.cli("report", "reputation", name, "--json", ok=False)

    return json.loads(r.stdout)["rows"][0] if r.returncode == 0 else None


def guess(sigillo, ip, names, mail_from="x@guess.test"):
    c = connect(sigillo, ip)
    c.ehlo()
    c.mail(mail_from)
    codes = [c.rcpt("name%d@repute.test" % i)[0] for i in range(names)]
    c.close()
    assert set(codes) == {550}, set(codes)


def test_names_that_nobody_has(sigillo):
    assert greeting(sigillo, BAD) == 220
    guess(sigillo, BAD, 300)
    seen = row(sigillo, BAD)
    assert (seen["advice"], round(seen["unknown_recipients"])) == ("refuse", 300) and seen["score"] < 10
    assert greeting(sigillo, BAD) == 554
    assert greeting(sigillo, NEIGHBOUR) == 220
    lines = sigillo.cli("report", "reputation", "--csv").stdout.split("\n")
    assert lines[0].startswith("name,score,advice,") and lines[1].startswith(BAD + ",")
    assert BAD in sigillo.cli("report", "reputation").stdout
    assert "127.0.73.0/24" in sigillo.cli("report", "reputation", "--by", "network").stdout


def test_bounces_to_what_others_forged(sigillo):
    guess(sigillo, "127.0.75.1", 50, mail_from="")
    assert row(sigillo, "127.0.75.1") is None


def test_it_outlives_a_restart_and_a_crash(sigillo):
    sigillo.restart()
    assert greeting(sigillo, BAD) == 554
    wait_for(lambda: sigillo.cli("report", "reputation", BAD, ok=False).returncode, lambda code: code == 0, 20, "what is known")
    sigillo.kill()
    sigillo.start()
    assert greeting(sigillo, BAD) == 554


def test_good_mail_counts_for_its_domain(sigillo):
    c = connect(sigillo, GOOD)
    c.sendmail("joe@sender.repute.test", ["bin@repute.test"], "From: <joe@sender.repute.test>\r\nSubject: x\r\n\r\nHello\r\n")
    c.quit()
    seen = wait_for(lambda: row(sigillo, "sender.repute.test"), lambda r: r is not None, 20, "the domain")
    assert seen["good"] > 0.9 and row(sigillo, GOOD)["score"] > 50


def test_a_trap_speaks_for_itself(sigillo):
    for _ in range(2):
        c = connect(sigillo, "127.0.76.1")
        c.sendmail("joe@trapped.test", ["trap@repute.test"], "From: <joe@trapped.test>\r\nSubject: x\r\n\r\nHello\r\n")
        c.quit()
    seen = wait_for(lambda: row(sigillo, "127.0.76.1"), lambda r: r is not None and r["traps"] > 1.9, 20, "the trap")
    assert seen["advice"] == "defer" and greeting(sigillo, "127.0.76.1") == 421


def test_an_operator_forgets(sigillo):
    assert "forgotten: " + BAD in sigillo.cli("reputation", "forget", BAD).stdout
    assert sigillo.cli("reputation", "forget", BAD, ok=False).returncode == 1
    assert greeting(sigillo, BAD) == 220
    audit = sigillo.json("report", "audit", "--action", "reputation forget")["audit"]
    assert audit[0]["object"] == "reputation:" + BAD
