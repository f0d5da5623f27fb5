# SPDX-License-Identifier: Apache-2.0
"""API keys, scopes and On-Behalf-Of in the words of SendGrid's API, by that service's own client."""
import re

import npm
import pytest
from conftest import finish, launch

DOMAIN = "sgkeys.test"
OTHER = "sgkeys-other.test"
ALL = ["mail.send", "api_keys.create", "api_keys.read", "api_keys.update", "api_keys.delete"]


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "sendgrid-keys", {"profile small": {"limits": ["2 messages/minute"]}}, start=False)
    d.open_https()
    d.start()
    d.sender(DOMAIN)
    d.sender(OTHER)
    yield d
    finish(d)


@pytest.fixture(scope="module")
def owner(sigillo):
    return sigillo.json("key", "add", "--role", "owner")["sendgrid_key"]


def ask(sigillo, key, *requests):
    """(status, body, headers) of each."""
    asked = [{"method": m, "url": u, "body": b, "headers": h} for m, u, b, h in ((*r, None, {})[:4] if len(r) < 4 else r for r in requests)]
    answers = npm.run(sigillo, "clients/sendgrid", "@sendgrid/client", "clients/sendgrid/client.mjs",
                      question={"url": sigillo.settings["public_url"] + "/", "key": key, "requests": asked}, timeout=150)
    found = []
    for a in answers:
        e = a.get("error")
        found.append((e["code"], e["body"], e["headers"]) if e else (a["status"], a["body"], a["headers"]))
    return found if len(requests) > 1 else found[0]


def forbidden(answer):
    return answer[0] == 403 and answer[1]["errors"][0]["message"] == "access forbidden" and answer[1]["errors"][0]["field"] is None


def mail(domain=DOMAIN):
    return ("POST", "/v3/mail/send", {"personalizations": [{"to": [{"email": "x@plain.test"}]}], "from": {"email": "a@" + domain}, "subject": "x",
                                      "content": [{"type": "text/plain", "value": "x"}]})


def held(sigillo, *scopes, domain=DOMAIN):
    """A key that was made by hand: (its bearer form, its id)"""
    made = sigillo.json("key", "add", "--domain", domain, *[a for s in scopes for a in ("--scope", s)])
    return made["sendgrid_key"], made["id"]


def make(sigillo, key, **body):
    return ask(sigillo, key, ("POST", "/v3/api_keys", dict({"name": "made"}, **body)))


def test_a_key_lives(sigillo, owner):
    status, made, _ = make(sigillo, owner, name="My API Key", scopes=["mail.send", "stats.read"])
    assert status == 201 and set(made) == {"api_key", "api_key_id", "name", "scopes"}
    assert made["name"] == "My API Key" and made["scopes"] == ["mail.send", "stats.read"]
    assert re.fullmatch(r"SG\.%s\.[\w-]{43}" % made["api_key_id"], made["api_key"])
    one = "/v3/api_keys/" + made["api_key_id"]
    assert [a[0] for a in ask(sigillo, made["api_key"], mail(), ("GET", one), ("GET", "/v3/api_keys"))] == [202, 403, 403]

    listed, shown, renamed, again, put, last = ask(
        sigillo, owner, ("GET", "/v3/api_keys"), ("GET", one), ("PATCH", one, {"name": "A New Hope"}), ("GET", one),
        ("PUT", one, {"name": "Profiles key", "scopes": ["stats.read"]}), ("GET", one))
    assert {"name": "My API Key", "api_key_id": made["api_key_id"]} in listed[1]["result"]
    entry = {"name": "My API Key", "api_key_id": made["api_key_id"], "scopes": ["mail.send", "stats.read"]}
    assert shown[:2] == (200, dict(entry, result=[entry]))
    assert renamed[:2] == (200, {"name": "A New Hope", "api_key_id": made["api_key_id"]})
    assert again[1]["scopes"] == ["mail.send", "stats.read"] and again[1]["name"] == "A New Hope"
    assert put[:2] == (200, {"name": "Profiles key", "api_key_id": made["api_key_id"], "scopes": ["stats.read"]})
    assert last[1]["result"] == [put[1]]
    assert forbidden(ask(sigillo, made["api_key"], mail()))

    gone, missing, twice = ask(sigillo, owner, ("DELETE", one), ("GET", one), ("DELETE", one))
    assert gone[:2] == (204, "") and missing[0] == twice[0] == 404
    assert ask(sigillo, made["api_key"], mail())[0] == 401
    lines = [e for e in sigillo.json("report", "audit", "--since", "1h")["audit"] if e["object"] == "key:" + made["api_key_id"]]
    assert [e["action"] for e in lines][::-1] == ["key add", "key change", "key change", "key remove"]
    assert "stats.read" in lines[1]["detail"] and made["api_key"] not in str(lines) and made["api_key"] not in sigillo.raw_log()


