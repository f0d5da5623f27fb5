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


@pytest.fixture(scope="module")
def maker(sigillo, sender):
    """A key that makes pools, and may do no more than that."""
    scopes = [scope + "." + what for scope in ("ips.pools", "ips.pools.ips") for what in ("create", "read", "update", "delete")]
    return sigillo.json("key", "add", "--domain", DOMAIN, *[a for s in scopes for a in ("--scope", s)])["key"]


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


CHANGES = [("POST", "/v3/ips/pools"), ("PUT", "/v3/ips/pools/marketing"), ("DELETE", "/v3/ips/pools/marketing"), ("POST", "/v3/ips/pools/marketing/ips"),
           ("DELETE", "/v3/ips/pools/marketing/ips/127.0.61.1")]


def test_what_is_not_there_and_what_may_not_be_changed(sigillo, sender, reader):
    asked = [("GET", "/v3/ips/pools/nothing"), ("GET", "/v3/ips/pools/foreign"), ("GET", "/v3/ips/127.0.63.1"), ("POST", "/v3/ips"), *CHANGES]
    answers = [a["error"] for a in client(sigillo, reader, requests=[{"method": m, "url": u, "body": {"name": "new"}} if m in ("POST", "PUT") else {"method": m, "url": u}
                                                                     for m, u in asked])]
    assert [a["code"] for a in answers] == [404, 404, 404] + 6 * [403], answers
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


def ask(sigillo, key, *requests):
    """[(status, body)] of [(method, path, body or nothing)]."""
    questions = [dict(zip(("method", "url", "body"), r)) for r in requests]
    return [(a["error"]["code"], a["error"]["body"]) if "error" in a else (a["status"], a["body"] or None) for a in client(sigillo, key, requests=questions)]


GONE = {"error": "Unable to locate specified IPs Pool"}
POOLS = "/v3/ips/pools"


def test_a_pool_of_ones_own(world, sigillo, sender, maker):
    """Made, filled, sent from, renamed, removed, without a word to the server; the audit knows each step."""
    answers = ask(sigillo, maker, ("POST", POOLS, {"name": "mine"}), ("GET", POOLS + "/mine"), ("POST", POOLS + "/mine/ips", {"ip": "127.0.61.2"}),
                  ("POST", POOLS + "/mine/ips", {"ip": "127.0.62.1"}), ("DELETE", POOLS + "/mine/ips/127.0.62.1"), ("DELETE", POOLS + "/mine/ips/127.0.62.1"), ("GET", POOLS))
    assert [a[0] for a in answers] == [200, 200, 201, 201, 204, 404, 200], answers
    assert answers[0][1] == {"name": "mine"} and answers[1][1] == {"pool_name": "mine", "ips": []}
    assert answers[2][1]["ip"] == "127.0.61.2" and answers[2][1]["pools"] == ["marketing", "mine"], answers[2]
    assert list(answers[5][1]) == ["error"] and {"name": "mine"} in answers[6][1] and {"name": "marketing"} in answers[6][1]
    (answer,) = client(sigillo, sender, mail("own1@good.test", "mine"))
    assert answer["status"] == 202, answer
    assert came_from(world, "own1@good.test") == ("out.sendgrid-pools.test", "127.0.61.2")
    answers = ask(sigillo, maker, ("PUT", POOLS + "/mine", {"name": "ours"}), ("GET", POOLS + "/mine"), ("GET", POOLS + "/ours"))
    assert answers == [(200, {"name": "ours"}), (404, GONE), (200, {"pool_name": "ours", "ips": ["127.0.61.2"]})]
    assert client(sigillo, sender, mail("own2@good.test", "mine"))[0]["error"]["code"] == 400
    assert ask(sigillo, maker, ("DELETE", POOLS + "/ours"), ("DELETE", POOLS + "/ours"), ("GET", POOLS + "/ours")) == [(204, None), (404, GONE), (404, GONE)]
    actions = [e["action"] for e in sigillo.json("report", "audit", "--since", "1h")["audit"] if e["object"].startswith("pool:")]
    assert sorted(set(actions)) == ["pool add", "pool change", "pool remove"] and len(actions) == 6, actions


