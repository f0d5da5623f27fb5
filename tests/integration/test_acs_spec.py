# SPDX-License-Identifier: Apache-2.0
"""The API of Azure Communication Services Email against its specification: its examples, and each member of a request, wrong in each way."""
import json
import re
import time
import uuid

import pytest
import spec
from acs import call
from conftest import finish, launch
from matrix import VALUES, at, drop, members, named, raw

DOMAIN = "acs-spec.test"
SENDER = "shop@" + DOMAIN
VERSIONS = ["2023-03-31", "2024-07-01-preview", "2025-09-01"]
SEND, STATUS = "/emails:send", "/emails/operations/{operationId}"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "acs-spec", {"profile fifty": {"recipients_per_message": 50}}, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    made = sigillo.sender(DOMAIN)
    sigillo.cli("subscription", "set", "default", "--profile", "fifty")
    return made


def api_of(version):
    return spec.load("acs/email-%s.swagger.json" % version)


def post(sigillo, sender, body, version="2025-09-01", **headers):
    body = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return call(sigillo, "POST", "/emails:send?api-version=" + version, body.encode() if isinstance(body, str) else body,
                Authorization="Bearer " + sender.key, **headers)


def operation(sigillo, sender, number, version):
    return call(sigillo, "GET", "/emails/operations/%s?api-version=%s" % (number, version), Authorization="Bearer " + sender.key)


def accepted(sigillo):
    """So many messages were taken, at all doors."""
    text = sigillo.get("/metrics")[2].decode()
    return int(float(re.search(r'^sigillo_messages_total\{result="accepted"\} (\S+)$', text, re.M).group(1)))


# -- the examples -----------------------------------------------------------------------------------------------------

def ours(message):
    """An example's message, with addresses that are there."""
    message = json.loads(json.dumps(message).replace("abc@domain.com", SENDER))
    for n, one in enumerate(one for group in message["recipients"].values() for one in group):
        one["address"] = "example%d@good.test" % n
    return message


@pytest.mark.parametrize("version", VERSIONS)
def test_examples_are_replayed(sigillo, sender, version):
    """With our own addresses in them; what is answered has the members and fields of the example, and is as the schema says."""
    api = api_of(version)
    for e in api.examples(SEND, "post"):
        number = str(uuid.uuid4())
        reply = post(sigillo, sender, ours(e.request["emailMessage"]), version, Operation_Id=number, x_ms_client_request_id=e.request["x-ms-client-request-id"])
        assert reply[0] == e.status, reply
        assert set(api.validate(SEND, "post", reply)) == set(e.response) and reply[2] == {"id": number, "status": e.response["status"]}
        assert {h.lower() for h in e.headers} <= set(reply[1]) and reply[1]["x-ms-client-request-id"] == e.request["x-ms-client-request-id"]
    for _ in range(200):
        reply = operation(sigillo, sender, number, version)
        api.validate(STATUS, "get", reply)
        assert ("retry-after" in reply[1]) == (reply[2]["status"] == "Running")
        if reply[2]["status"] == "Succeeded":
            break
        time.sleep(0.05)
    wanted = {e.response["status"]: e for e in api.examples(STATUS, "get")}
    assert set(reply[2]) == set(wanted["Succeeded"].response)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_operation_that_fails_is_as_its_example(sigillo, sender, version):
    api = api_of(version)
    example = next(e for e in api.examples(STATUS, "get") if e.response["status"] == "Failed")
    reply = post(sigillo, sender, dict(good_in(version), recipients={"to": [{"address": "nobody-spec@reject.test"}]}), version)
    number = reply[2]["id"]
    for _ in range(200):
        reply = operation(sigillo, sender, number, version)
        if api.validate(STATUS, "get", reply)["status"] != "Running":
            break
        time.sleep(0.05)
    assert reply[2]["status"] == "Failed" and {k: reply[2]["error"][k] for k in ("code", "message")} == example.response["error"]


# -- each member, wrong in each way -----------------------------------------------------------------------------------

FILE = {"name": "a.pdf", "contentType": "application/pdf", "contentInBase64": "YQ==", "contentId": "a"}
GOOD = {"senderAddress": SENDER, "content": {"subject": "x", "plainText": "x", "html": "y"},
        "recipients": {"to": [{"address": "spec@good.test", "displayName": "x"}], "cc": [{"address": "spec@good.test", "displayName": "x"}],
                       "bcc": [{"address": "spec@good.test", "displayName": "x"}]},
        "headers": {"X-A": "b"}, "attachments": [FILE], "replyTo": [{"address": "spec@good.test", "displayName": "x"}], "userEngagementTrackingDisabled": True}


def good_in(version):
    """The message, with what that version knows."""
    return dict(GOOD, attachments=[{k: v for k, v in FILE.items() if k != "contentId" or version != "2023-03-31"}])


def refused(api, reply, target, way, below=False):
    assert 400 <= reply[0] < 500, (way, target, reply)
    error = api.validate(SEND, "post", reply)["error"]
    assert error["code"] == reply[1]["x-ms-error-code"] and error["message"], (way, reply)
    assert error.get("target") == target or (below and error["target"].startswith(target + "[")), (way, target, error)


# What may be left out although the schema wants it: client 1.1.0 sends cc or bcc only.
OPTIONAL = {"recipients.to"}
# Empty strings that are values, where the others are as if they were not there.
EMPTY_IS_FINE = {"content.subject", "content.plainText", "content.html", "headers.X-A", "attachments[0].contentId"}


