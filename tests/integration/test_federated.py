# SPDX-License-Identifier: Apache-2.0
"""Applications without a secret: they show the token of an issuer that the operator named; nothing else is believed.  [RFC 7523 s3]"""
import base64
import hashlib
import hmac
import http.server
import itertools
import json
import ssl
import threading
import time
import urllib.parse

import jwt
import pytest
from conftest import finish, launch
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from oauth import call, node, our_scope, send_as

DOMAIN = "federated.test"
TO = "federated@good.test"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PORT = 9443
HOSTS = ["%s.idp.federated.test" % n for n in ("good", "moved", "huge", "slow", "other", "broken", "down", "late")]
WORKLOAD = {"sub": "system:serviceaccount:shop:mailer", "aud": "api://sigillo"}
_names = itertools.count(1)


def number(n):
    return base64.urlsafe_b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


class Key:
    def __init__(self, kid, kind="RS256"):
        self.kid, self.kind = kid, kind
        self.private = ec.generate_private_key(ec.SECP256R1()) if kind == "ES256" else rsa.generate_private_key(65537, 2048)

    def public(self):
        n = self.private.public_key().public_numbers()
        half = lambda v: base64.urlsafe_b64encode(v.to_bytes(32, "big")).rstrip(b"=").decode()  # noqa: E731
        if self.kind == "ES256":
            return {"kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "x": half(n.x), "y": half(n.y)}
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "n": number(n.n), "e": number(n.e)}


