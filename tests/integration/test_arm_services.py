# SPDX-License-Identifier: Apache-2.0
"""Communication services and e-mail services managed by @azure/arm-communication, as published; and mail by the keys of a service, with the client of @azure/communication-email."""
import uuid

import npm
import pytest
import spec
from acs import call
from conftest import finish, launch

GROUP = "group"
DESCRIPTION = "acs/arm-microsoft-communication-2025-09-01.json"
BODY = {"location": "global", "dataLocation": "Europe", "tags": {"team": "shop", "Ünit": "ß"}}


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "arm-services", {}, start=False)
    d.open_https()
    d.start()
    for name in ("one-services.test", "two-services.test"):
        d.json("domain", "add", name)
        d.publish_records(name)
    d.json("subscription", "add", "services-other")
    yield d
    finish(d)


@pytest.fixture(scope="module")
def owner(sigillo):
    return sigillo.json("app", "add", "terraform", "--role", "owner")


def ask(sigillo, app, *calls, subscription=None):
    url = sigillo.settings["public_url"]
    question = {"endpoint": url, "tenant": app["tenant_id"], "client": app["client_id"], "secret": app["secret"], "calls": calls,
                "subscription": subscription or app["tenant_id"]}
    return npm.run(sigillo, "clients/acs", "@azure/arm-communication", "clients/acs/arm.mjs", question=question, timeout=100)


def service(method, name=None, *body, group=GROUP):
    return ["communicationServices", method, group, *([] if name is None else [name]), *body]


def put(name, group=GROUP, **changes):
    return service("beginCreateOrUpdateAndWait", name, dict(BODY, **changes), group=group)


def mail_service(method, name=None, *body, group=GROUP):
    return ["emailServices", method, group, *([] if name is None else [name]), *body]


def link(owner, domain):
    return "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Communication/emailServices/mail/domains/%s" % (owner["tenant_id"], GROUP, domain)


def send(sigillo, connection, sender, to="services@good.test"):
    message = {"senderAddress": sender, "content": {"subject": "x", "plainText": "x"}, "recipients": {"to": [{"address": to}]}}
    answer = npm.run(sigillo, "clients/acs", "@azure/communication-email", "clients/acs/client.mjs",
                     question={"connection": connection, "messages": [message], "poll": False}, timeout=60)["sent"][0]
    return answer["error"]["code"] if "error" in answer else "sent"


def kept(resource):
    """What was put, of what is shown."""
    return {k: resource[k] for k in ("location", "dataLocation", "tags", "linkedDomains", "disableLocalAuth") if k in resource}


def test_a_service_is_found_again_as_it_was_left(sigillo, owner):
    """What infrastructure-as-code does: put twice, read, compare, change, list, remove."""
    wanted = dict(BODY, linkedDomains=[link(owner, "one-services.test")], disableLocalAuth=False)
    first, second, shown, listed, everywhere = ask(
        sigillo, owner, service("beginCreateOrUpdateAndWait", "Shop", wanted), service("beginCreateOrUpdateAndWait", "shop", wanted), service("get", "SHOP"),
        service("listByResourceGroup"), ["communicationServices", "listBySubscription"])
    assert "error" not in first, first
    assert first["value"] == second["value"] == shown["value"] == listed["value"][0] == everywhere["value"][0]
    assert kept(shown["value"]) == wanted
    assert (shown["value"]["name"], shown["value"]["provisioningState"], uuid.UUID(shown["value"]["immutableResourceId"]).version) == ("Shop", "Succeeded", 4) or \
        shown["value"]["provisioningState"] == "Succeeded"
    assert shown["value"]["hostName"] in sigillo.settings["public_url"]
    before = sigillo.json("key", "list")["keys"]
    assert [k["domains"] for k in before] == [["one-services.test"]]
    patched, = ask(sigillo, owner, service("update", "shop", {"tags": {"a": "b"}}))
    assert kept(patched["value"]) == dict(wanted, tags={"a": "b"}), patched
    elsewhere, taken, free, used = ask(
        sigillo, owner, service("get", "shop", group="other"), put("shop", group="other"),
        ["communicationServices", "checkNameAvailability", {"name": "free", "type": "Microsoft.Communication/CommunicationServices"}],
        ["communicationServices", "checkNameAvailability", {"name": "shop", "type": "Microsoft.Communication/CommunicationServices"}])
    assert elsewhere["error"]["status"] == 404 and (taken["error"]["status"], taken["error"]["code"]) == (409, "Conflict"), (elsewhere, taken)
    assert free["value"]["nameAvailable"] is True and used["value"] == {"nameAvailable": False, "reason": "AlreadyExists", "message": used["value"]["message"]}
    sigillo.kill()
    sigillo.restart()
    again, gone, twice, missing = ask(sigillo, owner, service("get", "shop"), service("beginDeleteAndWait", "shop"), service("beginDeleteAndWait", "shop"),
                                      service("get", "shop"))
    assert again["value"] == patched["value"]
    assert "error" not in gone and "error" not in twice and (missing["error"]["status"], missing["error"]["code"]) == (404, "ResourceNotFound")
    assert sigillo.json("key", "list")["keys"] == []


