# SPDX-License-Identifier: Apache-2.0
"""Programs for SendGrid, by that service's own client, which knows nothing of us.

@sendgrid/mail and @sendgrid/client come from npm, pinned by clients/sendgrid/package.json (tools/peers puts them below build/peers/clients).  What was delivered is read by Python's email package.
"""
import base64
import gzip
import json
import os
import socket
import struct
import time

import jsonschema
import npm
import pytest
from conftest import finish, launch
from delivered import PIXEL, last, people

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("SIGILLO_SHARED", os.path.join(HERE, "..", "..", "..", "shared"))
DOMAIN = "sendgrid.test"
SENDER = "shop@" + DOMAIN
SETTINGS = {"limits": {"message_size": 2 * 1024 * 1024}, "profile two-a-minute": {"limits": ["2 messages/minute"]},
            **{"pool " + name: {"source": ["127.0.64.1"]} for name in ("ab", "transactional", "transactional email")}, "profile two-recipients": {"limits": ["2 recipients/day"]}}


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "sendgrid", SETTINGS, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


def limited(sigillo, name, profile):
    """A key of a subscription with a profile of its own."""
    domain = name + ".test"
    sigillo.json("subscription", "add", name)
    sigillo.json("domain", "add", domain, "--subscription", name)
    sigillo.publish_records(domain)
    sigillo.cli("subscription", "set", name, "--profile", profile)
    return domain, sigillo.json("key", "add", "--domain", domain, "--subscription", name)["key"]


def client(sigillo, key, *messages, **question):
    """What the client says to each."""
    asked = dict({"url": sigillo.settings["public_url"] + "/", "key": key, "messages": messages}, **question)
    return npm.run(sigillo, "clients/sendgrid", "@sendgrid/mail", "clients/sendgrid/client.mjs", question=asked, timeout=150)


def mail(to="sg@good.test", **changes):
    return dict({"to": to, "from": SENDER, "subject": "Your order", "text": "Thank you.\n"}, **changes)


def accepted(sigillo, key, message, status=202, **question):
    answer = client(sigillo, key, message, **question)[0]
    assert answer.get("status") == status and answer["body"] == "", answer
    return answer["headers"].get("x-message-id")


def refused(sigillo, key, message, **question):
    """(HTTP status, the only error, headers)"""
    answer = client(sigillo, key, message, **question)[0]
    assert "error" in answer, answer
    e = answer["error"]
    assert e["name"] == "ResponseError" and e["message"], e
    assert list(e["body"]) == ["errors"] and len(e["body"]["errors"]) == 1, e
    assert set(e["body"]["errors"][0]) == {"message", "field", "help"}, e
    return e["code"], e["body"]["errors"][0], e["headers"]


def v3(to="sg@good.test", **changes):
    return dict({"personalizations": [{"to": [{"email": to}]}], "from": {"email": SENDER}, "subject": "S", "content": [{"type": "text/plain", "value": "T"}]}, **changes)


def post(sigillo, key, body, path="/v3/mail/send", method="POST", **headers):
    """Without the client: (status, headers in lower case, JSON)."""
    h = {"Content-Type": "application/json", "Authorization": "Bearer " + key}
    h.update({k.replace("_", "-"): v for k, v in headers.items()})
    status, got, reply = sigillo.request(method, path, body, headers=h, tls=True)
    return status, {k.lower(): v for k, v in got.items()}, reply


def queued(sigillo, to):
    return sigillo.admin("GET", "/admin/v1/messages?to=" + to)[1]["messages"]


# -- everything that a program can send -------------------------------------------------------------------------------

