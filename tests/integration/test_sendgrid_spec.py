# SPDX-License-Identifier: Apache-2.0
"""SendGrid's API against its specifications: their examples, what is answered, what is not here, and each member of a request, wrong in each way."""
import copy
import glob
import json
import os
import re
import time

import pytest
import spec
from conftest import finish, launch
from matrix import at, deep, dotted, drop, members, raw, twice, wrong

DOMAIN = "sg-spec.test"
SENDER = "shop@" + DOMAIN
SEND = "/v3/mail/send"
SHAPE = {"type": "object", "required": ["errors"], "additionalProperties": False, "properties": {"errors": {"type": "array", "minItems": 1, "maxItems": 1, "items": {
    "type": "object", "required": ["message", "field", "help"], "properties": {
        "message": {"type": "string", "minLength": 1}, "field": {"type": ["string", "null"]}, "help": {"type": "object", "required": ["code"]}}}}}}
OTHERS = ("/v3/whitelabel/links", "/v3/ips", "/v3/stats", "/v3/categories")    # these have tests of their own


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "sg-spec", {"pool transactional email": {"source": ["127.0.64.9"]}}, start=False)
    d.open_https()
    d.start()
    d.sender(DOMAIN)
    yield d
    finish(d)


class Talk:
    """Requests of an owner: each answer is looked at, and it is noted which operations were asked for."""

    def __init__(self, sigillo):
        names = sorted(glob.glob(os.path.join(spec.SHARED, "contracts", "sendgrid", "tsg_*_v3.json")))
        if not names:
            pytest.skip("no specifications at %s" % spec.SHARED)
        self.sigillo, self.asked = sigillo, set()
        self.key = sigillo.json("key", "add", "--role", "owner", "--domain", DOMAIN)["key"]
        self.apis = [spec.load("sendgrid/" + os.path.basename(n)) for n in names]
        self.known = [(path, method) for a in self.apis for path, method in a.operations() if not path.startswith(OTHERS)]

    def raw(self, method, path, body=None, key=None):
        """(status, headers in lower case, JSON); by the owner's key, another one, or (empty) none."""
        head = {"Content-Type": "application/json", **({} if key == "" else {"Authorization": "Bearer " + (key or self.key)})}
        body = json.dumps(body) if isinstance(body, (dict, list)) else body
        status, got, reply = self.sigillo.request(method.upper(), path, body, headers=head, tls=True)
        return status, {k.lower(): v for k, v in got.items()}, reply

    def api(self, method, path):
        """The document that has it, and how it writes the path."""
        found = []
        for a in self.apis:
            try:
                written = a.path(path)
            except KeyError:
                continue
            if method in a.document["paths"][written]:
                found.append((written.count("{"), written, a))
        assert found, (method, path)
        return min(found, key=lambda f: f[0])[:0:-1]

    def ask(self, method, path, body=None, status=None):
        a, written = self.api(method, path)
        self.asked.add((written, method))
        reply = self.raw(method, path, body)
        assert reply[0] < 300 and status in (None, reply[0]), (method, path, body, reply)
        a.validate(path, method, (reply[0], reply[1], as_long(reply[2])))
        for e in a.examples(path, method):
            if e.request is None and e.status == reply[0]:
                missing = set(keys(e.response)) - set(keys(reply[2]))
                assert not missing or reply[2] == [], (method, path, missing, reply[2])
        return reply[2]

    def refused(self, method, path, body, field, why=None):
        reply = self.raw(method, path, body)
        error = refusal(reply, (why, method, path))
        assert error["field"] == field, (why, method, path, field, error)
        return reply[0]

    def requests(self, method, path):
        """The requests that the specification shows."""
        a, written = self.api(method, path)
        found = [e.request for e in a.examples(path, method) if e.request is not None]
        for one in [a.request_schema(path, method) or {}]:
            for node in one.get("allOf", []):
                found += [a.resolve(node)["example"]] if "example" in a.resolve(node) else []
        return copy.deepcopy(found)