def test_its_keys_send_from_the_linked_domains_only(world, sigillo, owner):
    made, keys, again = ask(sigillo, owner, put("Keys", linkedDomains=[link(owner, "one-services.test")]), service("listKeys", "keys"), service("listKeys", "Keys"))
    assert "error" not in made and keys["value"] == again["value"], (made, keys, again)
    keys = keys["value"]
    assert keys["primaryKey"] != keys["secondaryKey"] and keys["primaryConnectionString"].endswith(";accesskey=" + keys["primaryKey"])
    for which in ("primary", "secondary"):
        assert send(sigillo, keys[which + "ConnectionString"], "me@one-services.test") == "sent", which
        assert send(sigillo, keys[which + "ConnectionString"], "me@two-services.test") == "DomainNotLinked"
    assert world.wait_mail("services@good.test")
    fresh, now = ask(sigillo, owner, service("regenerateKey", "keys", {"keyType": "Secondary"}), service("listKeys", "keys"))
    fresh, now = fresh["value"], now["value"]
    assert now["primaryKey"] == keys["primaryKey"] and now["secondaryKey"] == fresh["secondaryKey"] != keys["secondaryKey"]
    assert now["secondaryConnectionString"] == fresh["secondaryConnectionString"]
    assert [send(sigillo, c, "me@one-services.test") for c in (keys["secondaryConnectionString"], now["secondaryConnectionString"], now["primaryConnectionString"])] == \
        ["Denied", "sent", "sent"]
    both = [link(owner, "one-services.test"), link(owner, "two-services.test")]
    assert "error" not in ask(sigillo, owner, service("update", "keys", {"linkedDomains": both}))[0]
    assert send(sigillo, now["primaryConnectionString"], "me@two-services.test") == "sent"
    assert ask(sigillo, owner, service("update", "keys", {"linkedDomains": []}))[0]["value"]["linkedDomains"] == []
    assert send(sigillo, now["primaryConnectionString"], "me@one-services.test") == "DomainNotLinked"
    locked, = ask(sigillo, owner, service("update", "keys", {"linkedDomains": both, "disableLocalAuth": True}))
    assert locked["value"]["disableLocalAuth"] is True
    assert send(sigillo, now["primaryConnectionString"], "me@one-services.test") == "Denied"
    assert ask(sigillo, owner, service("update", "keys", {"disableLocalAuth": False}))[0]["value"]["linkedDomains"] == both
    assert send(sigillo, now["primaryConnectionString"], "me@one-services.test") == "sent"
    ask(sigillo, owner, service("beginDeleteAndWait", "keys"))
    assert send(sigillo, now["primaryConnectionString"], "me@one-services.test") == "Denied"


