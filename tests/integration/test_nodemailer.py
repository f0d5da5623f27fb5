# SPDX-License-Identifier: Apache-2.0
"""Programs that send by SMTP with nodemailer, which knows nothing of us.

It comes from npm, pinned by clients/nodemailer/package.json (tools/peers puts it below build/peers/clients).  What was delivered is read by Python's email package.
"""
import base64
import time

import npm
import pytest
from conftest import finish, launch
from delivered import PIXEL, last, people

DOMAIN = "nodemailer.test"
FROM = "shop@" + DOMAIN
SETTINGS = {"limits": {"message_size": 1024 * 1024, "recipients": 60}, "profile one-a-minute": {"limits": ["1 messages/minute"]}}


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "nodemailer", SETTINGS)
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


def client(sigillo, login, *messages, port=587, **transport):
    asked = dict({"host": sigillo.address, "port": port, "secure": port == 465, "requireTLS": True, "auth": login}, **transport)
    return npm.run(sigillo, "clients/nodemailer", "nodemailer", "clients/nodemailer/client.mjs", question={"transport": asked, "messages": messages}, timeout=120)


@pytest.fixture
def login(sender):
    return {"user": sender.user, "pass": sender.password}


def mail(to="nm@good.test", **changes):
    return dict({"from": FROM, "to": to, "subject": "Your order", "text": "Thank you.\n"}, **changes)


def accepted(answer):
    assert answer.get("response", "").startswith("250 2."), answer
    return answer


def refused(sigillo, login, message, **transport):
    answer = client(sigillo, login, message, **transport)[0]
    assert "error" in answer, answer
    return answer["error"]


# -- everything that a program can send -------------------------------------------------------------------------------

