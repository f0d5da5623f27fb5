# SPDX-License-Identifier: Apache-2.0
"""Tokens: applications get them by the clients that programs use, and use them; what is not a good token opens nothing.

@azure/identity and openid-client come from npm (tools/peers, below build/peers/npm), python3-jwt is an independent reader of what they got.
"""
import base64
import http.client
import json
import os
import re
import subprocess
import time
import urllib.parse

import jwt
import pytest
from conftest import finish, launch
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from oauth import ask, call, node, our_scope, part, send_as
from world import daemon

DOMAIN = "oauth.test"
TO = "oauth@good.test"
GRAPH = "https://graph.microsoft.com"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "oauth", {}, start=False)
    d.open_https()
    d.start()
    d.sender(DOMAIN)
    d.json("subscription", "add", "other")
    yield d
    finish(d)


@pytest.fixture(scope="module")
def app(sigillo):
    return sigillo.json("app", "add", "crm", "--domain", DOMAIN)


def form(app, **changes):
    fields = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["secret"],
              "scope": GRAPH + "/.default"}
    fields.update(changes)
    return fields


def our_token(sigillo, app):
    status, _, body = ask(sigillo, **form(app, scope=our_scope(sigillo)))
    assert status == 200, body
    return body["access_token"]


def send(sigillo, token, **changes):
    return send_as(sigillo, token, "app@" + DOMAIN, TO, **changes)


# -- the clients that programs use ------------------------------------------------------------------------------------

def test_azure_identity_gets_a_token_and_sends_with_it(world, sigillo, app):
    for tenant in ("default", app["tenant_id"]):
        got = node(sigillo, "identity", authority=sigillo.settings["public_url"], tenant=tenant, client=app["client_id"], secret=app["secret"],
                   scope=our_scope(sigillo))
        assert "error" not in got, got
        assert abs(got["ends"] / 1000 - time.time() - 3599) < 60
        status, _, body = send(sigillo, got["token"])
        assert status == 202, body
        sigillo.wait_state(body["id"], "delivered")
    assert world.wait_mail(TO)


def test_azure_identity_gets_one_for_each_api(sigillo, app):
    for scope, audience in ((GRAPH + "/.default", GRAPH), ("https://communication.azure.com//.default", "https://communication.azure.com/"),
                            ("https://communication.azure.com/.default", "https://communication.azure.com/"),
                            ("https://outlook.office365.com/.default", "https://outlook.office365.com")):
        got = node(sigillo, "identity", authority=sigillo.settings["public_url"], tenant="default", client=app["client_id"], secret=app["secret"], scope=scope)
        assert "error" not in got, got
        assert jwt.decode(got["token"], options={"verify_signature": False})["aud"] == audience
        assert send(sigillo, got["token"])[0] == 401 # it is not for our own API


def test_azure_identity_finds_the_number_of_what_is_wrong(sigillo, app):
    wrong = dict(authority=sigillo.settings["public_url"], tenant="default", client=app["client_id"], secret=app["secret"], scope=GRAPH + "/.default")
    for changes, number in (({"secret": "wrong"}, "AADSTS7000215"), ({"client": "f47ac10b-58cc-4372-a567-0e02b2c3d479"}, "AADSTS700016"),
                            ({"scope": "https://evil.test/.default"}, "AADSTS70011")):
        got = node(sigillo, "identity", **dict(wrong, **changes))
        assert got["error"]["name"] == "AuthenticationRequiredError" or number in json.dumps(got), got
        assert number in json.dumps(got), got
    got = node(sigillo, "identity", **dict(wrong, tenant="nobody"))
    assert "error" in got, got


def test_openid_client_by_either_way_of_proving_who_it_is(sigillo, app):
    for basic in (False, True):
        for authority, options in ((sigillo.settings["public_url"], None), (sigillo.settings["public_url"], {"algorithm": "oauth2"}),
                                   (sigillo.settings["public_url"] + "/default/v2.0", None)):
            got = node(sigillo, "openid", authority=authority, client=app["client_id"], secret=app["secret"], basic=basic, options=options,
                       scope=our_scope(sigillo))
            assert "error" not in got, got
            assert got["expires_in"] == 3599 and got["issuer"] == authority
            claims = jwt.decode(got["token"], options={"verify_signature": False})
            assert claims["iss"] == authority
            assert send(sigillo, got["token"])[0] == 202
    got = node(sigillo, "openid", authority=sigillo.settings["public_url"], client=app["client_id"], secret="wrong", basic=True)
    assert got["error"]["status"] == 401, got


