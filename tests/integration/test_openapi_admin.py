# SPDX-License-Identifier: Apache-2.0
"""The description of the admin API against real answers: each operation's, with its status, its media type and its schema."""
import http.client
import json
import re
import smtplib
import socket
import time
from urllib.parse import quote, urlencode

import jsonschema
import pytest
from dmarc_reports import record, report
from openapi import Description

API = Description("admin_openapi.json")
DOCUMENT = API.document


class Api:
    """Calls operations by their id over the unix socket; whatever comes back must be as the document says."""

    def __init__(self, d):
        self.d, self.seen = d, {}
        self.operations = {op["operationId"]: (path, method, op)
                           for path, ops in DOCUMENT["paths"].items() for method, op in ops.items()}

    def exchange(self, method, path, body, kind):
        c = http.client.HTTPConnection("localhost", timeout=30)
        c.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        c.sock.connect(self.d.socket)
        try:
            data = json.dumps(body).encode() if kind == "application/json" and not isinstance(body, bytes) else body
            c.request(method.upper(), path, data if body is not None else None, {"Content-Type": kind} if body is not None else {})
            r = c.getresponse()
            data = r.read()
            kind = (r.getheader("Content-Type") or "").split(";")[0]
            return r.status, kind, json.loads(data) if "json" in kind else data.decode()
        finally:
            c.close()

    def __call__(self, operation, body=None, query=None, want=None, **names):
        path, method, op = self.operations[operation]
        known = {p["name"] for p in op.get("parameters", [])}
        assert set(names) | set(query or {}) <= known, (operation, known)
        for name, value in names.items():
            path = path.replace("{%s}" % name, quote(value, safe=""))
        kind = "application/json"
        if body is not None:
            kind, = op["requestBody"]["content"]
            if not isinstance(body, bytes):
                assert want or API.validator(op["requestBody"]["content"][kind]["schema"]).is_valid(body), (operation, body)
        status, got_kind, answer = self.exchange(method, path + ("?" + urlencode(query, doseq=True) if query else ""), body, kind)
        assert str(status) in op["responses"], "%d is not documented for %s: %s" % (status, operation, answer)
        content = API.resolve(op["responses"][str(status)])["content"]
        assert got_kind in content, (operation, got_kind)
        errors = [e.message for e in API.validator(content[got_kind]["schema"]).iter_errors(answer)]
        assert not errors, (operation, errors, answer)
        if want:
            assert status == want, (operation, answer)
        else:
            assert status < 300, (operation, status, answer)
        self.seen.setdefault(operation, set()).add(status)
        return answer


@pytest.fixture(scope="module")
def api(world, sigillo, tmp_path_factory):
    secret = tmp_path_factory.mktemp("openapi") / "tsig"
    secret.write_text(world.dns.tsig_secret + "\n")
    sigillo.settings["dns_update own"] = {"zone": "dyn.test", "server": world.dns.address, "key_name": world.dns.tsig_name,
                                          "secret_file": str(secret)}
    sigillo.settings["listen arrivals"] = {"door": "inbound", "address": [sigillo.address + ":2525"], "tls": "starttls"}
    sigillo.restart()
    return Api(sigillo)


def test_it_is_openapi_3_1(api):
    assert DOCUMENT["openapi"].startswith("3.1.") and api("getAdminOpenapi") == DOCUMENT
    assert len(api.operations) == sum(len(ops) for ops in DOCUMENT["paths"].values())
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(DOCUMENT)))
    assert all(API.resolve({"$ref": r}) for r in references)
    defined = {"#/components/%s/%s" % (kind, name) for kind in ("schemas", "responses") for name in DOCUMENT["components"][kind]}
    assert defined == references


