# SPDX-License-Identifier: Apache-2.0
"""Pools of addresses by SendGrid's API and its own client: the server that gets the mail sees which address it came from."""
import json
import os
import re
import time

import jsonschema
import npm
import pytest
from conftest import finish, launch
from delivered import last
from world.internet import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("SIGILLO_SHARED", os.path.join(HERE, "..", "..", "..", "shared"))
DOMAIN = "sendgrid-pools.test"
SENDER = "shop@" + DOMAIN
SETTINGS = {"pool marketing": {"source": ["127.0.61.1", "127.0.61.2"], "hostname": "out.sendgrid-pools.test"},
            "pool transactional": {"source": ["127.0.62.1"]},
            "pool six": {"source": ["::1"]},
            "pool foreign": {"source": ["127.0.63.1"], "subscriptions": ["acme"]}}


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "sendgrid-pools", SETTINGS, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


@pytest.fixture(scope="module")
def reader(sigillo, sender):
    """A key that may look at addresses and pools."""
    return sigillo.json("key", "add", "--domain", DOMAIN, *[a for s in ("ips", "ips.assigned", "ips.pools") for a in ("--scope", s + ".read")])["key"]


def client(sigillo, sender, *messages, requests=()):
    asked = {"url": sigillo.settings["public_url"] + "/", "key": sender if isinstance(sender, str) else sender.key, "messages": messages, "requests": list(requests)}
    return npm.run(sigillo, "clients/sendgrid", "@sendgrid/mail", "clients/sendgrid/client.mjs", question=asked, timeout=150)


def mail(to, pool=None):
    return dict({"to": to, "from": SENDER, "subject": "S", "text": "T"}, **({} if pool is None else {"ipPoolName": pool}))


def came_from(world, to):
    """(name in EHLO, address), as the receiver wrote it down."""
    received = last(world, to)["Received"]
    return re.search(r"from (\S+) \(.*\[([0-9.]+)\]", received.replace("\n", " ")).groups()


def test_mail_goes_out_from_the_pool_that_it_names(world, sigillo, sender):
    for to, pool in (("p1@good.test", "marketing"), ("p2@good.test", "transactional"), ("p3@good.test", None)):
        (answer,) = client(sigillo, sender, mail(to, pool))
        assert answer["status"] == 202, answer
        shown = sigillo.show(answer["headers"]["x-message-id"])
        assert shown["pool"] == (pool or "")
    assert came_from(world, "p1@good.test") in (("out.sendgrid-pools.test", "127.0.61.1"), ("out.sendgrid-pools.test", "127.0.61.2"))
    assert came_from(world, "p2@good.test") == (sigillo.settings["hostname"], "127.0.62.1")
    assert not came_from(world, "p3@good.test")[1].startswith("127.0.6")


def test_without_an_address_of_the_family_it_waits_and_says_why(sigillo, sender):
    (answer,) = client(sigillo, sender, mail("six@good.test", "six"))
    number = answer["headers"]["x-message-id"]
    got = wait_for(lambda: sigillo.show(number)["recipients"][0], lambda r: r["why_wait"], 20, "a reason to wait")
    assert got["state"] == "queued" and "its pool has no address of the family" in got["why_wait"], got


@pytest.mark.parametrize("pool", ["nothing", "foreign", "x", "marketing\r\nX"])
def test_a_pool_that_is_not_ours_is_refused(sigillo, sender, pool):
    (answer,) = client(sigillo, sender, mail("p4@good.test", pool))
    error = answer["error"]["body"]["errors"][0]
    assert answer["error"]["code"] == 400 and error["field"] == "ip_pool_name" and error["message"], answer
    assert sigillo.admin("GET", "/admin/v1/messages?to=p4@good.test")[1]["messages"] == []


