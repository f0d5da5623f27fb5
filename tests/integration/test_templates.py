# SPDX-License-Identifier: Apache-2.0
"""Templates by SendGrid's own client, and mail that is made of them.  What was delivered is read by Python's email package."""
import email
import email.policy
import os
import re

import npm
import pytest
from conftest import finish, launch

DOMAIN = "templates.test"
SENDER = "shop@" + DOMAIN
NO_SUCH = "d-" + "0" * 32


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "templates", {"limits": {"message_size": 4 * 1024 * 1024}}, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


class Account:
    """A key of an owner, by the client."""

    def __init__(self, sigillo, key):
        self.sigillo, self.key = sigillo, key

    def ask(self, requests=(), messages=()):
        question = {"url": self.sigillo.settings["public_url"] + "/", "key": self.key, "messages": list(messages), "requests": list(requests)}
        return npm.run(self.sigillo, "clients/sendgrid", "@sendgrid/mail", "clients/sendgrid/client.mjs", question=question, timeout=150)

    def request(self, method, path, body=None):
        """(status, JSON)"""
        r = {"method": method, "url": "/v3/templates" + path}
        if body is not None:
            r["body"] = body
        answer = self.ask([r])[0]
        if "error" in answer:
            return answer["error"]["code"], answer["error"]["body"]
        return answer["status"], answer["body"]

    def template(self, generation="dynamic", **version):
        status, made = self.request("POST", "", {"name": "a template", "generation": generation})
        assert status == 201, made
        if version:
            status, answer = self.request("POST", "/%s/versions" % made["id"], dict({"name": "first", "subject": "S"}, **version))
            assert status == 201, answer
        return made["id"]


@pytest.fixture(scope="module")
def account(sigillo):
    sender = sigillo.sender(DOMAIN)
    return Account(sigillo, sigillo.json("key", "add", "--role", "owner", "--domain", DOMAIN)["key"]), sender


@pytest.fixture(scope="module")
def owner(account):
    return account[0]


def error(answer):
    status, body = answer
    assert list(body) == ["errors"] and len(body["errors"]) == 1, body
    return status, body["errors"][0]["field"], body["errors"][0]["message"]


# -- managed ----------------------------------------------------------------------------------------------------------

def test_the_life_of_a_template(owner):
    status, made = owner.request("POST", "", {"name": "Größe 你好", "generation": "dynamic"})
    assert status == 201
    assert re.fullmatch(r"d-[0-9a-f]{32}", made["id"]) and made["name"] == "Größe 你好" and made["generation"] == "dynamic" and made["versions"] == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", made["updated_at"])
    one = "/" + made["id"]
    assert owner.request("GET", one) == (200, made)

    status, first = owner.request("POST", one + "/versions", {"name": "v1", "subject": "Hello {{name}}", "html_content": "<p>Hi {{name}}</p>", "active": 0,
                                                              "test_data": "{\"name\":\"Ben\"}", "editor": "design"})
    assert status == 201
    assert first["template_id"] == made["id"] and first["active"] == 1 and first["html_content"] == "<p>Hi {{name}}</p>"
    assert first["plain_content"] == "Hi {{name}}\n" and first["generate_plain_content"] is True
    assert first["test_data"] == "{\"name\":\"Ben\"}" and first["editor"] == "design" and first["subject"] == "Hello {{name}}" and first["name"] == "v1"
    v1 = one + "/versions/" + first["id"]
    assert owner.request("GET", v1) == (200, first)

    status, second = owner.request("POST", one + "/versions", {"name": "v2", "subject": "S", "plain_content": "text", "generate_plain_content": False})
    assert status == 201 and second["active"] == 0 and second["plain_content"] == "text" and second["generate_plain_content"] is False
    status, now = owner.request("POST", one + "/versions/%s/activate" % second["id"])
    assert status == 200 and now["active"] == 1
    assert [v["active"] for v in owner.request("GET", one)[1]["versions"]] == [0, 1]

    status, changed = owner.request("PATCH", v1, {"subject": "Good day", "active": 1})
    assert status == 200 and changed["subject"] == "Good day" and changed["html_content"] == first["html_content"] and changed["active"] == 1
    assert [v["active"] for v in owner.request("GET", one)[1]["versions"]] == [1, 0]

    status, renamed = owner.request("PATCH", one, {"name": "another"})
    assert status == 200 and renamed["name"] == "another" and len(renamed["versions"]) == 2
    status, copy = owner.request("POST", one, {"name": "a copy"})
    assert status == 201 and copy["id"] != made["id"] and copy["name"] == "a copy" and len(copy["versions"]) == 2
    status, same = owner.request("POST", one)
    assert status == 201 and same["name"] == "another"

    assert owner.request("DELETE", v1) == (204, "")
    assert owner.request("GET", v1)[0] == 404
    assert owner.request("DELETE", one) == (204, "")
    assert error(owner.request("GET", one)) == (404, "template_id", "There is no such template.")
    assert owner.request("GET", "/" + copy["id"])[1]["versions"] == copy["versions"]


