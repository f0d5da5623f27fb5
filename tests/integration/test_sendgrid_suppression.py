# SPDX-License-Identifier: Apache-2.0
"""Suppressed addresses and unsubscribe groups, by @sendgrid/client as it is published; what becomes of mail to them."""
import email
import time
import urllib.parse

import npm
import pytest
import spec
from conftest import finish, launch

DOMAIN, OTHER = "sgsuppr.test", "sgsuppr-second.test"
SUPPRESSIONS = "sendgrid/tsg_suppressions_v3.json"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "sgsuppr", {"delivery": {"suppress_hard_bounces": None}}, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def key(sigillo):
    """An owner's, which may send from two domains."""
    for domain in (DOMAIN, OTHER):
        sigillo.json("domain", "add", domain)
        sigillo.publish_records(domain)
    return sigillo.json("key", "add", "--domain", DOMAIN, "--domain", OTHER, "--role", "owner")["key"]


def ask(sigillo, key, *requests, messages=()):
    """What the client says to each: (status, body)."""
    asked = {"url": sigillo.settings["public_url"] + "/", "key": key, "messages": list(messages), "requests": list(requests)}
    answers = npm.run(sigillo, "clients/sendgrid", "@sendgrid/client", "clients/sendgrid/client.mjs", question=asked, timeout=150)
    return [(a["status"], a["body"]) if "status" in a else (a["error"]["code"], a["error"]["body"]) for a in answers]


def get(path, **qs):
    return {"method": "GET", "url": path, **({"qs": qs} if qs else {})}


def post(path, body):
    return {"method": "POST", "url": path, "body": body}


def delete(path, body=None):
    return {"method": "DELETE", "url": path, **({"body": body} if body is not None else {})}


def mail(to, **changes):
    return dict({"to": to, "from": "shop@" + DOMAIN, "subject": "S", "text": "T"}, **changes)


def valid(path, method, answer):
    """By the published specification, where it is there."""
    status, body = answer
    try:
        spec.load(SUPPRESSIONS).validate(path, method, (status, {"content-type": "application/json"}, body))
    except pytest.skip.Exception:
        pass


def fault(answer, status, field):
    assert answer[0] == status and [e["field"] for e in answer[1]["errors"]] == [field], answer


def suppress(sigillo, reason, *addresses, **more):
    args = [x for name, value in more.items() for x in ("--" + name, value)]
    sigillo.cli("suppression", "add", *addresses, "--reason", reason, *args)


def test_five_lists(sigillo, key):
    before = int(time.time())
    suppress(sigillo, "hard-bounce", "b1@x.test", "b2@x.test", reply="550 5.1.1 no such user")
    suppress(sigillo, "blocked", "k@x.test", reply="554 5.7.1 not from you")
    suppress(sigillo, "invalid", "i@x.test", reply="no such domain")
    suppress(sigillo, "complaint", "s@x.test", domain=DOMAIN)
    suppress(sigillo, "unsubscribe", "u@x.test")
    suppress(sigillo, "manual", "m@x.test")
    suppress(sigillo, "unsubscribe", "list@x.test", domain="list:news." + DOMAIN)
    names = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
    answers = dict(zip(names, ask(sigillo, key, *(get("/v3/suppression/" + n) for n in names))))
    for name, answer in answers.items():
        assert answer[0] == 200, answer
        valid("/v3/suppression/" + name, "get", answer)
        assert all(before <= e["created"] <= time.time() for e in answer[1]), answer
    lists = {n: sorted(e["email"] for e in a[1]) for n, a in answers.items()}
    assert lists == {"bounces": ["b1@x.test", "b2@x.test"], "blocks": ["k@x.test"], "invalid_emails": ["i@x.test"], "spam_reports": ["s@x.test"],
                     "unsubscribes": ["m@x.test", "u@x.test"]}
    assert answers["bounces"][1][0]["reason"] == "550 5.1.1 no such user" and answers["spam_reports"][1][0]["ip"] == ""