def as_long(value):
    """The id of a template of the dynamic kind, which the real service writes as here, is shorter than its specification has it."""
    return json.loads(re.sub(r"\bd-([0-9a-f]{32})\b", r"d-\1--", json.dumps(value))) if value else value


def keys(value, at=""):
    """Of all objects within, by their path; of arrays what their first elements have."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield at + k
            yield from keys(v, at + k + ".")
    elif isinstance(value, list) and value:
        yield from keys(value[0], at + "[].")


def refusal(reply, way):
    """The one error of a refusal in the service's shape."""
    assert 400 <= reply[0] < 500, (way, reply)
    assert reply[1]["content-type"].startswith("application/json"), (way, reply)
    spec.jsonschema.Draft202012Validator(SHAPE).validate(reply[2])
    return reply[2]["errors"][0]


@pytest.fixture(scope="module")
def talk(sigillo):
    return Talk(sigillo)


def accepted(sigillo):
    """So many messages were taken, at all doors."""
    text = sigillo.get("/metrics")[2].decode()
    return int(float(re.search(r'^sigillo_messages_total\{result="accepted"\} (\S+)$', text, re.M).group(1)))


# -- the examples -----------------------------------------------------------------------------------------------------

def send_examples(t):
    """What it names is there; its addresses are of this world, and its time has not passed for long."""
    batch = t.ask("post", "/v3/mail/batch", {}, 201)["batch_id"]
    t.ask("get", "/v3/mail/batch/" + batch)
    group = t.ask("post", "/v3/asm/groups", {"name": "Sending", "description": "Of the examples"})["id"]
    template = t.ask("post", "/v3/templates", {"name": "of the examples", "generation": "dynamic"})["id"]
    t.ask("post", "/v3/templates/%s/versions" % template, {"name": "first", "subject": "{{subject}}", "html_content": "<p>{{customer_name}}</p>", "active": 1})
    shown = t.requests("post", SEND)
    assert len(shown) == 2
    for request in shown:
        text = re.sub(r'"(\w+)@example\.com"', r'"sgspec-\1@good.test"', json.dumps(request))
        text = re.sub(r'"sgspec-(orders|sales|customer_service)@good\.test"', r'"\1@%s"' % DOMAIN, text)
        request = dict(json.loads(text), batch_id=batch, asm={"group_id": group, "groups_to_display": [group]}, send_at=int(time.time()) + 60)
        if "template_id" in request:
            request["template_id"] = template
        before = accepted(t.sigillo)
        t.ask("post", SEND, request, 202)
        assert accepted(t.sigillo) > before
    return batch


def sends(t, batch):
    path = "/v3/user/scheduled_sends"
    for request in t.requests("post", path):
        t.ask("post", path, dict(request, batch_id=batch), 201)
    assert t.ask("get", path) and t.ask("get", path + "/" + batch)
    for request in t.requests("patch", path + "/" + batch):
        t.ask("patch", path + "/" + batch, request, 204)
    t.ask("delete", path + "/" + batch, status=204)


def api_keys(t):
    """The scopes of the examples are those of other products, which are refused by name."""
    t.ask("get", "/v3/scopes")
    made = None
    for request in t.requests("post", "/v3/api_keys"):
        t.refused("post", "/v3/api_keys", request, "scopes.1")
        made = t.ask("post", "/v3/api_keys", dict(request, scopes=["mail.send"]), 201)["api_key_id"]
    one = "/v3/api_keys/" + made
    t.ask("get", "/v3/api_keys"), t.ask("get", one)
    for request in t.requests("put", one):
        t.refused("put", one, request, "scopes.0")
        t.ask("put", one, dict(request, scopes=["mail.send"]), 200)
    for request in t.requests("patch", one):
        t.ask("patch", one, request, 200)
    t.ask("delete", one, status=204)