ALL = {
    "from": {"name": "Lädchen, das", "address": FROM},
    "to": [{"name": "Žofie, Ďábel", "address": "nm-to@good.test"}, "nm-to2@good.test"],
    "cc": [{"name": "Jürgen Groß", "address": "nm-cc@good.test"}],
    "bcc": ["nm-bcc@good.test"],
    "replyTo": [{"name": "Antwört", "address": "antwort@" + DOMAIN}],
    "subject": "Grüße aus Łódź – 你好 🎉",
    "text": "Guten Tag,\n.\n..zwei Punkte, ваш заказ 你好 🎉\n",
    "html": "<p>Grüße <img src=\"cid:bild-1\"> 你好</p>\n",
    "headers": {"X-Order": "4711", "X-Words": "Größe 你好"},
    "icalEvent": {"method": "REQUEST", "content": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"},
    "attachments": [
        {"filename": "Rechnung Öl – 你好.pdf", "contentType": "application/pdf", "content": base64.b64encode(bytes(range(256)) * 40).decode()},
        {"filename": "bild.png", "contentType": "image/png", "content": base64.b64encode(PIXEL).decode(), "cid": "bild-1"},
        {"filename": "notes.txt", "contentType": "text/plain; charset=utf-8", "content": base64.b64encode("ä\n".encode()).decode()}],
}


@pytest.mark.parametrize("port", [587, 465])
def test_everything_that_a_message_can_have_arrives_as_it_was_given(world, sigillo, login, port):
    sent = accepted(client(sigillo, login, dict(ALL, headers=dict(ALL["headers"], **{"X-Port": str(port)})), port=port)[0])
    sigillo.wait_state(sent["response"].split()[2], "delivered")
    assert sent["rejected"] == [] and len(sent["accepted"]) == 4, sent
    for who in ("nm-to", "nm-to2", "nm-cc", "nm-bcc"):
        got = last(world, who + "@good.test")
        assert got["X-Port"] == str(port)
        assert got["Subject"] == ALL["subject"]
        assert people(got["From"]) == [("Lädchen, das", FROM)]
        assert people(got["To"]) == [("Žofie, Ďábel", "nm-to@good.test"), ("", "nm-to2@good.test")]
        assert people(got["Cc"]) == [("Jürgen Groß", "nm-cc@good.test")]
        assert people(got["Reply-To"]) == [("Antwört", "antwort@" + DOMAIN)]
        assert "Bcc" not in got and (who == "nm-bcc" or "nm-bcc" not in got.as_string())
        assert got["X-Order"] == "4711" and got["X-Words"] == "Größe 你好"
        assert got["DKIM-Signature"] and "d=" + DOMAIN in got["DKIM-Signature"]
        text, html = got.get_body(("plain",)), got.get_body(("html",))
        assert [p.get_content().replace("\r\n", "\n") for p in (text, html)] == [ALL["text"], ALL["html"]]
        assert [p for p in got.walk() if p.get_content_type() == "text/calendar"], got.as_string()
        parts = {p.get_filename(): p for p in got.walk() if p.get_filename()}
        for a in ALL["attachments"]:
            p = parts[a["filename"]]
            assert p.get_payload(decode=True) == base64.b64decode(a["content"]), a["filename"]
            assert p.get_content_type() == a["contentType"].split(";")[0]
            assert p["Content-ID"] == ("<bild-1>" if "cid" in a else None)


def test_a_pool_of_connections_and_many_messages(world, sigillo, login):
    answers = client(sigillo, login, *[mail("nm-pool%d@good.test" % i) for i in range(30)], pool=True, maxConnections=3, maxMessages=4)
    assert len([accepted(a) for a in answers]) == 30
    for i in range(30):
        assert len(world.wait_mail("nm-pool%d@good.test" % i)) == 1


def test_many_recipients(world, sigillo, login):
    """Sixty go, and of sixty-one the last one is told to come in a message of its own."""
    to = ["nm-many%d@good.test" % i for i in range(61)]
    answer = client(sigillo, login, mail(to[:60]), mail(to))
    assert len(accepted(answer[0])["accepted"]) == 60
    assert answer[1]["rejected"] == [to[60]] and answer[1]["errors"][0]["status"] == 452, answer[1]
    assert world.wait_mail(to[0]) and world.wait_mail(to[59])


def test_addresses_beyond_ascii(world, sigillo, login):
    """nodemailer says SMTPUTF8 by itself."""
    sent = accepted(client(sigillo, login, mail("pelé@good.test"))[0])
    assert sigillo.wait_state(sent["response"].split()[2], "delivered")["recipients"][0]["address"] == "pelé@good.test"


def test_a_report_of_delivery(world, sigillo, login):
    """DSN parameters of RFC 3461, as nodemailer writes them."""
    message = mail("nm-dsn@good.test", dsn={"id": "order+4711", "return": "headers", "notify": ["success", "failure"], "recipient": FROM})
    sent = accepted(client(sigillo, login, message)[0])
    shown = sigillo.wait_state(sent["response"].split()[2], "delivered")
    assert shown["recipients"][0]["address"] == "nm-dsn@good.test"


def test_a_key_is_the_password_of_apikey(world, sigillo, sender):
    """As programs for SendGrid log in."""
    key = sigillo.json("key", "add", "--domain", DOMAIN)
    login = {"user": "apikey", "pass": key["key"]}
    sent = accepted(client(sigillo, login, mail("nm-apikey@good.test"))[0])
    assert sigillo.show(sent["response"].split()[2])["recipients"] and world.wait_mail("nm-apikey@good.test")
    for wrong in (key["key"] + "x", key["key"][:-1], "sk_" + key["id"] + "_", "", "x" * 2000):
        assert refused(sigillo, dict(login, **{"pass": wrong or "sk_"}), mail())["code"] == "EAUTH", wrong
    assert refused(sigillo, dict(login, user="APIKEY"), mail())["code"] == "EAUTH"
    narrow = sigillo.json("key", "add", "--domain", DOMAIN, "--scope", "stats.read")
    error = refused(sigillo, {"user": "apikey", "pass": narrow["key"]}, mail())
    assert (error["code"], error["status"]) == ("EENVELOPE", 550), error
    sigillo.cli("key", "remove", key["id"])
    assert refused(sigillo, login, mail())["code"] == "EAUTH"


def test_who_has_the_name_apikey_takes_nothing_from_keys(sigillo, sender):
    made = sigillo.json("credential", "add", "apikey", "--domain", DOMAIN)
    try:
        for password in (made["password"], sender.key):
            accepted(client(sigillo, {"user": "apikey", "pass": password}, mail())[0])
    finally:
        sigillo.cli("credential", "remove", "apikey")


# -- what goes wrong, as the client tells it --------------------------------------------------------------------------

def test_a_wrong_password(sigillo, login):
    error = refused(sigillo, dict(login, **{"pass": "wrong"}), mail())
    assert (error["code"], error["status"]) == ("EAUTH", 535) and "5.7.8" in error["response"], error


def test_without_a_login(sigillo, sender):
    error = refused(sigillo, None, mail())
    assert (error["code"], error["status"]) == ("EENVELOPE", 530), error


@pytest.mark.parametrize("address", ["me@nowhere.example", "me@other-nodemailer.test"])
def test_a_wrong_domain(sigillo, login, address):
    if address.endswith(".test"):
        sigillo.json("domain", "add", "other-nodemailer.test")
    error = refused(sigillo, login, mail(**{"from": address}))
    assert error["code"] == "EENVELOPE" and error["status"] == 550 and "5.7.1" in error["response"], error


def test_another_from_than_the_envelope(sigillo, login):
    error = refused(sigillo, login, mail(**{"from": "boss@nowhere.example", "envelope": {"from": FROM, "to": "nm@good.test"}}))
    assert error["code"] == "EMESSAGE" and error["status"] == 550, error


def test_a_policy(sigillo, sender):
    app = sigillo.json("app", "add", "nm-confined", "--domain", DOMAIN)
    sigillo.cli("group", "add", "nm-board", "--member", "boss@" + DOMAIN)
    sigillo.cli("policy", "add", "--app", "nm-confined", "--deny", "--senders", "nm-board")
    login = {"user": "main|%s|default" % app["client_id"], "pass": app["secret"]}
    error = refused(sigillo, login, mail(**{"from": "boss@" + DOMAIN}))
    assert error["status"] == 550 and "policy" in error["response"], error
    accepted(client(sigillo, login, mail())[0])


def test_too_large(sigillo, login):
    """By SIZE, before it is sent."""
    big = {"filename": "a.bin", "content": base64.b64encode(b"x" * 1500000).decode()}
    error = refused(sigillo, login, mail(attachments=[big]))
    assert error["status"] == 552 and "5.3.4" in error["response"], error


def test_a_limit(sigillo):
    sigillo.json("subscription", "add", "nm-limited")
    sigillo.json("domain", "add", "limited-nodemailer.test", "--subscription", "nm-limited")
    sigillo.publish_records("limited-nodemailer.test")
    made = sigillo.json("credential", "add", "nm-limited", "--domain", "limited-nodemailer.test", "--subscription", "nm-limited")
    sigillo.cli("subscription", "set", "nm-limited", "--profile", "one-a-minute")
    login = {"user": "nm-limited", "pass": made["password"]}
    message = mail(**{"from": "me@limited-nodemailer.test"})
    first, second = client(sigillo, login, message, message)
    accepted(first)
    assert second["error"]["status"] in (450, 451, 452) and "4.7." in second["error"]["response"], second


def test_a_suppressed_recipient(world, sigillo, login):
    sigillo.cli("suppression", "add", "nm-gone@good.test")
    before = len(world.mailbox("nm-gone@good.test"))
    sent = accepted(client(sigillo, login, mail(["nm-gone@good.test", "nm-here@good.test"]))[0])
    shown = sigillo.wait_state(sent["response"].split()[2], ("delivered", "suppressed"))
    assert {r["address"]: r["state"] for r in shown["recipients"]} == {"nm-gone@good.test": "suppressed", "nm-here@good.test": "delivered"}
    time.sleep(0.5)
    assert len(world.mailbox("nm-gone@good.test")) == before


def test_no_address_at_all(sigillo, login):
    for to in ("not an address", "a@-x-.test", "a@b..test"):
        error = refused(sigillo, login, mail(envelope={"from": FROM, "to": to}))
        assert error["code"] in ("EENVELOPE", "ECONFIG", "EMESSAGE"), (to, error)