def test_without_scopes_it_is_as_its_maker(sigillo, owner):
    status, made, _ = make(sigillo, owner)
    assert status == 201 and "whitelabel.create" in made["scopes"] and "mail.send" in made["scopes"]
    assert ask(sigillo, made["api_key"], mail())[0] == 202 and make(sigillo, made["api_key"])[0] == 201
    key, _ = held(sigillo, *ALL)
    status, made, _ = make(sigillo, key)
    assert status == 201 and sorted(made["scopes"]) == sorted(ALL)
    assert [a[0] for a in ask(sigillo, made["api_key"], mail(), mail(OTHER))] == [202, 403]


def test_both_forms_are_one_key_at_every_door(sigillo):
    made = sigillo.json("key", "add", "--domain", DOMAIN)
    for form in (made["key"], made["sendgrid_key"]):
        assert sigillo.post("/v1/messages", {"from": {"email": "a@" + DOMAIN}, "to": ["x@plain.test"], "subject": "x", "text": "x"}, key=form)[0] == 202
        assert ask(sigillo, form, mail())[0] == 202
    for wrong in (made["sendgrid_key"][:-1], made["sendgrid_key"] + ".x", made["sendgrid_key"].replace(".", "_"), made["key"].replace("_", "."), "SG.", "SG..x"):
        assert sigillo.request("GET", "/v3/scopes", key=wrong)[0] == 401, wrong


def test_nobody_climbs(sigillo, owner):
    """Neither scopes, nor domains, nor a role, nor what policies, senders and limits take away."""
    key, me = held(sigillo, *ALL)
    assert forbidden(make(sigillo, key, scopes=["mail.send", "stats.read"]))
    assert forbidden(ask(sigillo, key, ("PUT", "/v3/api_keys/" + me, {"name": "n", "scopes": ALL + ["stats.read"]})))
    _, other = held(sigillo, "stats.read", domain=OTHER)
    assert forbidden(ask(sigillo, key, ("PUT", "/v3/api_keys/" + other, {"name": "n", "scopes": ["mail.send"]})))
    assert ask(sigillo, key, ("PUT", "/v3/api_keys/" + other, {"name": "n", "scopes": ["api_keys.read"]}))[0] == 200
    role = make(sigillo, owner)[1]["api_key_id"]
    one = "/v3/api_keys/" + role
    assert all(forbidden(a) for a in ask(sigillo, key, ("PATCH", one, {"name": "n"}), ("PUT", one, {"name": "n", "scopes": ["mail.send"]}), ("DELETE", one)))
    refused = [e for e in sigillo.json("report", "audit", "--since", "1h")["audit"] if e["actor"] == "key:" + me and e["result"] == "scope"]
    assert {e["action"] for e in refused} == {"key add", "key change", "key remove"}, refused

    for narrow in (lambda k: ["sender", "add", "only@" + DOMAIN, "--identity", "key:" + k], lambda k: ["key", "set", k, "--profile", "small"]):
        key, me = held(sigillo, *ALL)
        sigillo.cli(*narrow(me))
        assert forbidden(make(sigillo, key)), narrow(me)
        assert make(sigillo, key, scopes=["api_keys.read"])[0] == 201, narrow(me)