FILES = [
    {"filename": "Rechnung Öl – 你好.pdf", "type": "application/pdf", "content": base64.b64encode(bytes(range(256)) * 40).decode()},
    {"filename": "bild.png", "type": "image/png", "content": base64.b64encode(PIXEL).decode(), "disposition": "inline", "content_id": "bild-1"},
    {"filename": "notes.txt", "content": base64.b64encode("ä\n".encode()).decode(), "disposition": "attachment"},
]
ALL = {
    "from": {"email": SENDER, "name": "Grüße, der Laden"},
    "to": [{"email": "sg-to@good.test", "name": "Žofie, \"Ďábel\" 🎉"}, "sg-to2@good.test"],
    "cc": {"email": "sg-cc@good.test", "name": "Jürgen; Groß"}, "bcc": {"email": "sg-bcc@good.test", "name": "Nobody sees"},
    "replyToList": [{"email": "antwort@sendgrid.test", "name": "Antwört"}, {"email": "second@sendgrid.test"}],
    "subject": "Grüße aus Łódź – 你好 🎉", "text": "Guten Tag,\nваш заказ 你好 🎉\n", "html": "<p>Grüße <img src=\"cid:bild-1\"> 你好</p>\n",
    "headers": {"X-Order": "4711", "X-Words": "Groesse"}, "attachments": FILES, "categories": ["order", "größe"], "customArgs": {"number": "4711"},
    "ipPoolName": "transactional", "mailSettings": {"bypassListManagement": {"enable": True}, "sandboxMode": {"enable": False}},
    "trackingSettings": {"clickTracking": {"enable": True, "enableText": False}, "openTracking": {"enable": True, "substitutionTag": "%open%"},
                         "subscriptionTracking": {"enable": False}, "ganalytics": {"enable": True, "utmSource": "shop"}},
}


def test_everything_that_a_message_can_have_arrives_as_it_was_given(world, sigillo, sender):
    number = accepted(sigillo, sender.key, ALL)
    for who in ("sg-to", "sg-to2", "sg-cc", "sg-bcc"):
        got = last(world, who + "@good.test")
    assert got["Subject"] == ALL["subject"]
    assert people(got["From"]) == [("Grüße, der Laden", SENDER)]
    assert people(got["To"]) == [("Žofie, \"Ďábel\" 🎉", "sg-to@good.test"), ("", "sg-to2@good.test")]
    assert people(got["Cc"]) == [("Jürgen; Groß", "sg-cc@good.test")]
    assert people(got["Reply-To"]) == [("Antwört", "antwort@sendgrid.test"), ("", "second@sendgrid.test")]
    assert "Bcc" not in got and "Nobody sees" not in got.as_string()
    assert got["X-Order"] == "4711" and got["X-Words"] == "Groesse"
    assert "d=sendgrid.test" in got["DKIM-Signature"]
    assert [got.get_body((k,)).get_content().replace("\r\n", "\n") for k in ("plain", "html")] == [ALL["text"], ALL["html"]]
    parts = {p.get_filename(): p for p in got.walk() if p.get_filename()}
    assert set(parts) == {f["filename"] for f in FILES}
    for f in FILES:
        p = parts[f["filename"]]
        assert p.get_payload(decode=True) == base64.b64decode(f["content"]), f["filename"]
        assert p.get_content_type() == f.get("type", "application/octet-stream")
        assert p["Content-ID"] == ("<bild-1>" if "content_id" in f else None)
        assert p.get_content_disposition() == f.get("disposition", "attachment")
    sigillo.wait_state(number, "delivered")


def test_each_recipient_a_message(world, sigillo, sender):
    accepted(sigillo, sender.key, mail(["each1@good.test", "each2@good.test", {"email": "each3@good.test", "name": "Three"}]), multiple=True)
    for i, name in ((1, ""), (2, ""), (3, "Three")):
        assert people(last(world, "each%d@good.test" % i)["To"]) == [(name, "each%d@good.test" % i)]


