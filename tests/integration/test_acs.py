# SPDX-License-Identifier: Apache-2.0
"""Programs for Azure Communication Services Email, by that service's own client, which knows nothing of us.

@azure/communication-email comes from npm, pinned by clients/acs/package.json (tools/peers puts it below build/peers/clients).  What was delivered is read by Python's email package.
"""
import base64
import email.utils
import json
import os
import socket
import time
import urllib.parse
import uuid

import jsonschema
import npm
import pytest
from acs import call, signed
from conftest import finish, launch
from delivered import PIXEL, last, people

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAIN = "acs.test"
SENDER = "shop@" + DOMAIN
SCOPE = "https://communication.azure.com//.default"
SETTINGS = {"limits": {"message_size": 2 * 1024 * 1024},
            "profile one-a-minute": {"limits": ["1 messages/minute"]}, "profile one-a-day": {"limits": ["1 messages/day"]},
            "profile few": {"limits": ["100 messages/minute"], "recipients_per_message": 50, "message_size": "1M"}}


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "acs", SETTINGS, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


@pytest.fixture(scope="module")
def app(sigillo, sender):
    return sigillo.json("app", "add", "shop", "--domain", DOMAIN)


def by_token(sigillo, app):
    url = sigillo.settings["public_url"]
    return {"endpoint": url, "authority": url, "tenant": "default", "client": app["client_id"], "secret": app["secret"]}


@pytest.fixture(scope="module")
def key(sigillo, sender):
    return sigillo.json("key", "add", "--domain", DOMAIN)


@pytest.fixture(scope="module")
def limited(sigillo, sender):
    """A subscription with a domain and a key: its limits are its own."""
    sigillo.json("subscription", "add", "acs-limited")
    sigillo.json("domain", "add", "limited-acs.test", "--subscription", "acs-limited")
    return sigillo.json("key", "add", "--domain", "limited-acs.test", "--subscription", "acs-limited")


@pytest.fixture
def way(key):
    return {"connection": key["connection_string"]}


@pytest.fixture(params=["signature", "token"])
def ways(request, sigillo, way, app):
    return way if request.param == "signature" else by_token(sigillo, app)


def client(sigillo, way, *messages, **question):
    """What the client says: one answer for each message, and all requests that it made."""
    return npm.run(sigillo, "clients/acs", "@azure/communication-email", "clients/acs/client.mjs", question=dict(way, messages=messages, **question),
                   timeout=150)


def mail(to="acs@good.test", **changes):
    message = {"senderAddress": SENDER, "content": {"subject": "Your order", "plainText": "Thank you.\n"}, "recipients": {"to": [{"address": to}]}}
    message.update(changes)
    return message


def refused(sigillo, way, message, **question):
    answer = client(sigillo, way, message, **question)
    assert "error" in answer["sent"][0], answer
    return answer["sent"][0]["error"], answer["requests"]


def post(sigillo, sender, body, version="2025-09-01", **headers):
    return call(sigillo, "POST", "/emails:send?api-version=" + version, body, Authorization="Bearer " + sender.key, **headers)


def operation(sigillo, sender, number, version="2025-09-01"):
    return call(sigillo, "GET", "/emails/operations/%s?api-version=%s" % (number, version), Authorization="Bearer " + sender.key)


def ended(sigillo, sender, number):
    for _ in range(200):
        status, headers, body = operation(sigillo, sender, number)
        assert status == 200 and ("retry-after" in headers) == (body["status"] == "Running"), (headers, body)
        if body["status"] != "Running":
            return body
        time.sleep(0.05)
    raise AssertionError("still running: %s" % body)


# -- everything that a program can send -------------------------------------------------------------------------------