def templates(t):
    for request in t.requests("post", "/v3/templates"):
        t.ask("post", "/v3/templates", dict(request, generation="dynamic"), 201)
        made = t.ask("post", "/v3/templates", dict(request, generation="legacy"), 201)
    one = "/v3/templates/" + made["id"]
    for request in t.requests("post", one + "/versions"):
        version = t.ask("post", one + "/versions", request, 201)["id"]
    at_ = one + "/versions/" + version
    for method, path in (("patch", one), ("post", one), ("patch", at_)):
        for request in t.requests(method, path):
            t.ask(method, path, request)
    for path in (one, at_, "/v3/templates?page_size=10&generations=legacy,dynamic"):
        t.ask("get", path)
    t.ask("post", at_ + "/activate", {}, 200)
    t.ask("delete", at_, status=204), t.ask("delete", one, status=204)


def suppressions(t):
    t.sigillo.cli("suppression", "add", "class@sgspec.test", "--reason", "hard-bounce")
    for path in ("", "/Unclassified"):
        assert t.ask("get", "/v3/suppression/bounces/classifications" + path)["result"]
    for name, reason in (("bounces", "hard-bounce"), ("blocks", "blocked"), ("invalid_emails", "invalid"), ("spam_reports", "complaint")):
        path = "/v3/suppression/" + name
        addresses = ["%s%d@sgspec.test" % (name, i) for i in range(3)]
        t.sigillo.cli("suppression", "add", *addresses, "--reason", reason)
        assert t.ask("get", path) and t.ask("get", path + "/" + addresses[0])
        t.ask("delete", path + "/" + addresses[0], status=204)
        for request in t.requests("delete", path):
            if "emails" in request:     # "delete_all": false beside them
                t.ask("delete", path, dict(request, emails=addresses[1:]), 204)
            else:                       # nothing is to be removed: that cannot be meant
                t.refused("delete", path, request, "delete_all")
        t.ask("delete", path, {"delete_all": True}, 204)


def groups(t):
    one = "/v3/asm/groups/%d" % t.ask("post", "/v3/asm/groups", {"name": "Product Suggestions", "description": "Suggestions for products our users might like."}, 201)["id"]
    for request in t.requests("patch", one):
        t.ask("patch", one, request, 201)
    assert t.ask("get", "/v3/asm/groups") and t.ask("get", one)
    for request in t.requests("post", one + "/suppressions"):
        assert t.ask("post", one + "/suppressions", request, 201) == request
    for request in t.requests("post", one + "/suppressions/search"):
        assert sorted(t.ask("post", one + "/suppressions/search", request, 200)) == request["recipient_emails"]
    for request in t.requests("post", "/v3/asm/suppressions/global"):
        assert t.ask("post", "/v3/asm/suppressions/global", request, 201) == request
    assert t.ask("get", one + "/suppressions") and t.ask("get", "/v3/asm/suppressions") and t.ask("get", "/v3/suppression/unsubscribes")
    for path in ("/v3/asm/suppressions/test1@example.com", "/v3/asm/suppressions/global/test1@example.com"):
        t.ask("get", path)
    t.ask("delete", "/v3/asm/suppressions/global/test1@example.com", status=204)
    t.ask("delete", one + "/suppressions/test1@example.com", status=204), t.ask("delete", one, status=204)


def domains(t):
    path = "/v3/whitelabel/domains"
    for request in t.requests("post", path):
        t.refused("post", path, request, "username")
        t.refused("post", path, {k: v for k, v in request.items() if k != "username"}, "ips")
        made = t.ask("post", path, {k: v for k, v in dict(request, domain="made.sg-spec.test").items() if k not in ("ips", "username")}, 201)
    one = path + "/%d" % made["id"]
    for p in (path, one, path + "/default"):
        assert t.ask("get", p)
    for request in t.requests("patch", one):
        t.ask("patch", one, request, 200)
    t.ask("post", one + "/validate", {}, 200)
    t.ask("delete", one, status=204)


# What is answered by a refusal alone, and why.
NOT_SO = {
    **{("/v3/whitelabel/domains/%s" % p, m): "a domain has no other users, and no addresses"
       for p, m in (("{domain_id}/subuser", "post"), ("{domain_id}/subuser:add", "post"), ("{domain_id}/subuser", "delete"), ("{id}/ips", "post"), ("{id}/ips/{ip}", "delete"),
                    ("subuser", "get"), ("subuser/all", "get"), ("subuser", "delete"))},
}