def test_personalizations(world, sigillo, sender):
    accepted(sigillo, sender.key, {
        "from": SENDER, "subject": "For {{name}}", "text": "Dear {{name}}, {{thing}}\n", "html": "<p>{{name}}</p>", "headers": {"X-All": "all", "X-One": "all"},
        "replyTo": "{{box}}@sendgrid.test", "substitutions": {"thing": "yours"},
        "personalizations": [
            {"to": "pa@good.test", "substitutions": {"name": "Ádám", "box": "a"}, "customArgs": {"a": "1"}},
            {"to": "pb@good.test", "cc": "pc@good.test", "subject": "Only {{name}}", "substitutions": {"name": "B", "box": "b"}, "headers": {"X-One": "b"},
             "from": {"email": "other@sendgrid.test", "name": "Other"}}]})
    a, b, c = (last(world, "p%s@good.test" % w) for w in "abc")
    assert (a["Subject"], b["Subject"], c["Subject"]) == ("For Ádám", "Only B", "Only B")
    assert a.get_body(("plain",)).get_content().replace("\r\n", "\n") == "Dear Ádám, yours\n"
    assert "<p>B</p>" in b.get_body(("html",)).get_content()
    assert (people(a["From"]), people(b["From"])) == ([("", SENDER)], [("Other", "other@sendgrid.test")])
    assert (people(a["Reply-To"]), people(b["Reply-To"])) == ([("", "a@sendgrid.test")], [("", "b@sendgrid.test")])
    assert (a["X-All"], a["X-One"], b["X-All"], b["X-One"]) == ("all", "all", "all", "b")
    assert "pb@" not in a.as_string() and people(b["To"]) == [("", "pb@good.test")] and people(b["Cc"]) == [("", "pc@good.test")]


def test_forms_that_are_neither_text_nor_html(world, sigillo, sender):
    """Alternatives in the order given; their parameters stay."""
    invitation = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nSUMMARY:Grüße {{name}}\nEND:VCALENDAR\n"
    accepted(sigillo, sender.key, {
        "from": SENDER, "subject": "Invitation", "personalizations": [{"to": "invited@good.test", "substitutions": {"name": "Ádám"}}],
        "content": [{"type": "text/plain", "value": "Come!"}, {"type": "text/html", "value": "<p>Come!"},
                    {"type": "text/x-amp-html", "value": "<!doctype html><html ⚡4email>"}, {"type": "text/calendar; method=REQUEST", "value": invitation}]})
    got = last(world, "invited@good.test")
    assert got.get_content_type() == "multipart/alternative"
    parts = list(got.iter_parts())
    assert [p.get_content_type() for p in parts] == ["text/plain", "text/html", "text/x-amp-html", "text/calendar"]
    assert parts[3]["Content-Type"].params["method"] == "REQUEST" and {p.get_content_charset() for p in parts} == {"utf-8"}
    assert parts[3].get_content().replace("\r\n", "\n") == invitation.replace("{{name}}", "Ádám")
    assert "⚡4email" in parts[2].get_content()
    accepted(sigillo, sender.key, {"from": SENDER, "subject": "I", "to": "invited2@good.test", "content": [{"type": "text/calendar", "value": "BEGIN:VCALENDAR\n"}]})
    assert last(world, "invited2@good.test").get_content_type() == "text/calendar"


def test_sections(world, sigillo, sender):
    accepted(sigillo, sender.key, {
        "from": SENDER, "subject": "S", "text": "{{greeting}} {{foot}}\n", "sections": {"-mr-": "Dear Mr. {{name}},", "-ms-": "Dear Ms. {{name}},", "{{foot}}": "Yours"},
        "personalizations": [{"to": "section1@good.test", "substitutions": {"greeting": "-ms-", "name": "Łódź"}},
                             {"to": "section2@good.test", "substitutions": {"greeting": "-mr-", "name": "-ms-"}}]})
    for who, text in (("section1", "Dear Ms. Łódź, Yours\n"), ("section2", "Dear Mr. -ms-, Yours\n")):
        assert last(world, who + "@good.test").get_content().replace("\r\n", "\n") == text


def test_a_thousand_personalizations(sigillo, sender):
    some = [{"to": [{"email": "t%d@good.test" % i, "name": "T"}], "substitutions": {"-%d-" % k: "x" for k in range(5)}} for i in range(1000)]
    status, _, body = post(sigillo, sender.key, v3(personalizations=some, mail_settings={"sandbox_mode": {"enable": True}}))
    assert status == 200, body
    status, _, body = post(sigillo, sender.key, v3(personalizations=some + [some[0]]))
    assert status == 400 and body["errors"][0]["field"] == "personalizations", body


def test_the_sandbox_sends_nothing(sigillo, sender):
    assert accepted(sigillo, sender.key, mail("sandbox@good.test", mailSettings={"sandboxMode": {"enable": True}}), status=200) is None
    assert queued(sigillo, "sandbox@good.test") == []
    status, error, _ = refused(sigillo, sender.key, mail("nobody", mailSettings={"sandboxMode": {"enable": True}}))
    assert status == 400 and error["field"] == "personalizations.0.to.0.email", error