class Issuers:
    """Several issuers on one address: {host: state}; a state has keys, and may be down, moved, huge or slow."""

    def __init__(self, world):
        self.keys = {h: [Key("one")] for h in HOSTS}
        self.down, self.asked = set(), []
        certificate = world.ca.issue(*[h for h in HOSTS if not h.startswith("other.")])
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers["Host"].split(":")[0]
                outer.asked.append((host, self.path))
                if host in outer.down:
                    return self.reply(503, {})
                if host.startswith("moved."):
                    return self.reply(302, {}, "https://good.idp.federated.test:%d%s" % (PORT, self.path))
                if host.startswith("slow."):
                    time.sleep(12)
                base = "https://%s:%d" % (host, PORT)
                if self.path.startswith("/.well-known/"):
                    name = base if not host.startswith("broken.") else base + "/else"
                    return self.reply(200, {"issuer": name, "jwks_uri": base + "/keys"})
                keys = {"keys": [k.public() for k in outer.keys[host]]}
                if host.startswith("huge."):
                    keys["padding"] = "x" * 200000
                return self.reply(200, keys)

            def reply(self, status, body, location=None):
                data = json.dumps(body).encode()
                try:
                    self.send_response(status)
                    if location:
                        self.send_header("Location", location)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    pass # whoever asked has gone

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((world.https.address, PORT), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        for h in HOSTS:
            world.dns.publish(h, "A", world.https.address)

    def token(self, host, key=None, header=None, **changes):
        key, now = key or self.keys[host][0], int(time.time())
        claims = {"iss": "https://%s:%d" % (host, PORT), "iat": now, "nbf": now, "exp": now + 600, "jti": "t%d" % next(_names), **WORKLOAD, **changes}
        claims = {k: v for k, v in claims.items() if v is not None}
        return jwt.encode(claims, key.private, algorithm=key.kind, headers={"kid": key.kid, **(header or {})})


GOOD = HOSTS[0]


@pytest.fixture(scope="module")
def idp(world):
    i = Issuers(world)
    yield i
    i.server.shutdown()
    i.server.server_close()


@pytest.fixture(scope="module")
def sigillo(world, idp):
    d = launch(world, "federated", {}, start=False)
    d.open_https()
    d.start()
    d.sender(DOMAIN)
    yield d
    finish(d)


def application(sigillo, host=GOOD, *more):
    name = "load%d" % next(_names)
    made = sigillo.json("app", "add", name, "--domain", sigillo.domain if hasattr(sigillo, "domain") else DOMAIN, "--no-secret")
    sigillo.json("app", "federate", name, "--issuer", "https://%s:%d" % (host, PORT), "--subject", WORKLOAD["sub"], "--audience", WORKLOAD["aud"], *more)
    return made


def show(sigillo, app, assertion, **changes):
    fields = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_assertion_type": TYPE, "client_assertion": assertion, **changes}
    body = urllib.parse.urlencode({k: v for k, v in fields.items() if v is not None})
    status, headers, answer = call(sigillo, "POST", "/oauth2/token", body, {"Content-Type": "application/x-www-form-urlencoded"})
    if status == 503:
        assert int(headers["Retry-After"]) > 0
    return status, answer.get("error_codes", [None])[0], answer


def test_a_token_for_a_token(sigillo, idp):
    app = application(sigillo)
    status, _, answer = show(sigillo, app, idp.token(GOOD))
    assert status == 200, answer
    assert send_as(sigillo, answer["access_token"], "app@" + DOMAIN, TO)[0] == 202


@pytest.mark.parametrize("kind", ["ES256", "PS256"])
def test_other_algorithms(sigillo, idp, kind):
    key = Key("key-" + kind, kind)
    app = application(sigillo)
    idp.keys[GOOD].append(key)
    sigillo.restart() # forgets what it knows of the issuer, so that it asks again
    assert show(sigillo, app, idp.token(GOOD, key))[0] == 200


# -- the clients that programs use ------------------------------------------------------------------------------------

def test_azure_identity_shows_an_assertion(sigillo, idp):
    app = application(sigillo)
    ask = lambda assertion, tenant="default": node(sigillo, "assertion", authority=sigillo.settings["public_url"], tenant=tenant, client=app["client_id"],  # noqa: E731
                                                   assertion=assertion, scope=our_scope(sigillo))
    for tenant in ("default", app["tenant_id"]):
        got = ask(idp.token(GOOD), tenant)
        assert "error" not in got, got
        assert send_as(sigillo, got["token"], "app@" + DOMAIN, TO)[0] == 202
    assert "AADSTS700212" in json.dumps(ask(idp.token(GOOD, aud="api://else")))
    assert "AADSTS700027" in json.dumps(ask(idp.token(GOOD, Key("one"))))


def test_openid_client_makes_one_itself(sigillo, idp):
    """private_key_jwt: its aud is our name as an issuer, which is what is expected when nothing else was said."""
    key = Key("own", "ES256")
    idp.keys[GOOD].append(key)
    sigillo.restart() # forgets what it knows of the issuer, so that it asks again
    made = sigillo.json("app", "add", "own-key", "--domain", DOMAIN, "--no-secret")
    issuer = "https://%s:%d" % (GOOD, PORT)
    sigillo.json("app", "federate", "own-key", "--issuer", issuer, "--subject", "build")
    assert [t["audience"] for t in sigillo.json("app", "show", "own-key")["trusts"]] == [sigillo.settings["public_url"]]
    half = base64.urlsafe_b64encode(key.private.private_numbers().private_value.to_bytes(32, "big")).rstrip(b"=").decode()
    question = dict(authority=sigillo.settings["public_url"], client=made["client_id"], issuer=issuer, key={**key.public(), "d": half})
    question["key"].pop("use")
    for _ in range(2): # each time another one
        got = node(sigillo, "private_key", subject="build", **question)
        assert "error" not in got, got
        assert send_as(sigillo, got["token"], "app@" + DOMAIN, TO)[0] == 202
    assert node(sigillo, "private_key", subject="other", **question)["error"]["status"] == 401


def test_assertions_that_are_wrong(sigillo, idp):
    stranger, published = Key("one"), idp.keys[GOOD][0]
    pem = published.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    part = lambda v: base64.urlsafe_b64encode(v if isinstance(v, bytes) else json.dumps(v).encode()).rstrip(b"=").decode()  # noqa: E731
    claims = idp.token(GOOD).split(".")[1]
    head = part({"alg": "HS256", "kid": "one"}) + "." + claims
    now = int(time.time())
    rows = [
        ("expired", idp.token(GOOD, exp=now - 301, iat=now - 900, nbf=now - 900), 700024),
        ("not valid yet", idp.token(GOOD, nbf=now + 400), 700024),
        ("without an end", idp.token(GOOD, exp=None), 50027),
        ("longer than a day", idp.token(GOOD, exp=now + 90000), 700024),
        ("another audience", idp.token(GOOD, aud="api://else"), 700212),
        ("an audience that begins so", idp.token(GOOD, aud="api://sigillo/"), 700212),
        ("no audience", idp.token(GOOD, aud=None), 700212),
        ("another subject", idp.token(GOOD, sub="system:serviceaccount:shop:other"), 700213),
        ("another issuer", idp.token(GOOD, iss="https://evil.test"), 700211),
        ("the issuer with a slash", idp.token(GOOD, iss="https://%s:%d/" % (GOOD, PORT)), 700211),
        ("wrongly signed", idp.token(GOOD, stranger), 700027),
        ("by a key that is not there", idp.token(GOOD, header={"kid": "nobody"}), 700027),
        ("with its own key", idp.token(GOOD, stranger, header={"jwk": stranger.public()}), 700027),
        ("changed", idp.token(GOOD)[:-6] + "AAAAAA", 700027),
        ("none", part({"alg": "none", "kid": "one"}) + "." + claims + ".YQ", 50027),
        ("HMAC by the public key", head + "." + part(hmac.new(pem, head.encode(), hashlib.sha256).digest()), 50027),
        ("no token", "abc", 50027),
    ]
    for name, token, code in rows:
        app = application(sigillo)
        assert show(sigillo, app, token)[:2] == (401, code), name
    app = application(sigillo)
    assert show(sigillo, app, idp.token(GOOD, aud=["x", WORKLOAD["aud"]]))[0] == 200 # one of several
    assert not [a for a in idp.asked if a[0] not in HOSTS]


def test_requests_that_are_wrong(sigillo, idp):
    app, bare = application(sigillo), sigillo.json("app", "add", "bare", "--domain", DOMAIN)
    assert show(sigillo, app, idp.token(GOOD), client_assertion_type=None)[:2] == (400, 900144)
    assert show(sigillo, app, idp.token(GOOD), client_secret="both")[:2] == (400, 9000411)
    assert show(sigillo, bare, idp.token(GOOD))[:2] == (401, 700211) # it trusts nobody
    assert show(sigillo, app, idp.token(GOOD), client_id="f47ac10b-58cc-4372-a567-0e02b2c3d479")[:2] == (400, 700016)
    answers = [show(sigillo, app, idp.token(GOOD, Key("one")))[0] for _ in range(11)]
    assert answers == [401] * 10 + [429]


def test_each_counts_once(sigillo, idp):
    app, token = application(sigillo), idp.token(GOOD)
    assert show(sigillo, app, token)[0] == 200
    assert show(sigillo, app, token)[:2] == (401, 7000214)
    assert show(sigillo, application(sigillo), token)[:2] == (401, 7000214) # nor for another application
    same = idp.token(GOOD, jti=None)
    assert [show(sigillo, app, same)[0] for _ in range(2)] == [200, 401]
    again = application(sigillo, GOOD, "--reusable")
    token = idp.token(GOOD)
    assert [show(sigillo, again, token)[0] for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("host", [h for h in HOSTS if h.split(".")[0] in ("moved", "huge", "slow", "other", "broken")])
def test_issuers_that_are_not_believed(sigillo, idp, host):
    """A redirect, an answer too large, one that takes too long, a certificate for others, another's metadata."""
    app, began = application(sigillo, host), time.monotonic()
    assert show(sigillo, app, idp.token(host))[:2] == (503, 90033)
    assert time.monotonic() - began < 15
    if host.startswith("moved."):
        assert all(a[0] != GOOD for a in idp.asked[-1:])


def test_what_an_application_trusts(sigillo):
    made = application(sigillo)
    shown = sigillo.json("app", "show", made["name"])["trusts"]
    assert [(t["issuer"], t["subject"], t["audience"], t["reusable"]) for t in shown] == [("https://%s:%d" % (GOOD, PORT), WORKLOAD["sub"], WORKLOAD["aud"], False)]
    path = "/admin/v1/apps/" + made["name"]
    for issuer in ("http://a.test", "https://", "https://u@a.test", "https://a.test?x", "https://a.test#x", "https://a b"):
        status, body = sigillo.admin("PATCH", path, {"trust_issuer": issuer, "trust_subject": "s", "trust_audience": "a"})
        assert status == 422 and body["field"] == "trust_issuer", (issuer, body)
    status, body = sigillo.admin("PATCH", path, {"trust_issuer": "https://a.test"})
    assert status == 422 and body["field"] == "trust_subject"
    sigillo.cli("app", "federate", made["name"], "--remove", shown[0]["id"])
    assert sigillo.json("app", "show", made["name"])["trusts"] == []
    assert sigillo.cli("app", "federate", made["name"], "--remove", shown[0]["id"], ok=False).returncode != 0


@pytest.fixture
def later(world, idp, clock):
    d = launch(world, "federated-later", {}, start=False, preload=clock.library)
    d.open_https()
    d.start()
    d.domain = "federated-later.test"
    d.sender(d.domain)
    yield d, clock.move
    finish(d)


def in_time(idp, host, offset, key=None):
    now = int(time.time()) + offset
    return idp.token(host, key, iat=now, nbf=now, exp=now + 600)


def test_an_issuer_that_goes(later, idp):
    """Down before anything is known: no token.  Known: its keys are kept for a day, and no longer."""
    (sigillo, move), host = later, "down.idp.federated.test"
    app = application(sigillo, host)
    idp.down.add(host)
    assert show(sigillo, app, in_time(idp, host, 0))[:2] == (503, 90033)
    asked = len(idp.asked)
    assert show(sigillo, app, in_time(idp, host, 0))[0] == 503 and len(idp.asked) == asked # not asked again at once
    idp.down.discard(host)
    move(11)
    assert show(sigillo, app, in_time(idp, host, 11))[0] == 200
    idp.down.add(host)
    for after in (7200, 80000):
        move(after)
        assert show(sigillo, app, in_time(idp, host, after))[0] == 200
        assert show(sigillo, app, in_time(idp, host, after, Key("two", "ES256")))[:2] == (503, 90033) # it may be published by now
    move(86400 + 20)
    assert show(sigillo, app, in_time(idp, host, 86420))[:2] == (503, 90033)
    idp.down.discard(host)


def test_a_key_rolls_over(later, idp):
    (sigillo, move), host = later, "late.idp.federated.test"
    app, old, new = application(sigillo, host), idp.keys["late.idp.federated.test"][0], Key("two", "ES256")
    assert show(sigillo, app, in_time(idp, host, 0, old))[0] == 200
    idp.keys[host] = [new]
    asked = len(idp.asked)
    assert show(sigillo, app, in_time(idp, host, 0, new))[:2] == (401, 700027) # asked a moment ago
    assert len(idp.asked) == asked
    move(61)
    assert show(sigillo, app, in_time(idp, host, 61, new))[0] == 200
    assert show(sigillo, app, in_time(idp, host, 61, old))[:2] == (401, 700027) # it is gone