ALL = {
    "senderAddress": SENDER,
    "content": {"subject": "Grüße aus Łódź – 你好 🎉", "plainText": "Guten Tag,\nваш заказ 你好 🎉\n", "html": "<p>Grüße <img src=\"cid:bild-1\"> 你好</p>\n"},
    "recipients": {"to": [{"address": "all-to@good.test", "displayName": "Žofie, \"Ďábel\" 🎉"}, {"address": "all-to2@good.test"}],
                   "cc": [{"address": "all-cc@good.test", "displayName": "Jürgen Groß"}],
                   "bcc": [{"address": "all-bcc@good.test", "displayName": "Nobody sees"}]},
    "replyTo": [{"address": "antwort@acs.test", "displayName": "Antwört"}, {"address": "second@acs.test"}],
    "headers": {"X-Order": "4711", "X-Grüße": "x"},
    "attachments": [
        {"name": "Rechnung Öl – 你好.pdf", "contentType": "application/pdf", "contentInBase64": base64.b64encode(bytes(range(256)) * 40).decode()},
        {"name": "bild.png", "contentType": "image/png", "contentInBase64": base64.b64encode(PIXEL).decode(), "contentId": "bild-1"},
        {"name": "notes.txt", "contentType": "text/plain; charset=utf-8", "contentInBase64": base64.b64encode("ä\n".encode()).decode()}],
    "userEngagementTrackingDisabled": True,
}
ALL["headers"] = {"X-Order": "4711", "X-Words": "Größe 你好"}


def test_everything_that_a_message_can_have_arrives_as_it_was_given(world, sigillo, ways):
    answer = client(sigillo, ways, ALL, poll=True)
    result = answer["sent"][0].get("result")
    assert result and result["status"] == "Succeeded" and uuid.UUID(result["id"]), answer
    for who in ("all-to", "all-to2", "all-cc", "all-bcc"):
        got = last(world, who + "@good.test")
    assert got["Subject"] == ALL["content"]["subject"]
    assert people(got["From"]) == [("", SENDER)]
    assert people(got["To"]) == [("Žofie, \"Ďábel\" 🎉", "all-to@good.test"), ("", "all-to2@good.test")]
    assert people(got["Cc"]) == [("Jürgen Groß", "all-cc@good.test")]
    assert people(got["Reply-To"]) == [("Antwört", "antwort@acs.test"), ("", "second@acs.test")]
    assert "Bcc" not in got and "Nobody sees" not in got.as_string()
    assert got["X-Order"] == "4711" and got["X-Words"] == "Größe 你好"
    assert got["DKIM-Signature"] and "d=acs.test" in got["DKIM-Signature"]
    text, html = got.get_body(("plain",)), got.get_body(("html",))
    written = [p.get_content().replace("\r\n", "\n") for p in (text, html)]
    assert written == [ALL["content"]["plainText"], ALL["content"]["html"]]
    parts = {p.get_filename(): p for p in got.walk() if p.get_filename()}
    assert set(parts) == {a["name"] for a in ALL["attachments"]}
    for a in ALL["attachments"]:
        p = parts[a["name"]]
        assert p.get_payload(decode=True) == base64.b64decode(a["contentInBase64"]), a["name"]
        assert p.get_content_type() == a["contentType"].split(";")[0]
        assert p["Content-ID"] == ("<bild-1>" if "contentId" in a else None)
        assert p.get_content_disposition() == ("inline" if "contentId" in a else "attachment")


def test_the_client_polls_until_it_ends(sigillo, way):
    answer = client(sigillo, way, mail("poll@grey.test"), poll=True)
    assert answer["sent"][0]["result"]["status"] == "Succeeded", answer
    first, *polls = answer["requests"]
    assert (first["method"], first["path"], first["status"]) == ("POST", "/emails:send", 202) and first["retry_after"]
    number = answer["sent"][0]["result"]["id"]
    assert first["operation_location"] == "%s/emails/operations/%s?api-version=2025-09-01" % (sigillo.settings["public_url"], number)
    assert polls and {(p["method"], p["path"], p["status"]) for p in polls} == {("GET", "/emails/operations/" + number, 200)}
    assert polls[-1]["retry_after"] is None
    assert all(r["asked"] == r["echoed"] for r in answer["requests"])


def test_a_long_wait_is_polled_to_its_end(sigillo, way):
    """Its server takes 9 s and more."""
    answer = client(sigillo, way, mail("slow@tarpit.test"), poll=True)
    assert answer["sent"][0]["result"]["status"] == "Succeeded", answer
    waits = [r for r in answer["requests"] if r["method"] == "GET" and r["retry_after"]]
    assert len(waits) >= 3, answer["requests"]


def test_fifty_recipients(world, sigillo, way):
    to = [{"address": "fifty%d@good.test" % i, "displayName": "Nr. %d" % i} for i in range(50)]
    answer = client(sigillo, way, mail(recipients={"to": to[:20], "cc": to[20:40], "bcc": to[40:]}), poll=True)
    assert answer["sent"][0]["result"]["status"] == "Succeeded", answer
    for i in (0, 19, 39, 49):
        assert world.wait_mail("fifty%d@good.test" % i)