def test_it_waits_until_send_at(sigillo, sender):
    at = int(time.time()) + 3600
    number = accepted(sigillo, sender.key, mail("later@good.test", sendAt=at))
    shown = sigillo.request("GET", "/v1/messages/" + number, headers={"Authorization": "Bearer " + sender.key}, tls=True)[2]
    assert shown["recipients"][0]["state"] == "queued" and shown["recipients"][0]["attempts"] == 0, shown
    assert time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) in shown["recipients"][0]["next_at"], shown


def test_a_group_is_a_list_with_one_click(world, sigillo, sender):
    owner = sigillo.json("key", "add", "--role", "owner")["key"]
    number = post(sigillo, owner, json.dumps({"name": "News", "description": "What is new"}).encode(), "/v3/asm/groups")[2]["id"]
    accepted(sigillo, sender.key, mail(["group1@good.test", "group2@good.test"], asm={"groupId": number, "groupsToDisplay": [number]}))
    links = set()
    for who in ("group1", "group2"):
        got = last(world, who + "@good.test")
        assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and "asm-%d.sendgrid.test" % number in got["List-ID"]
        assert people(got["To"]) == [("", "group1@good.test"), ("", "group2@good.test")]
        links.add(got["List-Unsubscribe"])
    assert len(links) == 2, links


def test_what_a_group_gets_is_read_once(sigillo, sender):
    """A message for each of its recipients: replacing is paid for once, whoever many they are."""
    owner = sigillo.json("key", "add", "--domain", DOMAIN, "--scope", "asm.groups.create")["key"]
    number = post(sigillo, owner, json.dumps({"name": "Many", "description": "With many members"}).encode(), "/v3/asm/groups")[2]["id"]
    person = {"to": [{"email": "many%d@good.test" % i} for i in range(40)], "substitutions": {"-%d-" % i: "x" for i in range(30)}}
    text = ("-" * 69 + "\n") * 1000  # 30 keys are looked at where each of these stands
    status, _, body = post(sigillo, sender.key, v3(personalizations=[person], content=[{"type": "text/plain", "value": text}], send_at=int(time.time()) + 3600,
                                                   asm={"group_id": number}))
    assert status == 202, body
    assert len(queued(sigillo, "many39@good.test")) == 1


def shown(sigillo, key, number):
    return sigillo.request("GET", "/v1/messages/" + number, headers={"Authorization": "Bearer " + key}, tls=True)[2]


def test_what_a_message_is_called_is_kept(sigillo, sender):
    number = accepted(sigillo, sender.key, {
        "from": SENDER, "subject": "S", "text": "T", "categories": ["order", "größe"], "customArgs": {"shop": "1", "order": "0"},
        "personalizations": [{"to": "labels@good.test", "customArgs": {"order": "4711"}}]})
    got = shown(sigillo, sender.key, number)
    assert got["categories"] == ["order", "größe"] and got["metadata"] == {"shop": "1", "order": "4711"}, got


@pytest.mark.parametrize("reason, lifted_by", [("hard-bounce", "bypassBounceManagement"), ("complaint", "bypassSpamManagement"),
                                               ("unsubscribe", "bypassUnsubscribeManagement"), ("manual", None)])
def test_who_is_suppressed_is_dropped_unless_that_is_lifted(world, sigillo, sender, reason, lifted_by):
    """Always 202. What was suppressed by hand nothing lifts."""
    to = "dropped-%s@good.test" % reason
    sigillo.cli("suppression", "add", to, "--reason", reason)
    for name in (None, "bypassBounceManagement", "bypassSpamManagement", "bypassUnsubscribeManagement", "bypassListManagement"):
        settings = {} if name is None else {"mailSettings": {name: {"enable": True}}}
        number = accepted(sigillo, sender.key, mail(to, **settings))
        lifted = lifted_by is not None and name in (lifted_by, "bypassListManagement")
        got = shown(sigillo, sender.key, number)["recipients"][0]
        assert (got["state"] != "suppressed") == lifted, (name, got)
        if not lifted:
            assert got["reason"].startswith("suppressed"), got
    if lifted_by is not None:
        last(world, to)


