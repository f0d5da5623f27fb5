# SPDX-License-Identifier: Apache-2.0
"""Branded links by /v3/whitelabel/links, by @sendgrid/client as it is published, and what they do to the links in list mail."""
import email
import http.client
import re
import socket
import urllib.parse

import npm
import pytest
import spec
from conftest import finish, launch
from world import daemon
from world.internet import wait_for

LINKS = "/v3/whitelabel/links"
DOMAIN, SERVER = "wllink-mail.test", "wllink.test"
HOST = "links." + DOMAIN
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "wllink", {}, start=False)
    d.open_https()
    d.settings["public_url"] = "https://%s:8443" % SERVER
    d.start()
    d.json("subscription", "add", "wllink-other")
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


@pytest.fixture(scope="module")
def key(sigillo, sender):
    return sigillo.json("key", "add", "--role", "owner")["key"]


def ask(sigillo, key, *requests):
    """What the client says to each: (status, body)."""
    asked = {"url": "https://%s:8443/" % sigillo.address, "key": key, "requests": list(requests)}
    answers = npm.run(sigillo, "clients/sendgrid", "@sendgrid/client", "clients/sendgrid/client.mjs", question=asked, timeout=150)
    return [(a["status"], a["body"]) if "status" in a else (a["error"]["code"], a["error"]["body"]) for a in answers]


def get(path="", **qs):
    return {"method": "GET", "url": LINKS + path, **({"qs": qs} if qs else {})}


def post(path="", **body):
    return {"method": "POST", "url": LINKS + path, "body": body}


def patch(path, **body):
    return {"method": "PATCH", "url": LINKS + path, "body": body}


def delete(path, **qs):
    return {"method": "DELETE", "url": LINKS + path, **({"qs": qs} if qs else {})}


def valid(path, method, answer):
    """By the published specification, where it is there."""
    try:
        spec.load("sendgrid/tsg_link_branding_v3.json").validate(LINKS + path, method, (answer[0], {"content-type": "application/json"}, answer[1]))
    except pytest.skip.Exception:
        pass


def fault(answer, status, field):
    assert answer[0] == status and [e["field"] for e in answer[1]["errors"]] == [field], answer


def make(sigillo, key, **body):
    status, made = ask(sigillo, key, post(**body))[0]
    assert status == 201, made
    return made


def certificate(world, sigillo, *names):
    """Another one from now on, for these names, too; without a restart."""
    c = world.ca.issue(SERVER, "localhost", sigillo.address, *names)
    sigillo.settings.update(tls_certificate=c.certificate, tls_key=c.key)
    sigillo.reload()


def is_valid(sigillo, key, path):
    return ask(sigillo, key, get(path))[0][1]["valid"]


def link_in(world, sigillo, sender, to):
    """The link in list mail that is sent now."""
    message = daemon.message("me@" + DOMAIN, [to], extra=["X-Sigillo-List: weekly"])
    sigillo.wait_state(sigillo.submit(sender, to, message), "delivered")
    field = email.message_from_bytes(world.wait_mail(to)[-1])["List-Unsubscribe"]
    return urllib.parse.urlsplit(re.search(r"<(https://[^>]+)>", field.replace("\r\n", ""))[1])


def click(sigillo, link):
    """As a receiver does: the certificate has to be the host's, and the field Host names it."""
    c = http.client.HTTPSConnection(link.hostname, link.port, timeout=20, context=sigillo.tls_context())
    c._create_connection = lambda *a, **kw: socket.create_connection((sigillo.address, link.port), timeout=20)
    try:
        c.request("POST", link.path, "List-Unsubscribe=One-Click", FORM)
        return c.getresponse().status
    finally:
        c.close()