def test_one_address(sigillo, key):
    suppress(sigillo, "hard-bounce", "One@x.test", "two@x.test")
    suppress(sigillo, "complaint", "of-domain@x.test", domain=OTHER)
    found, other, nobody, no_address, of_domain = ask(
        sigillo, key, get("/v3/suppression/bounces/oNE@X.test"), get("/v3/suppression/blocks/one@x.test"), get("/v3/suppression/bounces/on@x.test"),
        get("/v3/suppression/bounces/one"), get("/v3/suppression/spam_reports/of-domain@x.test"))
    valid("/v3/suppression/bounces/one@x.test", "get", found)
    assert found[0] == 200 and [e["email"] for e in found[1]] == ["one@x.test"]
    assert other == (200, []) and nobody == (200, []) and [e["email"] for e in of_domain[1]] == ["of-domain@x.test"]
    fault(no_address, 400, "email")
    gone, again, empty, wrong_list = ask(sigillo, key, delete("/v3/suppression/bounces/One@x.test"), delete("/v3/suppression/bounces/one@x.test"),
                                         get("/v3/suppression/bounces/one@x.test"), delete("/v3/suppression/blocks/two@x.test"))
    assert gone == (204, "") and empty == (200, [])
    fault(again, 404, "email")
    fault(wrong_list, 404, "email")
    assert ask(sigillo, key, delete("/v3/suppression/spam_reports/of-domain@x.test"), get("/v3/suppression/spam_reports/of-domain@x.test")) == [
        (204, ""), (200, [])]


def test_pages_times_and_patterns(sigillo, key):
    rows = "".join("p%03d@page.test,blocked,%d,\n" % (i, 0) for i in range(30))
    sigillo.cli("suppression", "import", "--reason", "blocked", input="address,created_at\n" + "".join(
        "p%03d@page.test,%d\n" % (i, 1000 + i) for i in range(30)))

    def numbers(answer):
        assert answer[0] == 200, answer
        return [int(e["email"][1:4]) for e in answer[1] if e["email"].endswith("page.test")]

    path = "/v3/suppression/blocks"
    first, second, last, times, start, inside, upper = ask(
        sigillo, key, get(path, limit=10, email="%page"), get(path, limit=10, offset=10, email="%page"), get(path, limit=10, offset=25, email="%page"),
        get(path, start_time=1005, end_time=1008), get(path, email="p01"), get(path, email="%2%page"), get(path, email="P000"))
    assert numbers(first) == list(range(10)) and numbers(second) == list(range(10, 20)) and numbers(last) == list(range(25, 30))
    assert numbers(times) == [5, 6, 7, 8]
    assert numbers(start) == list(range(10, 20)) and numbers(upper) == [0]
    assert numbers(inside) == [i for i in range(30) if "2" in "%03d" % i]
    for name, value in (("limit", 0), ("limit", 501), ("limit", "ten"), ("offset", -1), ("start_time", "yesterday"), ("end_time", 1.5)):
        fault(ask(sigillo, key, get(path, **{name: value}))[0], 400, name)


def test_lists_are_emptied(sigillo, key):
    suppress(sigillo, "invalid", *("e%d@empty.test" % i for i in range(5)))
    suppress(sigillo, "hard-bounce", "stays@empty.test")
    path = "/v3/suppression/invalid_emails"
    some, left = ask(sigillo, key, delete(path, {"emails": ["e0@empty.test", "E1@empty.test", "stays@empty.test", "nobody@empty.test"]}),
                     get(path, email="%empty"))
    assert some == (204, "") and [e["email"] for e in left[1]] == ["e2@empty.test", "e3@empty.test", "e4@empty.test"]
    everything, left, bounce = ask(sigillo, key, delete(path, {"delete_all": True}), get(path), get("/v3/suppression/bounces/stays@empty.test"))
    assert everything == (204, "") and left == (200, []) and len(bounce[1]) == 1
    for body in ({}, {"emails": []}, {"emails": "a@b.test"}, {"emails": [1]}, {"delete_all": True, "emails": ["a@b.test"]}, {"delete_all": "yes"}):
        answer = ask(sigillo, key, delete(path, body))[0]
        assert answer[0] == 400, (body, answer)
    fault(ask(sigillo, key, delete(path, {"emails": ["no address"]}))[0], 400, "emails")