def test_a_footer(world, sigillo, sender):
    accepted(sigillo, sender.key, mail("foot@good.test", html="<body>Hi</body>", mailSettings={"footer": {"enable": True, "text": "--\nWe", "html": "<i>We</i>"}}))
    got = last(world, "foot@good.test")
    assert got.get_body(("plain",)).get_content().replace("\r\n", "\n").startswith("Thank you.\n--\nWe")
    assert "<body>Hi<i>We</i></body>" in got.get_body(("html",)).get_content()


def test_the_fields_of_a_message_are_no_settings_of_the_request(world, sigillo, sender):
    """The client sends them as fields of the request, too.  On-Behalf-Of is one that asks for something: there it cannot be told apart."""
    accepted(sigillo, sender.key, mail("fields@good.test", headers={"X-Forwarded-For": "192.0.2.9", "Idempotency-Key": "1"}))
    accepted(sigillo, sender.key, mail("fields2@good.test", headers={"Idempotency-Key": "1"}))
    assert last(world, "fields@good.test")["X-Forwarded-For"] == "192.0.2.9" and last(world, "fields2@good.test")


def wait_for(what, tries=200):
    for _ in range(tries):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


# -- what is wrong ----------------------------------------------------------------------------------------------------

DUPLICATE = ("Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of "
             "[sg@good.test] in the personalizations.0.cc field.")
SUBJECT = "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined."
ORDER = ("Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs to be first, followed by text/html, "
         "followed by any other content.")


@pytest.mark.parametrize("changes, field, message", [
    ({"personalizations": []}, "personalizations", "You must have at least one personalization."),
    ({"personalizations": [{"to": [{"email": "r%d@good.test" % i} for i in range(600)]}, {"to": [{"email": "r%d@good.test" % i} for i in range(401)]}]},
     "personalizations", "There is a limit of 1000 total recipients (to + cc + bcc) per request."),
    ({"personalizations": [{"to": []}]}, "personalizations.0.to", "The to parameter is required for all personalization objects."),
    ({"personalizations": [{"to": [{"email": "x"}]}]}, "personalizations.0.to.0.email", "Does not contain a valid address."),
    ({"personalizations": [{"to": [{"email": "sg@good.test"}], "cc": [{"email": "sg@good.test"}]}]}, "personalizations.0", DUPLICATE),
    ({"subject": None}, "subject", SUBJECT),
    ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value", "The content value must be a string at least one character in length."),
    ({"content": [{"type": "text/html", "value": "h"}, {"type": "text/plain", "value": "p"}]}, "content", ORDER),
    ({"reply_to": {"email": "a b"}}, "reply_to.email", "Does not contain a valid address."),
    ({"attachments": [{"filename": "a", "content": "%"}]}, "attachments.0.content", None),
    ({"send_at": 99999999999}, "send_at", None),
    ({"template_id": "d-1"}, "template_id", None),
    ({"batch_id": "nothing"}, "batch_id", None),
    ({"headers": {"X-A": "b\r\nBcc: c@good.test"}}, "headers.X-A", None),
    ({"categories": "a"}, "categories", None),
])
def test_what_is_wrong_is_named_by_its_path(sigillo, sender, changes, field, message):
    status, headers, body = post(sigillo, sender.key, v3(**changes))
    assert status == 400 and headers["content-type"] == "application/json", body
    error = body["errors"][0]
    assert error["field"] == field and error["message"] and error["help"]["code"], error
    assert message is None or error["message"] == message, error


def test_a_wrong_key(sigillo, sender):
    status, error, headers = refused(sigillo, "SG.nobody.nothing", mail())
    assert status == 401 and error["field"] is None and "www-authenticate" in headers
    assert error["message"] == "The provided authorization grant is invalid, expired, or revoked"


def test_another_ones_domain(sigillo, sender):
    for message, field in ((mail(**{"from": "a@other-sendgrid.test"}), "from"),
                           ({"from": SENDER, "subject": "S", "text": "T", "personalizations": [{"to": "a@good.test"}, {"to": "b@good.test", "from": "a@other-sendgrid.test"}]},
                            "personalizations.1.from")):
        status, error, _ = refused(sigillo, sender.key, message)
        assert (status, error["field"]) == (403, field), error
        assert error["message"].startswith("The from address does not match a verified Sender Identity.") and error["help"]["text"]
    assert queued(sigillo, "a@good.test") == []