def test_only_bcc(world, sigillo, way):
    answer = client(sigillo, way, mail(recipients={"to": [], "bcc": [{"address": "only-bcc@good.test"}]}), poll=True)
    assert answer["sent"][0]["result"]["status"] == "Succeeded", answer
    assert world.wait_mail("only-bcc@good.test")


@pytest.mark.parametrize("version", ["2023-03-31", "2024-07-01-preview", "2025-09-01"])
def test_all_versions(sigillo, ways, version):
    answer = client(sigillo, ways, mail(), poll=True, version=version)
    assert answer["sent"][0]["result"]["status"] == "Succeeded", answer


def test_an_own_operation_id_sends_once(world, sigillo, ways):
    number, before = str(uuid.uuid4()).upper(), len(world.mailbox("acs-once@good.test"))
    answer = client(sigillo, ways, *[mail("acs-once@good.test")] * 3, poll=True, options={"operationId": number})
    assert [s["result"]["id"] for s in answer["sent"]] == [number] * 3, answer
    error, _ = refused(sigillo, ways, mail("acs-once@good.test", content={"subject": "Another", "plainText": "x"}), options={"operationId": number.lower()})
    assert (error["status"], error["code"]) == (409, "OperationIdConflict"), error
    time.sleep(1)
    assert len(world.wait_mail("acs-once@good.test")) == before + 1


# -- what goes wrong, as the client tells it --------------------------------------------------------------------------

def test_a_wrong_domain(sigillo, way):
    sigillo.json("domain", "add", "not-acs.test")
    for address in ("me@not-acs.test", "me@nowhere.example"):
        error, requests = refused(sigillo, way, mail(senderAddress=address))
        assert (error["name"], error["status"], error["code"]) == ("RestError", 404, "DomainNotLinked"), error
        assert "The specified sender domain has not been linked." in error["message"]
        assert requests[0]["code"] == "DomainNotLinked" and len(requests) == 1


def test_a_sender_that_is_not_listed(sigillo, sender, way):
    sigillo.json("domain", "add", "listed-acs.test")
    sigillo.publish_records("listed-acs.test")
    app = sigillo.json("app", "add", "listed", "--domain", "listed-acs.test")
    sigillo.cli("sender", "add", "news@listed-acs.test")
    error, _ = refused(sigillo, by_token(sigillo, app), mail(senderAddress="other@listed-acs.test"))
    assert (error["status"], error["code"]) == (400, "InvalidSenderUserName"), error
    assert client(sigillo, by_token(sigillo, app), mail(senderAddress="News@listed-acs.test"))["requests"][0]["status"] == 202


def test_a_policy(sigillo, sender):
    app = sigillo.json("app", "add", "confined", "--domain", DOMAIN)
    sigillo.cli("group", "add", "acs-board", "--member", "boss@" + DOMAIN)
    sigillo.cli("policy", "add", "--app", "confined", "--deny", "--senders", "acs-board")
    error, _ = refused(sigillo, by_token(sigillo, app), mail(senderAddress="boss@" + DOMAIN))
    assert (error["status"], error["code"]) == (403, "Forbidden") and "policy" in error["message"], error
    assert client(sigillo, by_token(sigillo, app), mail())["requests"][0]["status"] == 202


def test_a_wrong_key(sigillo, key, way):
    """The error is the client's; each of the two keys is good by itself, until it is replaced."""
    wrong = base64.b64encode(b"x" * 32).decode()
    error, requests = refused(sigillo, {"connection": way["connection"].split("accesskey=")[0] + "accesskey=" + wrong}, mail())
    assert (error["name"], error["status"], error["code"]) == ("RestError", 401, "Denied") and "Denied by the resource provider" in error["message"], error
    assert len(requests) == 1
    second = {"connection": sigillo.json("key", "rotate", key["id"], "--which", "secondary")["connection_string"]}
    for good in (way, second):
        assert client(sigillo, good, mail())["requests"][0]["status"] == 202
    sigillo.cli("key", "rotate", key["id"], "--which", "secondary")
    assert refused(sigillo, second, mail())[0]["code"] == "Denied"
    assert client(sigillo, way, mail())["requests"][0]["status"] == 202