def test_without_a_scope_the_plain_address_means_our_own_api(sigillo, app):
    got = node(sigillo, "openid", authority=sigillo.settings["public_url"], client=app["client_id"], secret=app["secret"])
    assert send(sigillo, got["token"])[0] == 202, got


# -- an independent reader --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("keys", ["/oauth2/keys", "/default/discovery/v2.0/keys"])
def test_python_verifies_by_the_published_keys(sigillo, app, keys):
    token = our_token(sigillo, app)
    status, _, found = call(sigillo, "GET", keys)
    assert status == 200 and all("d" not in k for k in found["keys"])
    key = next(k for k in jwt.PyJWKSet.from_dict(found).keys if k.key_id == jwt.get_unverified_header(token)["kid"])
    claims = jwt.decode(token, key.key, algorithms=["ES256"], audience=sigillo.settings["public_url"],
                        issuer=sigillo.settings["public_url"] + "/default/v2.0", options={"require": ["exp", "nbf", "iat", "jti"]})
    assert claims["appid"] == claims["azp"] == claims["sub"] == claims["oid"] == app["client_id"]
    assert claims["tid"] == app["tenant_id"] and claims["roles"] == ["Mail.Send"] and claims["exp"] - claims["iat"] == 3600
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token[:-8] + "AAAAAAAA", key.key, algorithms=["ES256"], audience=sigillo.settings["public_url"])


# -- what is no good token --------------------------------------------------------------------------------------------

def refused(sigillo, token, why):
    status, headers, body = send(sigillo, token)
    assert status == 401, body
    assert headers["WWW-Authenticate"].startswith("Bearer ") and 'error="invalid_token"' in headers["WWW-Authenticate"]
    assert why in body["detail"], body


def test_tokens_that_are_none(sigillo, app):
    token = our_token(sigillo, app)
    header, claims, signature = token.split(".")
    known = jwt.get_unverified_header(token)
    claims_of = jwt.decode(token, options={"verify_signature": False})
    stranger = ec.generate_private_key(ec.SECP256R1())
    public = stranger.public_key().public_numbers()
    number = lambda n: base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()  # noqa: E731
    named = {"kid": known["kid"]}
    sign = lambda c=claims_of, h=named, k=stranger, a="ES256": jwt.encode(c, k, algorithm=a, headers=h)  # noqa: E731
    published = call(sigillo, "GET", "/oauth2/keys")[2]["keys"][0]
    refused(sigillo, ".".join([part({**known, "alg": "none"}), claims, ""]), "not a token that can be read")
    refused(sigillo, ".".join([part({**known, "alg": "none"}), claims, signature]), "not signed with ES256")
    refused(sigillo, ".".join([part({**known, "alg": "nOnE"}), claims, signature]), "not signed with ES256")
    refused(sigillo, sign(k=json.dumps(published), a="HS256"), "not signed with ES256")
    refused(sigillo, sign(), "signature of the token is wrong")
    refused(sigillo, sign(h={"kid": "another"}), "not known here")
    refused(sigillo, sign(h={**named, "jwk": {"kty": "EC", "crv": "P-256", "x": number(public.x), "y": number(public.y)}}), "signature of the token is wrong")
    sigillo.restart() # forgets how many were wrong
    refused(sigillo, ".".join([header, part({**claims_of, "exp": claims_of["exp"] + 9999}), signature]), "signature of the token is wrong")
    refused(sigillo, ".".join([header, part({**claims_of, "appid": "f47ac10b-58cc-4372-a567-0e02b2c3d479"}), signature]), "signature of the token is wrong")
    refused(sigillo, token[:-1], "")
    refused(sigillo, token + "A", "")
    refused(sigillo, header + "." + claims, "")
    refused(sigillo, "A" * 9000, "not a token that can be read")
    assert send(sigillo, token)[0] == 202 # and after all this the good one is good


def test_the_audience_counts(sigillo, app):
    status, _, body = ask(sigillo, **form(app))
    assert status == 200
    refused(sigillo, body["access_token"], "for another API")


def test_a_domain_that_is_not_the_applications(sigillo, app):
    sigillo.json("domain", "add", "not-oauth.test")
    status, _, body = send(sigillo, our_token(sigillo, app), **{"from": "app@not-oauth.test"})
    assert status == 403, body