def test_too_large(sigillo, sender):
    """More than a message may have, and than the server reads."""
    for size in (2200000, 9000000):
        file = {"filename": "a", "content": base64.b64encode(b"x" * size).decode()}
        if size < 3000000:
            status, error, _ = refused(sigillo, sender.key, mail("large@good.test", attachments=[file]))
            assert (status, error["field"]) == (413, None), error
        else:
            assert client(sigillo, sender.key, mail("large@good.test", attachments=[file]))[0]["error"]["code"] == 413
    assert queued(sigillo, "large@good.test") == []


def test_a_limit(sigillo, sender):
    domain, key = limited(sigillo, "sendgrid-limited", "two-a-minute")
    message = mail("limited@good.test", **{"from": "a@" + domain})
    for left in (1, 0):
        answer = client(sigillo, key, message)[0]
        assert answer["status"] == 202, answer
        assert answer["headers"]["x-ratelimit-limit"] == "2" and answer["headers"]["x-ratelimit-remaining"] == str(left), answer
        assert 0 < int(answer["headers"]["x-ratelimit-reset"]) - time.time() <= 61
    status, error, headers = refused(sigillo, key, message)
    assert status == 429 and error["message"] == "too many requests" and error["field"] is None and error["help"]["text"]
    assert headers["x-ratelimit-limit"] == "2" and headers["x-ratelimit-remaining"] == "0" and 0 < int(headers["x-ratelimit-reset"]) - time.time() <= 61 and int(headers["retry-after"]) > 0


def test_more_messages_than_there_is_room_for_are_refused_whole(sigillo, sender):
    domain, key = limited(sigillo, "sendgrid-whole", "two-a-minute")
    message = mail(["whole%d@good.test" % i for i in range(2)], **{"from": "a@" + domain})
    accepted(sigillo, key, dict(message, to="first@good.test"))
    status, error, headers = refused(sigillo, key, message, multiple=True)
    assert status == 429 and int(headers["retry-after"]) > 0, error
    assert queued(sigillo, "whole0@good.test") == []


def test_nobody_is_sent_a_part(sigillo, sender):
    """A limit of recipients is reached between two messages: what was charged for the first is given back."""
    domain, key = limited(sigillo, "sendgrid-part", "two-recipients")
    status, error, _ = refused(sigillo, key, mail(["part%d@good.test" % i for i in range(4)], **{"from": "a@" + domain}), multiple=True)
    assert status == 429, error
    assert [queued(sigillo, "part%d@good.test" % i) for i in range(4)] == [[]] * 4
    accepted(sigillo, key, mail(["part%d@good.test" % i for i in (5, 6)], **{"from": "a@" + domain}), multiple=True)
    assert queued(sigillo, "part5@good.test") and queued(sigillo, "part6@good.test")


def test_what_is_not_here_is_not_found_in_its_shape(sigillo, sender):
    asked = [("GET", "/v3/none", 404), ("POST", "/v3/nothing", 404), ("GET", "/v3/mail/send", 405)]
    answers = client(sigillo, sender.key, requests=[{"method": m, "url": u, "body": {}} for m, u, _ in asked])
    for (_, _, status), answer in zip(asked, answers):
        assert answer["error"]["code"] == status and answer["error"]["body"]["errors"][0]["message"], answer


def test_what_a_key_may_do(sigillo, sender):
    asked = [{"method": "GET", "url": "/v3/scopes"}]
    scopes = client(sigillo, sender.key, requests=asked)[0]["body"]["scopes"]
    assert scopes[0] == "mail.send" and {s.rpartition(".")[0] for s in scopes[1:]} == {"mail.batch", "user.scheduled_sends"}
    reader = sigillo.json("key", "add", "--role", "reader")["key"]
    scopes = client(sigillo, reader, requests=asked)[0]["body"]["scopes"]
    assert "stats.read" in scopes and "api_keys.create" not in scopes
    held = sigillo.json("key", "add", "--scope", "stats.read", "--scope", "templates.read")["key"]
    assert sorted(client(sigillo, held, requests=asked)[0]["body"]["scopes"]) == ["stats.read", "templates.read"]
    assert client(sigillo, "SG.nobody.nothing", requests=asked)[0]["error"]["code"] == 401


