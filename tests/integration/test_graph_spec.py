# SPDX-License-Identifier: Apache-2.0
"""Microsoft Graph's types against our answers, and each member of a message, wrong in each way."""
import json
import re

import pytest
import spec
from conftest import finish, launch
from matrix import at, deep, drop, members, named, raw, twice, wrong

DOMAIN = "graph-spec.test"
SENDER = "shop@" + DOMAIN
USER = "/v1.0/users/" + SENDER
SEND, DRAFTS = USER + "/sendMail", USER + "/messages"
SHAPE = {"type": "object", "required": ["error"], "additionalProperties": False, "properties": {"error": {
    "type": "object", "required": ["code", "message", "innerError"], "properties": {
        "code": {"type": "string", "minLength": 1}, "message": {"type": "string", "minLength": 1}, "target": {"type": "string"},
        "innerError": {"type": "object", "required": ["date", "request-id"]}}}}}


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "graph-spec", {"profile twenty": {"recipients_per_message": 20}}, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def key(sigillo):
    made = sigillo.sender(DOMAIN).key
    sigillo.cli("subscription", "set", "default", "--profile", "twenty")
    return made


@pytest.fixture(scope="module")
def api():
    return spec.load("graph/graph-v1.0-mail-types.json")


def call(sigillo, key, method, path, body=None, **headers):
    """(status, headers in lower case, JSON)"""
    head = dict({"Content-Type": "application/json"}, **({"Authorization": "Bearer " + key} if key else {}))
    head.update({k.replace("_", "-"): v for k, v in headers.items()})
    status, got, reply = sigillo.request(method, path, json.dumps(body) if isinstance(body, (dict, list)) else body, headers=head, tls=True)
    return status, {k.lower(): v for k, v in got.items()}, reply


def accepted(sigillo):
    text = sigillo.get("/metrics")[2].decode()
    return int(float(re.search(r'^sigillo_messages_total\{result="accepted"\} (\S+)$', text, re.M).group(1)))


def person(a):
    return {"emailAddress": {"address": a, "name": "x"}}


FILE = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentType": "text/plain", "contentBytes": "YQ==", "isInline": False, "contentId": "a"}
MESSAGE = {"subject": "x", "body": {"contentType": "html", "content": "x"}, "toRecipients": [person("grspec@good.test")], "ccRecipients": [person("grspec-cc@good.test")],
           "bccRecipients": [person("grspec-bcc@good.test")], "replyTo": [person("re@good.test")], "from": person(SENDER), "sender": person(SENDER),
           "importance": "low", "isReadReceiptRequested": False, "isDeliveryReceiptRequested": False, "internetMessageHeaders": [{"name": "x-a", "value": "b"}],
           "internetMessageId": "<one@graph-spec.test>", "categories": ["a"], "flag": {"flagStatus": "flagged"}, "inferenceClassification": "other"}


# -- answers are of the types that they say they are -------------------------------------------------------------------

def is_a(api, kind, value):
    wrong_ = api.valid(api.named(kind), value)
    assert wrong_ is None, (kind, wrong_, value)
    schema, known = api.document["components"]["schemas"], set()
    while kind:
        parts = schema[kind].get("allOf", [schema[kind]])
        known |= set(parts[-1]["properties"])
        kind = parts[0]["$ref"].rsplit("/", 1)[1] if len(parts) == 2 else None
    strange = {k for k in value if "@" not in k} - known - {"attachments"}
    assert not strange, (strange, value)
    return value