def test_tenants(api):
    api("addSubscription", {"name": "acme", "profile": "standard"})
    api("addSubscription", {"name": "acme"}, want=409)
    api("addSubscription", {"name": "acme2", "profile": "no such"}, want=422)
    api("listSubscriptions")
    assert api("showSubscription", name="acme")["profile"] == "standard"
    api("showSubscription", name="nobody", want=404)
    api("changeSubscription", {"profile": "unlimited"}, name="acme")
    api("changeSubscription", {"profile": "unlimited", "version": 99}, name="acme", want=409)
    api("changeSubscription", {"profile": "unlimited"}, name="nobody", want=404)
    api("listProfiles")
    api("listDoors")
    assert api("listTlsRecords")["records"]
    api("listTlsRecords", query={"host": "a b"}, want=400)
    api("listTlsRecords", query={"host": "elsewhere.test"}, want=404)
    api("reportUsage", query={"since": "1h"})
    api("reportUsage", query={"since": "soon"}, want=400)
    api("reportGuard", query={"domain": "nobody.test"}, want=404)
    api("reportTransit", query={"since": "1d", "by": "domain", "max": 5, "skip": 0})
    api("reportTransit", query={"by": "week"}, want=400)
    api("reportTlsReceived", query={"since": "7d"})
    api("reportTlsReceived", query={"since": "soon"}, want=400)
    api("takeTlsReport", json.dumps({"policies": [{"policy": {"policy-domain": "nobody.test"}}]}).encode(), want=404)
    api("takeTlsReport", json.dumps({"policies": []}).encode(), want=400)


def test_domains(api):
    api("addDomain", {"name": "openapi.test", "subscription": "acme", "ed25519": True})
    api("addDomain", {"name": "openapi.test"}, want=409)
    assert api("takeTlsReport", json.dumps({"policies": [{"policy": {"policy-domain": "openapi.test"}}]}).encode(), want=201)["kept"][0]["domain"] == "openapi.test"
    api("addDomain", {"name": "nodots"}, want=422)
    api("addDomain", {"name": 7}, want=400)
    api("listDomains")
    api("showDomain", name="openapi.test")
    api("showDomain", name="nobody.test", want=404)
    api("listRecords", name="openapi.test")
    assert api("listRecords", name="openapi.test", query={"check": "true"})["checked"] is True
    api("listRecords", name="openapi.test", query={"check": "maybe"}, want=400)
    api("changeDomain", {"return_path": "bounces"}, name="openapi.test")
    api("changeDomain", {"kind": "haunted"}, name="openapi.test", want=422)
    api("verifyDomain", name="openapi.test")
    api("verifyDomain", name="nobody.test", want=404)
    api("addDomain", {"name": "parked-openapi.test", "kind": "parked"})
    api("listRecords", name="openapi.test", query={"check": "true"})
    api("publishDomain", {}, name="openapi.test", want=409)
    api("addDomain", {"name": "openapi.dyn.test"})
    assert api("publishDomain", {"dry_run": True}, name="openapi.dyn.test")["changed"] == 0
    assert "withdrawn" in api("removeDomain", name="openapi.dyn.test", query={"withdraw": "true"})
    assert api("showRotation", name="openapi.test")["step"] == "none"
    assert api("rotateDomain", {}, name="openapi.test")["step"] == "publish"
    api("cancelRotation", name="openapi.test")
    api("cancelRotation", name="openapi.test", want=409)
    assert api("showMtaSts", name="openapi.test")["mode"] == "off"
    assert api("putMtaSts", {"mode": "testing", "mx": ["mx.openapi.test"]}, name="openapi.test")["max_age"] == 604800
    api("putMtaSts", {"mode": "off"}, name="openapi.test", want=409)
    api("putMtaSts", {"mode": "testing", "mx": ["*"]}, name="openapi.test", want=422)
    assert api("showDomain", name="openapi.test")["mta_sts"]["mode"] == "testing"
    api("removeDomain", name="openapi.test", query={"withdraw": "perhaps"}, want=400)
    api("addDomain", {"name": "gone.test"})
    api("removeDomain", name="gone.test")
    api("removeDomain", name="gone.test", want=404)


def test_credentials(api):
    assert "password" in api("addCredential", {"name": "openapi-app", "domains": ["openapi.test"], "subscription": "acme"})
    api("addCredential", {"name": "x", "domains": []}, want=422)
    api("listCredentials")
    assert "password" in api("changeCredential", {"new_password": True}, name="openapi-app")
    assert "password" not in api("changeCredential", {"domains": ["*"]}, name="openapi-app")
    api("changeCredential", {}, name="openapi-app", want=400)
    api("removeCredential", name="openapi-app")
    api("removeCredential", name="openapi-app", want=404)


