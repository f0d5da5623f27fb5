# SPDX-License-Identifier: Apache-2.0
"""Routes of what arrives: the command line says where mail goes, and refuses what cannot be."""
import json

import pytest

from conftest import finish, launch


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "route", {})
    d.cli("domain", "add", "routes.test")
    yield d
    finish(d)


def refused(d, *command, code=1):
    r = d.cli(*command, ok=False)
    assert r.returncode == code, (r.stdout, r.stderr)
    return r.stderr


def test_a_route_is_added_shown_changed_and_removed(sigillo):
    assert "There are none yet" in sigillo.cli("route", "list").stdout
    said = sigillo.cli("route", "add", "@Routes.test", "--lmtp", "unix:/run/dovecot/lmtp", "--ask", "--junk", "junk@routes.test").stdout
    assert said.startswith("@routes.test: lmtp unix:/run/dovecot/lmtp\n") and "sigillo route test someone@routes.test" in said
    sigillo.cli("route", "add", "sales@routes.test", "--forward", "anna@elsewhere.test", "--forward", "ben@elsewhere.test")
    made = sigillo.json("route", "add", "hook@routes.test", "--webhook", "https://app.elsewhere.test/in")
    assert made["secret"].startswith("whsec_") and made["action"] == "webhook" and made["signed"]
    listed = sigillo.json("route", "list")["routes"]
    assert {r["pattern"]: r["target"] for r in listed} == {
        "@routes.test": ["unix:/run/dovecot/lmtp"], "sales@routes.test": ["anna@elsewhere.test", "ben@elsewhere.test"],
        "hook@routes.test": ["https://app.elsewhere.test/in"]}
    assert not any("secret" in r for r in listed)
    shown = sigillo.cli("route", "show", "@routes.test").stdout
    assert "ask           yes\n" in shown and "junk          junk@routes.test\n" in shown
    sigillo.cli("route", "set", "@routes.test", "--smtp", "mail.elsewhere.test", "--junk", "none", "--no-ask")
    now = sigillo.json("route", "show", "@routes.test")
    assert (now["action"], now["target"], now["junk"], now["ask"]) == ("smtp", ["mail.elsewhere.test:25"], None, False)
    again = sigillo.json("route", "set", "hook@routes.test", "--new-secret")
    assert again["secret"] != made["secret"] and again["id"] == made["id"]
    sigillo.cli("route", "remove", made["id"])
    assert "there is no such route" in refused(sigillo, "route", "show", "hook@routes.test")


def test_which_route_takes_an_address(sigillo):
    sigillo.cli("domain", "add", "which.test")
    sigillo.cli("route", "add", "@which.test", "--handle", "discard")
    sigillo.cli("route", "add", "box@which.test", "--handle", "reports")
    for address, pattern, match in (("BOX@which.test", "box@which.test", "address"), ("box+x@which.test", "box@which.test", "without detail"),
                                    ("any@which.test", "@which.test", "domain")):
        answer = sigillo.json("route", "test", address)
        assert (answer["route"]["pattern"], answer["match"]) == (pattern, match)
    assert "why           it is for this address without its detail\n" in sigillo.cli("route", "test", "box+x@which.test").stdout
    assert "it is refused" in refused(sigillo, "route", "test", "any@elsewhere.test")


def test_what_cannot_be_is_refused_by_name(sigillo):
    for command, words, code in (
            (("add", "u@nobody.test", "--handle", "discard"), "has no such domain", 1),
            (("add", "routes.test", "--handle", "discard"), "user@example.org", 2),
            (("add", "u@routes.test"), "say where its mail goes", 2),
            (("add", "u@routes.test", "--handle", "discard", "--lmtp", "a"), "is meant", 2),
            (("add", "u@routes.test", "--handle", "eat"), "An action is one of", 2),
            (("add", "u@routes.test", "--lmtp", "a:0"), "no port between", 2),
            (("add", "u@routes.test", "--webhook", "http://a.test"), "must begin with https://", 2),
            (("add", "u@routes.test", "--forward", "U@routes.test"), "forward to itself", 2),
            (("add", "u@routes.test", "--lmtp", "a", "--ask"), "for all of a domain", 2),
            (("add", "sales@routes.test", "--handle", "discard"), "there is a route for sales@routes.test", 1),
            (("set", "sales@routes.test"), "say what changes", 2),
            (("set", "sales@routes.test", "--new-secret"), "only a webhook has a secret", 2)):
        assert words in refused(sigillo, "route", *command, code=code), command
    assert "a route receives mail for this domain" in refused(sigillo, "domain", "remove", "routes.test")


def test_the_audit_tells_of_it(sigillo):
    sigillo.cli("domain", "add", "audited.test")
    key = sigillo.json("route", "add", "@audited.test", "--webhook", "https://app.elsewhere.test/")["id"]
    sigillo.cli("route", "set", "@audited.test", "--handle", "trap")
    lines = sigillo.json("report", "audit", "--object", "route:" + key)["audit"]
    assert sorted(line["action"] for line in lines) == ["route add", "route change"]
    assert "whsec" not in json.dumps(lines)