def test_a_wrong_secret(sigillo, app):
    error, requests = refused(sigillo, dict(by_token(sigillo, app), secret="wrong"), mail())
    assert "7000215" in error["message"] or error["name"] == "AuthenticationRequiredError", error
    assert all(r["method"] != "POST" or r["status"] != 202 for r in requests)


def test_a_suppressed_recipient(sigillo, way):
    sigillo.cli("suppression", "add", "gone-acs@good.test")
    error, _ = refused(sigillo, way, mail("gone-acs@good.test"), poll=True)
    assert "EmailDroppedAllRecipientsSuppressed" in error["message"] and "all recipients were suppressed" in error["message"], error
    answer = client(sigillo, way, mail(recipients={"to": [{"address": "gone-acs@good.test"}, {"address": "here-acs@good.test"}]}), poll=True)
    assert answer["sent"][0]["result"]["status"] == "Succeeded", answer


def test_nobody_takes_it(sigillo, sender, way):
    error, requests = refused(sigillo, way, mail("nobody-acs@reject.test"), poll=True)
    assert "EmailDropped" in error["message"] and "after several attempts" in error["message"], error
    body = ended(sigillo, sender, requests[-1]["path"].rsplit("/", 1)[1])
    assert "nobody of that name here" in body["error"]["details"][0]["message"], body


def test_it_is_cancelled(sigillo, sender, way):
    number = str(uuid.uuid4())
    status, _, body = post(sigillo, sender, mail("cancelled@tarpit.test"), Operation_Id=number)
    assert status == 202 and body == {"id": number, "status": "Running"}
    listed = sigillo.admin("GET", "/admin/v1/messages?to=cancelled@tarpit.test")[1]["messages"]
    sigillo.cli("queue", "cancel", listed[0]["id"])
    body = ended(sigillo, sender, number)
    assert body["status"] == "Canceled" and body["error"]["code"] and body["error"]["message"], body


def test_too_large(sigillo, way):
    """More than the profile allows, than the server takes, and than it reads."""
    sigillo.cli("subscription", "set", "default", "--profile", "few")
    try:
        for size in (1100000, 2200000, 9000000):
            file = {"name": "a.pdf", "contentType": "application/pdf", "contentInBase64": base64.b64encode(b"x" * size).decode()}
            error, requests = refused(sigillo, way, mail(attachments=[file]))
            assert (error["status"], error["code"]) == (413, "RequestEntityTooLarge"), (size, error)
            assert len(requests) == 1, (size, requests)
    finally:
        sigillo.cli("subscription", "set", "default", "--profile", "unlimited")


def test_who_sends_too_much_and_slowly_hears_why(sigillo, sender):
    """Over TLS, and before all of it was sent: a connection that is reset would be tried again."""
    with socket.create_connection((sigillo.address, 8443), timeout=20) as plain, sigillo.tls_context().wrap_socket(plain, server_hostname=sigillo.address) as s:
        s.sendall(b"POST /emails:send?api-version=2025-09-01 HTTP/1.1\r\nHost: h\r\nContent-Length: 6000000\r\n\r\n")
        for _ in range(60):
            s.sendall(b"x" * 100000)
            time.sleep(0.03)
        answer = s.recv(4096)
        assert answer.startswith(b"HTTP/1.1 413 ") and b"x-ms-error-code: RequestEntityTooLarge" in answer
        assert json.loads(answer.split(b"\r\n\r\n")[1])["error"]["code"] == "RequestEntityTooLarge"


def test_what_is_announced_too_large_is_not_waited_for(sigillo, sender):
    for path, code in (("/emails:send?api-version=2025-09-01", b'"code":"RequestEntityTooLarge"'), ("/v1/messages", b'"code":"body-too-large"'),
                       ("/v3/mail/send", b'{"errors":['), ("/v1.0/me/sendMail", b'"code":"ErrorMessageSizeExceeded"')):
        with socket.create_connection((sigillo.address, 8080), timeout=20) as s:
            s.sendall(b"POST %s HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n" % path.encode())
            answer = b"".join(iter(lambda: s.recv(4096), b""))
            assert answer.startswith(b"HTTP/1.1 413 ") and code in answer, (path, answer)


def test_more_recipients_than_the_profile_allows(sigillo, way):
    sigillo.cli("subscription", "set", "default", "--profile", "few")
    try:
        error, _ = refused(sigillo, way, mail(recipients={"to": [{"address": "r%d@good.test" % i} for i in range(51)]}))
        assert (error["status"], error["code"]) == (400, "BadRequest"), error
    finally:
        sigillo.cli("subscription", "set", "default", "--profile", "unlimited")


