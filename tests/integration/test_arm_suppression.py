# SPDX-License-Identifier: Apache-2.0
"""Suppression lists of senders managed by @azure/arm-communication, as published, and what they do to mail."""
import uuid

import npm
import pytest
import spec
from acs import call
from conftest import finish, launch

WHERE = ["group", "mail", "lists-arm.test"]
DESCRIPTION = "acs/arm-microsoft-communication-2025-09-01.json"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "arm-suppression", {}, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def owner(sigillo):
    return sigillo.json("app", "add", "terraform", "--role", "owner")


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender("lists-arm.test")


def ask(sigillo, app, *calls):
    url = sigillo.settings["public_url"]
    question = {"endpoint": url, "tenant": app["tenant_id"], "client": app["client_id"], "secret": app["secret"], "calls": calls, "subscription": app["tenant_id"]}
    return npm.run(sigillo, "clients/acs", "@azure/arm-communication", "clients/acs/arm.mjs", question=question, timeout=100)


def lists(method, *args):
    return ["suppressionLists", method, *WHERE, *args]


def addresses(method, *args):
    return ["suppressionListAddresses", method, *WHERE, *args]


def states(sigillo, sender, user, *to):
    """What becomes of the recipients of a message of that user, at once."""
    id = sigillo.post("/v1/messages", {"from": user + "@lists-arm.test", "to": list(to), "subject": "x", "text": "x"}, sender.key)[2]["id"]
    return [r["state"] == "suppressed" for r in sigillo.get("/v1/messages/" + id, sender.key)[2]["recipients"]]


def test_a_list_suppresses_for_its_sender_only(sigillo, owner, sender):
    number, one = str(uuid.uuid4()), str(uuid.uuid4())
    entry = {"email": "left-arm@good.test", "firstName": "Žofie", "lastName": "Groß", "notes": "asked by telephone"}
    made, again, listed, put, put2, got, all_ = ask(
        sigillo, owner, lists("createOrUpdate", number, {"listName": "news"}), lists("createOrUpdate", number.upper(), {"listName": "news"}), lists("listByDomain"),
        addresses("createOrUpdate", number, one, entry), addresses("createOrUpdate", number, one, entry), addresses("get", number, one), addresses("list", number))
    assert made["value"]["listName"] == again["value"]["listName"] == "news" and [e["name"] for e in listed["value"]] == [number], (made, again, listed)
    assert made["value"]["createdTimeStamp"] and made["value"]["createdTimeStamp"] == again["value"]["createdTimeStamp"]
    assert {k: put["value"][k] for k in entry} == {k: put2["value"][k] for k in entry} == entry, (put, put2)
    assert got["value"] == put2["value"] == all_["value"][0] and got["value"]["name"] == one and got["value"]["lastModified"]
    assert states(sigillo, sender, "news", "left-arm@good.test", "stays-arm@good.test") == [True, False]
    assert states(sigillo, sender, "NEWS", "Left-Arm@good.test") == [True]
    assert states(sigillo, sender, "shop", "left-arm@good.test") == [False]
    sigillo.kill()
    sigillo.restart()
    assert states(sigillo, sender, "news", "left-arm@good.test") == [True]
    changed, full, gone, twice, missing = ask(
        sigillo, owner, addresses("createOrUpdate", number, one, {"email": "left-arm@good.test", "notes": "x"}), lists("delete", number),
        addresses("delete", number, one), addresses("delete", number, one), addresses("get", number, one))
    assert changed["value"]["notes"] == "x" and "firstName" not in changed["value"]
    assert (full["error"]["status"], full["error"]["code"]) == (409, "Conflict"), full
    assert "error" not in gone and "error" not in twice and missing["error"]["status"] == 404
    assert states(sigillo, sender, "news", "left-arm@good.test") == [False]
    removed, twice, missing = ask(sigillo, owner, lists("delete", number), lists("delete", number), lists("get", number))
    assert "error" not in removed and "error" not in twice and missing["error"]["status"] == 404