def test_who_hangs_up_has_sent_all_the_same(sigillo, sender):
    """A request that was read to its end is carried out, though nobody waits for the answer."""
    body = json.dumps(v3(personalizations=[{"to": [{"email": "gone%d@good.test" % i}]} for i in range(900)])).encode()
    with socket.create_connection((sigillo.address, 8080), timeout=20) as s:
        s.sendall(b"POST /v3/mail/send HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
                  % (sender.key.encode(), len(body)) + body)
        wait_for(lambda: queued(sigillo, "gone0@good.test"))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # the peer is told at once
    wait_for(lambda: queued(sigillo, "gone899@good.test"))


def test_bodies_that_are_no_request(sigillo, sender):
    deep = "[" * 40 + "]" * 40
    for body, status, headers in ((b"", 400, {}), (b"{", 400, {}), (deep.encode(), 400, {}), (b"[]", 400, {}), (b'{"from":{},"from":{}}', 400, {}),
                                  (b"{}", 415, {"Content_Type": "text/plain"}), (b"{}", 415, {"Content_Encoding": "br"}), (b"{}", 400, {"Content_Encoding": "gzip"}),
                                  (gzip.compress(json.dumps(v3()).encode())[:-9], 400, {"Content_Encoding": "gzip"}),
                                  (gzip.compress(b" " * 20000000), 413, {"Content_Encoding": "gzip"})):
        got, _, reply = post(sigillo, sender.key, body, **headers)
        assert got == status and reply["errors"][0]["message"], (body, got, reply)


def test_every_answer_says_how_much_may_still_be_sent(sigillo, sender):
    """Of what has no limit it says the largest number that every client can read."""
    domain, key = limited(sigillo, "sendgrid-rate", "two-a-minute")
    for asked, who, want in ((("GET", "/v3/scopes"), key, "2"), (("GET", "/v3/scopes"), sender.key, "2147483647"), (("POST", "/v3/mail/send"), key, "2")):
        status, headers, _ = post(sigillo, who, b"{}" if asked[0] == "POST" else None, asked[1], asked[0])
        assert status == (400 if asked[0] == "POST" else 200)
        assert headers["x-ratelimit-limit"] == headers["x-ratelimit-remaining"] == want and abs(int(headers["x-ratelimit-reset"]) - time.time()) < 5, headers
    assert "x-ratelimit-limit" not in post(sigillo, "sk_nobody", None, "/v3/scopes", "GET")[1]


def test_a_body_may_be_gzip(world, sigillo, sender):
    body = gzip.compress(json.dumps(v3(to="gzip@good.test", subject="Grüße")).encode())
    status, headers, _ = post(sigillo, sender.key, body, Content_Encoding="gzip")
    assert status == 202 and headers["x-message-id"]
    assert last(world, "gzip@good.test")["Subject"] == "Grüße"


def test_the_trail_says_by_which_door(sigillo, sender):
    number = accepted(sigillo, sender.key, mail("door@good.test"))
    assert json.loads(sigillo.cli("trace", number, "--json").stdout)["door"] == "sendgrid"


# -- the specification, and our own description -----------------------------------------------------------------------

