# SPDX-License-Identifier: Apache-2.0
"""Keys and tokens that are wrong, at the HTTP door: counted by what they say they are and where they come from, then answered 429."""
import http.client
import json

import pytest
from conftest import finish, launch
from oauth import ask, call
from acs import signed

DOMAIN = "guesses.test"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "guesses", {}, start=False)
    d.settings["listen https"] = {"door": "http", "address": ["%s:8443" % d.address], "tls": "implicit"}
    d.settings["public_url"] = "https://%s:8443" % d.address
    d.start()
    d.sender(DOMAIN)
    yield d
    finish(d)


@pytest.fixture(autouse=True)
def nothing_counted(sigillo):
    sigillo.restart()


def get(sigillo, bearer, path="/v1/messages/1", source=None):
    c = http.client.HTTPSConnection(sigillo.address, 8443, timeout=20, context=sigillo.tls_context(), source_address=source and (source, 0))
    try:
        c.request("GET", path, None, {"Authorization": "Bearer " + bearer})
        r = c.getresponse()
        return r.status, dict(r.getheaders()), json.loads(r.read())
    finally:
        c.close()


@pytest.mark.parametrize("path", ["/v1/messages/1", "/admin/v1/stats"])
def test_wrong_keys(sigillo, path):
    key, other = [sigillo.json("key", "add", "--domain", DOMAIN, "--role", "operator")["key"] for _ in range(2)]
    right = get(sigillo, key, path)[0]
    assert right in (200, 404)
    wrong = key[:-4] + "AAAA"
    assert [get(sigillo, wrong, path)[0] for _ in range(11)] == [401] * 10 + [429]
    status, headers, body = get(sigillo, key, path)
    assert status == 429 and body["code"] == "too-many-guesses" and 0 < int(headers["Retry-After"]) <= 60, "the right one is not looked at either"
    assert get(sigillo, other, path)[0] == right, "another key from there is"
    assert get(sigillo, key, path, source="127.0.0.77")[0] == right, "and its owner elsewhere is not kept out"
    log = open(sigillo.log_file).read()
    assert '"event":"bearer refused"' in log and wrong.split("_", 2)[2] not in log


def test_wrong_tokens(sigillo):
    apps = [sigillo.json("app", "add", name, "--domain", DOMAIN) for name in ("guessed", "quiet")]
    tokens = [ask(sigillo, "/oauth2/token", grant_type="client_credentials", client_id=a["client_id"], client_secret=a["secret"])[2]["access_token"] for a in apps]
    assert get(sigillo, tokens[0])[0] == 404
    head, _, signature = tokens[0].rpartition(".")
    wrong = head + "." + ("B" if signature[0] == "A" else "A") + signature[1:]
    assert [get(sigillo, wrong)[0] for _ in range(11)] == [401] * 10 + [429]
    assert get(sigillo, tokens[0])[0] == 429 and get(sigillo, tokens[0], source="127.0.0.77")[0] == 404
    assert get(sigillo, tokens[1])[0] == 404, "another application is not kept out"


def test_they_are_counted_together_with_those_at_the_acs_door(sigillo):
    app = sigillo.json("app", "add", "both-doors", "--domain", DOMAIN)
    token = ask(sigillo, "/oauth2/token", grant_type="client_credentials", client_id=app["client_id"], client_secret=app["secret"],
                scope="https://communication.azure.com/.default")[2]["access_token"]
    path = "/emails/operations/8540c0de-899f-4cce-acb5-3ec493af3800?api-version=2025-09-01"
    assert get(sigillo, token, path)[0] == 404
    assert [get(sigillo, token[:-6] + "AAAAAA", p)[0] for p in [path, "/v1/messages/1"] * 5] == [401] * 10
    status, headers, body = get(sigillo, token, path)
    assert status == 429 and int(headers["Retry-After"]) > 0 and body["error"]["code"] == "TooManyRequests", body


def test_wrong_signatures(sigillo):
    """By the key that the host names, else all of the address together."""
    keys = [sigillo.json("key", "add", "--domain", DOMAIN) for _ in range(2)]
    wrong = {"access_key": "A" * 43 + "="}
    for host, other in (("%s.mail.example" % keys[0]["id"], "%s.mail.example" % keys[1]["id"]), (None, "%s.mail.example" % keys[1]["id"])):
        assert signed(sigillo, keys[0], b"{}", host=host)[0] == 400, "it is signed well, and no message"
        assert [signed(sigillo, wrong, b"{}", host=host)[0] for _ in range(11)] == [401] * 10 + [429]
        assert signed(sigillo, keys[0], b"{}", host=host)[0] == 429
        assert signed(sigillo, keys[1], b"{}", host=other)[0] == 400, "another key is not kept waiting"


def test_hosts_that_name_no_key_count_as_one(sigillo):
    sigillo.json("key", "add", "--domain", DOMAIN)
    wrong = {"access_key": "A" * 43 + "="}
    assert [signed(sigillo, wrong, b"{}", host="%012d.mail.example" % n)[0] for n in range(11)] == [401] * 10 + [429]


def test_what_names_nothing_counts_as_one(sigillo):
    assert [get(sigillo, "garbage%d" % n)[0] for n in range(11)] == [401] * 10 + [429]
    assert get(sigillo, "sk_x_y")[0] == 429
    assert get(sigillo, "sk_01ftz85b24zv_x")[0] == 401
    assert call(sigillo, "GET", "/openapi.json")[0] == 200