def test_a_removed_secret_and_a_removed_application(sigillo):
    made = sigillo.json("app", "add", "leaving", "--domain", DOMAIN)
    second = sigillo.json("app", "secret", "leaving", "--expires", "1d")
    assert second["secret"] != made["secret"] and len(sigillo.json("app", "show", "leaving")["secrets"]) == 2
    token = our_token(sigillo, made)
    assert our_token(sigillo, second)
    sigillo.cli("app", "secret", "leaving", "--remove", made["secret_id"])
    assert ask(sigillo, **form(made))[2]["error_codes"] == [7000215] # no new tokens by it
    assert send(sigillo, token)[0] == 202 # what it got before lasts its hour
    assert our_token(sigillo, second)
    sigillo.cli("app", "remove", "leaving")
    refused(sigillo, token, "not there any more") # but not longer than the application
    assert ask(sigillo, **form(second))[2]["error_codes"] == [700016]


# -- the admin API ----------------------------------------------------------------------------------------------------

def test_the_admin_api_by_role(sigillo, app):
    token = our_token(sigillo, app)
    admin = lambda method, path, t, body=None: call(sigillo, method, path, body and json.dumps(body),  # noqa: E731
                                                    {"Authorization": "Bearer " + t, "Content-Type": "application/json"})
    status, _, body = admin("GET", "/admin/v1/domains", token)
    assert status == 403, body
    reader = sigillo.json("app", "add", "dashboard", "--role", "reader")
    token = our_token(sigillo, reader)
    status, _, body = admin("GET", "/admin/v1/domains", token)
    assert status == 200 and DOMAIN in [d["name"] for d in body["domains"]]
    assert admin("POST", "/admin/v1/apps", token, {"name": "more", "domains": [DOMAIN]})[0] == 403
    operator = sigillo.json("app", "add", "deployer", "--role", "operator")
    assert admin("GET", "/admin/v1/stats", our_token(sigillo, operator))[0] == 200


def test_the_command_line_takes_a_token(sigillo):
    operator = sigillo.json("app", "add", "terminal", "--role", "operator")
    env = dict(os.environ, SIGILLO_TOKEN=our_token(sigillo, operator), SIGILLO_CA=sigillo.world.ca.file)
    r = subprocess.run([daemon.PROGRAM, "app", "list", "--json", "--server", sigillo.settings["public_url"]], env=env, capture_output=True, text=True)
    assert r.returncode == 0 and "terminal" in [a["name"] for a in json.loads(r.stdout)["apps"]], r.stderr


# -- requests that are wrong ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("changes, status, error, number", [
    ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ({"grant_type": None}, 400, "invalid_request", 900144),
    ({"client_id": None}, 400, "invalid_request", 900144),
    ({"scope": None}, 400, "invalid_request", 900144),
    ({"scope": GRAPH}, 400, "invalid_scope", 70011),
    ({"scope": "https://evil.test/.default"}, 400, "invalid_scope", 70011),
    ({"scope": GRAPH + "/.default " + GRAPH + "/.default"}, 400, "invalid_scope", 70011),
    ({"client_secret": None}, 401, "invalid_client", 7000218),
    ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ({"client_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479"}, 400, "unauthorized_client", 700016),
    ({"client_id": "no GUID"}, 400, "unauthorized_client", 700016),
    ({"client_id": "a\r\nX: b"}, 400, "invalid_request", 90013),
])
def test_errors_have_their_number(sigillo, app, changes, status, error, number):
    same = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    got, headers, body = ask(sigillo, "/default/oauth2/v2.0/token?client-request-id=" + same, **form(app, **changes))
    assert (got, body["error"], body["error_codes"]) == (status, error, [number]), body
    assert body["error_description"].startswith("AADSTS%d: " % number) and body["correlation_id"] == same
    assert len(body["trace_id"]) == 36 and time.strptime(body["timestamp"], "%Y-%m-%d %H:%M:%SZ")
    assert headers["Cache-Control"] == "no-store" and ("WWW-Authenticate" in headers) == (status == 401)


