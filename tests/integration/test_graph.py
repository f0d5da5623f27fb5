# SPDX-License-Identifier: Apache-2.0
"""Programs for Microsoft Graph that send mail, by that service's own client, which knows nothing of us.

@microsoft/microsoft-graph-client comes from npm, pinned by clients/graph/package.json (tools/peers puts it below build/peers/clients).  What was delivered is read by Python's email
package.
"""
import base64
import concurrent.futures
import email
import email.message
import email.policy
import gzip
import json
import re
import time
import urllib.parse
import uuid

import npm
import pytest
from conftest import finish, launch

DOMAIN = "graph.test"
SENDER = "shop@" + DOMAIN
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
SETTINGS = {"limits": {"message_size": 36 * 1024 * 1024}, "profile one-a-minute": {"limits": ["1 messages/minute"]}, "profile small": {"message_size": "1M"}}
SEND = "/users/%s/sendMail" % SENDER
TYPE = "#microsoft.graph."


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "graph", SETTINGS, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


@pytest.fixture(scope="module")
def app(sigillo, sender):
    return sigillo.json("app", "add", "graph-shop", "--domain", DOMAIN)


def way_of(sigillo, app, tenant="default"):
    url = sigillo.settings["public_url"]
    return {"url": url + "/", "host": urllib.parse.urlsplit(url).hostname, "authority": url, "tenant": tenant, "client": app["client_id"], "secret": app["secret"]}


@pytest.fixture(scope="module")
def way(sigillo, app):
    return way_of(sigillo, app)


def client(sigillo, way, *calls, **question):
    return npm.run(sigillo, "clients/graph", "@microsoft/microsoft-graph-client", "clients/graph/client.mjs", question=dict(way, calls=calls, **question),
                   timeout=240)


def address(a, name=None):
    return {"emailAddress": {"address": a, **({"name": name} if name is not None else {})}}


def mail(to="graph@good.test", **changes):
    return {"message": dict({"subject": "Your order", "body": {"contentType": "Text", "content": "Thank you.\n"}, "toRecipients": [address(to)]}, **changes)}


def accepted(sigillo, way, body, path=SEND, **headers):
    answer = client(sigillo, way, {"path": path, "body": body, "headers": headers})
    assert "error" not in answer["answers"][0], answer
    sent = [r for r in answer["requests"] if "endMail" in r["path"]]
    assert sent[-1]["status"] == 202, answer
    return sent


def refused(sigillo, way, body, path=SEND, **headers):
    """What the client makes of it, and all requests to send."""
    answer = client(sigillo, way, {"path": path, "body": body, "headers": headers})
    assert "error" in answer["answers"][0], answer
    error = answer["answers"][0]["error"]
    assert error["name"] == "GraphError" and error["message"] and error["code"], error
    return error, [r for r in answer["requests"] if "/v1.0/" in r["path"]]


def arrived(world, to):
    return email.message_from_bytes(world.wait_mail(to)[-1], policy=email.policy.default)


def lines(part):
    return part.get_content().replace("\r\n", "\n")


def people(field):
    return [(a.display_name, a.addr_spec) for a in field.addresses]


def token(sigillo, app, scope="https://graph.microsoft.com/.default", tenant="default"):
    form = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["secret"], "scope": scope}
    return sigillo.request("POST", "/%s/oauth2/v2.0/token" % tenant, urllib.parse.urlencode(form),
                           headers={"Content-Type": "application/x-www-form-urlencoded"}, tls=True)[2]["access_token"]


def post(sigillo, bearer, body, path=SEND, method="POST", **headers):
    """Without the client: (status, headers in lower case, JSON)."""
    h = {"Content-Type": "application/json", **({"Authorization": "Bearer " + bearer} if bearer else {})}
    h.update({k.replace("_", "-"): v for k, v in headers.items()})
    status, got, reply = sigillo.request(method, "/v1.0" + path, body, headers=h, tls=True)
    return status, {k.lower(): v for k, v in got.items()}, reply


def error_of(reply, status, code, target=None):
    assert reply[0] == status, reply
    error = reply[2]["error"]
    assert error["code"] == code and error["message"] and error.get("target") == target, reply
    assert reply[1]["content-type"].startswith("application/json")
    assert error["innerError"]["request-id"] == reply[1]["request-id"] and re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$", error["innerError"]["date"])
    return error


# -- everything that a program can send -------------------------------------------------------------------------------