def test_a_thousand_at_once(sigillo, key):
    emails = ["t%04d@thousand.test" % i for i in range(1001)]
    path = "/v3/asm/suppressions/global"
    too_many, added, shown, more, removed, left = ask(
        sigillo, key, post(path, {"recipient_emails": emails}), post(path, {"recipient_emails": emails[:1000]}), get(path + "/" + emails[999]),
        delete("/v3/suppression/bounces", {"emails": emails}), delete("/v3/suppression/bounces", {"emails": emails[:1000]}), get(path + "/" + emails[0]))
    fault(too_many, 400, "recipient_emails")
    fault(more, 400, "emails")
    assert added[0] == 201 and shown[1] == {"recipient_email": emails[999]} and removed == (204, "") and left[1] == {"recipient_email": emails[0]}


def test_classifications(sigillo, key):
    sigillo.cli("suppression", "import", input="address,created_at,reason\nc1@c.test,1000000000,invalid\nc2@c.test,1000000001,invalid\nc3@d.test,1000000002,blocked\n"
                "c4@d.test,1000086400,blocked\n")
    path = "/v3/suppression/bounces/classifications"
    days, one, bad, day = ask(sigillo, key, get(path, start_date="2001-09-01", end_date="2001-09-10"), get(path + "/Invalid%20Address", end_date="2001-09-10"), get(path + "/Nothing"),
                              get(path, start_date="yesterday"))
    valid(path, "get", days)
    assert days == (200, {"result": [{"date": "2001-09-09", "stats": [{"classification": "Invalid Address", "count": 2}, {"classification": "Unclassified", "count": 1}]},
                                     {"date": "2001-09-10", "stats": [{"classification": "Unclassified", "count": 1}]}]})
    assert one == (200, {"result": [{"date": "2001-09-09", "stats": [{"domain": "c.test", "count": 2}]}]})
    fault(bad, 400, "classification")
    fault(day, 400, "start_date")


def test_what_receivers_say(world, sigillo, key):
    world.receiver("sg-policy.test", {"rcpt": "554 5.7.1 not from you"})
    ask(sigillo, key, messages=[mail(["who@reject.test", "who@nullmx.test", "who@sg-policy.test"])])

    def lists():
        return [a[1] for a in ask(sigillo, key, *(get("/v3/suppression/%s/%s" % w) for w in (
            ("bounces", "who@reject.test"), ("invalid_emails", "who@nullmx.test"), ("blocks", "who@sg-policy.test"))))]
    end = time.monotonic() + 60
    while not all(lists()):
        assert time.monotonic() < end, lists()
        time.sleep(0.5)
    bounce, invalid, block = lists()
    assert bounce[0]["status"] == "5.1.1" and "5.1.1" in bounce[0]["reason"]
    assert block[0]["status"] == "5.7.1" and "not from you" in block[0]["reason"] and set(invalid[0]) == {"created", "email", "reason"}


# ---- groups ----------------------------------------------------------------------------------------------------------

def group(sigillo, key, name, **more):
    status, body = ask(sigillo, key, post("/v3/asm/groups", dict({"name": name, "description": "About " + name}, **more)))[0]
    assert status == 201, body
    return body["id"]


def test_a_group_from_its_beginning_to_its_end(sigillo, key):
    made = ask(sigillo, key, post("/v3/asm/groups", {"name": "Life", "description": "From beginning to end", "is_default": True}))[0]
    valid("/v3/asm/groups", "post", made)
    number = made[1]["id"]
    assert made == (201, {"id": number, "name": "Life", "description": "From beginning to end", "is_default": True, "unsubscribes": 0})
    path = "/v3/asm/groups/%d" % number
    second = group(sigillo, key, "Life two", is_default=True)
    shown, both, one = ask(sigillo, key, get(path), get("/v3/asm/groups"), get("/v3/asm/groups?id=%d" % second))
    valid(path, "get", shown)
    valid("/v3/asm/groups", "get", both)
    assert shown[1]["is_default"] is False and {g["id"] for g in both[1]} >= {number, second} and [g["id"] for g in one[1]] == [second]
    changed, again = ask(sigillo, key, {"method": "PATCH", "url": path, "body": {"name": "New life"}}, get(path))
    valid(path, "patch", changed)
    assert changed == (201, again[1]) and again[1]["name"] == "New life" and again[1]["description"] == "From beginning to end"
    gone, after, twice = ask(sigillo, key, delete(path), get(path), delete(path))
    assert gone == (204, "")
    fault(after, 404, "group_id")
    fault(twice, 404, "group_id")