def test_tenants(sigillo, app):
    status, _, body = ask(sigillo, "/nobody/oauth2/v2.0/token", **form(app))
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_request", [90002])
    status, _, body = call(sigillo, "GET", "/nobody/v2.0/.well-known/openid-configuration")
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_tenant", [90002])
    status, _, body = ask(sigillo, "/other/oauth2/v2.0/token", **form(app)) # it is not in this one
    assert (status, body["error_codes"]) == (400, [700016])
    status, _, body = ask(sigillo, "/%s/oauth2/v2.0/token" % app["tenant_id"].upper(), **form(app))
    assert status == 200 and set(body) == {"token_type", "expires_in", "ext_expires_in", "access_token"}, body


def test_a_form_that_is_none(sigillo, app):
    status, _, body = ask(sigillo, headers={"Content-Type": "application/json"}, **form(app))
    assert (status, body["error_codes"]) == (400, [900144])
    twice = urllib.parse.urlencode(form(app)) + "&scope=b"
    status, _, body = call(sigillo, "POST", "/oauth2/token", twice, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, body["error_codes"]) == (400, [9000411])
    basic = base64.b64encode(("%s:%s" % (app["client_id"], app["secret"])).encode()).decode()
    status, _, body = ask(sigillo, headers={"Authorization": "Basic " + basic}, **form(app)) # two ways at once
    assert (status, body["error_codes"]) == (400, [9000411])
    status, _, body = ask(sigillo, headers={"Authorization": "Basic " + basic}, **form(app, client_id=None, client_secret=None))
    assert status == 200, body


def test_how_long_a_secret_lasts(sigillo):
    made = sigillo.json("app", "add", "short", "--domain", DOMAIN, "--expires", "2m")
    assert our_token(sigillo, made)
    status, body = sigillo.admin("PATCH", "/admin/v1/apps/short", {"new_secret": True, "expires": "1s"})
    assert status == 422 and body["field"] == "expires"


def test_wrong_secrets_are_limited(sigillo):
    made = sigillo.json("app", "add", "guessed", "--domain", DOMAIN)
    written = lambda i: made["client_id"].upper() if i % 2 else made["client_id"]  # noqa: E731
    answers = [ask(sigillo, **form(made, client_id=written(i), client_secret="guess %d" % i)) for i in range(11)]
    assert [a[0] for a in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1][1]["Retry-After"]) <= 60 and answers[-1][2]["error"] == "temporarily_unavailable"
    assert ask(sigillo, **form(made))[0] == 429 # also the right one, from here


def test_secrets_want_tls(sigillo, app):
    """From this machine itself they may come without; it has one more address here, which is not the machine's own to the server."""
    def plain(source):
        c = http.client.HTTPConnection(sigillo.address, 8080, timeout=20, source_address=source)
        c.request("POST", "/default/oauth2/v2.0/token", urllib.parse.urlencode(form(app)), {"Content-Type": "application/x-www-form-urlencoded"})
        r = c.getresponse()
        return r.status, json.loads(r.read())
    assert plain(None)[0] == 200
    subprocess.run(["ip", "address", "add", "192.0.2.99/32", "dev", "lo"], check=True)
    try:
        status, body = plain(("192.0.2.99", 0))
    finally:
        subprocess.run(["ip", "address", "del", "192.0.2.99/32", "dev", "lo"], check=True)
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_request", [90013]) and "TLS" in body["error_description"]


# -- time -------------------------------------------------------------------------------------------------------------

@pytest.fixture
def later(world, clock):
    """A daemon whose wall clock can be moved: later(seconds) from the real one."""
    d = launch(world, "oauth-later", {}, start=False, preload=clock.library)
    d.open_https()
    d.start()
    d.sender("later.test")
    yield d, clock.move
    finish(d)


def test_a_token_in_time(later):
    sigillo, move = later
    made = sigillo.json("app", "add", "crm", "--domain", "later.test", "--expires", "30d")
    token = our_token(sigillo, made)
    state = lambda: send(sigillo, token, **{"from": "app@later.test"})[0]  # noqa: E731
    assert state() == 202
    move(3600 + 300 - 30) # past its end, by less than clocks may differ
    assert state() == 202
    move(3600 + 300 + 5)
    assert state() == 401
    refused(sigillo, token, "has expired")
    move(-300 + 30) # made by a clock that is fast
    assert state() == 202
    move(-300 - 30)
    refused(sigillo, token, "not valid yet")
    move(31 * 86400)
    status, headers, body = ask(sigillo, **form(made))
    assert (status, body["error"], body["error_codes"]) == (401, "invalid_client", [7000222])


