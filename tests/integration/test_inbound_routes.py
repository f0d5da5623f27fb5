# SPDX-License-Identifier: Apache-2.0
"""Where mail goes that arrives: a real Dovecot behind LMTP, a real Postfix behind SMTP, and on to other addresses."""
import json
import re
import smtplib
import subprocess

import dkim
import pytest

from conftest import finish, launch
from world import daemon
from world.dovecot import Dovecot
from world.internet import wait_for

FROM, NAME = "127.0.43.1", "inbound-routes.test"
USERS = {"anna@store.test": "", "full@store.test": "*:storage=1"}


@pytest.fixture(scope="module")
def author(world):
    return world.receiver("sender.test")


@pytest.fixture(scope="module")
def sigillo(world, signed, author): # their records are there before anybody asks for a name beside them: signed denials are remembered
    world.dns.publish("sender.test.", "TXT", '"v=spf1 ip4:%s -all"' % FROM)
    world.dns.publish("_dmarc.sender.test.", "TXT", '"v=DMARC1; p=none"')
    d = launch(world, "inbound-routes", {"inbound": {"postmaster": "anna@store.test"}}, start=False)
    d.settings["listen world"] = {"door": "inbound", "address": [d.address + ":2525"], "tls": "starttls"}
    d.start()
    for domain in ("store.test", "fwd.test"):
        d.cli("domain", "add", domain)
        d.publish_records(domain)
    yield d
    finish(d)


@pytest.fixture(scope="module")
def dovecot(world):
    why = Dovecot.why_not(world)
    if why:
        pytest.skip(why)
    with Dovecot(world, USERS) as d:
        yield d


