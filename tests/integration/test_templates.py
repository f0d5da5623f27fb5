# SPDX-License-Identifier: Apache-2.0
"""Templates by SendGrid's own client, and mail that is made of them.  What was delivered is read by Python's email package."""
import email
import email.policy
import os
import re

import npm
import pytest
import spec
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


def test_answers_are_those_of_the_specification(sigillo, owner):
    """Of the legacy kind: an id of the dynamic one, d- and 32 digits, is shorter than the specification has it."""
    api = spec.load("sendgrid/tsg_templates_v3.json")
    ours = spec.Api("openapi.json", sigillo.request("GET", "/openapi.json")[2])
    head = {"Authorization": "Bearer " + owner.key, "Content-Type": "application/json"}

    def ask(method, path, body=None, query=""):
        reply = sigillo.request(method, path + query, body, headers=head, tls=True)
        ours.validate(path, method.lower(), reply)
        return api.validate(path, method.lower(), reply)

    made = ask("POST", "/v3/templates", {"name": "example_name"})
    one = "/v3/templates/" + made["id"]
    version = ask("POST", one + "/versions", {"name": "example_version_name", "subject": "<%subject%>", "html_content": "<%body%>", "plain_content": "<%body%>", "active": 1})
    for method, path, body in (("GET", one, None), ("PATCH", one, {"name": "new_example_name"}), ("GET", one + "/versions/" + version["id"], None),
                               ("PATCH", one + "/versions/" + version["id"], {"name": "n", "subject": "s"}), ("POST", one + "/versions/" + version["id"] + "/activate", None)):
        ask(method, path, body)
    copy = ask("POST", one, {"name": "example_name"})
    assert len(ask("GET", "/v3/templates", query="?page_size=200&generations=legacy")["result"]) >= 2
    ask("DELETE", one + "/versions/" + version["id"])
    ask("DELETE", one)
    ask("DELETE", "/v3/templates/" + copy["id"])
    for e in api.examples("/v3/templates", "post") + api.examples("/v3/templates/{template_id}/versions", "post"):
        if e.request is not None:
            where = "/v3/templates" + ("" if "generation" in e.request else "/" + owner.template() + "/versions")
            status, _, answer = sigillo.request("POST", where, e.request, headers=head, tls=True)
            assert status == 201, (e.name, e.request, answer)


# -- sent -------------------------------------------------------------------------------------------------------------

RECEIPT = """<html><head><style>p { color: {{color}} }</style></head><body>
<h1>Danke, {{insert name "default=Kunde"}}!</h1>
<ul>
{{#each items}}
  <li>{{@index}}: {{this.name}} {{@root.currency}}{{this.price}}{{#if @last}} (last){{/if}}</li>
{{/each}}
</ul>
{{#greaterThan total 100}}<p>Free of charge: {{{gift}}}</p>{{else}}<p>Thank you</p>{{/greaterThan}}
<p><a href="https://shop.test/{{order}}">your order</a> of {{formatDate at "D MMMM YYYY" "+0100"}}</p>
</body></html>"""
DATA = {"name": "Žofie & Ďábel <b>", "color": "red", "currency": "€", "items": [{"name": "Hut 🎩", "price": 10.5}, {"name": "Schuhe", "price": 80}], "total": 120,
        "gift": "<b>ein Tuch</b>", "order": 4711, "at": "2026-01-31T23:30:00Z"}


def arrived(world, to):
    return email.message_from_bytes(world.wait_mail(to)[-1], policy=email.policy.default)


def content(message, kind):
    part = message.get_body((kind,))
    return part and part.get_content().replace("\r\n", "\n")


def send(owner, *messages):
    return owner.ask(messages=messages)


def refusal(answer):
    assert "error" in answer, answer
    e = answer["error"]
    assert len(e["body"]["errors"]) == 1, e
    return e["code"], e["body"]["errors"][0]["field"], e["body"]["errors"][0]["message"]


