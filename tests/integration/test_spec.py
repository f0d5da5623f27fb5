# SPDX-License-Identifier: Apache-2.0
"""The reader of published specifications says yes to their own examples, and no to what is wrong."""
import glob
import os

import pytest
import spec

SENDGRID = sorted(os.path.basename(f) for f in glob.glob(os.path.join(spec.SHARED, "contracts", "sendgrid", "tsg_*.json")))
ARM = "acs/arm-microsoft-communication-2025-09-01.json"
SERVICE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Communication/communicationServices/name"


def test_what_stands_in_other_files_is_found():
    api = spec.load("acs/email-2025-09-01.swagger.json")
    error = {"error": {"code": "BadRequest", "message": "No.", "details": [{"code": "a", "message": "b"}]}}
    assert api.validate("/emails:send", "post", (400, {"x-ms-error-code": "BadRequest"}, error)) is error
    for wrong in ({"error": "x"}, {"error": {"code": 1, "message": "x"}}, [], {"error": {"code": "a", "message": "b", "details": [{"code": 1}]}}):
        with pytest.raises(AssertionError):
            api.validate("/emails:send", "post", (400, {}, wrong))
    with pytest.raises(AssertionError, match="retry-after"):
        api.validate("/emails/operations/x", "get", (200, {"Retry-After": "soon"}, {"id": "x", "status": "Running"}))
    sent, = api.examples("/emails:send", "post")
    assert sent.status == 202 and api.valid(api.request_schema("/emails:send", "post"), sent.request["emailMessage"]) is None
    assert api.validate("/emails:send", "post", (sent.status, sent.headers, sent.response))["status"] == "Running"
    assert {e.response["status"] for e in api.examples("/emails/operations/{operationId}", "get")} == {"Failed", "Running", "Succeeded"}


def test_responses_of_examples_are_as_their_schemas():
    """But for the few that their authors got wrong."""
    right, wrong = 0, []
    for name in SENDGRID:
        api = spec.load("sendgrid/" + name)
        for path, method in api.operations():
            for e in api.examples(path, method):
                if e.status is not None and api.schema(path, method, e.status) is not None:
                    error = api.valid(api.schema(path, method, e.status), e.response)
                    right += error is None
                    wrong += [(name, path, method, e.status, error)] if error is not None else []
    if not SENDGRID:
        pytest.skip("no specifications at %s" % spec.SHARED)
    assert right > 200 and len(wrong) * 20 < right, wrong


def test_what_may_be_null_says_so():
    api = spec.Api("x", {"openapi": "3.0.0", "paths": {"/a/{b}": {"get": {"responses": {"2XX": {"content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/A"}}}}, "204": {"description": ""}}}}, "/a/c": {}},
        "components": {"schemas": {"A": {"type": "object", "properties": {"n": {"type": "string", "nullable": True}, "m": {"type": "string"}}}}}})
    assert api.path("/a/b?c=d") == "/a/{b}" and api.path("/a/c") == "/a/c"
    assert api.validate("/a/x", "get", (201, {}, {"n": None})) == {"n": None}
    for reply in ((200, {}, {"m": None}), (204, {}, {"n": None})):
        with pytest.raises(AssertionError):
            api.validate("/a/x", "get", reply)
    with pytest.raises(KeyError):
        api.validate("/b", "get", (200, {}, {}))


def test_descriptors_of_the_resource_manager():
    api = spec.load(ARM)
    good = {"id": "x", "location": "global", "properties": {"linkedDomains": ["a"], "disableLocalAuth": False}, "tags": {"a": "b"}}
    assert api.validate(SERVICE, "get", (200, {}, good))
    for wrong in ({}, dict(good, properties={"linkedDomains": "a"}), dict(good, tags={"a": 1}), dict(good, identity={})):
        assert api.valid(api.schema(SERVICE, "get", 200), wrong) is not None, wrong
    assert api.valid(api.request_schema(SERVICE + "/regenerateKey", "post"), {"keyType": "Third"}) is not None
    assert len(api.operations()) == 41


def test_types_of_graph():
    api = spec.load("graph/graph-v1.0-mail-types.json")
    good = {"subject": "x", "isRead": None, "toRecipients": [{"emailAddress": {"address": "a@b.test", "name": None}}]}
    assert api.valid(api.named("message"), good) is None
    for wrong in ({"subject": 1}, {"toRecipients": {}}, {"toRecipients": [{"emailAddress": {"address": 1}}]}):
        assert api.valid(api.named("message"), wrong) is not None, wrong
