# SPDX-License-Identifier: Apache-2.0
"""Domains by /v3/whitelabel/domains, by @sendgrid/client as it is published."""
import npm
import pytest
import spec
from conftest import finish, launch

DOMAINS = "/v3/whitelabel/domains"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "whitelabel", {"verification": {"required": True}}, start=False)
    d.open_https()
    d.start()
    d.json("subscription", "add", "wl-other")
    yield d
    finish(d)


@pytest.fixture(scope="module")
def key(sigillo):
    return sigillo.json("key", "add", "--role", "owner")["key"]


@pytest.fixture(scope="module")
def theirs(sigillo):
    return sigillo.json("key", "add", "--role", "owner", "--subscription", "wl-other")["key"]


def ask(sigillo, key, *requests):
    """What the client says to each: (status, body)."""
    asked = {"url": sigillo.settings["public_url"] + "/", "key": key, "requests": list(requests)}
    answers = npm.run(sigillo, "clients/sendgrid", "@sendgrid/client", "clients/sendgrid/client.mjs", question=asked, timeout=150)
    return [(a["status"], a["body"]) if "status" in a else (a["error"]["code"], a["error"]["body"]) for a in answers]


def get(path="", **qs):
    return {"method": "GET", "url": DOMAINS + path, **({"qs": qs} if qs else {})}


def post(path="", **body):
    return {"method": "POST", "url": DOMAINS + path, "body": body}


def patch(path, **body):
    return {"method": "PATCH", "url": DOMAINS + path, "body": body}


def delete(path):
    return {"method": "DELETE", "url": DOMAINS + path}


def valid(path, method, answer):
    """By the published specification, where it is there."""
    try:
        spec.load("sendgrid/tsg_domain_authentication_v3.json").validate(DOMAINS + path, method, (answer[0], {"content-type": "application/json"}, answer[1]))
    except pytest.skip.Exception:
        pass


def fault(answer, status, field):
    assert answer[0] == status and [e["field"] for e in answer[1]["errors"]] == [field], answer


def make(sigillo, key, name, **more):
    status, body = ask(sigillo, key, post(domain=name, **more))[0]
    assert status == 201, body
    return body["id"]


def test_a_domain_from_its_beginning_to_its_end(world, sigillo, key):
    made = ask(sigillo, key, post(domain="wl.test", subdomain="back", default=True, automatic_security=True))[0]
    valid("", "post", made)
    body = made[1]
    assert made[0] == 201 and body["domain"] == "wl.test" and body["subdomain"] == "back" and body["username"] == "default", body
    assert body["valid"] is False and body["default"] is True and body["legacy"] is False and isinstance(body["id"], int) and body["id"] < 2 ** 53
    records = {(r["name"], r["type"].lower(), r["value"]) for r in sigillo.json("domain", "records", "wl.test")["records"]}
    assert {"mail_cname", "dkim1", "dkim2", "spf", "dmarc"} <= set(body["dns"])
    for name, record in body["dns"].items():
        assert (record["host"], record["type"], record["data"]) in records and record["valid"] is False, (name, record)

    path = "/%d" % body["id"]
    shown, before = ask(sigillo, key, get(path), post(path + "/validate"))
    valid(path, "get", shown)
    valid(path + "/validate", "post", before)
    assert shown == (200, body)
    assert before[0] == 200 and before[1]["id"] == body["id"] and before[1]["valid"] is False
    assert all(not r["valid"] and r["reason"] for r in before[1]["validation_results"].values()), before
    sigillo.publish_records("wl.test")
    after, shown = ask(sigillo, key, post(path + "/validate"), get(path))
    valid(path + "/validate", "post", after)
    assert after[1]["valid"] is True and all(r == {"valid": True, "reason": None} for r in after[1]["validation_results"].values()), after
    assert shown[1]["valid"] is True and all(r["valid"] for r in shown[1]["dns"].values())
    assert sigillo.json("domain", "show", "wl.test")["may_send"] is True
    gone, again, missing = ask(sigillo, key, delete(path), delete(path), get(path))
    assert gone == (204, "")
    fault(again, 404, "id")
    fault(missing, 404, "id")
    assert "wl.test" not in sigillo.cli("domain", "list").stdout


