# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document against the running code: each path, status and schema that it promises, and nothing that it does not."""
import itertools
import json
import re
import urllib.parse

import jsonschema
import pytest
from openapi import Description

SETTINGS = {"limits": {"recipients": 5, "message_size": 1024 * 1024}, "profile one": {"limits": ["1 messages/day"]}}

API = Description("openapi.json")
DOCUMENT = API.document
OK = {"from": "app@app.test", "to": ["openapi@good.test"], "text": "x\n"}
_keys = itertools.count()


@pytest.fixture(scope="module")
def served(sigillo):
    status, _, document = sigillo.get("/openapi.json")
    assert status == 200
    return document


def check(path, method, reply):
    """The reply is one that the document promises; its status."""
    status, headers, body = reply
    responses = DOCUMENT["paths"][path][method]["responses"]
    assert str(status) in responses, "%d is not documented for %s %s: %s" % (status, method, path, body)
    response = API.resolve(responses[str(status)])
    kind = headers["Content-Type"].split(";")[0]
    assert kind in response["content"], kind
    API.validator(response["content"][kind]["schema"]).validate(body)
    for name in response.get("headers", {}):
        assert name in headers, "%s is missing" % name
    return status


def test_what_is_served_is_the_file(served):
    assert served == DOCUMENT


def test_it_is_openapi_3_1(served):
    assert served["openapi"].startswith("3.1.")
    operations = [op for path in served["paths"].values() for op in path.values()]
    assert len({op["operationId"] for op in operations}) == len(operations)
    for schema in served["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(dict(schema, components=DOCUMENT["components"]))
    for reference in set(re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(served))):
        assert API.resolve({"$ref": reference})


def test_every_documented_path_answers(sigillo, served):
    for path, operations in served["paths"].items():
        for method in operations:
            status, _, body = sigillo.request(method.upper(), path.replace("{id}", "0123456789abc"))
            a_page = isinstance(body, bytes)  # for people; of a path that is not there a problem document tells
            assert status not in (404, 405) or (path == "/u/{token}" and a_page), (method, path)
        other = ({"get", "post", "put", "delete"} - set(operations)).pop()
        assert sigillo.request(other.upper(), path.replace("{id}", "0123456789abc"))[0] == 405, path


def send(sigillo, sender, body, key=..., **headers):
    return sigillo.post("/v1/messages", body, sender.key if key is ... else key, {k.replace("_", "-"): v for k, v in headers.items()})


def test_the_statuses_of_sending(sigillo, sender):
    seen = {check("/v1/messages", "post", reply) for reply in (
        send(sigillo, sender, OK),
        send(sigillo, sender, OK, key=None),
        send(sigillo, sender, OK, key="sk_no_such"),
        send(sigillo, sender, b"{", Content_Type="application/json"),
        send(sigillo, sender, OK, Idempotency_Key="x" * 300),
        send(sigillo, sender, b"x", Content_Type="text/plain"),
        send(sigillo, sender, {}),
        send(sigillo, sender, dict(OK, **{"from": "a@not-mine.test"})),
        send(sigillo, sender, dict(OK, text="x" * (3 * 1024 * 1024))),
        send(sigillo, sender, OK, Idempotency_Key="one"),
        send(sigillo, sender, OK, Idempotency_Key="one"),
        send(sigillo, sender, dict(OK, text="y"), Idempotency_Key="one"))}
    sigillo.cli("subscription", "set", "default", "--profile", "one")
    seen.add(check("/v1/messages", "post", send(sigillo, sender, OK)))
    sigillo.cli("subscription", "set", "default", "--profile", "unlimited")
    unavailable = {503, 507}  # not at will: the crash runs meet these
    assert seen == {int(s) for s in DOCUMENT["paths"]["/v1/messages"]["post"]["responses"]} - unavailable


def test_the_statuses_of_asking(sigillo, sender):
    message_id = send(sigillo, sender, OK)[2]["id"]
    sigillo.wait_state(message_id, ["delivered", "failed"])
    assert check("/v1/messages/{id}", "get", sigillo.get("/v1/messages/" + message_id, sender.key)) == 200
    assert check("/v1/messages/{id}", "get", sigillo.get("/v1/messages/" + message_id)) == 401
    assert check("/v1/messages/{id}", "get", sigillo.get("/v1/messages/7zzzzzzzzzzzz", sender.key)) == 404
    assert check("/openapi.json", "get", sigillo.get("/openapi.json")) == 200


def test_the_statuses_of_tokens(sigillo, sender):
    app = sigillo.json("app", "add", "openapi", "--domain", sender.domain)
    form = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["secret"], "scope": "https://graph.microsoft.com/.default"}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    ask = lambda path, **fields: sigillo.post(path, urllib.parse.urlencode(dict(form, **fields)), headers=kind)  # noqa: E731
    for path, where in (("/oauth2/token", "/oauth2/token"), ("/{tenant}/oauth2/v2.0/token", "/default/oauth2/v2.0/token")):
        seen = {check(path, "post", reply) for reply in (ask(where), ask(where, grant_type="x"), ask(where, client_secret="x"))}
        assert seen == {200, 400, 401}
    seen = {check("/oauth2/token", "post", ask("/oauth2/token", client_secret="x")) for _ in range(11)}
    assert seen == {401, 429}
    for path in ("/oauth2/keys", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        assert check(path, "get", sigillo.get(path)) == 200
    for path in ("/{tenant}/discovery/v2.0/keys", "/{tenant}/v2.0/.well-known/openid-configuration"):
        assert check(path, "get", sigillo.get(path.replace("{tenant}", "default"))) == 200
        assert check(path, "get", sigillo.get(path.replace("{tenant}", "nobody"))) == 400


BODIES = [
    OK, dict(OK, to="a@good.test"), dict(OK, to={"email": "a@good.test"}), dict(OK, cc=None, subject=None), dict(OK, html="<p>"), dict(OK, reply_to=[{"email": "r@app.test", "name": "R"}]),
    dict(OK, headers={"X-A": "b"}), dict(OK, attachments=[{"content": "YQ==", "filename": "a", "disposition": "inline", "content_id": "c", "content_type": "a/b"}]),
    dict(OK, attachments=None, headers=None),
    {}, [], dict(OK, colour=1), dict(OK, to=[{"mail": "x"}]), dict(OK, to=7), dict(OK, subject=7), dict(OK, attachments=[{}]), dict(OK, attachments=[{"content": 1}]),
    dict(OK, attachments=[{"content": "", "disposition": "x"}]), dict(OK, headers=[]), dict(OK, headers={"X": 1}), dict(OK, attachments={}), {"to": "a@good.test", "text": "x"},
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_the_schema_of_a_message_and_the_code_agree(sigillo, sender, body):
    """What the schema allows is accepted here, what it forbids is refused."""
    validator = API.validator(DOCUMENT["components"]["schemas"]["Message"])
    status = check("/v1/messages", "post", send(sigillo, sender, json.dumps(body).encode(), Content_Type="application/json"))
    assert (status == 202) == validator.is_valid(body), (status, list(validator.iter_errors(body)))