FILES = [
    {"@odata.type": TYPE + "fileAttachment", "name": "Rechnung Öl – 你好.pdf", "contentType": "application/pdf", "contentBytes": base64.b64encode(bytes(range(256)) * 40).decode()},
    {"@odata.type": TYPE + "fileAttachment", "name": "bild.png", "contentType": "image/png", "contentBytes": base64.b64encode(PIXEL).decode(), "isInline": True,
     "contentId": "bild-1"},
    {"@odata.type": TYPE + "fileAttachment", "name": "notes.txt", "contentType": "text/plain; charset=utf-8", "contentBytes": base64.b64encode("ä\n".encode()).decode(),
     "contentId": "never-shown"},
]
ALL = {
    "subject": "Grüße aus Łódź – 你好 🎉", "body": {"contentType": "HTML", "content": "<p>Grüße <img src=\"cid:bild-1\"> 你好</p>\n"},
    "toRecipients": [address("gr-to@good.test", "Žofie, \"Ďábel\" 🎉"), address("gr-to2@good.test")], "ccRecipients": [address("gr-cc@good.test", "Jürgen; Groß")],
    "bccRecipients": [address("gr-bcc@good.test", "Nobody sees")], "replyTo": [address("antwort@graph.test", "Antwört"), address("second@graph.test")],
    "from": address("news@graph.test", "Grüße, der Laden"), "sender": address(SENDER, "Shop"), "importance": "high", "isReadReceiptRequested": True,
    "isDeliveryReceiptRequested": True, "internetMessageHeaders": [{"name": "x-order", "value": "4711"}, {"name": "X-Words", "value": "Größe 你好"}],
    "categories": ["order"], "flag": {"flagStatus": "flagged"}, "attachments": FILES,
}


def test_everything_that_a_message_can_have_arrives_as_it_was_given(world, sigillo, way):
    accepted(sigillo, way, {"message": ALL, "saveToSentItems": "false"})
    for who in ("gr-to", "gr-to2", "gr-cc", "gr-bcc"):
        got = arrived(world, who + "@good.test")
    assert got["Subject"] == ALL["subject"] and got["Importance"] == "high"
    assert people(got["From"]) == [("Grüße, der Laden", "news@graph.test")] and people(got["Sender"]) == [("Shop", SENDER)]
    assert people(got["To"]) == [("Žofie, \"Ďábel\" 🎉", "gr-to@good.test"), ("", "gr-to2@good.test")]
    assert people(got["Cc"]) == [("Jürgen; Groß", "gr-cc@good.test")]
    assert people(got["Reply-To"]) == [("Antwört", "antwort@graph.test"), ("", "second@graph.test")]
    assert "Bcc" not in got and "Nobody sees" not in got.as_string()
    assert str(got["Disposition-Notification-To"]) == "Grüße, der Laden <news@graph.test>"
    assert got["x-order"] == "4711" and got["X-Words"] == "Größe 你好" and "d=graph.test" in got["DKIM-Signature"]
    assert lines(got.get_body(("html",))) == ALL["body"]["content"] and got.get_body(("plain",)) is None
    parts = {p.get_filename(): p for p in got.walk() if p.get_filename()}
    assert set(parts) == {f["name"] for f in FILES}
    for f in FILES:
        p = parts[f["name"]]
        assert p.get_payload(decode=True) == base64.b64decode(f["contentBytes"]) and p.get_content_type() == f["contentType"].split(";")[0]
        assert p["Content-ID"] == ("<bild-1>" if "isInline" in f else None) and p.get_content_disposition() == ("inline" if "isInline" in f else "attachment")


def test_a_message_that_is_attached(world, sigillo, way):
    """It may be from anybody and to anybody."""
    item = {"@odata.type": TYPE + "message", "subject": "Größe", "body": {"contentType": "text", "content": "Inner.\n"}, "from": address("x@elsewhere.example", "Ä"),
            "toRecipients": [address("y@elsewhere.example")], "attachments": [FILES[2]]}
    accepted(sigillo, way, mail("gr-item@good.test", attachments=[{"@odata.type": TYPE + "itemAttachment", "name": "Größe.eml", "item": item}, FILES[0]]))
    got = arrived(world, "gr-item@good.test")
    first, second = list(got.iter_attachments())
    inner = first.get_content()
    assert first.get_content_type() == "message/rfc822" and first.get_filename() == "Größe.eml" and second.get_filename() == FILES[0]["name"]
    assert inner["Subject"] == "Größe" and people(inner["From"]) == [("Ä", "x@elsewhere.example")] and lines(inner.get_body()) == "Inner.\n"
    assert [p.get_filename() for p in inner.iter_attachments()] == ["notes.txt"]


def test_five_hundred_recipients(world, sigillo, way):
    to = [address("gr500-%d@good.test" % i, "Nr. %d" % i) for i in range(500)]
    accepted(sigillo, way, mail(toRecipients=to[:300], ccRecipients=to[300:400], bccRecipients=to[400:]))
    for i in (0, 299, 300, 399, 400, 499):
        assert world.wait_mail("gr500-%d@good.test" % i)