def test_lists_pages_and_the_default(sigillo, key):
    ids = [make(sigillo, key, "wl-list%d.test" % i) for i in range(4)]
    sigillo.restart()
    everything, first, second, one, none, user, other_user = ask(
        sigillo, key, get(), get(limit=2), get(limit=2, offset=2), get(domain="WL-LIST3.test"), get(domain="wl-list9.test"), get(username="default"),
        get(username="somebody", exclude_subusers="true"))
    valid("", "get", everything)
    assert [d["id"] for d in everything[1]] == ids, "the numbers stay, also over a restart"
    assert [d["id"] for d in first[1]] == ids[:2] and [d["id"] for d in second[1]] == ids[2:]
    assert [d["id"] for d in one[1]] == ids[3:] and none == (200, []) and len(user[1]) == 4 and other_user == (200, [])
    fault(ask(sigillo, key, get(limit=0))[0], 400, "limit")
    fault(ask(sigillo, key, get(offset="x"))[0], 400, "offset")

    def default():
        answers = ask(sigillo, key, get("/default"), get())
        assert [d["id"] for d in answers[0][1]] == [d["id"] for d in answers[1][1] if d["default"]], answers
        valid("/default", "get", answers[0])
        return answers[0][1][0]["id"]
    chosen = default()
    assert chosen in ids
    changed = ask(sigillo, key, patch("/%d" % ids[2], default=True))[0]
    valid("/%d" % ids[2], "patch", changed)
    assert changed[0] == 200 and changed[1][0]["default"] is True and default() == ids[2]
    sigillo.restart()
    assert default() == ids[2]
    assert ask(sigillo, key, get("/default", domain="wl-list0.test"))[0] == (200, [])
    ask(sigillo, key, patch("/%d" % ids[2], default=False, custom_spf=True))
    assert default() == chosen
    subuser, all_of_them, nobody = ask(sigillo, key, get("/subuser", username="default"), get("/subuser/all", username="default"), get("/subuser", username="somebody"))
    assert subuser[1]["id"] == ids[0] and [d["id"] for d in all_of_them[1]] == ids
    fault(nobody, 404, "username")


@pytest.mark.parametrize("body, field", [
    ({}, "domain"), ({"domain": 1}, "domain"), ({"domain": "no name"}, "domain"), ({"domain": "a.test\r\nX: y"}, "domain"), ({"domain": "wl-x.test", "subdomain": "a b"}, "subdomain"),
    ({"domain": "wl-x.test", "default": "yes"}, "default"), ({"domain": "wl-x.test", "username": "somebody"}, "username"), ({"domain": "wl-x.test", "ips": ["192.0.2.1"]}, "ips")])
def test_domains_that_cannot_be(sigillo, key, body, field):
    fault(ask(sigillo, key, post(**body))[0], 400, field)
    assert "wl-x.test" not in sigillo.cli("domain", "list").stdout


def test_what_is_not_so_here(sigillo, key):
    path = "/%d" % make(sigillo, key, "wl-not.test")
    answers = ask(sigillo, key, post(path + "/ips", ip="192.0.2.1"), delete(path + "/ips/192.0.2.1"), post(path + "/subuser", username="x"),
                  post(path + "/subuser:add", username="x"), delete(path + "/subuser"))
    for answer, field in zip(answers, ("ip", "ip", "username", "username", "username")):
        fault(answer, 400, field)
    fault(ask(sigillo, key, post(domain="wl-not.test"))[0], 400, "domain")


def test_whose(sigillo, key, theirs):
    path = "/%d" % make(sigillo, key, "wl-mine.test")
    for answer in ask(sigillo, theirs, get(path), patch(path, default=True), delete(path), post(path + "/validate")):
        fault(answer, 404, "id")
    assert ask(sigillo, theirs, get(), get("/default")) == [(200, []), (200, [])]
    sends = sigillo.json("key", "add", "--domain", "wl-mine.test")["key"]
    assert [a[0] for a in ask(sigillo, sends, get(), post(domain="wl-y.test"), get(path), delete(path))] == [403] * 4