def test_a_dynamic_template_is_filled_in_and_delivered(world, owner):
    one = owner.template(subject="Bestellung {{order}}: {{name}}", html_content=RECEIPT)
    answer = send(owner, {"to": {"email": "tpl-one@good.test", "name": "Žofie"}, "from": SENDER, "templateId": one, "dynamicTemplateData": DATA,
                          "attachments": [{"content": "aGFsbG8=", "filename": "a.txt", "type": "text/plain"}]})[0]
    assert answer.get("status") == 202, answer
    got = arrived(world, "tpl-one@good.test")
    assert got["Subject"] == "Bestellung 4711: Žofie & Ďábel <b>"
    assert content(got, "html") == """<html><head><style>p { color: red }</style></head><body>
<h1>Danke, Žofie &amp; Ďábel &lt;b&gt;!</h1>
<ul>
  <li>0: Hut 🎩 €10.5</li>
  <li>1: Schuhe €80 (last)</li>
</ul>
<p>Free of charge: <b>ein Tuch</b></p>
<p><a href="https://shop.test/4711">your order</a> of 1 February 2026</p>
</body></html>"""
    assert content(got, "plain") == """Danke, Žofie & Ďábel <b>!

* 0: Hut 🎩 €10.5
* 1: Schuhe €80 (last)

Free of charge: ein Tuch

your order (https://shop.test/4711) of 1 February 2026
"""
    assert [p.get_filename() for p in got.iter_attachments()] == ["a.txt"]


def test_each_personalization_has_its_own_data(world, owner):
    one = owner.template(subject="{{s}}", html_content="<p>{{{who}}}</p>")
    people = [{"to": [{"email": "tpl-p%d@good.test" % i}], "dynamic_template_data": {"s": "Nr %d" % i, "who": "W%d" % i}} for i in range(5)]
    answer = owner.ask([{"method": "POST", "url": "/v3/mail/send", "body": {"personalizations": people, "from": {"email": SENDER}, "template_id": one}}])[0]
    assert answer.get("status") == 202, answer
    for i in range(5):
        got = arrived(world, "tpl-p%d@good.test" % i)
        assert got["Subject"] == "Nr %d" % i and content(got, "html").strip() == "<p>W%d</p>" % i


def test_a_legacy_template_has_places_for_content_and_substitutions(world, owner):
    one = owner.template("legacy", subject="[Laden] <%subject%>", html_content="<div><%body%></div>", plain_content="> <%body%>\n", generate_plain_content=False)
    answer = send(owner, {"to": "tpl-old@good.test", "from": SENDER, "templateId": one, "subject": "für %name%", "text": "Hallo %name%", "html": "<b>Hallo %name%</b>",
                          "substitutions": {"%name%": "Zoë"}, "substitutionWrappers": ["", ""]})[0]
    assert answer.get("status") == 202, answer
    got = arrived(world, "tpl-old@good.test")
    assert got["Subject"] == "[Laden] für Zoë"
    assert content(got, "html").strip() == "<div><b>Hallo Zoë</b></div>" and content(got, "plain").strip() == "> Hallo Zoë"


def test_the_active_version_is_sent_and_only_that(world, owner):
    one = owner.template(subject="first", html_content="<p>1</p>")
    _, second = owner.request("POST", "/%s/versions" % one, {"name": "v2", "subject": "second", "html_content": "<p>2</p>"})
    for to, subject in (("tpl-v1@good.test", "first"), ("tpl-v2@good.test", "second")):
        assert send(owner, {"to": to, "from": SENDER, "templateId": one})[0].get("status") == 202
        assert arrived(world, to)["Subject"] == subject
        owner.request("POST", "/%s/versions/%s/activate" % (one, second["id"]))
    assert owner.request("PATCH", "/%s/versions/%s" % (one, second["id"]), {"active": 0})[0] == 200
    assert refusal(send(owner, {"to": "tpl-v3@good.test", "from": SENDER, "templateId": one})[0]) == (400, "template_id", "The template has no active version.")