def test_pools_and_addresses_are_shown(sigillo, reader):
    paths = ["/v3/ips/pools", "/v3/ips/pools/marketing", "/v3/ips", "/v3/ips/assigned", "/v3/ips/127.0.62.1", "/v3/ips?ip=127.0.62.1"]
    pools, pool, every, assigned, one, some = (a["body"] for a in client(sigillo, reader, requests=[{"method": "GET", "url": p} for p in paths]))
    assert sorted(p["name"] for p in pools) == ["marketing", "six", "transactional"]
    assert pool == {"pool_name": "marketing", "ips": ["127.0.61.1", "127.0.61.2"]}
    assert sorted(a["ip"] for a in every) == sorted(a["ip"] for a in assigned) == ["127.0.61.1", "127.0.61.2", "127.0.62.1", "::1"]
    assert one["ip"] == "127.0.62.1" and one["pools"] == ["transactional"] and some == [one]
    path = os.path.join(SHARED, "contracts", "sendgrid", "tsg_ips_v3.json")
    if not os.path.exists(path):
        pytest.skip("no specification at %s" % path)
    with open(path, encoding="utf-8") as f:
        document = json.load(f)
    for path, got in (("/v3/ips/pools", pools), ("/v3/ips/pools/{pool_name}", pool), ("/v3/ips", every), ("/v3/ips/assigned", assigned), ("/v3/ips/{ip_address}", one)):
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator(without_nulls(dict(schema, components=document["components"]))).validate(without_nulls(got))


def without_nulls(value):
    """The specification says `nullable`, which its own version of JSON Schema does not know: a member that is null may be missing."""
    if isinstance(value, dict):
        nullable = {k for k, v in value.get("properties", {}).items() if isinstance(v, dict) and v.get("nullable")} if isinstance(value.get("properties"), dict) else set()
        return {k: [r for r in v if r not in nullable] if k == "required" and isinstance(v, list) else without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def test_what_is_not_there_and_what_may_not_be_changed(sigillo, sender, reader):
    asked = [("GET", "/v3/ips/pools/nothing"), ("GET", "/v3/ips/pools/foreign"), ("GET", "/v3/ips/127.0.63.1"), ("POST", "/v3/ips/pools"), ("PUT", "/v3/ips/pools/marketing"),
             ("DELETE", "/v3/ips/pools/marketing"), ("POST", "/v3/ips/pools/marketing/ips"), ("DELETE", "/v3/ips/pools/marketing/ips/127.0.61.1")]
    answers = [a["error"] for a in client(sigillo, reader, requests=[{"method": m, "url": u, "body": {"name": "new"}} if m in ("POST", "PUT") else {"method": m, "url": u}
                                                                     for m, u in asked])]
    assert [a["code"] for a in answers] == [404, 404, 404, 403, 403, 403, 403, 403], answers
    assert answers[0]["body"] == answers[1]["body"] == {"error": "Unable to locate specified IPs Pool"}
    assert all(a["body"]["errors"][0]["message"] for a in answers[2:])
    for path in ("/v3/ips", "/v3/ips/assigned", "/v3/ips/pools"):
        (answer,) = client(sigillo, sender, requests=[{"method": "GET", "url": path}])
        assert answer["error"]["code"] == 403, (path, answer)


def reloaded(sigillo):
    reloads = lambda: sigillo.json("report", "audit", "--action", "configuration reload")["audit"]  # noqa: E731
    before = len(reloads())
    sigillo.reload()
    wait_for(reloads, lambda lines: len(lines) > before, 10, "the reload")


def test_a_pool_comes_and_goes_with_the_configuration(world, sigillo, sender):
    """Mail of a pool that is gone waits, and says so; when it is there again it goes out from there."""
    name = "for-a-while"
    assert client(sigillo, sender, mail("while@good.test", name))[0]["error"]["code"] == 400
    sigillo.settings["pool " + name] = {"source": ["127.0.64.9"]}
    reloaded(sigillo)
    message = dict(mail("while@good.test", name), sendAt=int(time.time()) + 3)
    (answer,) = client(sigillo, sender, message)
    assert answer["status"] == 202, answer
    number = answer["headers"]["x-message-id"]
    pool = sigillo.settings.pop("pool " + name)
    reloaded(sigillo)
    waits = wait_for(lambda: sigillo.show(number)["recipients"][0], lambda r: r["why_wait"], 20, "a reason to wait")
    assert (waits["state"], waits["attempts"]) == ("queued", 0) and "no pool of addresses named for-a-while" in waits["why_wait"], waits
    sigillo.settings["pool " + name] = pool
    reloaded(sigillo)
    sigillo.cli("queue", "retry", number)
    sigillo.wait_state(number, "delivered")
    assert came_from(world, "while@good.test")[1] == "127.0.64.9"
