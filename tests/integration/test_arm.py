# SPDX-License-Identifier: Apache-2.0
"""Domains and senders managed by @azure/arm-communication, as published, against our own endpoint.  It comes from npm as the client of test_acs.py does."""
import email
import email.policy

import npm
import pytest
from conftest import finish, launch

WHERE = ["group", "mail"]


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "arm", {"verification": {"required": True}}, start=False)
    d.open_https()
    d.start()
    d.json("subscription", "add", "arm-other")
    yield d
    finish(d)


@pytest.fixture(scope="module")
def owner(sigillo):
    return sigillo.json("app", "add", "terraform", "--role", "owner")


def ask(sigillo, app, *calls, subscription=None):
    url = sigillo.settings["public_url"]
    question = {"endpoint": url, "tenant": "default", "client": app["client_id"], "secret": app["secret"], "calls": calls,
                "subscription": subscription or app["tenant_id"]}
    return npm.run(sigillo, "clients/acs", "@azure/arm-communication", "clients/acs/arm.mjs", question=question, timeout=100)


def domain(name, method="beginCreateOrUpdateAndWait", **properties):
    body = {"location": "global", **{"domainManagement": "CustomerManaged", **properties}}
    return ["domains", method, *WHERE, name] + ([body] if method == "beginCreateOrUpdateAndWait" else [])


def verify(name, kind="Domain"):
    return ["domains", "beginInitiateVerificationAndWait", *WHERE, name, {"verificationType": kind}]


def test_a_domain_from_its_first_day_to_its_last(world, sigillo, owner):
    made, before, shown, listed = ask(sigillo, owner, domain("arm.test"), verify("arm.test"), domain("arm.test", "get"),
                                      ["domains", "listByEmailServiceResource", *WHERE])
    assert made["value"]["name"] == "arm.test" and made["value"]["provisioningState"] == "Succeeded", made
    assert made["value"]["id"].endswith("/resourceGroups/group/providers/Microsoft.Communication/emailServices/mail/domains/arm.test")
    assert "error" not in before, before
    states = shown["value"]["verificationStates"]
    assert set(states) == {"domain", "spf", "dkim", "dkim2", "dmarc"} and states["spf"]["status"] == "VerificationInProgress", shown
    assert [d["name"] for d in listed["value"]] == ["arm.test"]
    records = shown["value"]["verificationRecords"]
    sets = {}
    for record in records.values():  # as infrastructure-as-code does: what it reads here it writes into the zone
        value = record["value"]
        text = '"%s"' % '" "'.join(value[i:i + 250] for i in range(0, len(value), 250)) if record["type"] == "TXT" else value
        sets.setdefault((record["name"], record["type"]), []).append(text)
    for (name, kind), values in sets.items():
        world.dns.publish(name, kind, *values)
    done, shown = ask(sigillo, owner, verify("arm.test", "SPF"), domain("arm.test", "get"))
    assert "error" not in done, done
    assert {k: v["status"] for k, v in shown["value"]["verificationStates"].items()} == {k: "Verified" for k in states}, shown
    assert sigillo.json("domain", "show", "arm.test")["may_send"] is True
    gone, again, missing = ask(sigillo, owner, domain("arm.test", "beginDeleteAndWait"), domain("arm.test", "beginDeleteAndWait"), domain("arm.test", "get"))
    assert "error" not in gone and "error" not in again, (gone, again)
    assert (missing["error"]["status"], missing["error"]["code"]) == (404, "ResourceNotFound"), missing


def test_making_it_twice_changes_nothing(sigillo, owner):
    first, second = ask(sigillo, owner, domain("twice-arm.test"), domain("twice-arm.test", userEngagementTracking="Enabled"))
    assert first["value"]["verificationRecords"] == second["value"]["verificationRecords"]
    assert second["value"]["userEngagementTracking"] == "Disabled"


def sender(method, name=None, body=None, of="senders-arm.test"):
    return ["senderUsernames", method, *WHERE, of, *([] if name is None else [name]), *([] if body is None else [body])]


def test_sender_user_names(sigillo, owner):
    made, again, other, listed = ask(sigillo, owner, domain("senders-arm.test"), sender("createOrUpdate", "News", {"username": "News"}),
                                     sender("createOrUpdate", "news", {"username": "news"}), sender("listByDomains"))[0:4]
    assert again["value"]["username"] == "News" and other["value"]["name"].lower() == "news", (again, other)
    assert [s["name"].lower() for s in listed["value"]] == ["news"]
    addresses = [s["address"].lower() for s in sigillo.json("sender", "list")["senders"]]
    assert addresses == ["news@senders-arm.test"]
    shown, mismatch, named, gone, twice, missing = ask(
        sigillo, owner, sender("get", "news"), sender("createOrUpdate", "shop", {"username": "other"}),
        sender("createOrUpdate", "shop", {"username": "shop", "displayName": "The shop"}), sender("delete", "NEWS"), sender("delete", "news"), sender("get", "news"))
    assert shown["value"]["username"].lower() == "news"
    assert (mismatch["error"]["status"], mismatch["error"]["code"]) == (400, "BadRequest"), mismatch
    assert named["value"]["displayName"] == "The shop", named
    assert "error" not in gone and "error" not in twice and missing["error"]["status"] == 404
    assert [s["address"] for s in sigillo.json("sender", "list")["senders"]] == ["shop@senders-arm.test"]