def wrong_ways(path, schema, required, version):
    """(way, value or raw text, the target of the refusal; None: it is taken)"""
    where, kind = named(path), schema.get("type", "object")
    needed = required and where not in OPTIONAL
    if not isinstance(path[-1], int):
        yield "missing", drop, where if needed else None
    for name, value in VALUES.items():
        if name == kind or (name == "array" and kind == "array"):
            continue
        is_fine = name == "null" and not needed and not where.startswith("headers.")
        yield "a value of type " + name, value, None if is_fine else where
    if kind == "string":
        yield "nested", [[[[["x"]]]]], where
        fine = where in EMPTY_IS_FINE or where.endswith("displayName")
        yield "empty", "", None if fine else where
    if kind == "object":
        yield "an unknown member", lambda holder, name: holder[name].update({"x-colour": 1}), where + ".x-colour" if where != "headers" else "headers.x-colour"


@pytest.mark.parametrize("version", VERSIONS)
def test_each_member_wrong_in_each_way(sigillo, sender, version):
    """Each answer is one of the API, its target the path of the member, and nothing is taken of it."""
    api, before, taken, tried = api_of(version), accepted(sigillo), 0, 0
    good = good_in(version)
    for path, schema, required in members(api, api.request_schema(SEND, "post"), good):
        for way, value, target in wrong_ways(path, schema, required, version):
            reply = post(sigillo, sender, at(path, value, good), version)
            tried += 1
            if target is None:
                assert reply[0] == 202, (way, named(path), reply)
                taken += 1
            else:
                refused(api, reply, target, way)
    assert tried > 150 and accepted(sigillo) - before == taken


def test_each_member_twice_and_too_deep(sigillo, sender):
    api, before = api_of("2025-09-01"), accepted(sigillo)
    for path, _, _ in members(api, api.request_schema(SEND, "post"), GOOD):
        if isinstance(path[-1], int):
            continue
        refused(api, post(sigillo, sender, raw(path, GOOD, lambda name, value: "%s: %s, %s: %s" % (name, value, name, value))), named(path), "twice")
        refused(api, post(sigillo, sender, raw(path, GOOD, lambda name, value: "%s: %s" % (name, "[" * 31 + "]" * 31))), named(path), "nested", below=True)
    deep = post(sigillo, sender, raw(("content", "subject"), GOOD, lambda name, value: "%s: %s" % (name, "[" * 60 + "]" * 60)))
    refused(api, deep, "content.subject", "deep", below=True)
    assert accepted(sigillo) == before


LONG = 64 * 1024
ADDRESS = "%s@good.test"
LIMITS = [
    (("senderAddress",), "%s@" + DOMAIN, 64, 65),
    (("recipients", "to", 0, "address"), ADDRESS, 64, 65), (("recipients", "cc", 0, "address"), ADDRESS, 64, 65),
    (("recipients", "bcc", 0, "address"), ADDRESS, 64, 65), (("replyTo", 0, "address"), ADDRESS, 64, 65),
    (("recipients", "to", 0, "displayName"), "%s", LONG, LONG + 1), (("replyTo", 0, "displayName"), "%s", LONG, LONG + 1),
    (("content", "subject"), "%s", LONG, LONG + 1), (("headers", "X-A"), "%s", LONG, LONG + 1), (("attachments", 0, "name"), "%s", LONG, LONG + 1),
    (("attachments", 0, "contentId"), "%s", 200, 1000), (("attachments", 0, "contentType"), "text/plain; charset=%s", 60, LONG + 1),
]


@pytest.mark.parametrize("path, text, fits, above", LIMITS, ids=[named(row[0]) for row in LIMITS])
def test_at_the_limit_and_above(sigillo, sender, path, text, fits, above):
    api, before = api_of("2025-09-01"), accepted(sigillo)
    assert post(sigillo, sender, at(path, text % ("x" * fits), GOOD))[0] == 202
    refused(api, post(sigillo, sender, at(path, text % ("x" * above), GOOD)), named(path), "too long")
    assert accepted(sigillo) == before + 1


def test_how_many_there_may_be(sigillo, sender):
    api, before = api_of("2025-09-01"), accepted(sigillo)
    people = lambda n, name="many": [{"address": "%s%d@good.test" % (name, i)} for i in range(n)]  # noqa: E731
    for changes, target in (
            ({"recipients": {"to": people(50)}}, None), ({"recipients": {"to": people(51)}}, "recipients"),
            ({"recipients": {"to": people(17), "cc": people(17, "cc"), "bcc": people(17, "bcc")}}, "recipients"),
            ({"headers": {"X-%d" % i: "x" for i in range(100)}}, None), ({"headers": {"X-%d" % i: "x" for i in range(101)}}, "headers"),
            ({"attachments": [dict(FILE, contentId=None)] * 100}, None), ({"attachments": [dict(FILE, contentId=None)] * 101}, "attachments"),
            ({"attachments": [FILE, FILE]}, "attachments[1].contentId")):
        reply = post(sigillo, sender, dict(GOOD, **changes))
        if target is None:
            assert reply[0] == 202, reply
        else:
            refused(api, reply, target, changes)
    assert accepted(sigillo) == before + 3
