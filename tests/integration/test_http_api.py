# SPDX-License-Identifier: Apache-2.0
"""The message API: what is accepted arrives, what is wrong is refused whole and by name."""
import base64
import email
import email.policy
import http.client
import json
import threading

import pytest

SETTINGS = {"limits": {"recipients": 20, "message_size": 2 * 1024 * 1024}}
TO = "http@good.test"


@pytest.fixture
def post(sigillo, sender):
    """post(body, **headers): (status, headers, JSON) with the sender's key."""
    def send(body, key=sender.key, **headers):
        return sigillo.post("/v1/messages", body, key, {k.replace("_", "-"): v for k, v in headers.items()})
    return send


def message(**changes):
    m = {"from": "app@app.test", "to": [TO], "subject": "By HTTP", "text": "Hello.\n"}
    m.update(changes)
    return {k: v for k, v in m.items() if v is not ...}


def accepted(reply):
    status, headers, body = reply
    assert status == 202, reply
    assert headers["Location"] == "/v1/messages/" + body["id"]
    return body


def problem(reply, status, field=None, code=None):
    assert reply[0] == status, reply
    assert reply[1]["Content-Type"] == "application/problem+json"
    body = reply[2]
    assert body["status"] == status and body["title"] and body["detail"]
    if field is not None:
        assert body.get("field") == field, body
    if code is not None:
        assert body["code"] == code, body
    return body


def count(sigillo):
    """Messages that the daemon knows of."""
    return len(sigillo.admin("GET", "/admin/v1/messages?max=1000")[1]["messages"])


# -- what is accepted -----------------------------------------------------------------------------------------------

def test_a_message_arrives_as_it_was_described(world, sigillo, sender, post):
    data = bytes(range(256)) * 20
    to = "http-all@good.test"
    got = accepted(post(message(
        **{"from": {"email": "app@app.test", "name": "Die Anwendung — Köln"}, "to": [{"email": to, "name": "Bob, B."}]},
        cc="http-cc@good.test", bcc=["http-bcc@good.test"], reply_to="answers@app.test", subject="Grüße 😀", text="Text: äöü\n", html="<p>äöü <img src='cid:logo'>",
        headers={"X-Tag": "one two", "List-Unsubscribe": "<https://app.test/u>"},
        attachments=[{"filename": "Übersicht.bin", "content_type": "application/x-test", "content": base64.b64encode(data).decode()},
                     {"filename": "logo.png", "content_type": "image/png", "content": "iVBORw0KGgo=", "content_id": "logo", "disposition": "inline"}])))
    assert [(r["address"], r["state"]) for r in got["recipients"]] == [(a, "queued") for a in (to, "http-cc@good.test", "http-bcc@good.test")]
    assert got["repeated"] is False
    sigillo.wait_state(got["id"], "delivered")
    mail = email.message_from_bytes(bytes(world.wait_mail(to)[-1]), policy=email.policy.SMTP)
    assert mail["subject"] == "Grüße 😀" and mail["x-tag"] == "one two" and mail["reply-to"].addresses[0].addr_spec == "answers@app.test"
    assert mail["from"].addresses[0].addr_spec == "app@app.test" and mail["bcc"] is None and "http-bcc" not in mail.as_string()
    assert mail["message-id"] and mail["date"] and mail["dkim-signature"]
    assert mail.get_body(("plain",)).get_content() == "Text: äöü\r\n"
    attached = [p for p in mail.walk() if p.get_filename() == "Übersicht.bin"][0]
    assert attached.get_payload(decode=True) == data and attached.get_content_type() == "application/x-test"
    assert [p for p in mail.walk() if p["content-id"] == "<logo>"]
    assert world.wait_mail("http-bcc@good.test")