def test_who_may_not_at_all(sigillo, owner):
    sends, _ = held(sigillo)
    reads, _ = held(sigillo, "api_keys.read")
    reader = sigillo.json("key", "add", "--role", "reader")["key"]
    for key, may in ((sends, False), (reads, True), (reader, True)):
        answers = ask(sigillo, key, ("GET", "/v3/api_keys"), ("POST", "/v3/api_keys", {"name": "n"}), ("DELETE", "/v3/api_keys/x"))
        assert (answers[0][0] == 200) == may and all(forbidden(a) for a in answers[0 if not may else 1:]), answers
    operator = sigillo.json("key", "add", "--admin")["id"]
    listed, shown = ask(sigillo, owner, ("GET", "/v3/api_keys"), ("GET", "/v3/api_keys/" + operator))
    assert operator not in [k["api_key_id"] for k in listed[1]["result"]] and shown[0] == 404


def test_requests_that_are_none(sigillo, owner):
    _, key = held(sigillo)
    one = "/v3/api_keys/" + key
    for method, path, body, field in (("POST", "/v3/api_keys", {}, "name"), ("POST", "/v3/api_keys", {"name": 7}, "name"),
                                      ("POST", "/v3/api_keys", {"name": "n" * 65}, "name"), ("POST", "/v3/api_keys", {"name": "a\r\nb"}, "name"),
                                      ("POST", "/v3/api_keys", {"name": "n", "scopes": []}, "scopes"),
                                      ("POST", "/v3/api_keys", {"name": "n", "scopes": ["mail.send", "2fa_required"]}, "scopes.1"),
                                      ("PUT", one, {"scopes": ["mail.send"]}, "name"), ("PATCH", one, {}, "name"),
                                      ("GET", "/v3/api_keys?limit=0", None, "limit"), ("GET", "/v3/api_keys?limit=x", None, "limit")):
        status, error, _ = ask(sigillo, owner, (method, path, body))
        assert status == 400 and error["errors"][0]["field"] == field, (method, path, body, error)
    assert len(ask(sigillo, owner, ("GET", "/v3/api_keys?limit=2"))[1]["result"]) == 2


def test_a_hundred_keys(sigillo):
    sigillo.json("subscription", "add", "sgkeys-many")
    many = sigillo.json("key", "add", "--role", "owner", "--subscription", "sgkeys-many")["key"]
    for _ in range(99):
        assert sigillo.request("POST", "/v3/api_keys", {"name": "n", "scopes": ["stats.read"]}, key=many)[0] == 201
    assert sigillo.request("POST", "/v3/api_keys", {"name": "n", "scopes": ["stats.read"]}, key=many)[0] == 403


def test_in_whose_name(sigillo, owner):
    sigillo.json("subscription", "add", "acme-sgkeys")
    sigillo.json("domain", "add", "acme-sgkeys.test", "--subscription", "acme-sgkeys")
    sigillo.publish_records("acme-sgkeys.test")
    operator = sigillo.json("key", "add", "--admin", "--domain", DOMAIN)["sendgrid_key"]
    sub = {"On-Behalf-Of": "acme-sgkeys"}
    made = ask(sigillo, operator, ("POST", "/v3/api_keys", {"name": "n", "scopes": ["mail.send"]}, sub))
    assert made[0] == 201
    theirs = [k["id"] for k in sigillo.json("key", "list")["keys"] if k["subscription"] == "acme-sgkeys"]
    assert theirs == [made[1]["api_key_id"]]
    assert [a[0] for a in ask(sigillo, made[1]["api_key"], mail("acme-sgkeys.test"), mail())] == [202, 403]
    listed, sent, own, before = ask(sigillo, operator, ("GET", "/v3/api_keys", None, sub), (*mail("acme-sgkeys.test"), sub), (*mail(), sub), mail("acme-sgkeys.test"))
    assert [k["api_key_id"] for k in listed[1]["result"]] == theirs
    assert (sent[0], own[0], before[0]) == (202, 403, 403)
    for name in ("nobody", "account-id 7", "acme-sgkeys, default", "ACME-SGKEYS"):
        assert forbidden(ask(sigillo, operator, (*mail(), {"On-Behalf-Of": name}))), name
    assert sigillo.request("GET", "/v3/scopes", key=operator, headers={"On-Behalf-Of": ""})[0] == 403

    key, _ = held(sigillo, *ALL)
    assert ask(sigillo, key, (*mail(), {"On-Behalf-Of": "default"}))[0] == 202
    for who in (key, owner):
        assert all(forbidden(a) for a in ask(sigillo, who, (*mail(), sub), ("GET", "/v3/api_keys", None, sub), ("GET", "/v3/scopes", None, sub)))