def test_pages_of_one_generation_or_both(owner):
    made = {g: [owner.template(g) for _ in range(3)] for g in ("dynamic", "legacy")}
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", i) for i in made["legacy"])
    for generations, want in (("dynamic", {"dynamic"}), ("legacy", {"legacy"}), ("legacy,dynamic", {"dynamic", "legacy"}), (None, {"legacy"})):
        path, seen = "?page_size=2" + ("&generations=" + generations if generations else ""), []
        while path:
            status, page = owner.request("GET", path)
            assert status == 200 and 1 <= len(page["result"]) <= 2, page
            seen += page["result"]
            following = page["_metadata"].get("next")
            path = following and following[following.index("?"):]
        assert {t["generation"] for t in seen} == want
        ids = [t["id"] for t in seen]
        assert len(set(ids)) == len(ids) == page["_metadata"]["count"]
        assert {i for g in want for i in made[g]} <= set(ids)


REFUSED = [
    ("POST", "", {}, 400, "name", "A name is wanted."),
    ("POST", "", {"name": 1}, 400, "name", "A string is wanted here."),
    ("POST", "", {"name": "x" * 101}, 400, "name", "A name is one line of at most 100 characters."),
    ("POST", "", {"name": "x", "generation": "old"}, 400, "generation", "The generation is \"legacy\" or \"dynamic\"."),
    ("GET", "", None, 400, "page_size", "The page_size is required: a number from 1 to 200."),
    ("GET", "?page_size=201", None, 400, "page_size", "The page_size is required: a number from 1 to 200."),
    ("GET", "?page_size=1&generations=old", None, 400, "generations", "The generations are legacy, dynamic or legacy,dynamic."),
    ("GET", "/" + NO_SUCH, None, 404, "template_id", "There is no such template."),
    ("GET", "/..%2f" + NO_SUCH, None, 404, "template_id", "There is no such template."),
    ("POST", "/" + NO_SUCH + "/versions", {"name": "n", "subject": "s"}, 404, "template_id", "There is no such template."),
    ("POST", "/{id}/versions", {"name": "n"}, 400, "subject", "A subject is wanted."),
    ("POST", "/{id}/versions", {"name": "n", "subject": "a\nb"}, 400, "subject", "A subject is one line of at most 255 characters."),
    ("POST", "/{id}/versions", {"name": "n", "subject": "{{#if a}}"}, 400, "subject", "Line 1, column 1: a block is not closed."),
    ("POST", "/{id}/versions", {"name": "n", "subject": "s", "html_content": "<p>\n{{/if}}"}, 400, "html_content", "Line 2, column 1: no block is open here."),
    ("POST", "/{id}/versions", {"name": "n", "subject": "s", "plain_content": "{{shout a}}", "generate_plain_content": False}, 400, "plain_content",
     "Line 1, column 3: there is no helper of this name."),
    ("POST", "/{id}/versions", {"name": "n", "subject": "s", "html_content": "x" * 1048577}, 400, "html_content", "There are more than 1048576 bytes."),
    ("POST", "/{id}/versions", {"name": "n", "subject": "s", "active": 2}, 400, "active", "0 or 1, or false or true, is wanted here."),
    ("POST", "/{id}/versions", {"name": "n", "subject": "s", "editor": "vi"}, 400, "editor", "The editor is \"code\" or \"design\"."),
    ("GET", "/{id}/versions/00000000-0000-4000-8000-000000000000", None, 404, "version_id", "The template has no such version."),
    ("POST", "/{id}/versions/00000000-0000-4000-8000-000000000000/activate", None, 404, "version_id", "The template has no such version."),
]


def test_what_is_refused_names_the_member_and_changes_nothing(owner):
    one = owner.template()
    for method, path, body, status, field, message in REFUSED:
        assert error(owner.request(method, path.replace("{id}", one), body)) == (status, field, message), (method, path)
    assert owner.request("GET", "/" + one)[1]["versions"] == []


def test_only_its_own_subscription_sees_it_and_only_who_may(sigillo, owner, account):
    one = owner.template(html_content="mine")
    sigillo.json("subscription", "add", "templates-other")
    other = Account(sigillo, sigillo.json("key", "add", "--role", "owner", "--subscription", "templates-other")["key"])
    for method, path, body in (("GET", "/" + one, None), ("PATCH", "/" + one, {"name": "x"}), ("DELETE", "/" + one, None), ("POST", "/" + one, None)):
        assert error(other.request(method, path, body))[0] == 404, method
    assert other.request("GET", "?page_size=5&generations=dynamic")[1]["result"] == []
    sends_only = Account(sigillo, account[1].key)
    assert sends_only.request("GET", "/" + one)[0] == 403 and sends_only.request("DELETE", "/" + one)[0] == 403
    answer = owner.ask([{"method": "POST", "url": "/v3/api_keys", "body": {"name": "reads", "scopes": ["templates.read"]}}])[0]
    reads = Account(sigillo, answer["body"]["api_key"])
    assert reads.request("GET", "/" + one)[0] == 200 and reads.request("PATCH", "/" + one, {"name": "x"})[0] == 403
    assert owner.request("GET", "/" + one)[0] == 200


def test_changes_stand_in_the_audit_and_outlive_a_restart(sigillo, owner):
    one = owner.template(html_content="<p>kept</p>")
    sigillo.restart()
    status, got = owner.request("GET", "/" + one)
    assert status == 200 and len(got["versions"]) == 1
    assert owner.request("GET", "/%s/versions/%s" % (one, got["versions"][0]["id"]))[1]["html_content"] == "<p>kept</p>"
    lines = sigillo.admin("GET", "/admin/v1/audit?object=template:" + one)[1]["audit"]
    assert [x["action"] for x in lines] == ["template version add", "template add"], lines