def test_what_is_long_arrives_as_it_was(world, sigillo, post):
    """Escapes, letters of several bytes, and slashes that are escaped, as some writers of JSON do; and the same once more is the same."""
    text = "".join('Line %d: "café" \\ \U0001f600\n' % i for i in range(3000))
    data = bytes(range(256)) * 400
    body = json.dumps(message(to="http-long@good.test", text=text, attachments=[{"filename": "a.bin", "content": base64.b64encode(data).decode()}]))
    ways = [body.encode(), body.replace("/", "\\/").encode(), json.dumps(json.loads(body), ensure_ascii=False).encode()]
    for i, way in enumerate(ways):
        got = [accepted(post(way, Content_Type="application/json", Idempotency_Key="long-%d" % i)) for _ in range(2)]
        assert [g["repeated"] for g in got] == [False, True] and got[0]["id"] == got[1]["id"]
    for raw in world.wait_mail("http-long@good.test", len(ways)):
        mail = email.message_from_bytes(bytes(raw), policy=email.policy.SMTP)
        assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == text
        assert next(mail.iter_attachments()).get_payload(decode=True) == data


def test_the_trail_of_a_message(sigillo, sender, post):
    got = accepted(post(message()))
    sigillo.wait_state(got["id"], "delivered")
    status, _, trail = sigillo.get("/v1/messages/" + got["id"], sender.key)
    assert status == 200
    assert trail["id"] == got["id"] and trail["from"] == "app@app.test" and trail["subject"] == "By HTTP" and "d=app.test" in trail["signed_by"]
    rcpt, = trail["recipients"]
    assert rcpt["address"] == TO and rcpt["state"] == "delivered" and rcpt["attempts"] == 1 and rcpt["next_at"] is None and rcpt["remote_mta"]
    kinds = [e["kind"] for e in trail["events"]]
    assert "accepted" in kinds and "delivered" in kinds
    assert any(e["recipient"] == rcpt["id"] for e in trail["events"])


def test_a_whole_message_is_taken_as_it_is(world, sigillo, sender, post):
    raw = b"From: app@app.test\r\nTo: raw1@good.test\r\nBcc: raw2@good.test\r\nSubject: raw\r\n\r\nRaw body\r\n"
    got = accepted(post(raw, Content_Type="message/rfc822"))
    assert [r["address"] for r in got["recipients"]] == ["raw1@good.test", "raw2@good.test"]
    sigillo.wait_state(got["id"], "delivered")
    mail = email.message_from_bytes(bytes(world.wait_mail("raw2@good.test")[-1]), policy=email.policy.SMTP)
    assert mail["subject"] == "raw" and mail["bcc"] is None
    status, _, got = sigillo.request("POST", "/v1/messages?from=app@app.test&to=raw3%40good.test&to=raw4@good.test", raw, sender.key,
                                     {"Content-Type": "message/rfc822"})
    assert status == 202 and [r["address"] for r in got["recipients"]] == ["raw3@good.test", "raw4@good.test"]


def test_the_same_idempotency_key_sends_once(world, sigillo, sender, post):
    to = "once@good.test"
    first = accepted(post(message(to=to), Idempotency_Key="key-1"))
    again = accepted(post(message(to=to), Idempotency_Key="key-1"))
    assert again["id"] == first["id"] and (first["repeated"], again["repeated"]) == (False, True)
    problem(post(message(to=to, subject="another"), Idempotency_Key="key-1"), 409, "Idempotency-Key")
    sigillo.wait_state(first["id"], "delivered")
    assert len(world.wait_mail(to)) == 1


def test_the_same_idempotency_key_at_the_same_time(sigillo, sender, post):
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(post(message(), Idempotency_Key="race"))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len({accepted(r)["id"] for r in replies}) == 1
    assert sorted(r[2]["repeated"] for r in replies) == [False] + [True] * 7


def test_a_recipient_named_twice_is_sent_to_once(post):
    assert [r["address"] for r in accepted(post(message(to=[TO, "HTTP <http@GOOD.test>"], cc=TO)))["recipients"]] == [TO]


# -- who may ask ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("key", [None, "", "nonsense", "sk_unknown_0000000000000000000000000000000000000000000"])
def test_without_a_key_nothing(sigillo, key):
    reply = sigillo.post("/v1/messages", message(), None, {"Authorization": "Bearer " + key} if key is not None else {})
    problem(reply, 401, "Authorization")
    assert reply[1]["WWW-Authenticate"].startswith("Bearer")
    problem(sigillo.get("/v1/messages/0123456789abc", key), 401)