def test_keys(api):
    key = api("addKey", {"label": "x", "domains": ["*"], "role": "reader", "subscription": "acme"})["id"]
    api("addKey", {"role": "emperor"}, want=422)
    api("addKey", {"role": "owner", "subscription": "nobody"}, want=404)
    assert key in [k["id"] for k in api("listKeys")["keys"]]
    assert api("changeKey", {"label": "y"}, id=key)["role"] == "reader"
    assert api("changeKey", {"rotate": "older"}, id=key)["which"] == "secondary"
    assert "key" not in api("showKey", id=key)
    api("showKey", id="nobody", want=404)
    api("changeKey", {"rotate": "both"}, id=key, want=422)
    api("removeKey", id=key)
    api("removeKey", id=key, want=404)


def test_locals(api):
    made = api("addLocal", {"name": "backup", "uid": 2034, "domains": ["openapi.test"], "subscription": "acme"})
    assert made["uid"] == 2034 and made["socket"] is None
    api("addLocal", {"name": "other", "uid": 2034, "domains": ["openapi.test"], "subscription": "acme"}, want=409)
    api("addLocal", {"name": "x", "uid": -1, "domains": ["*"]}, want=422)
    api("addLocal", {"name": "x", "domains": ["*"]}, want=400)
    api("addLocal", {"name": "x", "uid": "5", "domains": ["*"]}, want=400)
    assert [one["name"] for one in api("listLocals")["locals"]] == ["backup"]
    assert api("showLocal", name="backup") == made
    assert api("changeLocal", {"profile": "standard"}, name="backup")["profile"] == "standard"
    api("changeLocal", {}, name="backup", want=400)
    api("removeLocal", name="backup")
    api("showLocal", name="backup", want=404)


def test_accounts(api):
    made = api("addAccount", {"name": "LOB App 1", "address": "Lob@openapi.test", "subscription": "acme"})
    assert made["address"] == "lob@openapi.test" and made["basic"] and made["password"] and made["apps"] == []
    api("addAccount", {"name": "again", "address": "lob@openapi.test", "subscription": "acme"}, want=409)
    api("addAccount", {"name": "x", "address": "lob@elsewhere.test", "subscription": "acme"}, want=404)
    api("addAccount", {"name": "x", "address": "*@openapi.test", "subscription": "acme"}, want=422)
    api("addAccount", {"address": "x@openapi.test"}, want=400)
    api("listAccounts")
    assert "password" not in api("showAccount", address="LOB@openapi.test")
    assert api("changeAccount", {"basic": False, "name": "LOB App one"}, address="lob@openapi.test")["name"] == "LOB App one"
    api("changeAccount", {}, address="lob@openapi.test", want=400)
    api("changeAccount", {"allow_apps": ["none"]}, address="lob@openapi.test", want=404)
    api("changeAccount", {"password": "short"}, address="lob@openapi.test", want=422)
    api("removeAccount", address="lob@openapi.test")
    api("showAccount", address="lob@openapi.test", want=404)


def test_apps(api):
    made = api("addApp", {"name": "openapi-app", "domains": ["openapi.test"], "subscription": "acme", "expires": "90d"})
    assert "secret" in made
    api("addApp", {"name": "openapi-app", "domains": ["openapi.test"], "subscription": "acme"}, want=409)
    api("listApps")
    assert "secret" not in api("showApp", name="openapi-app")
    api("changeApp", {"new_secret": True}, name="openapi-app")
    api("changeApp", {"remove_secret": made["secret_id"]}, name="openapi-app")
    api("removeApp", name="openapi-app")
    api("showApp", name="openapi-app", want=404)