def test_keys_are_shown_to_an_owner_only_and_noted(sigillo, owner):
    ask(sigillo, owner, put("Noted"))
    reader = sigillo.json("app", "add", "viewer", "--role", "reader")
    refused, shown, changed = ask(sigillo, reader, service("listKeys", "noted"), service("get", "noted"), service("regenerateKey", "noted", {"keyType": "Primary"}))
    assert [a["error"]["code"] for a in (refused, changed)] == ["AuthorizationFailed"] * 2 and "error" not in shown
    stranger = sigillo.json("app", "add", "other-terraform", "--role", "owner", "--subscription", "services-other")
    hidden, foreign = ask(sigillo, stranger, service("get", "noted"), service("listKeys", "noted"))
    assert hidden["error"]["status"] == foreign["error"]["status"] == 404
    assert "error" not in ask(sigillo, stranger, put("Noted"))[0], "a name is a subscription's own"
    linked, = ask(sigillo, stranger, put("Noted", linkedDomains=[link(stranger, "one-services.test")]))
    assert linked["error"]["status"] == 404, "nobody links what is not his"
    key = ask(sigillo, owner, service("listKeys", "noted"))[0]["value"]["primaryKey"]
    assert key not in open(sigillo.log_file, encoding="utf-8").read()
    assert any("service keys" in str(line) for line in sigillo.log())


@pytest.mark.parametrize("changes, target", [
    ({"linkedDomains": ["x"]}, "properties.linkedDomains[0]"), ({"linkedDomains": ["/a/domains/*"]}, "properties.linkedDomains[0]"),
    ({"linkedDomains": ["/a/domains/one-services.test", "/a/domains/"]}, "properties.linkedDomains[1]"), ({"linkedDomains": "x"}, "properties.linkedDomains"), ({"linkedDomains": [1]}, "properties.linkedDomains"),
    ({"disableLocalAuth": "no"}, "properties.disableLocalAuth"), ({"dataLocation": {}}, "properties.dataLocation"), ({"colour": 1}, "properties.colour"),
    ({"publicNetworkAccess": "Disabled"}, "properties.publicNetworkAccess"), ({"linkedDomains": ["/a/domains/x.test"] * 101}, "properties.linkedDomains"),
    ({"linkedDomains": ["/a/domains/nobody-services.test"]}, "domain"), ({"dataLocation": "x" * 20000}, "body"),
])
def test_what_is_wrong_is_named(sigillo, owner, changes, target):
    api, path = spec.load(DESCRIPTION), service_path(owner, "Wrong")
    status, headers, reply = raw(sigillo, owner, "PUT", path, {"location": "global", "properties": changes})
    assert status in (400, 404), reply
    error = api.validate(path, "put", (status, headers, reply))["error"]
    assert error["target"] == target and error["code"] == headers["x-ms-error-code"], error
    assert raw(sigillo, owner, "GET", path)[0] == 404


@pytest.mark.parametrize("body, target", [
    ({}, "location"), ({"location": 1}, "location"), ({"location": "x", "tags": []}, "tags"), ({"location": "x", "tags": {"a": 1}}, "tags"),
    ({"location": "x", "identity": {"type": "SystemAssigned"}}, "identity.type"), ({"location": "x", "sku": {}}, "sku"),
    ({"location": "x", "tags": {str(n): "x" for n in range(51)}}, "tags"), ({"location": "x", "properties": []}, "properties")])
def test_what_is_wrong_of_any_resource(sigillo, owner, body, target):
    for path in (service_path(owner, "Wrong"), service_path(owner, "Wrong", "emailServices")):
        status, headers, reply = raw(sigillo, owner, "PUT", path, body)
        assert status == 400 and reply["error"]["target"] == target, reply
        assert raw(sigillo, owner, "GET", path)[0] == 404