def test_of_others_nothing_is_seen(sigillo, sender, post):
    got = accepted(post(message()))
    assert sigillo.admin("POST", "/admin/v1/subscriptions", {"name": "other"})[0] in (200, 201)
    assert sigillo.admin("POST", "/admin/v1/domains", {"name": "elsewhere.test", "subscription": "other"})[0] in (200, 201)
    status, other = sigillo.admin("POST", "/admin/v1/keys", {"subscription": "other", "domains": ["elsewhere.test"]})
    assert status in (200, 201), other
    problem(sigillo.get("/v1/messages/" + got["id"], other["key"]), 404, "id", "message-unknown")
    problem(sigillo.post("/v1/messages", message(), other["key"]), 403, "from")
    problem(sigillo.get("/v1/messages/7zzzzzzzzzzzz", sender.key), 404)
    problem(sigillo.get("/v1/messages/short", sender.key), 404)
    assert sigillo.get("/v1/messages/" + got["id"], sender.key)[0] == 200


@pytest.mark.parametrize("sender_address,field", [("app@other.test", "from"), ({"email": "app@other.test"}, "from.email"), ("app@sub.app.test", "from")])
def test_only_as_a_domain_of_ones_own(post, sender_address, field):
    problem(post(message(**{"from": sender_address})), 403, field, "sender-not-allowed")


# -- what is wrong is refused whole, and named -----------------------------------------------------------------------