def test_mime(world, sigillo, way):
    """As Python writes it, with lines that end in LF."""
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Cc"], m["Bcc"] = "Größe <%s>" % SENDER, "gr-mime@good.test", "gr-mime-cc@good.test", "gr-mime-bcc@good.test"
    m["Subject"], m["In-Reply-To"], m["References"] = "Grüße 你好", "<first@elsewhere.example>", "<first@elsewhere.example>"
    m["List-Unsubscribe"] = "<mailto:off@graph.test>"
    m.set_content("Grüße\n")
    m.add_alternative("<p>Grüße\n", subtype="html")
    m.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="Öl.bin")
    accepted(sigillo, way, base64.encodebytes(m.as_bytes()).decode(), **{"Content-Type": "text/plain"})
    world.wait_mail("gr-mime-cc@good.test")
    assert "Bcc" not in arrived(world, "gr-mime-bcc@good.test")
    got = arrived(world, "gr-mime@good.test")
    for name in ("Subject", "In-Reply-To", "References", "List-Unsubscribe", "To", "Cc", "From"):
        assert str(got[name]) == str(m[name]), name
    assert got["Date"] and got["Message-ID"] and got["DKIM-Signature"] and "gr-mime-bcc" not in got.as_string()
    assert [p.get_content() for p in got.iter_attachments()] == [bytes(range(256))]
    assert [lines(p) for p in got.walk() if p.get_content_maintype() == "text"] == ["Grüße\n", "<p>Grüße\n"]


def test_mime_without_from_is_from_the_mailbox(world, sigillo, way):
    accepted(sigillo, way, base64.b64encode(b"To: gr-nofrom@good.test\nSubject: x\n\nHi\n").decode(), **{"Content-Type": "text/plain"})
    assert people(arrived(world, "gr-nofrom@good.test")["From"]) == [("", SENDER)]


def test_mime_may_be_gzip(world, sigillo, app):
    text = gzip.compress(base64.encodebytes(b"To: gr-gzip@good.test\nSubject: x\n\nHi\n"))
    status, _, body = post(sigillo, token(sigillo, app), text, Content_Type="text/plain", Content_Encoding="gzip")
    assert status == 202, body
    assert lines(arrived(world, "gr-gzip@good.test")) == "Hi\n"
    error_of(post(sigillo, token(sigillo, app), text[:-9], Content_Type="text/plain", Content_Encoding="gzip"), 400, "BadRequest", "body")


def test_how_the_answer_looks(sigillo, sender, app):
    number = str(uuid.uuid4())
    for path in (SEND, SEND.replace("@", "%40"), SEND.replace("sendMail", "microsoft.graph.sendMail")):
        status, headers, body = post(sigillo, token(sigillo, app), mail(), path, client_request_id=number)
        assert status == 202 and body in (None, "", b""), body
        assert headers["content-length"] == "0" and "content-type" not in headers
        assert uuid.UUID(headers["request-id"]) and headers["client-request-id"] == number
    assert post(sigillo, sender.key, mail())[0] == 202 # an access key is good, too


def test_the_trace_says_by_which_door(sigillo, sender):
    post(sigillo, sender.key, mail("trace-graph@good.test", categories=["größe"]))
    listed = sigillo.admin("GET", "/admin/v1/messages?to=trace-graph@good.test")[1]["messages"]
    assert sigillo.json("trace", listed[0]["id"])["categories"] == ["größe"]
    first = sigillo.json("trace", listed[0]["id"])["events"][0]
    assert first["kind"] == "accepted" and first["detail"]["door"] == "graph", first


# -- what goes wrong, as the client tells it --------------------------------------------------------------------------

@pytest.mark.parametrize("changes, code", [
    ({"toRecipients": []}, "ErrorInvalidRecipients"),
    ({"toRecipients": [address("nobody")]}, "ErrorInvalidRecipients"),
    ({"internetMessageHeaders": [{"name": "In-Reply-To", "value": "<a@b>"}]}, "InvalidInternetMessageHeader"),
    ({"internetMessageHeaders": [{"name": "x-%d" % i, "value": ""} for i in range(6)]}, "InvalidInternetMessageHeaderCollection"),
    ({"importance": "urgent"}, "ErrorInvalidParameter"),
    ({"colour": 1}, "BadRequest"),
])
def test_what_is_wrong_has_its_code(sigillo, way, changes, code):
    error, requests = refused(sigillo, way, mail(**changes))
    assert (error["status"], error["code"]) == (400, code), error
    assert len(requests) == 1 and error["request_id"] == requests[0]["headers"]["request-id"]
    assert requests[0]["headers"]["client-request-id"] == requests[0]["asked"]
    if "internetMessageHeaders" in changes and len(changes["internetMessageHeaders"]) == 1:
        assert error["message"] == "The internet message header name 'In-Reply-To' should start with 'x-' or 'X-'."