def test_a_draft_its_files_and_its_upload(sigillo, key, api):
    """Each answer has members of its type only, and those that were given come back as they were."""
    status, headers, draft = call(sigillo, key, "POST", DRAFTS, MESSAGE)
    assert status == 201 and headers["request-id"]
    is_a(api, "message", draft)
    for name in ("subject", "importance", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "from", "sender", "internetMessageHeaders", "categories", "internetMessageId"):
        assert draft[name] == MESSAGE[name], name
    one = DRAFTS + "/" + draft["id"]
    for name, body in (("PATCH", {"subject": "y"}), ("GET", None)):
        status, _, got = call(sigillo, key, name, one, body)
        assert status == 200 and is_a(api, "message", got)["subject"] == "y" and got["id"] == draft["id"] and got["isDraft"] is True
    status, _, file = call(sigillo, key, "POST", one + "/attachments", FILE)
    assert status == 201 and is_a(api, "fileAttachment", file)["name"] == "a.txt" and file["size"] > 0
    status, _, listed = call(sigillo, key, "GET", one + "/attachments")
    assert status == 200 and [is_a(api, "fileAttachment", f)["id"] for f in listed["value"]] == [file["id"]]
    status, _, got = call(sigillo, key, "GET", one + "/attachments/" + file["id"])
    assert status == 200 and is_a(api, "fileAttachment", got)["size"] == file["size"]
    item = is_a(api, "attachmentItem", {"attachmentType": "file", "name": "b.bin", "size": 10, "contentType": "application/x-b", "isInline": False})
    status, _, made = call(sigillo, key, "POST", one + "/attachments/createUploadSession", {"AttachmentItem": item})
    assert status == 201 and set(is_a(api, "uploadSession", made)) >= {"uploadUrl", "expirationDateTime", "nextExpectedRanges"}
    upload = made["uploadUrl"][len(sigillo.settings["public_url"]):]
    for piece, at_, status in ((b"12345", "bytes 0-4/10", 200), (b"67890", "bytes 5-9/10", 201)):
        reply = call(sigillo, None, "PUT", upload, piece, Content_Type="application/octet-stream", Content_Range=at_)
        assert reply[0] == status, reply
        if status == 200:
            assert is_a(api, "uploadSession", reply[2])["nextExpectedRanges"] == ["5-"]
    assert call(sigillo, key, "DELETE", one + "/attachments/" + file["id"])[0] == 204
    assert call(sigillo, key, "DELETE", one)[0] == 204
    assert refusal(call(sigillo, key, "GET", one), "gone")["code"] == "ErrorItemNotFound"


# -- each member, wrong in each way -----------------------------------------------------------------------------------

def refusal(reply, way):
    assert 400 <= reply[0] < 500 and reply[1]["content-type"].startswith("application/json"), (way, reply)
    spec.jsonschema.Draft202012Validator(SHAPE).validate(reply[2])
    assert reply[2]["error"]["innerError"]["request-id"] == reply[1]["request-id"]
    return reply[2]["error"]


class Tries:
    """Requests to one path of which nothing may be taken; what went wrong is told of all together."""

    def __init__(self, sigillo, key, path, fine):
        self.sigillo, self.key, self.path, self.fine, self.count, self.wrong = sigillo, key, path, fine, 0, []

    def refused(self, body, target, way, below=False):
        before, self.count = accepted(self.sigillo), self.count + 1
        reply = call(self.sigillo, self.key, "POST", self.path, body)
        if not 400 <= reply[0] < 500:
            self.wrong.append((way, target, reply))
            return
        error = refusal(reply, (way, target))
        fits = error.get("target") == target or (below and error.get("target", "").startswith(target + "[0]"))
        if not fits or reply[0] not in (400, 413) or accepted(self.sigillo) != before:
            self.wrong.append((way, target, reply[0], error))

    def taken(self, body, target, way):
        reply, self.count = call(self.sigillo, self.key, "POST", self.path, body), self.count + 1
        if reply[0] != self.fine:
            self.wrong.append((way, target, reply))

    def end(self, least):
        assert not self.wrong, "\n".join(map(str, self.wrong))
        assert self.count >= least, self.count


def needed(path):
    """An address without an address is none, neither is a field without a name; all else may be left out."""
    return path[-1] in ("emailAddress", "address", "contentBytes") or isinstance(path[-1], int) or (path[-2:-1] != ("attachments",) and path[0] == "internetMessageHeaders"
                                                                                            and path[-1] == "name") or (path[0] == "attachments" and path[-1] == "name")


def parts(api, file=True):
    """(path, schema) of a message and of a file in it."""
    for path, schema, _ in members(api, api.named("message"), MESSAGE):
        yield path, schema
    if file:
        yield ("attachments",), {"type": "array"}
        yield ("attachments", 0), {"type": "object"}
        for path, schema, _ in members(api, api.named("fileAttachment"), FILE):
            yield ("attachments", 0) + path, schema


@pytest.mark.parametrize("path, below, fine", [(SEND, ("message",), 202), (DRAFTS, (), 201)])
def test_each_member_of_another_type_or_not_there(sigillo, key, api, path, below, fine):
    """To be sent, and as a draft: there, recipients may be wanting, and what is there is looked at as well."""
    message = dict(MESSAGE, attachments=[FILE])
    good = {"message": message} if below else message
    tries = Tries(sigillo, key, path, fine)
    tries.taken(good, "", "good")
    for inner, schema in parts(api):
        where = below + inner
        for way, value in wrong(schema):
            tries.refused(at(where, value, good), named(where), way)
        if isinstance(schema, dict) and schema.get("type", "object") == "object":
            tries.refused(at(where, lambda h, n: h[n].update({"colour": 1}), good), named(where) + ".colour", "unknown")
        for way, value in (("missing", drop), ("null", None)):
            if way == "null" or not isinstance(inner[-1], int):
                (tries.refused if needed(inner) else tries.taken)(at(where, value, good), named(where), way)
    tries.refused(at(below, lambda h, n: h[n].update({"colour": 1}), good) if below else dict(good, colour=1), named(below + ("colour",)), "unknown")
    tries.end(300)