@pytest.fixture(scope="module")
def served(talk):
    """The operations that the program has a route for: of any other it says so, by a word of its own."""
    found = set()
    for path, method in talk.known:
        reply = talk.raw(method, re.sub(r"\{[^}]+\}", "0", path), {} if method in ("post", "put", "patch", "delete") else None)
        assert reply[0] < 500, (path, method, reply)
        if reply[0] not in (404, 405) or refusal(reply, path)["help"]["code"] not in ("path", "method"):
            found.add((path, method))
    return found


def test_every_operation_that_is_here_answers_as_its_specification_says(talk, served):
    """Nothing is left out: each route of the program that a specification knows was asked for by one of these."""
    batch = send_examples(talk)
    sends(talk, batch)
    for trial in (api_keys, templates, suppressions, groups, domains):
        trial(talk)
    assert served - set(NOT_SO) == talk.asked and len(talk.asked) > 50


# What any key that sends may do: to send, its batches, and to ask what it may do.
FOR_SENDERS = ("/v3/mail/", "/v3/user/scheduled_sends", "/v3/scopes")


def test_nobody_does_anything_without_a_key_or_with_another_ones_scopes(talk, served):
    """Of each operation, with the words that the specification has for it, and before anything of the request is looked at."""
    weak = talk.sigillo.json("key", "add", "--domain", DOMAIN, "--scope", "mail.send")["key"]
    for path, method in sorted(served):
        asked = re.sub(r"\{[^}]+\}", "0", path)
        for key, status, message in (("", 401, "The provided authorization grant is invalid, expired, or revoked"), (weak, 403, "access forbidden")):
            if status == 403 and path.startswith(FOR_SENDERS):
                continue
            reply = talk.raw(method, asked, "{" if method != "get" else None, key)
            error = refusal(reply, (method, path))
            assert (reply[0], error["field"], error["message"]) == (status, None, message), (method, path, reply)
            api, _ = talk.api(method, path)
            if str(status) in api.operation(path, method)["responses"]:
                api.validate(path, method, reply)


def test_what_is_not_so_here_says_why(talk, served):
    made = talk.raw("post", "/v3/whitelabel/domains", {"domain": "notso.sg-spec.test"})[2]["id"]
    for (path, method), why in NOT_SO.items():
        assert (path, method) in served or method == "delete", path
        reply = talk.raw(method, re.sub(r"\{(domain_)?id\}", str(made), path).replace("{ip}", "192.0.2.1"), {"username": "jdoe", "ip": "192.0.2.1"})
        assert reply[0] in (200, 400, 404, 405), (path, method, reply)
        if reply[0] != 200:
            assert len(refusal(reply, path)["message"]) > 20, reply
        else:
            assert reply[2] in ([], {}), (path, method, reply)