def test_routes(api):
    api("addDomain", {"name": "routes-openapi.test", "subscription": "acme"})
    api("addRoute", {"pattern": "@routes-openapi.test", "action": "lmtp", "target": ["127.0.0.1"], "ask": True})
    api("addRoute", {"pattern": "@routes-openapi.test", "action": "discard"}, want=409)
    api("addRoute", {"pattern": "u@nobody.test", "action": "discard"}, want=404)
    api("addRoute", {"pattern": "u@routes-openapi.test", "action": "eat"}, want=422)
    assert api("addRoute", {"pattern": "h@routes-openapi.test", "action": "webhook", "target": ["https://a.test/"]})["secret"]
    assert api("listRoutes")["routes"]
    assert api("showRoute", pattern="@routes-openapi.test")["target"] == ["127.0.0.1:24"]
    api("showRoute", pattern="@nobody.test", want=404)
    api("changeRoute", {"junk": "junk@routes-openapi.test"}, pattern="@routes-openapi.test")
    api("changeRoute", {"target": ["a"]}, pattern="@routes-openapi.test", want=400)
    api("changeRoute", {"junk": "x@a.test", "version": 99}, pattern="@routes-openapi.test", want=409)
    assert api("testRoute", query={"address": "any+x@routes-openapi.test"})["match"] == "domain"
    api("testRoute", query={"address": "any@nobody.test"}, want=404)
    api("removeRoute", pattern="h@routes-openapi.test")
    api("removeRoute", pattern="h@routes-openapi.test", want=404)


def test_policies(api):
    whose = {"subscription": "acme"}
    api("addCredential", {"name": "openapi-policy", "domains": ["openapi.test"], "subscription": "acme"})
    api("addSender", {"address": "one@openapi.test", "identity": "credential:openapi-policy", "subscription": "acme"})
    api("addSender", {"address": "*@none.test", "subscription": "acme"}, want=404)
    api("addSender", {"address": "none", "subscription": "acme"}, want=422)
    api("listSenders")
    its = {"identity": "credential:openapi-policy"}
    assert api("changeSender", {"display_name": "One"}, query=its, address="one@openapi.test")["display_name"] == "One"
    api("changeSender", {"display_name": "a\nb"}, query=its, address="one@openapi.test", want=422)
    api("changeSender", {}, query=its, address="one@openapi.test", want=400)
    api("addGroup", {"name": "team", "members": ["two@openapi.test", "three@openapi.test"], "subscription": "acme"})
    api("addGroup", {"name": "team", "subscription": "acme"}, want=409)
    api("changeGroup", {"drop": ["three@openapi.test"]}, query=whose, name="team")
    api("listGroups")
    assert api("showGroup", query=whose, name="team")["members"] == ["two@openapi.test"]
    policy = api("addPolicy", {"identity": "credential:openapi-policy", "right": "allow", "group": "team", "subscription": "acme"})["id"]
    api("addPolicy", {"identity": "credential:openapi-policy", "right": "perhaps", "group": "team"}, want=422)
    api("listPolicies")
    asked = {"identity": "credential:openapi-policy", "sender": "two@openapi.test"}
    assert api("testPolicy", query=asked)["granted"] is True
    api("testPolicy", query=dict(asked, identity="credential:nobody"), want=404)
    api("removeGroup", query=whose, name="team", want=409)
    api("removePolicy", id=policy)
    api("removeGroup", query=whose, name="team")
    api("removeGroup", query=whose, name="team", want=404)
    api("removeSender", query={"identity": "credential:openapi-policy"}, address="one@openapi.test")


def test_suppressions(api):
    assert api("addSuppressions", {"addresses": ["a@x.test", "b@x.test"], "reason": "complaint", "reply": "no"})["added"] == 2
    api("addSuppressions", {"addresses": ["none"]}, want=422)
    api("listSuppressions", query={"max": 1})
    api("importSuppressions", b"address,reason\r\nc@x.test,manual\r\n", query={"subscription": "default"})
    assert "c@x.test" in api("exportSuppressions")
    api("removeSuppression", address="a@x.test")
    api("removeSuppression", address="a@x.test", want=404)