def test_what_a_pool_may_not_be(sigillo, sender, maker):
    assert ask(sigillo, maker, ("POST", POOLS, {"name": "rules"})) == [(200, {"name": "rules"})]
    rows = [(("POST", POOLS, {"name": "rules"}), 400, "name"), (("POST", POOLS, {"name": "x"}), 400, "name"), (("POST", POOLS, {"name": "a\r\nb"}), 400, "name"),
            (("POST", POOLS, {"name": 5}), 400, "name"), (("POST", POOLS, {}), 400, "name"), (("POST", POOLS, {"name": "marketing"}), 403, "name"),
            (("PUT", POOLS + "/rules", {"name": "marketing"}), 403, "name"), (("POST", POOLS + "/rules/ips", {"ip": "127.0.63.1"}), 404, "ip"),
            (("POST", POOLS + "/rules/ips", {"ip": "192.0.2.1"}), 404, "ip"), (("POST", POOLS + "/rules/ips", {"ip": "x"}), 404, "ip")]
    answers = ask(sigillo, maker, *[r[0] for r in rows])
    assert [(a[0], a[1]["errors"][0]["field"]) for a in answers] == [r[1:] for r in rows], answers
    bodies = {"POST": {"name": "new", "ip": "127.0.61.1"}, "PUT": {"name": "new"}}
    refused = ask(sigillo, maker, *[(m, u, bodies[m]) if m in bodies else (m, u) for m, u in CHANGES[1:]])
    assert [a[0] for a in refused] == [403] * 4 and all("operator" in a[1]["errors"][0]["message"] for a in refused), refused
    assert ask(sigillo, maker, ("POST", POOLS + "/nothing/ips", {"ip": "127.0.61.1"}), ("PUT", POOLS + "/nothing", {"name": "new"})) == [(404, GONE)] * 2
    assert ask(sigillo, sender.key, ("POST", POOLS, {"name": "sneaky"}))[0][0] == 403
    assert ask(sigillo, maker, ("GET", POOLS + "/rules"), ("DELETE", POOLS + "/rules")) == [(200, {"pool_name": "rules", "ips": []}), (204, None)]


def test_pools_are_their_subscriptions(sigillo, sender, maker):
    """The address that only another subscription has goes into its pool; neither sees the other's, and names do not clash."""
    if not any(s["name"] == "acme" for s in sigillo.json("subscription", "list")["subscriptions"]):
        sigillo.cli("subscription", "add", "acme")
    other = sigillo.json("key", "add", "--role", "owner", "--subscription", "acme")["key"]
    assert ask(sigillo, maker, ("POST", POOLS, {"name": "shared"}), ("POST", POOLS + "/shared/ips", {"ip": "127.0.61.1"}))[1][0] == 201
    answers = ask(sigillo, other, ("GET", POOLS + "/shared"), ("DELETE", POOLS + "/shared"), ("PUT", POOLS + "/shared", {"name": "stolen"}),
                  ("POST", POOLS + "/shared/ips", {"ip": "127.0.63.1"}), ("GET", POOLS))
    assert answers == [(404, GONE)] * 4 + [(200, [{"name": "foreign"}])]
    answers = ask(sigillo, other, ("POST", POOLS, {"name": "shared"}), ("POST", POOLS + "/shared/ips", {"ip": "127.0.61.1"}), ("POST", POOLS + "/shared/ips", {"ip": "127.0.63.1"}))
    assert [a[0] for a in answers] == [200, 404, 201], answers
    assert ask(sigillo, maker, ("GET", POOLS + "/shared"))[0][1]["ips"] == ["127.0.61.1"]
    assert [a[0] for a in ask(sigillo, other, ("DELETE", POOLS + "/shared")) + ask(sigillo, maker, ("DELETE", POOLS + "/shared"))] == [204, 204]


def waiting(sigillo, sender, to, pool):
    (answer,) = client(sigillo, sender, mail(to, pool))
    assert answer["status"] == 202, answer
    return answer["headers"]["x-message-id"]


def why(sigillo, number, text):
    got = wait_for(lambda: sigillo.show(number)["recipients"][0], lambda r: text in (r["why_wait"] or ""), 20, text)
    assert (got["state"], got["attempts"]) == ("queued", 0), got


def test_what_it_lacks_is_waited_for(world, sigillo, sender, maker):
    """Empty, removed, or of addresses that were taken away: nothing leaves, until it may from there."""
    assert ask(sigillo, maker, ("POST", POOLS, {"name": "later"}))[0][0] == 200
    number = waiting(sigillo, sender, "later1@good.test", "later")
    why(sigillo, number, "no address that may be sent from in the pool later")
    assert ask(sigillo, maker, ("DELETE", POOLS + "/later"))[0][0] == 204
    sigillo.cli("queue", "retry", number)
    why(sigillo, number, "no pool of addresses named later")
    answers = ask(sigillo, maker, ("POST", POOLS, {"name": "later"}), ("POST", POOLS + "/later/ips", {"ip": "127.0.62.1"}))
    assert [a[0] for a in answers] == [200, 201], answers
    sigillo.cli("queue", "retry", number)
    sigillo.wait_state(number, "delivered")
    assert came_from(world, "later1@good.test")[1] == "127.0.62.1"
    sigillo.settings["pool transactional"]["subscriptions"] = ["acme"]
    reloaded(sigillo)
    second = waiting(sigillo, sender, "later2@good.test", "later")
    why(sigillo, second, "no address that may be sent from in the pool later")
    assert ask(sigillo, maker, ("GET", POOLS + "/later"))[0][1]["ips"] == []
    del sigillo.settings["pool transactional"]["subscriptions"]
    reloaded(sigillo)
    sigillo.cli("queue", "retry", second)
    sigillo.wait_state(second, "delivered")
    assert came_from(world, "later2@good.test")[1] == "127.0.62.1"
    assert ask(sigillo, maker, ("DELETE", POOLS + "/later"))[0][0] == 204