def specification():
    path = os.path.join(SHARED, "contracts", "sendgrid", "tsg_mail_v3.json")
    if not os.path.exists(path):
        pytest.skip("no specification at %s" % path)
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def test_the_example_of_the_specification(world, sigillo, sender):
    """Its addresses are of this world, and its batch and its group are there."""
    document = specification()
    example = document["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["examples"]["MailSendNoTemplate"]["value"]
    maker = sigillo.json("key", "add", "--domain", DOMAIN, "--scope", "asm.groups.create")["key"]
    group = post(sigillo, maker, json.dumps({"name": "Example", "description": "Of the specification"}).encode(), "/v3/asm/groups")[2]["id"]
    batch = post(sigillo, sender.key, b"{}", "/v3/mail/batch")[2]["batch_id"]
    text = json.dumps(dict(example, batch_id=batch, asm={"group_id": group, "groups_to_display": [group]}))
    for who in ("alex", "bola", "charlie", "dana", "ira", "lee"):
        text = text.replace(who + "@example.com", "spec-%s@good.test" % who)
    status, headers, body = post(sigillo, sender.key, text.replace("@example.com", "@" + DOMAIN).encode())
    assert status == 202 and headers["x-message-id"] and not body, body
    got = last(world, "spec-dana@good.test")
    assert people(got["Cc"]) == [("Charlie", "spec-charlie@good.test")] and got["Subject"] == example["subject"]
    assert people(last(world, "spec-lee@good.test")["From"]) == [("Example Sales Team", "sales@sendgrid.test")]
    shape = jsonschema.Draft202012Validator({"$ref": "#/components/schemas/ErrorResponse", "components": document["components"]})
    for bad in ({}, v3(subject=None), v3(**{"from": {"email": "a@nowhere.example"}})):
        shape.validate(post(sigillo, sender.key, bad)[2])


with open(os.path.join(HERE, "..", "..", "server", "doors", "http", "openapi.json"), encoding="utf-8") as f:
    DESCRIPTION = json.load(f)
ONE = {"to": [{"email": "sg@good.test"}]}
FILE = {"content": "YQ==", "filename": "f"}
REQUESTS = [
    v3(), v3(headers=None, attachments=None, categories=None, send_at=None, asm=None, mail_settings=None), v3(reply_to_list=[{"email": "r@sendgrid.test", "name": None}]),
    v3(attachments=[FILE, dict(FILE, disposition="inline", content_id="c", type="image/png")]), v3(unknown=1), v3(personalizations=[dict(ONE, cc=None, substitutions={"a": "b"})]),
    v3(ip_pool_name="ab"), v3(mail_settings={"footer": {"enable": False}, "sandbox_mode": None}),
    {}, [], v3(content="x"), v3(content=[]), v3(content=[{"type": "text/plain"}]), v3(content=[{"type": "text/calendar", "value": "x"}]), v3(personalizations=None),
    v3(personalizations=[{}]), v3(personalizations=[dict(ONE, to=[{}])]), v3(personalizations=[dict(ONE, cc="a@good.test")]), v3(personalizations=[dict(ONE, substitutions={"a": 1})]),
    v3(personalizations=[dict(ONE, custom_args=1)]), v3(personalizations=[dict(ONE, send_at="1")]), v3(**{"from": None}), v3(**{"from": "a"}), v3(reply_to="a@good.test"),
    v3(reply_to_list={}), v3(attachments={}), v3(attachments=[{}]), v3(attachments=[dict(FILE, content=1)]), v3(attachments=[dict(FILE, disposition="x")]), v3(headers=[]),
    v3(headers={"X-A": 1}), v3(categories=[1]), v3(categories=["a"] * 11), v3(custom_args=[]), v3(send_at=-1), v3(send_at=1.5), v3(asm={}), v3(asm={"group_id": 0}),
    v3(asm={"group_id": 1, "groups_to_display": 1}), v3(ip_pool_name="a"), v3(mail_settings=1), v3(mail_settings={"footer": 1}), v3(tracking_settings={"click_tracking": []}),
]


@pytest.mark.parametrize("body", REQUESTS, ids=range(len(REQUESTS)))
def test_the_description_that_is_served_and_the_code_agree(sigillo, sender, body):
    """What its schema allows is accepted here, what it forbids is refused, and the answer has the shape that it promises."""
    schema = lambda name: jsonschema.Draft202012Validator({"$ref": "#/components/schemas/" + name, "components": DESCRIPTION["components"]})  # noqa: E731
    status, headers, reply = post(sigillo, sender.key, json.dumps(body).encode())
    assert (status == 202) == schema("SendGridMessage").is_valid(body), (status, reply, list(schema("SendGridMessage").iter_errors(body)))
    described = DESCRIPTION["paths"]["/v3/mail/send"]["post"]["responses"][str(status)]
    if status != 202:
        schema("SendGridError").validate(reply)
    for name in described.get("headers", {}):
        assert name.lower() in headers