def test_a_limit_and_the_clients_own_retry(world, sigillo, limited):
    """The client waits as long as it is told, and sends the same request with the same signature again."""
    sigillo.cli("subscription", "set", "acs-limited", "--profile", "one-a-minute")
    way, message = {"connection": limited["connection_string"]}, mail("limited@good.test", senderAddress="me@limited-acs.test")
    began = time.monotonic()
    answer = client(sigillo, way, message, message)
    assert [r["status"] for r in answer["requests"] if r["method"] == "POST"] == [202, 429, 202], answer
    reached = [r for r in answer["requests"] if r["status"] == 429][0]
    assert reached["code"] == "TooManyRequests" and 0 < int(reached["retry_after"]) <= 60
    assert time.monotonic() - began > int(reached["retry_after"]) - 1
    assert len(world.wait_mail("limited@good.test", 2)) == 2


def test_nobody_is_told_to_wait_longer_than_his_signature_lasts(sigillo, limited):
    """Retries carry the date of the first request: three of them are within the fifteen minutes."""
    sigillo.cli("subscription", "set", "acs-limited", "--profile", "one-a-day")
    body = json.dumps(mail(senderAddress="me@limited-acs.test")).encode()
    signed(sigillo, limited, body)
    reply = signed(sigillo, limited, body)
    error_of(reply, 429, "TooManyRequests", "messages")
    assert 0 < int(reply[1]["retry-after"]) <= 225


# -- without the client: what goes over the wire ----------------------------------------------------------------------

def error_of(reply, status, code, target=None):
    assert reply[0] == status, reply
    error = reply[2]["error"]
    assert error["code"] == code == reply[1]["x-ms-error-code"] and error["message"], reply
    assert reply[1]["content-type"].startswith("application/json") and error.get("target") == target, reply
    return error


@pytest.mark.parametrize("changes, target", [
    ({"content": {"plainText": "x"}}, "content.subject"),
    ({"content": {"subject": "x"}}, "content"),
    ({"recipients": {"to": [{"address": "a@good.test"}, {"address": "nobody"}]}}, "recipients.to[1].address"),
    ({"recipients": {"to": "a@good.test"}}, "recipients.to"),
    ({"colour": 1}, "colour"),
    ({"headers": {"X-A": "b\r\nBcc: a@good.test"}}, "headers.X-A"),
    ({"attachments": [{"name": "a", "contentType": "application/octet-stream", "contentInBase64": "YQ=="}]}, "attachments[0].contentType"),
    ({"attachments": [{"name": "a", "contentType": "text/plain", "contentInBase64": "%"}]}, "attachments[0].contentInBase64"),
])
def test_what_is_wrong_is_named_by_its_path(sigillo, sender, changes, target):
    error_of(post(sigillo, sender, mail(**changes)), 400, "BadRequest", target)


def test_bodies_that_are_no_request(sigillo, sender):
    for body in (b"", b"{", b"[]", b"\xff", b'{"senderAddress":"a@b.test","senderAddress":"a@b.test"}', b"[" * 40 + b"]" * 40):
        assert post(sigillo, sender, body)[2]["error"]["code"] == "BadRequest", body
    error_of(call(sigillo, "POST", "/emails:send?api-version=2025-09-01", b"<a/>", Authorization="Bearer " + sender.key, Content_Type="text/xml"),
             400, "BadRequest", "Content-Type")


def test_versions_that_are_none(sigillo, sender):
    error_of(post(sigillo, sender, mail(), version="2021-10-01-preview"), 400, "UnsupportedApiVersionValue", "api-version")
    error_of(call(sigillo, "POST", "/emails:send", mail(), Authorization="Bearer " + sender.key), 400, "MissingApiVersionParameter", "api-version")
    inline = [{"name": "a.png", "contentType": "image/png", "contentInBase64": "YQ==", "contentId": "a"}]
    error_of(post(sigillo, sender, mail(attachments=inline), version="2023-03-31"), 400, "BadRequest", "attachments[0].contentId")