@pytest.mark.parametrize("body, field", [
    ({"description": "d"}, "name"), ({"name": "n"}, "description"), ({"name": "", "description": "d"}, "name"), ({"name": "n" * 31, "description": "d"}, "name"),
    ({"name": "n", "description": "d" * 101}, "description"), ({"name": 1, "description": "d"}, "name"), ({"name": "a\nb", "description": "d"}, "name"),
    ({"name": "n", "description": "d", "is_default": "yes"}, "is_default")])
def test_groups_that_cannot_be(sigillo, key, body, field):
    fault(ask(sigillo, key, post("/v3/asm/groups", body))[0], 400, field)


def test_two_groups_of_a_name(sigillo, key):
    group(sigillo, key, "Twice")
    fault(ask(sigillo, key, post("/v3/asm/groups", {"name": "Twice", "description": "d"}))[0], 400, "name")


def test_who_has_left_a_group(sigillo, key):
    a, b = group(sigillo, key, "Left A"), group(sigillo, key, "Left B")
    path = "/v3/asm/groups/%d/suppressions" % a
    added, listed, found, shown, everywhere, all_of_them = ask(
        sigillo, key, post(path, {"recipient_emails": ["One@left.test", "two@left.test"]}), get(path),
        post(path + "/search", {"recipient_emails": ["one@left.test", "three@left.test", "nonsense"]}), get("/v3/asm/groups/%d" % a),
        get("/v3/asm/suppressions/one@left.test"), get("/v3/asm/suppressions"))
    valid(path, "post", added)
    valid("/v3/asm/suppressions", "get", all_of_them)
    valid("/v3/asm/suppressions/one@left.test", "get", everywhere)
    assert added == (201, {"recipient_emails": ["One@left.test", "two@left.test"]})
    assert listed == (200, ["one@left.test", "two@left.test"]) and found == (200, ["one@left.test"]) and shown[1]["unsubscribes"] == 2
    assert {g["id"]: g["suppressed"] for g in everywhere[1]["suppressions"] if g["id"] in (a, b)} == {a: True, b: False}
    mine = [e for e in all_of_them[1] if e["group_id"] == a]
    assert [(e["email"], e["group_name"]) for e in mine] == [("one@left.test", "Left A"), ("two@left.test", "Left A")]
    gone, again, left = ask(sigillo, key, delete(path + "/ONE@left.test"), delete(path + "/one@left.test"), get(path))
    assert gone == (204, "") and left == (200, ["two@left.test"])
    fault(again, 404, "email")
    fault(ask(sigillo, key, post(path, {"recipient_emails": ["x@left.test", "nonsense"]}))[0], 400, "recipient_emails.1")
    fault(ask(sigillo, key, post(path, {}))[0], 400, "recipient_emails")
    assert ask(sigillo, key, get(path)) == [(200, ["two@left.test"])]
    assert ask(sigillo, key, delete("/v3/asm/groups/%d" % a))[0][0] == 204
    assert "asm-%d" % a not in sigillo.cli("suppression", "export").stdout


def test_global_suppressions(sigillo, key):
    path = "/v3/asm/suppressions/global"
    added, found, nobody, unknown = ask(sigillo, key, post(path, {"recipient_emails": ["g@global.test"]}), get(path + "/G@global.test"), get(path + "/h@global.test"),
                                        post("/v3/asm/groups/77/suppressions", {"recipient_emails": ["h@global.test"]}))
    valid(path, "post", added)
    assert added == (201, {"recipient_emails": ["g@global.test"]}) and found == (200, {"recipient_email": "G@global.test"}) and nobody == (200, {})
    assert unknown[0] == 201 and ask(sigillo, key, get(path + "/h@global.test")) == [(200, {"recipient_email": "h@global.test"})]
    gone, again = ask(sigillo, key, delete(path + "/g@global.test"), get(path + "/g@global.test"))
    assert gone == (204, "") and again == (200, {})


def test_mail_for_a_group(world, sigillo, key):
    """An unsubscription holds for all domains of the account, and for that group only."""
    number, other = group(sigillo, key, "Mail"), group(sigillo, key, "Other mail")
    path = "/v3/asm/groups/%d/suppressions" % number
    ask(sigillo, key, post(path, {"recipient_emails": ["left-sg@good.test"]}))
    answers = ask(sigillo, key, messages=[
        mail("left-sg@good.test", asm={"groupId": number}, subject="no"), mail("left-sg@good.test", asm={"groupId": number}, subject="no", **{"from": "a@" + OTHER}),
        mail("left-sg@good.test", asm={"groupId": other}, subject="yes"), mail("left-sg@good.test", asm={"groupId": 77})])
    assert [a[0] for a in answers] == [202, 202, 202, 400]
    fault(answers[3], 400, "asm.group_id")
    assert world.wait_mail("left-sg@good.test")
    got = world.mailbox("left-sg@good.test")
    assert len(got) == 1 and b"Subject: yes" in got[0] and b"asm-%d.%s" % (other, DOMAIN.encode()) in got[0], got


