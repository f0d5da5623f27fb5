# SPDX-License-Identifier: Apache-2.0
"""Keys that are good for what their scopes name, and for nothing else: at every door."""
import json

import pytest
from acs import signed
from conftest import finish, launch

DOMAIN = "scopes.test"
OWN = {"from": {"email": "a@" + DOMAIN}, "to": ["x@plain.test"], "subject": "x", "text": "x"}
SENDGRID = {"personalizations": [{"to": [{"email": "x@plain.test"}]}], "from": {"email": "a@" + DOMAIN}, "subject": "x",
            "content": [{"type": "text/plain", "value": "x"}]}
ACS = {"senderAddress": "a@" + DOMAIN, "content": {"subject": "x", "plainText": "x"}, "recipients": {"to": [{"address": "x@plain.test"}]}}
GRAPH = {"message": {"subject": "x", "body": {"contentType": "Text", "content": "x"}, "toRecipients": [{"emailAddress": {"address": "x@plain.test"}}]}}
ACS_PATH = "/emails:send?api-version=2025-09-01"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "scopes", {}, start=False)
    d.open_https()
    d.start()
    d.sender(DOMAIN)
    yield d
    finish(d)


def key(sigillo, *scopes, domain=DOMAIN):
    return sigillo.json("key", "add", "--domain", domain, *[a for s in scopes for a in ("--scope", s)])


def raw(sigillo, k):
    headers = {"Content-Type": "message/rfc822", "Authorization": "Bearer " + k["key"]}
    message = b"From: a@scopes.test\r\nTo: x@plain.test\r\nSubject: x\r\n\r\nx\r\n"
    return sigillo.request("POST", "/v1/messages?from=a@scopes.test&to=x@plain.test", message, headers=headers, tls=True)


def bearer(path, body):
    return lambda sigillo, k: sigillo.request("POST", path, json.dumps(body).encode(),
                                              headers={"Content-Type": "application/json", "Authorization": "Bearer " + k["key"]}, tls=True)


DOORS = {"own": bearer("/v1/messages", OWN), "own, whole": raw, "sendgrid": bearer("/v3/mail/send", SENDGRID), "acs, bearer": bearer(ACS_PATH, ACS),
         "graph": bearer("/v1.0/users/a@%s/sendMail" % DOMAIN, GRAPH),
         "acs, signed": lambda sigillo, k: signed(sigillo, k, json.dumps(ACS).encode(), host="%s.mail.test:8443" % k["id"])}  # there are many keys


@pytest.mark.parametrize("door", DOORS)
def test_what_sends_needs_the_scope(sigillo, door):
    sends = key(sigillo, "mail.send")
    assert DOORS[door](sigillo, sends)[0] == 202
    assert door == "acs, signed" or DOORS[door](sigillo, dict(sends, key=sends["sendgrid_key"]))[0] == 202
    status, headers, body = DOORS[door](sigillo, key(sigillo, "stats.read", "templates.create"))
    assert status == 403 and 'error="insufficient_scope", scope="mail.send"' in {k.lower(): v for k, v in headers.items()}["www-authenticate"], (headers, body)
    said = {"own": body, "sendgrid": body.get("errors", [{}])[0], "acs": body.get("error", {}), "graph": body.get("error", {})}[door.split(",")[0]]
    assert said.get("code") in ("scope", "Forbidden", "ErrorAccessDenied", None) and said.get("message", "") in ("access forbidden", "", "This needs the scope mail.send, which your key does not have."), said


def test_smtp_sends_as_nobody_without_it(sigillo):
    """There a key is the password of "apikey": it logs in, and no address is its own."""
    for scope, code in (("mail.send", 250), ("stats.read", 550)):
        for form in ("key", "sendgrid_key"):
            with sigillo.connect() as s:
                s.login("apikey", key(sigillo, scope)[form])
                answer = s.mail("a@" + DOMAIN)
                assert answer[0] == code and (code == 250 or b"mail.send is not one of them" in answer[1]), answer


def test_the_decision_itself_asks_for_it(sigillo):
    """Were a door to forget it, nothing would go out."""
    k = key(sigillo, "stats.read")
    answer = sigillo.cli("policy", "test", "--json", "--identity", "key:" + k["id"], "--sender", "a@" + DOMAIN, ok=False)
    assert answer.returncode == 1 and json.loads(answer.stdout)["rule"] == "scope-missing", answer.stdout


def test_another_list_counts_at_once(sigillo):
    k = key(sigillo, "mail.send")
    assert DOORS["own"](sigillo, k)[0] == 202
    changed = sigillo.json("key", "set", k["id"], "--scope", "stats.read")
    assert changed["scopes"] == ["stats.read"]
    assert DOORS["own"](sigillo, k)[0] == 403
    assert sigillo.admin("GET", "/admin/v1/keys/" + k["id"])[1]["scopes"] == ["stats.read"]
    assert "stats.read" in sigillo.cli("key", "show", k["id"]).stdout
    assert [l for l in sigillo.cli("key", "list").stdout.splitlines() if l.startswith(k["id"]) and "stats.read" in l]
    line = [e for e in sigillo.json("report", "audit", "--since", "1h")["audit"] if e["object"] == "key:" + k["id"]][0]
    assert line["action"] == "key change" and "stats.read" in line["detail"], line


@pytest.mark.parametrize("word, named", [("mail.sned", "mail.sned is no scope"), ("a\nb", "Number 1 is no scope"), ("x" * 61, "Number 1 is no scope")])
def test_a_scope_that_is_none_is_named(sigillo, word, named):
    answer = sigillo.admin("POST", "/admin/v1/keys", {"domains": [DOMAIN], "scopes": [word]})
    assert answer[0] == 422 and named in json.dumps(answer[1]), answer


def test_scopes_open_no_admin_api(sigillo):
    k = key(sigillo, "api_keys.create", "mail.send")
    for method, path in (("GET", "/admin/v1/keys"), ("POST", "/admin/v1/keys"), ("GET", "/admin/v1/audit")):
        assert sigillo.request(method, path, b"{}" if method == "POST" else None, key=k["key"], tls=True)[0] == 403, path


def test_what_is_refused(sigillo):
    for arguments, code, field in ((["--scope", "mail.sned", "--domain", DOMAIN], 2, "scopes"),
                                   (["--scope", "stats.read", "--role", "reader"], 2, "scopes"),
                                   (["--scope", "mail.send"], 2, "domain")):
        answer = sigillo.cli("key", "add", *arguments, ok=False)
        assert answer.returncode == code and field in answer.stderr, answer
    assert sigillo.admin("POST", "/admin/v1/keys", {"domains": [DOMAIN], "scopes": []})[0] == 422
    assert sigillo.admin("POST", "/admin/v1/keys", {"domains": [DOMAIN], "scopes": "mail.send"})[0] == 400


def test_without_a_list_a_key_does_what_it_did(sigillo):
    k = sigillo.json("key", "add", "--domain", DOMAIN)
    assert sigillo.admin("GET", "/admin/v1/keys/" + k["id"])[1]["scopes"] is None
    assert "not listed" in sigillo.cli("key", "show", k["id"]).stdout
    for door in DOORS.values():
        assert door(sigillo, k)[0] == 202