def test_what_is_not_here_is_404_and_the_page_says_so(talk, served):
    """By the first word of its path below /v3/."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "sendgrid.md"), encoding="utf-8") as f:
        page = f.read()
    page = page[page.index("## What is not here"):]
    page = page[:page.index("\n## ", 3)]
    named = {n for row in page.splitlines() if row.startswith("| `/v3/") for n in re.findall(r"`/v3/([a-z_/]+)`", row.split("|")[1])}
    absent = {path for path, _ in set(talk.known) - served - set(NOT_SO)}
    assert len(absent) > 50
    for path in sorted(absent):
        below = re.sub(r"^/v3/", "", path)
        assert any(below == n or below.startswith(n + "/") for n in named), path
    for n in named:
        assert any(p == "/v3/" + n or p.startswith("/v3/" + n + "/") for p in absent), n


# -- each member, wrong in each way -----------------------------------------------------------------------------------

FILE = {"content": "YQ==", "type": "text/plain", "filename": "a.txt", "disposition": "attachment", "content_id": "a"}
PERSON = {"email": "sgspec@good.test", "name": "x"}
PERSONAL = {"from": {"email": SENDER, "name": "x"}, "to": [PERSON], "cc": [dict(PERSON, email="sgspec-cc@good.test")], "bcc": [dict(PERSON, email="sgspec-bcc@good.test")],
            "subject": "x", "headers": {"X-A": "b"}, "substitutions": {"a": "b"}, "custom_args": {"a": "b"}, "send_at": 1}
ON = {"enable": False}
MAIL = {"personalizations": [PERSONAL], "from": {"email": SENDER, "name": "x"}, "reply_to": {"email": "re@good.test", "name": "x"}, "subject": "x",
        "content": [{"type": "text/plain", "value": "x"}], "attachments": [FILE], "headers": {"X-A": "b"}, "categories": ["a"], "custom_args": {"a": "b"}, "send_at": 1,
        "mail_settings": {"bypass_list_management": ON, "footer": dict(ON, text="x", html="x"), "sandbox_mode": ON},
        "tracking_settings": {"click_tracking": dict(ON, enable_text=False), "open_tracking": dict(ON, substitution_tag="x"),
                              "subscription_tracking": dict(ON, text="x", html="x", substitution_tag="x"),
                              "ganalytics": dict(ON, utm_source="x", utm_medium="x", utm_term="x", utm_content="x", utm_campaign="x")}}


def later(body):
    """It is not delivered while this runs."""
    return dict(body, send_at=int(time.time()) + 3600, personalizations=[{k: v for k, v in p.items() if k != "send_at"} for p in body["personalizations"]])



class Tries:
    """Requests of which nothing may be taken; what went wrong is told of all together."""

    def __init__(self, t):
        self.t, self.count, self.wrong = t, 0, []

    def refused(self, body, field, way, below=False):
        before = accepted(self.t.sigillo)
        reply = self.t.raw("post", SEND, body)
        self.count += 1
        if not 400 <= reply[0] < 500:
            self.wrong.append((way, field, reply))
            return
        error = refusal(reply, (way, field))
        named = error["field"] == field or (below and error["field"].startswith(field + ".0.0"))
        if not named or reply[0] not in (400, 413) or accepted(self.t.sigillo) != before:
            self.wrong.append((way, field, reply[0], error))

    def taken(self, body, where, way):
        reply = self.t.raw("post", SEND, body)
        self.count += 1
        if reply[0] != 202:
            self.wrong.append((way, where, reply))

    def end(self, least):
        assert not self.wrong, "\n".join(map(str, self.wrong))
        assert self.count >= least, self.count


@pytest.fixture(scope="module")
def mail_api(talk):
    return next(a for a in talk.apis if SEND in a.document["paths"])


# What the schema does not ask for, and a mail needs all the same; a document that says "string" of what is sent as an object.
NEEDED = {"content"}
OBJECTS = {"custom_args"}


def parts(mail_api):
    """(path, its name, schema, required)"""
    for path, schema, required in members(mail_api, mail_api.request_schema(SEND, "post"), MAIL):
        where = dotted(path)
        if path == ("personalizations", 0, "substitutions", "a"):   # a name of the caller's own
            where = where[:-2]
        if path != ("personalizations", 0, "send_at"):
            yield path, where, {"type": "object"} if where in OBJECTS else schema, required or where in NEEDED


def test_each_member_of_a_mail_of_another_type_or_not_there(talk, mail_api):
    good, tries = later(MAIL), Tries(talk)
    tries.taken(good, "", "good")
    for path, where, schema, required in parts(mail_api):
        for way, value in wrong(schema):
            tries.refused(at(path, value, good), where, way)
        for way, value in (("missing", drop), ("null", None)):
            if way == "null" or not isinstance(path[-1], int):
                needed = required or (way == "null" and path[-2:-1] == ("substitutions",))
                (tries.refused if needed else tries.taken)(at(path, value, good), where, way)
    tries.end(300)


def test_each_member_of_a_mail_twice_and_too_deep(talk, mail_api):
    good, tries = later(MAIL), Tries(talk)
    for path, where, _, _ in parts(mail_api):
        if not isinstance(path[-1], int):
            tries.refused(raw(path, good, twice), dotted(path), "twice")
            tries.refused(raw(path, good, deep(40)), dotted(path), "deep", below=True)
    tries.end(80)


# Empty strings that are as if they were not there, and what they are not: members that are needed.
EMPTY = {"attachments.0.disposition", "content.0.value", "content.0.type", "attachments.0.content", "attachments.0.filename", "from.email", "reply_to.email"} | {
    "personalizations.0.%s.email" % p for p in ("from", "to.0", "cc.0", "bcc.0")}


def test_each_text_of_a_mail_empty_and_members_that_are_not_known(talk, mail_api):
    """What is not known is left out, as its clients send more than they should."""
    good, tries = later(MAIL), Tries(talk)
    for path, where, schema, _ in parts(mail_api):
        kind = schema.get("type", "object")
        if where == "personalizations.0.subject":   # each message needs one
            tries.refused(at(path, "", good), "subject", "empty")
        elif kind == "string":
            (tries.refused if where in EMPTY else tries.taken)(at(path, "", good), where, "empty")
        elif kind == "object" and path[-1] not in ("headers", "substitutions", "custom_args"):
            tries.taken(at(path, lambda h, n: h[n].update({"contentId": {"x": [1]}}), good), where, "unknown")
    tries.end(40)


LONG = 64 * 1024
LIMITS = [
    (("personalizations", 0, "to", 0, "email"), "%s@good.test", 64, 65), (("personalizations", 0, "cc", 0, "email"), "%s@good.test", 64, 65),
    (("personalizations", 0, "bcc", 0, "email"), "%s@good.test", 64, 65), (("from", "email"), "%s@" + DOMAIN, 64, 65), (("reply_to", "email"), "%s@good.test", 64, 65),
    (("personalizations", 0, "to", 0, "name"), "%s", LONG, LONG + 1), (("personalizations", 0, "subject"), "%s", LONG, LONG + 1), (("subject",), "%s", LONG, None),
    (("personalizations", 0, "headers", "X-A"), "%s", LONG, LONG + 1), (("categories", 0), "%s", 255, 256), (("custom_args", "a"), "%s", 9000, 10000),
    (("personalizations", 0, "custom_args", "a"), "%s", 9000, 10000), (("personalizations", 0, "substitutions", "a"), "%s", 9000, 10000),
    (("attachments", 0, "filename"), "%s", LONG, LONG + 1), (("attachments", 0, "type"), "text/plain; charset=%s", 60, LONG + 1),
    (("attachments", 0, "content_id"), "%s", 200, 1000),
]
WHOLE = {"custom_args.a", "personalizations.0.custom_args.a", "personalizations.0.substitutions.a"}     # how long they are together


@pytest.mark.parametrize("path, text, fits, above", LIMITS, ids=[dotted(row[0]) for row in LIMITS])
def test_at_the_limit_and_above(talk, path, text, fits, above):
    good, tries, where = later(MAIL), Tries(talk), dotted(path)
    good["attachments"][0] = dict(FILE, disposition="inline")
    tries.taken(at(path, text % ("x" * fits), good), where, "fits")
    if above is not None:
        tries.refused(at(path, text % ("x" * above), good), where[:-2] if where in WHOLE else where, "too long")
    tries.end(1)


def test_how_many_there_may_be(talk):
    tries, one = Tries(talk), later({k: v for k, v in MAIL.items() if k != "reply_to"})
    people = lambda n: [{"email": "sgmany%d@good.test" % i} for i in range(n)]  # noqa: E731
    for changes, field in (
            ({"categories": ["c%d" % i for i in range(10)]}, None), ({"categories": ["c%d" % i for i in range(11)]}, "categories"),
            ({"attachments": [dict(FILE, content_id=None)] * 100}, None), ({"attachments": [dict(FILE, content_id=None)] * 101}, "attachments"),
            ({"asm": {"group_id": 1, "groups_to_display": [1] * 26}}, "asm.groups_to_display"), ({"personalizations": []}, "personalizations"),
            ({"personalizations": [{"to": people(1001)}]}, "personalizations.0.to"), ({"personalizations": [{"to": [p]} for p in people(1001)]}, "personalizations"),
            ({"personalizations": [{"to": people(500), "cc": [{"email": "c" + p["email"]} for p in people(501)]}]}, "personalizations.0.cc.500.email"),
            ({"personalizations": [{"to": []}]}, "personalizations.0.to"), ({"personalizations": [{"to": people(1) * 2}]}, "personalizations.0"),
            ({"content": []}, "content"), ({"send_at": int(time.time()) + 72 * 3600 + 60}, "send_at"), ({"send_at": 1 << 62}, "send_at"),
            ({"reply_to_list": people(1000)}, None), ({"reply_to_list": people(1001)}, "reply_to_list"),
            ({"reply_to": {"email": "a@good.test"}, "reply_to_list": people(1)}, "reply_to")):
        body = dict(one, **changes)
        tries.taken(body, "", str(changes)[:60]) if field is None else tries.refused(body, field, str(changes)[:60])
    tries.end(15)


# -- other resources --------------------------------------------------------------------------------------------------

class Resource:
    """Something that is made or changed by a request; what is there afterwards is what was there before, unless it was taken."""

    def __init__(self, t, method, path, good, shown):
        self.t, self.method, self.path, self.good, self.shown = t, method, path, good, shown
        self.api, self.count, self.wrong = t.api(method, path)[0], 0, []

    def state(self):
        return self.t.raw("get", self.shown)[2]

    def refused(self, body, field, way, below=False):
        before, self.count = self.state(), self.count + 1
        reply = self.t.raw(self.method, self.path, body)
        if not 400 <= reply[0] < 500:
            self.wrong.append((way, field, reply))
            return
        error = refusal(reply, (way, field))
        named = error["field"] == field or (below and (error["field"] or "").startswith(field + ".0.0"))
        if not named or reply[0] != 400 or self.state() != before:
            self.wrong.append((way, field, reply[0], error))

    def run(self):
        """Each member of another type, twice, too deep; one that is needed, missing, null and empty."""
        for path, schema, required in members(self.api, self.api.request_schema(self.path, self.method), self.good):
            where = dotted(path)
            for way, value in wrong(schema):
                if where != "active" or way != "a value of type boolean":   # true is 1
                    self.refused(at(path, value, self.good), where, way)
            if not isinstance(path[-1], int):
                self.refused(raw(path, self.good, twice), where, "twice")
                self.refused(raw(path, self.good, deep(40)), where, "deep", below=True)
            if required and not isinstance(path[-1], int) and (self.method != "patch" or len(self.good) == 1):  # of several, some may be changed
                for way, value in (("missing", drop), ("null", None)):
                    self.refused(at(path, value, self.good), where, way)
        for body in ([], "x", "7", "{"):
            reply, self.count = self.t.raw(self.method, self.path, body), self.count + 1
            if reply[0] != 400 or not refusal(reply, body)["message"]:
                self.wrong.append(("no object", body, reply))
        assert not self.wrong, "\n".join(map(str, self.wrong))
        assert self.count > 8, self.count


@pytest.fixture(scope="module")
def made(talk):
    """One of each, to be changed."""
    group = talk.raw("post", "/v3/asm/groups", {"name": "Matrix", "description": "x"})[2]["id"]
    template = talk.raw("post", "/v3/templates", {"name": "matrix", "generation": "dynamic"})[2]["id"]
    version = talk.raw("post", "/v3/templates/%s/versions" % template, {"name": "v", "subject": "s", "html_content": "x"})[2]["id"]
    batch = talk.raw("post", "/v3/mail/batch", {})[2]["batch_id"]
    talk.raw("post", "/v3/user/scheduled_sends", {"batch_id": batch, "status": "pause"})
    return {"group": group, "template": template, "version": version, "batch": batch, "free": talk.raw("post", "/v3/mail/batch", {})[2]["batch_id"],
            "key": talk.raw("post", "/v3/api_keys", {"name": "matrix", "scopes": ["mail.send"]})[2]["api_key_id"],
            "domain": talk.raw("post", "/v3/whitelabel/domains", {"domain": "matrix.sg-spec.test"})[2]["id"]}


VERSION = {"active": 0, "name": "x", "html_content": "x", "plain_content": "x", "generate_plain_content": False, "subject": "x", "editor": "code", "test_data": "{}"}
EMAILS = {"recipient_emails": ["a@sgspec.test"]}
WHITELABEL = {"domain": "new.sg-spec.test", "subdomain": "x", "custom_spf": False, "default": False, "automatic_security": False, "custom_dkim_selector": "x", "region": "global"}
RESOURCES = [
    ("post", "/v3/asm/groups", {"name": "New", "description": "x", "is_default": False}, "/v3/asm/groups"),
    ("patch", "/v3/asm/groups/{group}", {"name": "New", "description": "x", "is_default": False}, "/v3/asm/groups"),
    ("post", "/v3/asm/groups/{group}/suppressions", EMAILS, "/v3/asm/suppressions"), ("post", "/v3/asm/groups/{group}/suppressions/search", EMAILS, "/v3/asm/suppressions"),
    ("post", "/v3/asm/suppressions/global", EMAILS, "/v3/suppression/unsubscribes"),
    ("delete", "/v3/suppression/bounces", {"delete_all": False, "emails": ["kept@sgspec.test"]}, "/v3/suppression/bounces"),
    ("delete", "/v3/suppression/blocks", {"delete_all": False, "emails": ["kept@sgspec.test"]}, "/v3/suppression/blocks"),
    ("post", "/v3/api_keys", {"name": "x", "scopes": ["mail.send"]}, "/v3/api_keys"), ("put", "/v3/api_keys/{key}", {"name": "x", "scopes": ["mail.send"]}, "/v3/api_keys/{key}"),
    ("patch", "/v3/api_keys/{key}", {"name": "x"}, "/v3/api_keys/{key}"),
    ("post", "/v3/templates", {"name": "x", "generation": "dynamic"}, "/v3/templates?page_size=200&generations=legacy,dynamic"),
    ("post", "/v3/templates/{template}", {"name": "x"}, "/v3/templates?page_size=200&generations=legacy,dynamic"), ("patch", "/v3/templates/{template}", {"name": "x"}, "/v3/templates/{template}"),
    ("post", "/v3/templates/{template}/versions", VERSION, "/v3/templates/{template}"), ("patch", "/v3/templates/{template}/versions/{version}", VERSION, "/v3/templates/{template}"),
    ("post", "/v3/user/scheduled_sends", {"batch_id": "{free}", "status": "pause"}, "/v3/user/scheduled_sends"),
    ("patch", "/v3/user/scheduled_sends/{batch}", {"status": "cancel"}, "/v3/user/scheduled_sends"),
    ("post", "/v3/whitelabel/domains", WHITELABEL, "/v3/whitelabel/domains"),
    ("patch", "/v3/whitelabel/domains/{domain}", {"default": True, "custom_spf": False}, "/v3/whitelabel/domains"),
]


@pytest.mark.parametrize("method, path, good, shown", RESOURCES, ids=["%s %s" % row[:2] for row in RESOURCES])
def test_each_member_of_a_resource(talk, made, method, path, good, shown):
    if method == "delete":
        talk.sigillo.cli("suppression", "add", "kept@sgspec.test", "--reason", "hard-bounce" if "bounces" in path else "blocked")

    def filled(text):
        return re.sub(r"\{(\w+)\}", lambda m: str(made[m.group(1)]), text)
    Resource(talk, method, filled(path), {k: filled(v) if k == "batch_id" else v for k, v in good.items()}, filled(shown)).run()