def click(sigillo, link):
    path = urllib.parse.urlsplit(link).path
    return sigillo.request("POST", path, "List-Unsubscribe=One-Click", headers={"Content-Type": "application/x-www-form-urlencoded"}, tls=True)[0]


def test_one_click(world, sigillo, key):
    number = group(sigillo, key, "Click")
    ask(sigillo, key, messages=[mail(["click-sg@good.test", "click-sg2@good.test"], asm={"groupId": number})])
    links = [email.message_from_bytes(world.wait_mail(who + "@good.test")[0])["List-Unsubscribe"].strip("<>\r\n ") for who in ("click-sg", "click-sg2")]
    assert click(sigillo, links[0]) == 200
    assert ask(sigillo, key, get("/v3/asm/groups/%d/suppressions" % number)) == [(200, ["click-sg@good.test"])]
    ask(sigillo, key, delete("/v3/asm/groups/%d" % number))
    assert click(sigillo, links[1]) == 200
    assert ask(sigillo, key, get("/v3/asm/suppressions/global/click-sg2@good.test")) == [(200, {"recipient_email": "click-sg2@good.test"})]


# ---- whose -----------------------------------------------------------------------------------------------------------

def test_another_account_sees_nothing_of_it(sigillo, key):
    sigillo.json("subscription", "add", "sgsuppr-else")
    theirs = sigillo.json("key", "add", "--role", "owner", "--subscription", "sgsuppr-else")["key"]
    number = group(sigillo, key, "Ours")
    suppress(sigillo, "hard-bounce", "ours@x.test")
    ask(sigillo, key, post("/v3/asm/groups/%d/suppressions" % number, {"recipient_emails": ["ours@x.test"]}))
    answers = ask(sigillo, theirs, get("/v3/suppression/bounces"), get("/v3/suppression/bounces/ours@x.test"), get("/v3/asm/groups"),
                  get("/v3/asm/groups/%d" % number), get("/v3/asm/suppressions"), delete("/v3/suppression/bounces/ours@x.test"),
                  delete("/v3/asm/groups/%d" % number), get("/v3/asm/groups/%d/suppressions" % number))
    assert [a[0] for a in answers] == [200, 200, 200, 404, 200, 404, 404, 404]
    assert answers[0][1] == answers[1][1] == answers[2][1] == answers[4][1] == []
    assert len(ask(sigillo, key, get("/v3/suppression/bounces/ours@x.test"))[0][1]) == 1


def test_a_key_that_may_only_send(sigillo, key):
    sends = sigillo.json("key", "add", "--domain", DOMAIN)["key"]
    answers = ask(sigillo, sends, get("/v3/suppression/bounces"), delete("/v3/suppression/bounces", {"delete_all": True}), get("/v3/asm/groups"),
                  post("/v3/asm/groups", {"name": "n", "description": "d"}), get("/v3/asm/suppressions"))
    assert [a[0] for a in answers] == [403] * 5, answers


def test_a_hundred_thousand(sigillo, key):
    """Read by the page and sent piece by piece."""
    number = group(sigillo, key, "Many")
    rows = "".join("m%06d@many.test\n" % i for i in range(100000))
    sigillo.cli("suppression", "import", "--domain", "list:asm-%d" % number, "--reason", "unsubscribe", input=rows)
    listed, shown = ask(sigillo, key, get("/v3/asm/groups/%d/suppressions" % number), get("/v3/asm/groups/%d" % number))
    assert len(listed[1]) == 100000 and listed[1][0] == "m000000@many.test" and listed[1][-1] == "m099999@many.test"
    assert shown[1]["unsubscribes"] == 100000
    assert ask(sigillo, key, delete("/v3/asm/groups/%d" % number)) == [(204, "")]
    assert "many.test" not in sigillo.cli("suppression", "export").stdout