def test_mime_that_is_no_base64(sigillo, way):
    error, _ = refused(sigillo, way, "From: a@b.test", **{"Content-Type": "text/plain"})
    assert (error["status"], error["code"], error["message"]) == (400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."), error


def test_me_of_an_application(sigillo, way):
    error, _ = refused(sigillo, way, mail(), "/me/sendMail")
    assert (error["status"], error["code"]) == (400, "BadRequest") and "delegated" in error["message"], error


def test_me_of_a_key_with_one_sender(world, sigillo, sender, way):
    key = sigillo.json("key", "add", "--domain", DOMAIN)
    error_of(post(sigillo, key["key"], mail(), "/me/sendMail"), 400, "BadRequest")
    sigillo.cli("sender", "add", "me@" + DOMAIN, "--identity", "key:" + key["id"])
    accepted(sigillo, dict(way, token=key["key"]), mail("gr-me@good.test"), "/me/sendMail")
    assert people(arrived(world, "gr-me@good.test")["From"]) == [("", "me@" + DOMAIN)]
    draft = post(sigillo, key["key"], mail("gr-me@good.test")["message"], "/me/messages")[2]["id"]
    assert post(sigillo, key["key"], b"", "/users/me@%s/messages/%s" % (DOMAIN, draft), "GET")[0] == 200
    assert post(sigillo, key["key"], b"", "/me/messages/%s/send" % draft)[0] == 202
    sigillo.cli("sender", "add", "other@" + DOMAIN, "--identity", "key:" + key["id"])
    error_of(post(sigillo, key["key"], mail(), "/me/sendMail"), 400, "BadRequest")


def test_users_that_are_none(sigillo, way):
    sigillo.json("subscription", "add", "graph-other")
    sigillo.json("domain", "add", "other-graph.test", "--subscription", "graph-other")
    for user in ("me@nowhere.example", "me@other-graph.test", "shop", str(uuid.uuid4())):
        error, _ = refused(sigillo, way, mail(), "/users/%s/sendMail" % user)
        assert (error["status"], error["code"], error["message"]) == (404, "ErrorInvalidUser", "The requested user '%s' is invalid." % user), error


def test_an_application_is_confined_to_what_it_was_given(sigillo, sender, way):
    """The default: the domains that it was added with; '*' is every mailbox of the subscription."""
    sigillo.json("domain", "add", "second-graph.test")
    sigillo.publish_records("second-graph.test")
    second = "/users/me@second-graph.test/sendMail"
    error, _ = refused(sigillo, way, mail(), second)
    assert (error["status"], error["code"]) == (403, "ErrorAccessDenied") and error["message"].endswith("the domain is not one of its own."), error
    everywhere = way_of(sigillo, sigillo.json("app", "add", "graph-everywhere", "--domain", "*"))
    accepted(sigillo, everywhere, mail(), second)
    accepted(sigillo, everywhere, mail())


def test_a_policy_is_named(sigillo, sender):
    app = sigillo.json("app", "add", "graph-confined", "--domain", DOMAIN)
    sigillo.cli("group", "add", "graph-billing", "--member", "billing@" + DOMAIN)
    policy = sigillo.json("policy", "add", "--app", "graph-confined", "--allow", "--senders", "graph-billing")["id"]
    way = way_of(sigillo, app)
    accepted(sigillo, way, mail(), "/users/billing@%s/sendMail" % DOMAIN)
    error, _ = refused(sigillo, way, mail())
    assert (error["status"], error["code"]) == (403, "ErrorAccessDenied"), error
    sigillo.cli("policy", "remove", policy)
    deny = sigillo.json("policy", "add", "--app", "graph-confined", "--deny", "--senders", "graph-billing")["id"]
    error, _ = refused(sigillo, way, mail(), "/users/billing@%s/sendMail" % DOMAIN)
    assert (error["status"], error["code"]) == (403, "ErrorAccessDenied") and "policy " + deny in error["message"], error
    accepted(sigillo, way, mail())
    error, _ = refused(sigillo, way, mail(**{"from": address("billing@" + DOMAIN)}))
    assert (error["status"], error["code"]) == (403, "ErrorSendAsDenied") and "policy " + deny in error["message"], error
    m = base64.b64encode(("From: billing@%s\nTo: graph@good.test\n\nHi\n" % DOMAIN).encode()).decode()
    error, _ = refused(sigillo, way, m, **{"Content-Type": "text/plain"})
    assert (error["status"], error["code"]) == (403, "ErrorSendAsDenied"), error


def test_a_wrong_token(sigillo, sender, app, way):
    for wrong in ("nonsense", "a.b.c", "", token(sigillo, app, "https://communication.azure.com//.default"), token(sigillo, app, sigillo.settings["public_url"] + "/.default")):
        error, requests = refused(sigillo, dict(way, token=wrong), mail())
        assert (error["status"], error["code"]) == (401, "InvalidAuthenticationToken"), (wrong, error)
        assert requests[0]["headers"]["www-authenticate"].startswith("Bearer") and len(requests) == 1
    reply = post(sigillo, None, mail())
    error_of(reply, 401, "InvalidAuthenticationToken", "Authorization")
    ours = sigillo.request("POST", "/v1/messages", {"from": SENDER, "to": ["a@good.test"], "text": "x"}, token(sigillo, app), tls=True)
    assert ours[0] == 401 # and a token for Graph opens nothing else


def test_a_key_without_the_scope(sigillo, sender):
    other = sigillo.json("key", "add", "--domain", DOMAIN, "--scope", "templates.read")["key"]
    error_of(post(sigillo, other, mail()), 403, "ErrorAccessDenied", "Authorization")


def test_what_a_token_says(sigillo, app):
    claims = token(sigillo, app).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert claims["aud"] == "https://graph.microsoft.com" and claims["roles"] == ["Mail.Send"], claims


def test_a_limit_and_the_clients_own_retry(world, sigillo):
    """The client waits as long as it is told, and sends the same request again."""
    sigillo.json("subscription", "add", "graph-limited")
    sigillo.json("domain", "add", "limited-graph.test", "--subscription", "graph-limited")
    sigillo.publish_records("limited-graph.test")
    way = way_of(sigillo, sigillo.json("app", "add", "graph-slow", "--domain", "limited-graph.test", "--subscription", "graph-limited"), "graph-limited")
    sigillo.cli("subscription", "set", "graph-limited", "--profile", "one-a-minute")
    call, began = {"path": "/users/me@limited-graph.test/sendMail", "body": mail("gr-limited@good.test")}, time.monotonic()
    answer = client(sigillo, way, call, call)
    sent = [r for r in answer["requests"] if r["path"].endswith("sendMail")]
    assert [r["status"] for r in sent] == [202, 429, 202] and [r["attempt"] for r in sent] == [None, None, "1"], answer
    wait = int(sent[1]["retry_after"])
    assert 0 < wait <= 60 and time.monotonic() - began > wait - 1
    assert len(world.wait_mail("gr-limited@good.test", 2)) == 2
    bearer = token(sigillo, {"client_id": way["client"], "secret": way["secret"]}, tenant="graph-limited")
    error_of(post(sigillo, bearer, mail(), call["path"]), 429, "ApplicationThrottled", "messages")


def test_too_large(sigillo, way):
    """More than the profile allows, than the server takes, and than it reads."""
    sigillo.cli("subscription", "set", "default", "--profile", "small")
    try:
        for size in (1100000, 27 * 1024 * 1024):
            error, requests = refused(sigillo, way, mail(attachments=[dict(FILES[0], contentBytes=base64.b64encode(b"x" * size).decode())]))
            assert (error["status"], error["code"]) == (413, "ErrorMessageSizeExceeded") and len(requests) == 1, error
    finally:
        sigillo.cli("subscription", "set", "default", "--profile", "unlimited")
    answer = client(sigillo, way, {"path": SEND, "body": mail(attachments=[dict(FILES[0], contentBytes=base64.b64encode(b"x" * (37 << 20)).decode())])})
    error = answer["answers"][0]["error"]
    assert (error["status"], error["code"]) == (413, "ErrorMessageSizeExceeded") and [r["status"] for r in answer["requests"] if "sendMail" in r["path"]] == [413], answer


def test_suppressed_recipients_end_here(sigillo, sender, way):
    sigillo.cli("suppression", "add", "gone-graph@good.test")
    accepted(sigillo, way, mail("gone-graph@good.test"))
    listed = sigillo.admin("GET", "/admin/v1/messages?to=gone-graph@good.test")[1]["messages"]
    assert sigillo.json("trace", listed[0]["id"])["recipients"][0]["state"] == "suppressed"


# -- drafts, and files that are uploaded ------------------------------------------------------------------------------

DRAFTS = "/users/%s/messages" % SENDER


def counted(size):
    """The bytes that the client's upload sends."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def results(answer):
    assert all("error" not in a for a in answer["answers"]), answer["answers"]
    return [a["result"] for a in answer["answers"]]


def test_a_draft_with_twenty_megabytes(world, sigillo, way):
    size = 20 << 20
    answer = client(sigillo, way, {"path": DRAFTS, "body": dict(mail("gr-draft@good.test")["message"], subject="Größe", attachments=[FILES[0]])},
                    {"upload": DRAFTS + "/{id}/attachments/createUploadSession", "size": size, "range_size": 5 << 20,
                     "item": {"name": "groß.bin", "contentType": "application/x-large"}},
                    {"path": DRAFTS + "/{id}/attachments", "body": FILES[2]},
                    {"path": DRAFTS + "/{id}/attachments", "method": "get"},
                    {"path": DRAFTS + "/{id}", "method": "get"}, {"path": DRAFTS + "/{id}/send", "body": {}})
    draft, upload, small, listed, read, _ = results(answer)
    assert draft["isDraft"] is True and draft["hasAttachments"] is True and draft["subject"] == "Größe" and draft["id"] and "attachments" not in draft
    assert upload["seen"] == 4 and upload["location"].startswith(sigillo.settings["public_url"] + "/v1.0" + DRAFTS + "/%s/attachments/" % draft["id"])
    assert [(f["name"], f["@odata.type"]) for f in listed["value"]] == [(n, TYPE + "fileAttachment") for n in (FILES[0]["name"], "groß.bin", "notes.txt")]
    assert listed["value"][1]["size"] == size and listed["value"][2]["id"] == small["id"]
    assert read["subject"] == "Größe" and read["changeKey"] != draft["changeKey"]
    pieces = [r for r in answer["requests"] if "/uploadSessions/" in r["path"]]
    assert [(r["method"], r["status"]) for r in pieces] == [("PUT", 200)] * 3 + [("PUT", 201)]
    assert answer["requests"][-1]["status"] == 202 and answer["requests"][-1]["headers"]["content-length"] == "0"
    got = arrived(world, "gr-draft@good.test")
    files = {p.get_filename(): p for p in got.iter_attachments()}
    assert got["Subject"] == "Größe" and set(files) == {FILES[0]["name"], "groß.bin", "notes.txt"}
    assert files["groß.bin"].get_payload(decode=True) == counted(size) and files["groß.bin"].get_content_type() == "application/x-large"
    error_of(post(sigillo, token_of(sigillo, way), b"", DRAFTS + "/%s/send" % draft["id"]), 404, "ErrorItemNotFound")


def token_of(sigillo, way):
    return token(sigillo, {"client_id": way["client"], "secret": way["secret"]})


def test_an_upload_that_was_interrupted_goes_on(world, sigillo, way):
    answer = client(sigillo, way, {"path": DRAFTS, "body": mail("gr-resumed@good.test")["message"]},
                    {"upload": DRAFTS + "/{id}/attachments/createUploadSession", "size": 1000, "range_size": 300, "fail_after": 2, "item": {"name": "a.bin"}},
                    {"path": DRAFTS + "/{id}/send", "body": {}})
    results(answer)
    assert [r["method"] for r in answer["requests"] if "/uploadSessions/" in r["path"]] == ["PUT", "PUT", "GET", "PUT", "PUT"]
    assert [p.get_payload(decode=True) for p in arrived(world, "gr-resumed@good.test").iter_attachments()] == [counted(1000)]


def test_an_upload_is_cancelled(sigillo, way):
    answer = client(sigillo, way, {"path": DRAFTS, "body": {}},
                    {"upload": DRAFTS + "/{id}/attachments/createUploadSession", "size": 1000, "cancel": True, "item": {"name": "a.bin"}},
                    {"path": DRAFTS + "/{id}/attachments", "method": "get"})
    _, cancelled, listed = results(answer)
    assert cancelled["status"] == 204 and listed["value"] == []


def test_a_draft_is_changed_and_removed(world, sigillo, way):
    one = DRAFTS + "/{id}"
    answer = client(sigillo, way, {"path": DRAFTS, "body": {"subject": "First", "importance": "high"}},
                    {"path": one, "method": "patch", "body": {"subject": "Second", "toRecipients": [address("gr-patched@good.test")]}},
                    {"path": one + "/attachments", "body": FILES[2]}, {"path": one + "/send", "body": {}})
    _, patched, _, _ = results(answer)
    assert patched["subject"] == "Second" and patched["importance"] == "high"
    got = arrived(world, "gr-patched@good.test")
    assert got["Subject"] == "Second" and got["Importance"] == "high" and [p.get_filename() for p in got.iter_attachments()] == ["notes.txt"]
    answer = client(sigillo, way, {"path": DRAFTS, "body": {}}, {"path": one, "method": "delete"}, {"path": one, "method": "get"})
    assert answer["requests"][-2]["status"] == 204
    assert (answer["answers"][2]["error"]["status"], answer["answers"][2]["error"]["code"]) == (404, "ErrorItemNotFound")


def test_a_draft_that_cannot_be_sent_stays(sigillo, way):
    answer = client(sigillo, way, {"path": DRAFTS, "body": {"subject": "x"}}, {"path": DRAFTS + "/{id}/send", "body": {}}, {"path": DRAFTS + "/{id}", "method": "get"})
    assert answer["answers"][1]["error"]["code"] == "ErrorInvalidRecipients" and answer["answers"][2]["result"]["subject"] == "x", answer


@pytest.mark.parametrize("path, body, status, code, target", [
    ("", {"subject": 1}, 400, "ErrorInvalidParameter", "subject"),
    ("", {"from": address("x@second-graph2.test")}, 403, "ErrorSendAsDenied", "from"),
    ("", {"attachments": [{"name": "x"}]}, 400, "ErrorInvalidParameter", "attachments[0].contentBytes"),
    ("/attachments", {"name": "x"}, 400, "ErrorInvalidParameter", "attachments[0].contentBytes"),
    ("/attachments/createUploadSession", {"AttachmentItem": {"attachmentType": "item", "name": "x", "size": 1}}, 400, "ErrorInvalidParameter",
     "AttachmentItem.attachmentType"),
    ("/attachments/createUploadSession", {"AttachmentItem": {"attachmentType": "file", "size": 1}}, 400, "ErrorInvalidParameter", "AttachmentItem.name"),
    ("/attachments/createUploadSession", {"AttachmentItem": {"attachmentType": "file", "name": "x", "size": 0}}, 400, "ErrorInvalidParameter", "AttachmentItem.size"),
    ("/attachments/createUploadSession", {"AttachmentItem": {"attachmentType": "file", "name": "x", "size": 1 << 40}}, 413, "ErrorMessageSizeExceeded",
     "AttachmentItem.size"),
    ("/attachments/createUploadSession", {}, 400, "ErrorInvalidParameter", "AttachmentItem"),
])
def test_what_is_wrong_with_a_draft(sigillo, sender, path, body, status, code, target):
    if path:
        path = "/" + post(sigillo, sender.key, {}, DRAFTS)[2]["id"] + path
    error_of(post(sigillo, sender.key, body, DRAFTS + path), status, code, target)


def session(sigillo, key, size=10, **message):
    """(draft, path of the upload)"""
    draft = post(sigillo, key, message, DRAFTS)[2]["id"]
    status, _, body = post(sigillo, key, {"AttachmentItem": {"attachmentType": "file", "name": "a.bin", "size": size}}, DRAFTS + "/%s/attachments/createUploadSession" % draft)
    assert status == 201 and body["nextExpectedRanges"] == ["0-"] and re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", body["expirationDateTime"]), body
    return draft, body["uploadUrl"].split("/v1.0")[1]


def piece(sigillo, path, data, content_range):
    return post(sigillo, None, data, path, "PUT", Content_Type="application/octet-stream", Content_Range=content_range)


def test_pieces_come_in_their_order(sigillo, sender):
    _, path = session(sigillo, sender.key)
    error_of(piece(sigillo, path, b"x" * 4, "bytes 4-7/10"), 416, "ErrorInvalidRange", "Content-Range")
    status, _, body = piece(sigillo, path, b"x" * 4, "bytes 0-3/10")
    assert status == 200 and body["nextExpectedRanges"] == ["4-"]
    for wrong, code, status in (("bytes 0-3/10", "ErrorInvalidRange", 416), ("bytes 4-7/11", "ErrorInvalidRange", 416), ("bytes 8-11/10", "ErrorInvalidRange", 416),
                                ("bytes 4-8/10", "BadRequest", 400), ("4-7/10", "BadRequest", 400), ("bytes */10", "BadRequest", 400), ("", "BadRequest", 400)):
        error_of(piece(sigillo, path, b"x" * 4, wrong), status, code, "Content-Range")
    assert post(sigillo, None, b"", path, "GET")[2]["nextExpectedRanges"] == ["4-"]
    status, headers, _ = piece(sigillo, path, b"x" * 6, "bytes 4-9/10")
    assert status == 201 and headers["location"] and headers["content-length"] == "0"
    assert post(sigillo, sender.key, b"", headers["location"].split("/v1.0")[1], "GET")[2]["size"] == 10
    error_of(piece(sigillo, path, b"x", "bytes 9-9/10"), 404, "ErrorItemNotFound") # the session is over


def test_the_address_is_the_secret(sigillo, sender):
    _, path = session(sigillo, sender.key)
    for wrong in (path[:-1] + ("0" if path[-1] != "0" else "1"), path.rsplit("/", 1)[0] + "/x", "/uploadSessions/x/y", "/uploadSessions/0000000000001/" + "0" * 64):
        for method in ("GET", "DELETE"):
            error_of(post(sigillo, None, b"", wrong, method), 404, "ErrorItemNotFound")
        error_of(piece(sigillo, wrong, b"x", "bytes 0-0/10"), 404, "ErrorItemNotFound")
    assert post(sigillo, None, b"", path, "DELETE")[0] == 204
    error_of(post(sigillo, None, b"", path, "GET"), 404, "ErrorItemNotFound")


def test_a_draft_is_nobody_elses(sigillo, sender):
    draft, _ = session(sigillo, sender.key)
    sigillo.json("subscription", "add", "graph-third")
    sigillo.json("domain", "add", "third-graph.test", "--subscription", "graph-third")
    sigillo.publish_records("third-graph.test")
    stranger = sigillo.json("key", "add", "--domain", "third-graph.test", "--subscription", "graph-third")["key"]
    for key, user in ((stranger, "me@third-graph.test"), (sender.key, "other@" + DOMAIN)):
        for method, below in (("GET", ""), ("DELETE", ""), ("POST", "/send"), ("GET", "/attachments")):
            error_of(post(sigillo, key, b"", "/users/%s/messages/%s%s" % (user, draft, below), method), 404, "ErrorItemNotFound")
    error_of(post(sigillo, None, b"", DRAFTS + "/" + draft, "GET"), 401, "InvalidAuthenticationToken", "Authorization")
    assert post(sigillo, sender.key, b"", DRAFTS + "/" + draft, "GET")[0] == 200


def test_a_draft_is_not_sent_before_its_files_are_whole(sigillo, sender):
    draft, path = session(sigillo, sender.key, toRecipients=[address("graph@good.test")])
    piece(sigillo, path, b"x", "bytes 0-0/10")
    reply = post(sigillo, sender.key, b"", DRAFTS + "/%s/send" % draft)
    assert error_of(reply, 400, "BadRequest", "attachments")["innerError"]["code"] == "upload-open"


def test_a_draft_is_sent_once(world, sigillo, sender):
    """Several at the same time: one is told 202, the others that there is no such draft."""
    before = len(world.mailbox("gr-once@good.test"))
    draft = post(sigillo, sender.key, mail("gr-once@good.test")["message"], DRAFTS)[2]["id"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: post(sigillo, sender.key, b"", DRAFTS + "/%s/send" % draft), range(8)))
    assert sorted(r[0] for r in replies) == [202] + [404] * 7, replies
    world.wait_mail("gr-once@good.test", before + 1)
    listed = sigillo.admin("GET", "/admin/v1/messages?to=gr-once@good.test")[1]["messages"]
    assert len(listed) == 1


def test_a_draft_is_never_more_than_can_be_sent(sigillo, sender):
    """Files that come whole, and those that are announced."""
    draft = post(sigillo, sender.key, {}, DRAFTS)[2]["id"]
    file = dict(FILES[2], contentBytes=base64.b64encode(b"x" * (20 << 20)).decode())
    assert post(sigillo, sender.key, file, DRAFTS + "/%s/attachments" % draft)[0] == 201
    error_of(post(sigillo, sender.key, file, DRAFTS + "/%s/attachments" % draft), 413, "ErrorMessageSizeExceeded", "contentBytes")
    item = {"AttachmentItem": {"attachmentType": "file", "name": "a.bin", "size": 20 << 20}}
    error_of(post(sigillo, sender.key, item, DRAFTS + "/%s/attachments/createUploadSession" % draft), 413, "ErrorMessageSizeExceeded", "AttachmentItem.size")
    other = dict(file, contentBytes=file["contentBytes"][:12 << 20])
    error_of(post(sigillo, sender.key, {"attachments": [file, other]}, DRAFTS), 413, "ErrorMessageSizeExceeded", "attachments")
    text = {"body": {"contentType": "Text", "content": "x" * (30 << 20)}}
    error_of(post(sigillo, sender.key, text, DRAFTS + "/" + draft, "PATCH"), 413, "ErrorMessageSizeExceeded", "body")
    assert post(sigillo, sender.key, b"", DRAFTS + "/" + draft, "DELETE")[0] == 204


def test_drafts_outlive_the_server(world, sigillo, sender):
    draft, path = session(sigillo, sender.key, subject="Kept", toRecipients=[address("gr-kept@good.test")])
    assert piece(sigillo, path, b"01234", "bytes 0-4/10")[0] == 200
    sigillo.kill()
    sigillo.restart()
    assert post(sigillo, None, b"", path, "GET")[2]["nextExpectedRanges"] == ["5-"]
    assert piece(sigillo, path, b"56789", "bytes 5-9/10")[0] == 201
    assert post(sigillo, sender.key, b"", DRAFTS + "/%s/send" % draft)[0] == 202
    sigillo.kill()
    sigillo.restart()
    error_of(post(sigillo, sender.key, b"", DRAFTS + "/%s/send" % draft), 404, "ErrorItemNotFound")
    got = arrived(world, "gr-kept@good.test")
    assert got["Subject"] == "Kept" and [p.get_payload(decode=True) for p in got.iter_attachments()] == [b"0123456789"]


def test_drafts_have_limits(sigillo):
    """A subscription's, when they are announced: 1 GiB."""
    sigillo.json("subscription", "add", "graph-full")
    sigillo.json("domain", "add", "full-graph.test", "--subscription", "graph-full")
    sigillo.publish_records("full-graph.test")
    key = sigillo.json("key", "add", "--domain", "full-graph.test", "--subscription", "graph-full")["key"]
    at = "/users/me@full-graph.test/messages"
    drafts, item = [post(sigillo, key, {}, at)[2]["id"] for _ in range(42)], {"AttachmentItem": {"attachmentType": "file", "name": "a.bin", "size": 25 << 20}}
    replies = [post(sigillo, key, item, at + "/%s/attachments/createUploadSession" % draft) for draft in drafts]
    assert [r[0] for r in replies] == [201] * 40 + [507] * 2
    error_of(replies[-1], 507, "ErrorQuotaExceeded")
    assert post(sigillo, key, b"", at + "/" + drafts[0], "DELETE")[0] == 204
    draft = post(sigillo, key, {}, at)[2]["id"]
    assert post(sigillo, key, item, at + "/%s/attachments/createUploadSession" % draft)[0] == 201


# -- without the client: what goes over the wire ----------------------------------------------------------------------

def test_bodies_that_are_no_request(sigillo, sender):
    for body in (b"", b"{", b"\xff", b'{"message":{},"message":{}}', b"[" * 40 + b"]" * 40):
        assert post(sigillo, sender.key, body)[2]["error"]["code"] == "BadRequest", body
    error_of(post(sigillo, sender.key, b"{}"), 400, "ErrorInvalidParameter", "message")
    error_of(post(sigillo, sender.key, b"<a/>", Content_Type="text/xml"), 415, "UnsupportedMediaType", "Content-Type")
    error_of(post(sigillo, sender.key, mail(subject="a\r\nBcc: b@good.test")), 400, "ErrorInvalidParameter", "message.subject")
    error_of(post(sigillo, sender.key, mail(attachments=[dict(FILES[0], contentBytes="%")])), 400, "ErrorInvalidParameter", "message.attachments[0].contentBytes")


def test_paths_that_are_none(sigillo, sender):
    error_of(post(sigillo, sender.key, b"", "/users", method="GET"), 404, "ResourceNotFound")
    reply = post(sigillo, sender.key, b"", method="GET", client_request_id="a\x7fb")
    error_of(reply, 405, "MethodNotAllowed")
    assert reply[1]["allow"] == "POST" and reply[1]["client-request-id"] == reply[1]["request-id"]