def test_keys_take_turns(later):
    """A month later a second key is published, a day after that it signs, and another day later the first is gone."""
    sigillo, move = later
    made = sigillo.json("app", "add", "turns", "--domain", "later.test")
    kids = lambda: [k["kid"] for k in call(sigillo, "GET", "/oauth2/keys")[2]["keys"]]  # noqa: E731
    signer = lambda: jwt.get_unverified_header(our_token(sigillo, made))["kid"]  # noqa: E731

    def wait(count):
        sigillo.restart() # it looks each minute, and at its start
        for _ in range(200):
            if len(kids()) == count:
                return kids()
            time.sleep(0.05)
        raise AssertionError("not %d keys: %s" % (count, kids()))
    first, = kids()
    assert signer() == first
    move(30 * 86400 + 60)
    both = wait(2)
    assert both[0] == first and signer() == first
    move(31 * 86400 + 120)
    token = our_token(sigillo, made)
    assert jwt.get_unverified_header(token)["kid"] == both[1] and kids() == both
    move(32 * 86400 + 180)
    assert wait(1) == both[1:] and signer() == both[1]


def test_what_happens_is_seen(sigillo, app):
    """In the figures and in the audit, and no secret in either."""
    figures = lambda: {w: int(n) for w, n in re.findall(r'sigillo_tokens_total\{result="(\w+)"\} (\d+)', sigillo.get("/metrics")[2].decode())}  # noqa: E731
    before = figures()
    token = our_token(sigillo, app)
    assert send(sigillo, token)[0] == 202 and send(sigillo, token + "A")[0] == 401
    assert {w: n - before[w] for w, n in figures().items()} == {"issued": 1, "accepted": 1, "refused": 1}
    made = sigillo.json("app", "add", "watched", "--domain", DOMAIN)
    sigillo.json("app", "secret", "watched")
    status, body = sigillo.admin("GET", "/admin/v1/audit?object=app:watched")
    assert status == 200 and {"app add", "app change"} <= {e["action"] for e in body["audit"]}, body
    assert made["secret"] not in json.dumps(body)
    kid = jwt.get_unverified_header(token)["kid"]
    assert "token-key add" in json.dumps(sigillo.admin("GET", "/admin/v1/audit?object=token-key:" + kid)[1])


# -- life -------------------------------------------------------------------------------------------------------------

def test_tokens_outlive_a_restart(sigillo, app):
    token, before = our_token(sigillo, app), call(sigillo, "GET", "/oauth2/keys")[2]
    sigillo.restart()
    assert send(sigillo, token)[0] == 202
    for _ in range(100):
        status, _, body = ask(sigillo, **form(app))
        if status == 200:
            break
        time.sleep(0.05)
    assert status == 200, body
    assert call(sigillo, "GET", "/oauth2/keys")[2] == before


def test_the_private_key_and_the_secrets_are_nowhere_in_the_service(sigillo, app):
    """What the store holds of the key is sealed, and of a secret a hash."""
    our_token(sigillo, app)
    with subprocess.Popen(["grep", "-rlF", app["secret"], sigillo.state, sigillo.log_file], stdout=subprocess.PIPE, text=True) as p:
        assert p.stdout.read() == ""
    number = call(sigillo, "GET", "/oauth2/keys")[2]["keys"][0]
    kept = json.loads(subprocess.run(["sqlite3", "-readonly", os.path.join(sigillo.state, "store", "sigillo.db"),
                                      "SELECT value FROM noun WHERE kind = 'token-key' AND key = '%s'" % number["kid"]], capture_output=True, text=True, check=True).stdout)
    sealed, point = base64.b64decode(kept["sealed"]), base64.b64decode(kept["public"])
    assert sealed[0] == 1 and len(sealed) > 100 and point[0] == 4 and base64.urlsafe_b64decode(number["x"] + "=") == point[1:33]
    with pytest.raises(ValueError): # it is no key that anybody can use
        serialization.load_der_private_key(sealed, None)
    assert point[1:] not in sealed


def test_when_the_keys_process_dies_tokens_come_back(sigillo, app):
    sigillo.expect("keys|the other end")
    sigillo.kill("keys")
    for _ in range(200):
        status, _, body = ask(sigillo, **form(app, scope=our_scope(sigillo)))
        if status == 200:
            break
        assert status == 503 and body["error"] == "temporarily_unavailable", body
        time.sleep(0.1)
    assert send(sigillo, body["access_token"])[0] == 202