def test_a_link_from_its_beginning_to_its_end(world, sigillo, sender, key):
    body = make(sigillo, key, domain=DOMAIN, default=True)
    valid("", "post", (201, body))
    assert body["domain"] == DOMAIN and body["subdomain"] == "links" and body["default"] is True and body["valid"] is False and body["legacy"] is False
    assert body["username"] == "default" and isinstance(body["id"], int) and body["id"] < 2 ** 53
    record = body["dns"]["domain_cname"]
    assert record == {"valid": False, "type": "cname", "host": HOST, "data": SERVER}
    path = "/%d" % body["id"]

    def results():
        status, answer = ask(sigillo, key, post(path + "/validate"))[0]
        assert status == 200 and answer["id"] == body["id"], answer
        valid(path + "/validate", "post", (status, answer))
        assert answer["valid"] is all(r["valid"] for r in answer["validation_results"].values())
        return {name: r["reason"] for name, r in answer["validation_results"].items()}

    uncovered = "The server's certificate does not cover %s." % HOST
    assert results() == {"domain_cname": "There is no CNAME record at %s." % HOST, "certificate": uncovered}
    world.dns.publish(HOST, "CNAME", "Elsewhere.test.")
    assert results() == {"domain_cname": "The CNAME record of %s leads to elsewhere.test and not to %s." % (HOST, SERVER), "certificate": uncovered}
    world.dns.publish(HOST, "CNAME") # the zone does not put one alias in the place of another
    world.dns.publish(record["host"], "CNAME", record["data"] + ".")
    assert results() == {"domain_cname": None, "certificate": uncovered}
    shown = ask(sigillo, key, get(path))[0][1]
    assert shown["valid"] is False and shown["dns"]["domain_cname"]["valid"] is True
    assert link_in(world, sigillo, sender, "wl-uncovered@good.test").netloc == SERVER + ":8443", "a link leads somewhere"

    certificate(world, sigillo, HOST)
    wait_for(lambda: is_valid(sigillo, key, path), bool, 20, "the new certificate is looked at")
    assert results() == {"domain_cname": None, "certificate": None}
    link = link_in(world, sigillo, sender, "wl-branded@good.test")
    assert link.netloc == HOST + ":8443" and link.path.startswith("/u/")
    assert click(sigillo, link) == 200
    assert [s["domain"] for s in sigillo.json("suppression", "list")["suppressions"] if s["address"] == "wl-branded@good.test"] == ["list:weekly." + DOMAIN]

    sigillo.restart()
    assert is_valid(sigillo, key, path) is True
    assert link_in(world, sigillo, sender, "wl-restart@good.test").netloc == HOST + ":8443"
    certificate(world, sigillo)
    wait_for(lambda: is_valid(sigillo, key, path), lambda v: not v, 20, "the new certificate is looked at")
    assert link_in(world, sigillo, sender, "wl-renewed@good.test").netloc == SERVER + ":8443"
    certificate(world, sigillo, "*." + DOMAIN)
    wait_for(lambda: is_valid(sigillo, key, path), bool, 20, "the new certificate is looked at")
    assert link_in(world, sigillo, sender, "wl-star@good.test").netloc == HOST + ":8443"

    world.dns.publish(HOST, "CNAME")
    assert results() == {"domain_cname": "There is no CNAME record at %s." % HOST, "certificate": None}
    assert link_in(world, sigillo, sender, "wl-unpublished@good.test").netloc == SERVER + ":8443"
    world.dns.publish(HOST, "CNAME", SERVER + ".")
    assert results() == {"domain_cname": None, "certificate": None}
    gone, again, missing = ask(sigillo, key, delete(path), delete(path), get(path))
    assert gone == (204, "")
    fault(again, 404, "id")
    fault(missing, 404, "id")
    assert link_in(world, sigillo, sender, "wl-gone@good.test").netloc == SERVER + ":8443"
    actions = [l["action"] for l in sigillo.json("report", "audit", "--object", "branded-link:default/" + HOST)["audit"]]
    assert actions[0] == "branded-link remove" and actions[-1] == "branded-link add" and "branded-link change" in actions