def test_who_is_nobody(sigillo, sender, app):
    for authorization in ("", "Bearer sk_no_such", "Bearer x.y.z", "Basic eDp5"):
        reply = call(sigillo, "POST", "/emails:send?api-version=2025-09-01", mail(), **({"Authorization": authorization} if authorization else {}))
        error_of(reply, 401, "Denied", "Authorization")
        assert reply[1]["www-authenticate"] and reply[2]["error"]["message"] == "Denied by the resource provider."


def test_signatures(sigillo, key):
    body = json.dumps(mail()).encode()
    assert signed(sigillo, key, body)[0] == 202
    for changes in ({"x_ms_date": email.utils.formatdate(time.time() - 60, usegmt=True)}, {"Host": "mail.example.com"},
                    {"x_ms_content_sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, {"date": email.utils.formatdate(time.time() - 7200, usegmt=True)},
                    {"Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date&Signature=x"}):
        error_of(signed(sigillo, key, body, **changes), 401, "Denied", "Authorization")
    error_of(signed(sigillo, key, body, sent=body + b" "), 401, "Denied", "Authorization")
    assert signed(sigillo, key, body, host="anything.example:1")[0] == 202


def test_two_requests_of_one_signature_are_two(sigillo, key):
    """The date has whole seconds, and the Operation-Id is not signed."""
    date, body = email.utils.formatdate(usegmt=True), json.dumps(mail("twins@good.test")).encode()
    first, second = signed(sigillo, key, body, date=date), signed(sigillo, key, body, date=date)
    assert first[0] == second[0] == 202 and first[2]["id"] != second[2]["id"]
    number = str(uuid.uuid4())
    assert {signed(sigillo, key, body, date=date, Operation_Id=number)[2]["id"] for _ in range(2)} == {number}


def test_a_token_for_another_api_opens_nothing(sigillo, app):
    def token(scope):
        form = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["secret"], "scope": scope}
        return sigillo.request("POST", "/default/oauth2/v2.0/token", urllib.parse.urlencode(form),
                               headers={"Content-Type": "application/x-www-form-urlencoded"}, tls=True)[2]["access_token"]
    for scope, status in ((SCOPE, 202), (SCOPE.replace("//.", "/."), 202), ("https://graph.microsoft.com/.default", 401),
                          (sigillo.settings["public_url"] + "/.default", 401)):
        assert call(sigillo, "POST", "/emails:send?api-version=2025-09-01", mail(), Authorization="Bearer " + token(scope))[0] == status, scope


def test_operations_that_are_not_ones_own(sigillo, sender):
    number = str(uuid.uuid4())
    error_of(operation(sigillo, sender, number), 404, "NotFound", "operationId")
    error_of(operation(sigillo, sender, "x"), 404, "NotFound", "operationId")
    error_of(post(sigillo, sender, mail(), Operation_Id="x"), 400, "InvalidOperationId", "Operation-Id")
    assert post(sigillo, sender, mail(), Operation_Id=number)[0] == 202
    assert operation(sigillo, sender, number)[0] == 200
    sigillo.json("subscription", "add", "acs-other")
    sigillo.json("domain", "add", "other-acs.test", "--subscription", "acs-other")
    stranger = sigillo.json("key", "add", "--domain", "other-acs.test", "--subscription", "acs-other")["key"]
    reply = call(sigillo, "GET", "/emails/operations/%s?api-version=2025-09-01" % number, Authorization="Bearer " + stranger)
    error_of(reply, 404, "NotFound", "operationId")


def test_an_operation_outlives_a_restart(sigillo, sender):
    number = str(uuid.uuid4())
    assert post(sigillo, sender, mail(), Operation_Id=number)[0] == 202
    assert ended(sigillo, sender, number)["status"] == "Succeeded"
    sigillo.kill()
    sigillo.restart()
    assert operation(sigillo, sender, number)[2] == {"id": number, "status": "Succeeded"}
    assert post(sigillo, sender, mail(), Operation_Id=number)[2]["id"] == number
    assert call(sigillo, "GET", "//emails/operations/%s?api-version=2025-09-01" % number, Authorization="Bearer " + sender.key)[0] == 200