@pytest.mark.parametrize("path, below", [(SEND, ("message",)), (DRAFTS, ())])
def test_each_member_twice_and_too_deep(sigillo, key, api, path, below):
    message = dict(MESSAGE, attachments=[FILE])
    good, tries = {"message": message} if below else message, Tries(sigillo, key, path, None)
    for inner, _ in parts(api):
        where = below + inner
        if not isinstance(inner[-1], int):
            tries.refused(raw(where, good, twice), named(where), "twice")
            tries.refused(raw(where, good, deep(40)), named(where), "deep", below=True)
    tries.end(80)


def test_a_file_and_an_upload_in_each_way(sigillo, key, api):
    """Of a draft: nothing of what was refused is in it."""
    one = DRAFTS + "/" + call(sigillo, key, "POST", DRAFTS, {})[2]["id"] + "/attachments"
    tries = Tries(sigillo, key, one, 201)
    for path, schema, _ in members(api, api.named("fileAttachment"), FILE):
        for way, value in wrong(schema):
            tries.refused(at(path, value, FILE), "attachments[0]." + named(path), way)
    tries.path = one + "/createUploadSession"
    item = {"AttachmentItem": {"attachmentType": "file", "name": "b", "size": 10, "contentType": "text/plain", "isInline": False, "contentId": "a"}}
    for path, schema, _ in members(api, api.named("attachmentItem"), item["AttachmentItem"]):
        where = ("AttachmentItem",) + path
        for way, value in list(wrong(schema)) + [(way, value) for way, value in (("missing", drop), ("null", None)) if path[-1] in ("attachmentType", "name", "size")]:
            tries.refused(at(where, value, item), named(where), way)
    tries.end(60)
    assert call(sigillo, key, "GET", one)[2]["value"] == []


LONG = 64 * 1024
LIMITS = [
    (("subject",), "%s", 900, None), (("toRecipients", 0, "emailAddress", "address"), "%s@good.test", 64, 65), (("from", "emailAddress", "address"), "%s@" + DOMAIN, 64, 65),
    (("replyTo", 0, "emailAddress", "address"), "%s@good.test", 64, 65), (("categories", 0), "%s", 255, 256),
    (("internetMessageHeaders", 0, "name"), "x-%s", 50, 2000), (("internetMessageHeaders", 0, "value"), "%s", LONG, LONG + 1),
    (("toRecipients", 0, "emailAddress", "name"), "%s", LONG, LONG + 1), (("subject",), "%s", LONG, LONG + 1), (("attachments", 0, "name"), "%s", LONG, LONG + 1),
    (("attachments", 0, "contentType"), "text/plain; charset=%s", 60, LONG + 1),
]


@pytest.mark.parametrize("path, text, fits, above", LIMITS, ids=["%s-%s" % (named(row[0]), row[2]) for row in LIMITS])
def test_at_the_limit_and_above(sigillo, key, path, text, fits, above):
    good, tries = {"message": dict(MESSAGE, attachments=[FILE])}, Tries(sigillo, key, SEND, 202)
    tries.taken(at(("message",) + path, text % ("x" * fits), good), named(path), "fits")
    if above is not None:
        tries.refused(at(("message",) + path, text % ("x" * above), good), named(("message",) + path), "too long")
    tries.end(1)


def test_how_many_there_may_be(sigillo, key):
    tries = Tries(sigillo, key, SEND, 202)
    people = lambda n: [person("grmany%d@good.test" % i) for i in range(n)]  # noqa: E731
    one = {"toRecipients": people(1), "subject": "x"}
    for changes, target in (
            ({"toRecipients": people(20)}, None), ({"toRecipients": people(21)}, "message.toRecipients"),
            ({"categories": ["c%d" % i for i in range(10)]}, None), ({"categories": ["c%d" % i for i in range(11)]}, "message.categories"),
            ({"internetMessageHeaders": [{"name": "x-%d" % i, "value": "x"} for i in range(5)]}, None),
            ({"internetMessageHeaders": [{"name": "x-%d" % i, "value": "x"} for i in range(6)]}, "message.internetMessageHeaders"),
            ({"attachments": [FILE] * 100}, None), ({"attachments": [FILE] * 101}, "message.attachments")):
        body = {"message": dict(one, **changes)}
        tries.taken(body, "", "fits") if target is None else tries.refused(body, target, "too many")
    tries.end(8)