def test_lists_and_the_default(sigillo, key):
    for name in ("wllink-a.test", "wllink-b.test"):
        sigillo.json("domain", "add", name)
    ids = [make(sigillo, key, domain=d, subdomain=s)["id"] for d, s in (("wllink-a.test", "l1"), ("wllink-a.test", "l2"), ("wllink-b.test", "l3"))]
    sigillo.restart()
    everything, first, wrong = ask(sigillo, key, get(), get(limit=2), get(limit=0))
    valid("", "get", everything)
    assert [l["id"] for l in everything[1]] == ids and [l["id"] for l in first[1]] == ids[:2], "the numbers stay, also over a restart"
    fault(wrong, 400, "limit")

    def defaults():
        answers = ask(sigillo, key, get(), get("/default", domain="wllink-a.test"), get("/default", domain="wllink-b.test"), get("/default"))
        for answer in answers[1:]:
            valid("/default", "get", answer)
        assert {l["id"] for l in answers[0][1] if l["default"]} == {answers[1][1]["id"], answers[2][1]["id"]}
        return [a[1]["id"] for a in answers[1:]]
    ask(sigillo, key, patch("/%d" % ids[0], default=True))
    assert defaults() == [ids[0], ids[2], ids[0]]
    changed = ask(sigillo, key, patch("/%d" % ids[1], default=True))[0]
    valid("/%d" % ids[1], "patch", changed)
    assert changed[1]["default"] is True and defaults() == [ids[1], ids[2], ids[1]]
    ask(sigillo, key, patch("/%d" % ids[1], default=False))
    assert defaults() == [ids[0], ids[2], ids[0]]
    none, user, nobody, given, taken = ask(sigillo, key, get("/default", domain="wllink-none.test"), get("/subuser", username="default"),
                                           get("/subuser", username="somebody"), post("/%d/subuser" % ids[0], username="x"), delete("/subuser", username="x"))
    fault(none, 404, "domain")
    valid("/subuser", "get", user)
    assert user[1]["id"] == ids[0]
    fault(nobody, 404, "username")
    fault(given, 400, "username")
    fault(taken, 400, "username")


@pytest.mark.parametrize("body, field", [
    ({}, "domain"), ({"domain": 1}, "domain"), ({"domain": "wllink-none.test"}, "domain"), ({"domain": "a.test\r\nX: y"}, "domain"),
    ({"domain": DOMAIN, "subdomain": "a.b"}, "subdomain"), ({"domain": DOMAIN, "subdomain": "a\r\nb"}, "subdomain"), ({"domain": DOMAIN, "subdomain": "x" * 64}, "subdomain"),
    ({"domain": DOMAIN, "subdomain": "bounces"}, "subdomain"), ({"domain": DOMAIN, "subdomain": 1}, "subdomain"), ({"domain": DOMAIN, "default": "yes"}, "default"),
    ({"domain": DOMAIN, "region": 1}, "region")])
def test_links_that_cannot_be(sigillo, key, body, field):
    before = ask(sigillo, key, get())[0]
    answer, after = ask(sigillo, key, post(**body), get())
    fault(answer, 400, field)
    assert after == before


def test_whose(sigillo, key):
    made = make(sigillo, key, domain=DOMAIN, subdomain="mine")
    fault(ask(sigillo, key, post(domain=DOMAIN, subdomain="Mine"))[0], 400, "subdomain")
    path = "/%d" % made["id"]
    theirs = sigillo.json("key", "add", "--role", "owner", "--subscription", "wllink-other")["key"]
    for answer in ask(sigillo, theirs, get(path), patch(path, default=True), delete(path), post(path + "/validate"), post(path + "/subuser", username="x")):
        fault(answer, 404, "id")
    fault(ask(sigillo, theirs, post(domain=DOMAIN))[0], 400, "domain")
    assert ask(sigillo, theirs, get())[0] == (200, [])
    sends = sigillo.json("key", "add", "--domain", DOMAIN)["key"]
    assert [a[0] for a in ask(sigillo, sends, get(), post(domain=DOMAIN), get(path), patch(path, default=True), delete(path), post(path + "/validate"))] == [403] * 6


def test_reverse_dns_is_not_here(sigillo, key):
    for method in ("GET", "POST"):
        status, body = ask(sigillo, key, {"method": method, "url": "/v3/whitelabel/ips", **({"body": {"ip": "192.0.2.1", "domain": DOMAIN}} if method == "POST" else {})})[0]
        assert status == 404 and [set(e) for e in body["errors"]] == [{"message", "field", "help"}], body


def test_what_dns_does_not_say(sigillo, key):
    """Below a zone whose signatures are wrong; what was known stays."""
    sigillo.json("domain", "add", "wllink.bogus.test")
    path = "/%d" % make(sigillo, key, domain="wllink.bogus.test")["id"]
    status, body = ask(sigillo, key, post(path + "/validate"))[0]
    valid(path + "/validate", "post", (status, body))
    assert status == 500 and "could not be looked at" in body["errors"][0]["message"], body


def test_without_a_name_nothing_can_be_an_alias(world, sigillo, key):
    sigillo.settings["public_url"] = "https://%s:8443" % sigillo.address
    sigillo.restart()
    status, body = ask(sigillo, key, post(domain=DOMAIN, subdomain="none"))[0]
    assert status == 400 and "public_url" in body["errors"][0]["message"], body