def service_path(owner, name, kind="communicationServices"):
    return "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Communication/%s/%s" % (owner["tenant_id"], GROUP, kind, name)


def raw(sigillo, owner, method, path, body=None, query="?api-version=2025-09-01"):
    if "token" not in owner:
        form = "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s/.default" % (owner["client_id"], owner["secret"], sigillo.settings["public_url"])
        owner["token"] = sigillo.request("POST", "/default/oauth2/v2.0/token", form, headers={"Content-Type": "application/x-www-form-urlencoded"}, tls=True)[2]["access_token"]
    return call(sigillo, method, path + query, body, Authorization="Bearer " + owner["token"])


def test_email_services_are_found_again(sigillo, owner):
    body = {"location": "global", "dataLocation": "Europe", "tags": {"a": "b"}}
    first, second, shown, listed, patched, elsewhere = ask(
        sigillo, owner, mail_service("beginCreateOrUpdateAndWait", "Mail", body), mail_service("beginCreateOrUpdateAndWait", "mail", body), mail_service("get", "MAIL"),
        mail_service("listByResourceGroup"), mail_service("beginUpdateAndWait", "mail", {"tags": {}}), mail_service("get", "mail", group="other"))
    assert "error" not in first and first["value"] == second["value"] == shown["value"] == listed["value"][0], (first, second)
    assert kept(shown["value"]) == body and kept(patched["value"]) == dict(body, tags={}) and elsewhere["error"]["status"] == 404
    sigillo.kill()
    sigillo.restart()
    again, everywhere, gone, twice, missing = ask(
        sigillo, owner, mail_service("get", "mail"), ["emailServices", "listBySubscription"], mail_service("beginDeleteAndWait", "mail"),
        mail_service("beginDeleteAndWait", "mail"), mail_service("get", "mail"))
    assert again["value"] == patched["value"] == everywhere["value"][0]
    assert "error" not in gone and "error" not in twice and missing["error"]["status"] == 404


def test_answers_are_as_the_descriptors_say(sigillo, owner):
    api, path, mail = spec.load(DESCRIPTION), service_path(owner, "Described"), service_path(owner, "Described", "emailServices")
    body = {"location": "global", "properties": {"dataLocation": "Europe"}}
    for where in (path, mail):
        for method, content in (("PUT", body), ("PUT", body), ("GET", None), ("PATCH", {"tags": {"a": "b"}})):
            reply = raw(sigillo, owner, method, where, content)
            assert reply[0] in (200, 201) and api.validate(where, method.lower(), reply), reply
        listed = raw(sigillo, owner, "GET", where.rsplit("/", 1)[0])
        assert api.validate(where.rsplit("/", 1)[0], "get", listed)["value"]
    for action, content in (("listKeys", None), ("regenerateKey", {"keyType": "Primary"}), ("regenerateKey", {"keyType": "Third"})):
        reply = raw(sigillo, owner, "POST", "%s/%s" % (path, action), content)
        assert (reply[0] == 200) != (content == {"keyType": "Third"}) and api.validate("%s/%s" % (path, action), "post", reply), reply


def test_long_lists_come_in_pages(sigillo, owner):
    sigillo.json("domain", "add", "pages-services.test")
    for n in range(101):
        assert sigillo.admin("POST", "/admin/v1/senders", {"address": "u%03d@pages-services.test" % n})[0] == 201
    listed, = ask(sigillo, owner, ["senderUsernames", "listByDomains", GROUP, "mail", "pages-services.test"])
    assert [s["name"] for s in listed["value"]] == ["u%03d" % n for n in range(101)], listed
    first = raw(sigillo, owner, "GET", link(owner, "pages-services.test") + "/senderUsernames")[2]
    assert len(first["value"]) == 100 and first["nextLink"].startswith(sigillo.settings["public_url"])
    assert raw(sigillo, owner, "GET", link(owner, "pages-services.test") + "/senderUsernames", query="?api-version=2025-09-01&skipToken=x")[0] == 400