def test_where_the_operation_is(sigillo, sender):
    """At the host that the client reached; a host that is none is not handed out."""
    url = sigillo.settings["public_url"]
    own = url.split("//")[1]
    for host, begin in ((own, url), ("01ftz85b24zv." + own, "https://01ftz85b24zv." + own), ("mail.example.com", "https://mail.example.com"), ("a/b?c", "")):
        _, headers, body = post(sigillo, sender, mail(), Host=host)
        assert headers["operation-location"] == "%s/emails/operations/%s?api-version=2025-09-01" % (begin, body["id"])
    for host, begin in (("plain.example:80", "http://plain.example:80"), (own, url)): # that a proxy with TLS stands before
        _, headers, _ = sigillo.request("POST", "/emails:send?api-version=2023-03-31", mail(), sender.key, {"Host": host})
        assert headers["Operation-Location"].startswith(begin + "/emails/")


def test_directives(world, sigillo, sender):
    files = [{"name": "a.exe", "contentType": "application/x-msdownload", "contentInBase64": "YQ=="}, {"name": "b.txt", "contentType": "text/plain", "contentInBase64": "Yg=="}]
    assert post(sigillo, sender, mail("directives@good.test", attachments=files, headers={
        "x-ms-acsemail-suppress-invalid-attachment": "true", "Message-ID": "<own-1@acs.test>"}))[0] == 202
    got = last(world, "directives@good.test")
    assert [p.get_filename() for p in got.iter_attachments()] == ["b.txt"] and got["Message-ID"] == "<own-1@acs.test>"
    assert "acsemail" not in got.as_string().lower()
    error_of(post(sigillo, sender, mail(headers={"Message-ID": "x", "x-ms-acsemail-validate-message-id": "true"})), 400, "BadRequest", "headers.Message-ID")


def test_the_trace_says_by_which_door(sigillo, sender):
    post(sigillo, sender, mail("trace-acs@good.test"))
    listed = sigillo.admin("GET", "/admin/v1/messages?to=trace-acs@good.test")[1]["messages"]
    first = sigillo.json("trace", listed[0]["id"])["events"][0]
    assert first["kind"] == "accepted" and first["detail"]["door"] == "acs", first


# -- our own description ----------------------------------------------------------------------------------------------

with open(os.path.join(HERE, "..", "..", "server", "doors", "http", "openapi.json"), encoding="utf-8") as f:
    DESCRIPTION = json.load(f)
FILE = {"name": "a.pdf", "contentType": "application/pdf", "contentInBase64": "YQ=="}
REQUESTS = [
    mail(), mail(replyTo=None, headers=None, attachments=None, userEngagementTrackingDisabled=None), mail(replyTo=[{"address": "r@acs.test", "displayName": None}]),
    mail(headers={"X-A": "b"}), mail(attachments=[FILE, dict(FILE, contentId="c")]), mail(content={"subject": "", "html": "<p>"}), mail(userEngagementTrackingDisabled=False),
    mail(recipients={"cc": [{"address": "a@good.test"}], "bcc": None}),
    {}, [], mail(content="x"), mail(content={"plainText": "x"}), mail(content={"subject": 1}), mail(recipients=[]), mail(recipients={"to": "a@good.test"}),
    mail(recipients={"to": [{"email": "a@good.test"}]}), mail(recipients={"to": [{}]}), mail(replyTo={}), mail(headers={"X-A": 1}), mail(headers=[]),
    mail(attachments={}), mail(attachments=[{}]), mail(attachments=[dict(FILE, name="")]), mail(attachments=[dict(FILE, contentInBase64=1)]), mail(attachments=[dict(FILE, size=1)]),
    mail(userEngagementTrackingDisabled="true"), mail(importance="high"), {k: v for k, v in mail().items() if k != "senderAddress"}, mail(senderAddress=None),
]


@pytest.mark.parametrize("body", REQUESTS, ids=range(len(REQUESTS)))
def test_the_description_that_is_served_and_the_code_agree(sigillo, sender, body):
    """What its schema allows is accepted here, what it forbids is refused, and the answer has the shape that it promises."""
    schema = lambda name: jsonschema.Draft202012Validator({"$ref": "#/components/schemas/" + name, "components": DESCRIPTION["components"]})  # noqa: E731
    status, headers, reply = post(sigillo, sender, json.dumps(body).encode())
    assert (status == 202) == schema("AcsMessage").is_valid(body), (reply, list(schema("AcsMessage").iter_errors(body)))
    assert str(status) in DESCRIPTION["paths"]["/emails:send"]["post"]["responses"]
    schema("AcsResult" if status == 202 else "AcsError").validate(reply)
    for name in DESCRIPTION["paths"]["/emails:send"]["post"]["responses"][str(status)]["headers"]:
        assert name.lower() in headers