def test_a_sender_has_a_display_name(world, sigillo, owner):
    """A message that names nobody has it in From; one that does keeps its own; what is in From is a name, or refused."""
    sigillo.sender("named-arm.test")
    ask(sigillo, owner, verify("named-arm.test"))
    key = sigillo.json("key", "add", "--domain", "named-arm.test")["key"]

    def sent(to, sender="news@named-arm.test", **changes):
        status, _, reply = sigillo.post("/v1/messages", dict({"from": sender, "to": [to], "subject": "x", "text": "x"}, **changes), key)
        assert status in (200, 202), reply
        return email.message_from_bytes(world.wait_mail(to)[-1], policy=email.policy.default)["From"].addresses[0]
    body = {"username": "News", "displayName": "Žofie & Co"}
    made, again, shown = ask(sigillo, owner, sender("createOrUpdate", "News", body, "named-arm.test"), sender("createOrUpdate", "news", body, "named-arm.test"),
                             sender("get", "NEWS", of="named-arm.test"))
    assert made["value"] == again["value"] == shown["value"] and shown["value"]["displayName"] == "Žofie & Co", (made, again, shown)
    assert sent("named1-arm@good.test").display_name == "Žofie & Co"
    own = sent("named2-arm@good.test", {"email": "NEWS@named-arm.test", "name": "Own"})
    assert (own.display_name, own.username) == ("Own", "NEWS")
    other, bad, line = ask(sigillo, owner, sender("createOrUpdate", "News", dict(body, displayName="Another"), "named-arm.test"),
                           sender("createOrUpdate", "News", dict(body, displayName=7), "named-arm.test"),
                           sender("createOrUpdate", "News", dict(body, displayName="a\r\nBcc: b@c.test"), "named-arm.test"))
    assert other["value"]["displayName"] == "Another" and other["value"]["name"] == "News"
    assert "error" in bad and line["error"]["status"] == 400, (bad, line)
    assert sent("named3-arm@good.test").display_name == "Another"
    assert sigillo.json("sender", "list")["senders"][0]["display_name"] == "Another"
    status, reply = sigillo.admin("PATCH", "/admin/v1/senders/news@named-arm.test", {"display_name": ""})
    assert status == 200 and reply["display_name"] == "", reply
    assert sent("named4-arm@good.test").display_name == ""
    sigillo.kill()
    sigillo.restart()
    assert sigillo.admin("PATCH", "/admin/v1/senders/news@named-arm.test", {"display_name": "Kept"})[0] == 200
    sigillo.kill()
    sigillo.restart()
    assert sent("named5-arm@good.test").display_name == "Kept"


def test_what_is_wrong(sigillo, owner):
    kind, name, purpose, cancelled = ask(sigillo, owner, domain("wrong-arm.test", domainManagement="Other"), domain("no domain"),
                                         verify("twice-arm.test", "MX"),
                                         ["domains", "beginCancelVerificationAndWait", *WHERE, "twice-arm.test", {"verificationType": "SPF"}])
    assert (kind["error"]["status"], kind["error"]["code"]) == (400, "BadRequest"), kind
    assert name["error"]["status"] == 400, name
    assert purpose["error"]["status"] == 400 and "DKIM2" in purpose["error"]["message"], purpose
    assert "error" not in cancelled, cancelled
    assert "wrong-arm.test" not in [d["name"] for d in sigillo.json("domain", "list")["domains"]]


def test_roles_and_subscriptions(sigillo, owner):
    """A reader reads; who has no role does nothing; another subscription is not there, nor is what is in it."""
    reader = sigillo.json("app", "add", "viewer", "--role", "reader")
    listed, made = ask(sigillo, reader, ["domains", "listByEmailServiceResource", *WHERE], domain("reader-arm.test"))
    assert "value" in listed and (made["error"]["status"], made["error"]["code"]) == (403, "AuthorizationFailed"), made
    sigillo.json("domain", "add", "plain-arm.test")
    nobody = sigillo.json("app", "add", "plain", "--domain", "plain-arm.test")
    assert ask(sigillo, nobody, domain("plain-arm.test", "get"))[0]["error"]["status"] == 403
    sigillo.json("domain", "add", "other-arm.test", "--subscription", "arm-other")
    stranger = sigillo.json("app", "add", "other-terraform", "--role", "owner", "--subscription", "arm-other")
    for subscription in (stranger["tenant_id"], "f47ac10b-58cc-4372-a567-0e02b2c3d479"):
        got, = ask(sigillo, owner, ["domains", "listByEmailServiceResource", *WHERE], subscription=subscription)
        assert (got["error"]["status"], got["error"]["code"]) == (404, "SubscriptionNotFound"), got
    shown, removed, taken = ask(sigillo, owner, domain("other-arm.test", "get"), domain("other-arm.test", "beginDeleteAndWait"), domain("other-arm.test"))
    assert shown["error"]["status"] == 404 and taken["error"]["status"] in (404, 409), (shown, taken)
    assert "other-arm.test" in [d["name"] for d in sigillo.json("domain", "list")["domains"]]
    refused = sigillo.admin("GET", "/admin/v1/audit?action=domain%20add")[1]["audit"]
    assert any(e["object"] == "domain:reader-arm.test" and e["result"] == "role" for e in refused), refused