def test_what_cannot_be_filled_in_is_refused_with_all_of_the_request(sigillo, owner):
    dated = owner.template(subject="S", html_content="<p>\n{{formatDate at \"YYYY\"}}</p>")
    lines = owner.template(subject="{{s}}", html_content="x")
    deep = owner.template(subject="S", html_content="{{#each @root.a}}" * 9 + "x" + "{{/each}}" * 9)
    empty = owner.template()
    to = "tpl-none@good.test"
    field = "personalizations.0.dynamic_template_data"
    cases = [
        (NO_SUCH, {}, (400, "template_id", "There is no such template.")),
        ("d-1", {}, (400, "template_id", "There is no such template.")),
        (empty, {}, (400, "template_id", "The template has no active version.")),
        (dated, {"at": "soon"}, (400, field, "The template %s, html_content, line 2, column 1: formatDate: the value is no time." % dated)),
        (lines, {"s": "a\nBcc: x@y.test"}, (400, field, "A line end or another control character cannot stand here: it would begin a new header field.")),
        (lines, {}, (400, field, "The template's subject comes out empty.")),
        (deep, {"a": list(range(10))}, (413, None, "The template %s, html_content, line 1, column 140: filling the template in takes too long." % deep)),
    ]
    answers = send(owner, *[{"to": to, "from": SENDER, "templateId": i, "dynamicTemplateData": data} for i, data, _ in cases])
    for answer, (_, _, want) in zip(answers, cases):
        got = refusal(answer)
        assert got[:2] == want[:2] and got[2].split(", line")[0] == want[2].split(", line")[0] and got[2].split(": ")[-1] == want[2].split(": ")[-1], (got, want)
    # the second personalization is at fault: nothing of the first one goes out
    people = [{"to": [{"email": to}], "dynamic_template_data": {"at": at}} for at in (0, "soon")]
    answer = owner.ask([{"method": "POST", "url": "/v3/mail/send", "body": {"personalizations": people, "from": {"email": SENDER}, "template_id": dated}}])[0]
    assert refusal(answer)[:2] == (400, "personalizations.1.dynamic_template_data")
    people[1] = {"to": [{"email": "tpl-none2@good.test"}], "substitutions": {"a": "b"}}
    answer = owner.ask([{"method": "POST", "url": "/v3/mail/send", "body": {"personalizations": people, "from": {"email": SENDER}, "template_id": dated}}])[0]
    assert refusal(answer) == (400, "personalizations.1.substitutions", "Substitutions may not be used with dynamic templating.")
    assert sigillo.admin("GET", "/admin/v1/messages?to=" + to)[1]["messages"] == []


def test_who_only_sends_may_use_a_template_of_his_own_subscription(world, sigillo, owner, account):
    one = owner.template(subject="for all", html_content="<p>x</p>")
    sends_only = Account(sigillo, account[1].key)
    assert send(sends_only, {"to": "tpl-sender@good.test", "from": SENDER, "templateId": one})[0].get("status") == 202
    assert arrived(world, "tpl-sender@good.test")["Subject"] == "for all"
    sigillo.json("subscription", "add", "templates-third")
    sigillo.json("domain", "add", "templates-third.test", "--subscription", "templates-third")
    sigillo.publish_records("templates-third.test")
    third = Account(sigillo, sigillo.json("key", "add", "--domain", "templates-third.test", "--subscription", "templates-third")["key"])
    answer = send(third, {"to": "tpl-third@good.test", "from": "a@templates-third.test", "templateId": one})[0]
    assert refusal(answer) == (400, "template_id", "There is no such template.")


def test_in_the_sandbox_it_is_filled_in_and_not_sent(sigillo, owner):
    one = owner.template(subject="{{s}}", html_content="<p>x</p>")
    message = {"to": "tpl-sand@good.test", "from": SENDER, "templateId": one, "mailSettings": {"sandboxMode": {"enable": True}}}
    answers = send(owner, dict(message, dynamicTemplateData={"s": "x"}), message)
    assert answers[0].get("status") == 200
    assert refusal(answers[1])[2] == "The template's subject comes out empty."
    assert sigillo.admin("GET", "/admin/v1/messages?to=tpl-sand@good.test")[1]["messages"] == []