def letter(subject, extra="", size=0):
    """With all that a receiver would add, which the author has signed not to be there."""
    return ("From: <joe@sender.test>\r\nTo: <x@store.test>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <%x@sender.test>\r\n"
            "Subject: %s\r\n%s\r\nHello.\r\n%s" % (abs(hash(subject)), subject, extra, "0123456789\r\n" * (size // 12)))


def deliver(d, to, data, mail_from="joe@sender.test"):
    """(code, text) of each recipient, and of the message; 0 where it did not come to that."""
    c = smtplib.SMTP(d.address, 2525, "client.sender.test", timeout=20, source_address=(FROM, 0))
    try:
        c.ehlo()
        code, text = c.mail(mail_from)
        assert code == 250, text
        answers = [c.rcpt(t) for t in to]
        if not any(code == 250 for code, _ in answers):
            return answers, (0, b"")
        return answers, c.data(data)
    finally:
        c.close()


def taken(d, to, data, **kw):
    """The id of the message."""
    answers, (code, text) = deliver(d, to, data, **kw)
    assert all(code == 250 for code, _ in answers) and code == 250, (answers, text)
    return re.search(r"as (\S+)", text.decode()).group(1)


def test_mail_lies_in_the_mail_store(sigillo, dovecot):
    sigillo.cli("route", "add", "@store.test", "--lmtp", "127.0.0.1:%d" % dovecot.port)
    id = taken(sigillo, ["anna@store.test"], letter("by TCP", "Authentication-Results: %s; spf=pass\r\n" % NAME))
    sigillo.wait_state(id, "delivered")
    mail, = [m for m in dovecot.mails("anna@store.test") if m["Subject"] == "by TCP"]
    assert mail["Return-Path"] == "<joe@sender.test>"
    results = mail.get_all("Authentication-Results")
    assert len(results) == 1 and "spf=pass" in results[0] and "dmarc=pass" in results[0]
    names = [name for name, _ in mail.items()]
    assert names.index("Authentication-Results") < names.index("From")


def test_by_a_socket(sigillo, dovecot):
    sigillo.cli("route", "set", "@store.test", "--lmtp", "unix:" + dovecot.socket)
    id = taken(sigillo, ["anna@store.test"], letter("by a socket"))
    sigillo.wait_state(id, "delivered")
    assert [m for m in dovecot.mails("anna@store.test") if m["Subject"] == "by a socket"]
    assert "unix:" + dovecot.socket in sigillo.cli("trace", id).stdout


def test_each_recipient_has_his_own_answer(sigillo, dovecot):
    """One is kept, one is nobody, one has no room: the store says so of each."""
    id = taken(sigillo, ["anna@store.test", "nobody@store.test", "full@store.test"], letter("of three", size=4096))
    def states(message):
        return {r["address"]: r["state"] for r in message["recipients"]}
    message = wait_for(lambda: sigillo.json("trace", id), lambda m: "queued" not in states(m).values(), 40, "three outcomes")
    assert states(message) == {"anna@store.test": "delivered", "nobody@store.test": "failed", "full@store.test": "failed"}
    status = {r["address"]: r["status"] for r in message["recipients"]}
    assert status["nobody@store.test"] == "5.1.1" and status["full@store.test"] == "5.2.2"
    assert [m for m in dovecot.mails("anna@store.test") if m["Subject"] == "of three"]
    assert not sigillo.json("suppression", "list")["suppressions"]


def test_a_store_that_is_down_loses_nothing(sigillo, dovecot):
    dovecot.stop()
    id = taken(sigillo, ["anna@store.test"], letter("while it was down"))
    waiting = wait_for(lambda: sigillo.json("trace", id)["recipients"][0], lambda r: r["attempts"] > 0, 30, "an attempt")
    assert waiting["state"] == "queued"
    dovecot.start()
    sigillo.cli("queue", "retry", id)
    sigillo.wait_state(id, "delivered", timeout=120)  # its server rests for a while after trouble
    assert [m for m in dovecot.mails("anna@store.test") if m["Subject"] == "while it was down"]


def test_who_is_not_known_is_refused_before_data(sigillo, dovecot):
    """The mail store is asked, and what it says is remembered; when it is down, nobody knows."""
    sigillo.cli("route", "set", "@store.test", "--lmtp", "127.0.0.1:%d" % dovecot.port, "--ask")
    answers, (code, _) = deliver(sigillo, ["nobody@store.test", "anna@store.test"], letter("asked"))
    assert [code for code, _ in answers] == [550, 250] and b"5.1.1" in answers[0][1] and code == 250
    sigillo.cli("route", "set", "@store.test", "--lmtp", "127.0.0.1:1")
    answers, _ = deliver(sigillo, ["other@store.test"], letter("not known"))
    assert answers[0][0] == 451, answers
    sigillo.cli("route", "set", "@store.test", "--lmtp", "127.0.0.1:%d" % dovecot.port, "--no-ask")


def test_a_mail_server_behind_smtp(world, sigillo):
    sigillo.cli("domain", "add", "good.test")
    sigillo.cli("route", "add", "@good.test", "--smtp", "mx.good.test")
    id = taken(sigillo, ["routed@good.test"], letter("to a mail server"))
    sigillo.wait_state(id, "delivered")
    mail, = world.wait_mail("routed@good.test")
    assert b"Subject: to a mail server" in bytes(mail) if not isinstance(mail, bytes) else b"Subject: to a mail server" in mail
    sigillo.cli("route", "remove", "@good.test")
    sigillo.cli("domain", "remove", "good.test")


# -- sent on --------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def signed(world, tmp_path_factory):
    """Signs a message as sender.test does."""
    pem = tmp_path_factory.mktemp("keys") / "k.pem"
    made = subprocess.run([daemon.PROGRAM, "dkim", "keygen", "--type", "rsa-2048", "--domain", "sender.test", "--selector", "k", "--out", str(pem),
                           "--json"], check=True, capture_output=True, text=True)
    record = json.loads(made.stdout)["record"]
    value = record["value"] if isinstance(record, dict) else record
    world.dns.publish("k._domainkey.sender.test.", "TXT", " ".join('"%s"' % value[i:i + 200] for i in range(0, len(value), 200)))

    def sign(text):
        r = subprocess.run([daemon.PROGRAM, "dkim", "sign", "--domain", "sender.test", "--selector", "k", "--key", str(pem)],
                           input=text.replace("\r\n", "\n").replace("\n", "\r\n").encode(), check=True, capture_output=True)
        return r.stdout
    return sign


def return_path(mail):
    return re.search(rb"^Return-Path: <(.*)>", mail, re.M).group(1).decode()


def raw_of(mail):
    return mail if isinstance(mail, bytes) else mail.as_bytes() if hasattr(mail, "as_bytes") else bytes(mail)


def test_forwarded_mail_passes_and_its_report_comes_back(world, sigillo, signed, author):
    sigillo.cli("route", "add", "sales@fwd.test", "--forward", "sent-on@good.test")
    id = taken(sigillo, ["sales@fwd.test"], signed(letter("sent on")).decode())
    sigillo.wait_state(id, "delivered")
    mail = raw_of(world.wait_mail("sent-on@good.test")[0])
    body = mail[mail.index(b"ARC-Seal:"):].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    cv, results, why = dkim.ARC(body).verify(dnsfunc=world.dns.txt)
    assert cv == dkim.CV_Pass and results[0]["as-domain"] == b"fwd.test", (why, results)
    assert ("ARC-Authentication-Results: i=1; " + NAME).encode() in body and b"dkim=pass" in body
    assert dkim.DKIM(body).verify(idx=0, dnsfunc=world.dns.txt), "the author's own signature"
    path = return_path(mail)
    assert re.match(r"SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=sender\.test=joe@fwd\.test$", path), path

    report = "From: <>\r\nSubject: it failed\r\n\r\nNobody there.\r\n".replace("<>", "<mailer-daemon@good.test>")
    answers, _ = deliver(sigillo, [path], report, mail_from="")
    assert answers[0][0] == 250
    wait_for(lambda: [m for m in author.messages if b"Subject: it failed" in m.data], lambda m: m, 20, "the report")
    forged = path.replace(path[5:13], "AAAAAAAA")
    answers, _ = deliver(sigillo, [forged], report, mail_from="")
    assert answers[0][0] == 550 and b"5.1.1" in answers[0][1], answers


def test_a_loop_ends(sigillo):
    sigillo.cli("route", "add", "round@fwd.test", "--forward", "sent-on@good.test")
    answers, (code, text) = deliver(sigillo, ["round@fwd.test"], letter("again", "Delivered-To: round@fwd.test\r\n"))
    assert answers[0][0] == 250 and code == 554 and b"5.4.6" in text, text