def test_each_sender_and_each_address_once(sigillo, owner, sender):
    a, b, x, y = (str(uuid.uuid4()) for _ in range(4))
    made, second, first, same, other, renamed = ask(
        sigillo, owner, lists("createOrUpdate", a, {"listName": "once"}), lists("createOrUpdate", b, {"listName": "ONCE"}),
        addresses("createOrUpdate", a, x, {"email": "once-arm@good.test"}), addresses("createOrUpdate", a, y, {"email": "Once-arm@good.test"}),
        addresses("createOrUpdate", a, x, {"email": "else-arm@good.test"}), lists("createOrUpdate", a, {"listName": "twice"}))
    assert "error" not in made and "error" not in first
    assert [e["error"]["status"] for e in (second, same, other, renamed)] == [409] * 4, (second, same, other, renamed)
    assert states(sigillo, sender, "once", "once-arm@good.test", "else-arm@good.test") == [True, False]


def raw(sigillo, owner, method, path, body=None):
    if "token" not in owner:
        form = "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s/.default" % (owner["client_id"], owner["secret"], sigillo.settings["public_url"])
        owner["token"] = sigillo.request("POST", "/default/oauth2/v2.0/token", form, headers={"Content-Type": "application/x-www-form-urlencoded"}, tls=True)[2]["access_token"]
    return call(sigillo, method, path + "?api-version=2025-09-01", body, Authorization="Bearer " + owner["token"])


def test_what_is_wrong_is_named(sigillo, owner, sender):
    """And nothing of it is kept."""
    api, a, x = spec.load(DESCRIPTION), str(uuid.uuid4()), str(uuid.uuid4())
    base = "/subscriptions/%s/resourceGroups/group/providers/Microsoft.Communication/emailServices/mail/domains/lists-arm.test/suppressionLists" % owner["tenant_id"]
    address = "%s/%s/suppressionListAddresses" % (base, a)
    rows = [("%s/%s" % (base, a), {"properties": p}, "properties.listName") for p in ({}, {"listName": 1}, {"listName": ""}, {"listName": "a@b"}, {"listName": "x" * 65})]
    rows += [("%s/name" % base, {"properties": {"listName": "x"}}, "suppressionListName"), ("%s/%s" % (base, a), {}, "properties"),
             ("%s/%s" % (address, x), {"properties": {"email": "a@good.test"}}, "suppressionListName")]
    for path, body, target in rows:
        reply = raw(sigillo, owner, "PUT", path, body)
        assert reply[0] in (400, 404) and api.validate(path, "put", reply)["error"]["target"] == target, reply
    assert not [e for e in raw(sigillo, owner, "GET", base)[2]["value"] if e["name"] == a]
    reply = raw(sigillo, owner, "PUT", "%s/%s" % (base, a), {"properties": {"listName": "wrong"}})
    assert reply[0] in (200, 201) and api.validate("%s/%s" % (base, a), "put", reply)
    for properties, target in (({}, "properties.email"), ({"email": "none"}, "properties.email"), ({"email": 1}, "properties.email"),
                               ({"email": "a@good.test", "notes": "x" * 501}, "properties.notes"), ({"email": "a@good.test", "firstName": {}}, "properties.firstName")):
        reply = raw(sigillo, owner, "PUT", "%s/%s" % (address, x), {"properties": properties})
        assert reply[0] == 400 and api.validate("%s/%s" % (address, x), "put", reply)["error"]["target"] == target, reply
    assert raw(sigillo, owner, "PUT", "%s/name" % address, {"properties": {"email": "a@good.test"}})[2]["error"]["target"] == "addressId"
    for path in (base, address):
        reply = raw(sigillo, owner, "GET", path)
        assert reply[0] == 200 and api.validate(path, "get", reply)
    assert raw(sigillo, owner, "GET", address)[2]["value"] == [] and states(sigillo, sender, "wrong", "a@good.test") == [False]