B64 = "aGVsbG8="
WRONG = {
    "no from": (message(**{"from": ...}), "from"),
    "from is no address": (message(**{"from": "nobody"}), "from"),
    "no recipients": (message(to=...), "to"),
    "an empty recipient list": (message(to=[]), "to"),
    "the fourth address is wrong": (message(to=[TO, TO, TO, {"email": "no address"}]), "to[3].email"),
    "a wrong string": (message(to=[TO, "a@b@c"]), "to[1]"),
    "an address literal": (message(to="a@[192.0.2.1]"), "to"),
    "a wrong bcc": (message(bcc=["x"]), "bcc[0]"),
    "a number as address": (message(cc=5), "cc"),
    "an unknown member": (message(color="red"), "color"),
    "an unknown member of an address": (message(to=[{"email": TO, "mail": "x"}]), "to[0].mail"),
    "an unknown member of an attachment": (message(attachments=[{"content": B64, "size": 5}]), "attachments[0].size"),
    "CR LF in the subject": (message(subject="a\r\nBcc: x@y.test"), "subject"),
    "LF in a name": (message(to=[{"email": TO, "name": "a\nb"}]), "to[0].name"),
    "CR LF in a header value": (message(headers={"X-A": "b\r\nBcc: x@y.test"}), "headers.X-A"),
    "CR in a header value": (message(headers={"X-A": "b\rc"}), "headers.X-A"),
    "a header of the server's": (message(headers={"Received": "x"}), "headers.Received"),
    "Bcc as a header": (message(headers={"Bcc": "x@y.test"}), "headers.Bcc"),
    "a header name that is none": (message(headers={"X A": "b"}), "headers.X A"),
    "broken base64": (message(attachments=[{"content": B64}, {"content": "aGVsbG8"}]), "attachments[1].content"),
    "no base64 at all": (message(attachments=[{"content": "!!!!"}]), "attachments[0].content"),
    "no content": (message(attachments=[{"filename": "a"}]), "attachments[0].content"),
    "a content type that is none": (message(attachments=[{"content": B64, "content_type": "pdf"}]), "attachments[0].content_type"),
    "CR LF in a content type": (message(attachments=[{"content": B64, "content_type": "a/b\r\nX: y"}]), "attachments[0].content_type"),
    "CR LF in a file name": (message(attachments=[{"content": B64, "filename": "a\r\nb"}]), "attachments[0].filename"),
    "a content id that is none": (message(attachments=[{"content": B64, "content_id": "<x>"}]), "attachments[0].content_id"),
    "neither text nor html nor attachment": (message(text=...), "text"),
    "text of another type": (message(text=["x"]), "text"),
    "too many recipients": (message(to=["r%d@good.test" % i for i in range(21)]), "to"),
    "too many in to and cc": (message(to=["r%d@good.test" % i for i in range(20)], cc=TO), "cc"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_and_nothing_is_stored(sigillo, post, name):
    body, field = WRONG[name]
    before = count(sigillo)
    got = problem(post(body), 422, field)
    assert "\r" not in got["detail"] and "\n" not in got["detail"]
    assert count(sigillo) == before


LONG = b"x" * 5000


@pytest.mark.parametrize("body,code,field", [
    (b"", "body-missing", "body"), (b"{", "json-syntax", "body"), (b"nonsense", "json-syntax", "body"), (b'{"from":"a@b","from":"c@d"}', "member-twice", "from"),
    (b'{"a":"\xff"}', "json-syntax", "body"), (b'{"a":"\\u0000"}', "json-syntax", "body"), (b"[" * 100 + b"]" * 100, "json-depth", "[0]" * 32),
    (b'{"a":1} trailing', "json-syntax", "body"), (b'{"text":"%s\\u0000"}' % LONG, "json-syntax", "body"), (b'{"text":"%s\xff"}' % LONG, "json-syntax", "body"),
    (b'{"text":"%s","cc":"\\u0000%s"}' % (LONG, b"0" * 32), "json-syntax", "body"), (b'{"text":"%s","a":{"b":1,"b":2}}' % LONG, "member-twice", "a.b")])
def test_what_is_not_json(post, body, code, field):
    problem(post(body, Content_Type="application/json"), 400, field, code)


def test_another_media_type(post):
    problem(post(b"<a/>", Content_Type="text/xml"), 415, "Content-Type")


@pytest.mark.parametrize("key", ["x" * 256, "\xe9", "a\tb"])
def test_an_idempotency_key_that_is_none(post, key):
    problem(post(message(), Idempotency_Key=key), 400, "Idempotency-Key")


HEAD = b"From: app@app.test\r\nTo: raw@good.test\r\nSubject: x\r\n"


@pytest.mark.parametrize("raw,code", [
    (HEAD + b"\r\na\rb\r\n", "bare-cr"), (HEAD + b"\r\na\nb\r\n", "bare-lf"), (HEAD + b"\r\na\0b\r\n", "nul"), (HEAD + b"\r\n" + b"x" * 999 + b"\r\n", "line-too-long"),
    (HEAD + b"X-Long: " + b"y" * (1 << 20) + b"\r\n\r\nb\r\n", None), (HEAD + b"X: y\r\n" * 100000 + b"\r\nb\r\n", None), (HEAD.replace(b"\r\n", b"\n") + b"\nb\n", None),
    (HEAD + b"From: app@app.test\r\n\r\nb\r\n", "many-from"), (HEAD + b"no colon\r\n\r\nb\r\n", None)], ids=range(9))
def test_a_whole_message_that_is_broken(sigillo, post, raw, code):
    before = count(sigillo)
    problem(post(raw, Content_Type="message/rfc822"), 422, code=code)
    assert count(sigillo) == before


def test_too_large(sigillo, sender, post):
    before = count(sigillo)
    big = base64.b64encode(bytes(2 * 1024 * 1024)).decode()
    reply = post(message(attachments=[{"content": big}]))
    assert reply[0] == 413, reply
    assert count(sigillo) == before


def test_other_paths_and_methods(sigillo, sender):
    problem(sigillo.get("/v1/nothing", sender.key), 404)
    reply = sigillo.request("DELETE", "/v1/messages", None, sender.key)
    problem(reply, 405)
    assert "POST" in reply[1]["Allow"]


def test_a_connection_serves_many_requests(sigillo, sender):
    c = http.client.HTTPConnection(sigillo.address, 8080, timeout=20)
    try:
        for body, status in ((message(), 202), (message(to=[]), 422), (message(), 202)):
            c.request("POST", "/v1/messages", json.dumps(body), {"Authorization": "Bearer " + sender.key, "Content-Type": "application/json"})
            r = c.getresponse()
            r.read()
            assert r.status == status
    finally:
        c.close()