def test_messages(world, api, sender):
    world.receiver("openapi-later.test", {"mail": "451 4.3.0 later"})
    sent = api("sendMessage", b"From: a@app.test\r\n\r\nx\r\n", query={"from": "a@app.test", "to": ["x@openapi-later.test"]})
    api("sendMessage", b"From: a@no.test\r\n\r\nx\r\n", query={"from": "a@no.test", "to": ["b@good.test"]}, want=403)
    api("sendMessage", b"From: a@app.test\r\nPrecedence: bulk\r\n\r\nx\r\n", query={"from": "a@app.test", "to": ["b@good.test"]})
    guarded = {g["domain"]: g for g in api("reportGuard")["domains"]}["app.test"]
    assert guarded["receivers"][0]["messages"] == 2 and guarded["causes"][0]["cause"] == "no-one-click"
    message = {"message": sent["id"]}
    api("holdQueue", message)
    assert api("showMessage", id=sent["id"])["recipients"][0]["state"] == "held"
    api("releaseQueue", message)
    api("holdQueue", message)
    api("retryQueue", message, want=409)
    api("releaseQueue", message)
    api("retryQueue", message)
    api("cancelQueue", message)
    api("cancelQueue", message, want=409)
    api("cancelQueue", {"message": "0000000000001"}, want=404)
    api("listMessages", query={"max": 5, "since": "1h"})
    api("showMessage", id="0000000000001", want=404)
    api("showStats")
    api("reportAudit", query={"max": 2, "by": "local"})
    api("reportAudit", query={"after": "x"}, want=400)
    api("reportTlsSent", query={"max": 2, "since": "2d", "domain": "good.test"})
    api("reportTlsSent", query={"skip": "x"}, want=400)
    api("reportDmarcSent", query={"max": 2, "since": "2d", "domain": "good.test"})
    api("reportDmarcSent", query={"max": 0}, want=400)


def test_reputation(api):
    c = smtplib.SMTP(api.d.address, 2525, "client.test", timeout=20, source_address=("127.0.77.1", 0))
    c.ehlo()
    c.mail("x@elsewhere.test")
    assert c.rcpt("nobody@elsewhere.test")[0] == 550
    c.close()
    assert [r["name"] for r in api("reportReputation", query={"name": "127.0.77.1"})["rows"]] == ["127.0.77.1"]
    assert "127.0.77.0/24" in [r["name"] for r in api("reportReputation", query={"by": "network", "top": 1000})["rows"]]
    api("reportReputation", query={"top": 0}, want=400)
    api("reportReputation", query={"name": "192.0.2.1"}, want=404)
    assert api("forgetReputation", name="127.0.77.0/24") == {"forgotten": "127.0.77.0/24"}
    api("forgetReputation", name="127.0.77.0/24", want=404)


def test_dmarc_reports(api):
    def about(domain, day):
        begin = day // 86400 * 86400
        return report(record("192.0.2.1", 3, domain=domain), record("198.51.100.4", 2, dkim="fail", spf="fail", domain=domain), id="openapi",
                      begin=begin, end=begin + 86399, domain=domain)

    now = int(time.time())
    api("addDomain", {"name": "dmarc-openapi.test", "subscription": "acme"})
    assert api("takeDmarcReport", about("dmarc-openapi.test", now), want=201)["known"] is False
    assert api("takeDmarcReport", about("dmarc-openapi.test", now), want=201)["known"] is True
    api("takeDmarcReport", about("nobody.test", now), want=404)
    api("takeDmarcReport", b"hello", want=400)
    its = {"domain": "dmarc-openapi.test"}
    for by in ("source", "network", "domain", "org", "day", "result"):
        rows = api("reportDmarc", query=dict(its, by=by, since="2d"))["rows"]
        assert sum(row["messages"] for row in rows) == 5, by
    assert api("reportDmarc", query=dict(its, max=1, skip=1, subscription="acme"))["rows"][0]["name"] == "198.51.100.4"
    api("reportDmarc", query={"by": "moon"}, want=400)


def test_every_operation_was_called(api):
    missing = {name for name in api.operations if not any(s < 300 for s in api.seen.get(name, ()))}
    assert not missing
