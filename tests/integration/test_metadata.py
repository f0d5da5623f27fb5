# SPDX-License-Identifier: Apache-2.0
"""Tokens for processes of this machine: a managed identity without a cloud."""
import base64
import json
import os
import subprocess
import sys

import npm
import pytest
from conftest import finish, launch

from world import daemon

DOMAIN = "metadata.test"
PORT = 8169
PATH = "/metadata/identity/oauth2/token"
QUERY = "?api-version=2018-02-01&resource=https://communication.azure.com/"
UID, OTHER = 2061, 2062
MESSAGE = {"senderAddress": "job@" + DOMAIN, "content": {"subject": "x", "plainText": "x"}, "recipients": {"to": [{"address": "x@good.test"}]}}

# Another process, as another user, by TCP or by the socket: the answers to its requests, as JSON.
CLIENT = r"""
import http.client, json, os, socket, sys
host, port, uid, requests = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
answers = []
for method, path, headers in requests:
    c = http.client.HTTPConnection(host, port, timeout=20)
    if host.startswith("/"):
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(host)
    c.request(method, path, headers=headers)
    r = c.getresponse()
    body = r.read()
    answers.append([r.status, json.loads(body) if body else None])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "metadata", {}, start=False)
    d.open_https()
    d.settings["metadata"] = {"listen": ["127.0.0.1:%d" % PORT], "socket": os.path.join(d.folder, "metadata.sock")}
    at = d.folder
    while at != "/":  # other users have to get there
        os.chmod(at, os.stat(at).st_mode | 0o711)
        at = os.path.dirname(at)
    d.start()
    d.sender(DOMAIN)
    d.json("local", "add", "job", "--uid", str(UID), "--domain", DOMAIN)
    yield d
    finish(d)


def ask(sigillo, *requests, uid=UID, over="tcp"):
    asked = [(r[0], r[1], {"Metadata": "true"} if len(r) < 3 else r[2]) for r in requests]
    host = "127.0.0.1" if over == "tcp" else sigillo.settings["metadata"]["socket"]
    r = subprocess.run([sys.executable, "-c", CLIENT, host, str(PORT), str(uid), json.dumps(asked)], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def token(sigillo, resource="https://communication.azure.com/", **how):
    status, body = ask(sigillo, ("GET", PATH + "?api-version=2018-02-01&resource=" + resource), **how)[0]
    assert status == 200, body
    return body


def claims(text):
    part = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def acs(sigillo, bearer, sender="job@" + DOMAIN):
    return sigillo.request("POST", "/emails:send?api-version=2025-09-01", dict(MESSAGE, senderAddress=sender), key=bearer, tls=True)


@pytest.mark.parametrize("over", ["tcp", "socket"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_token_for_who_the_kernel_says(sigillo, over, slash):
    status, body = ask(sigillo, ("GET", PATH + slash + QUERY), over=over)[0]
    assert status == 200 and set(body) == {"access_token", "client_id", "expires_in", "expires_on", "ext_expires_in", "not_before", "resource", "token_type"}
    assert all(isinstance(v, str) for v in body.values()) and body["token_type"] == "Bearer" and body["resource"] == "https://communication.azure.com/"
    assert int(body["expires_on"]) == int(body["not_before"]) + int(body["expires_in"])
    c = claims(body["access_token"])
    assert c["aud"] == "https://communication.azure.com/" and c["local"] == "job" and c["appid"] == body["client_id"]
    assert acs(sigillo, body["access_token"])[0] == 202
    assert acs(sigillo, body["access_token"], "job@elsewhere.test")[0] in (403, 404)


def test_who_is_not_known_gets_nothing(sigillo):
    for over in ("tcp", "socket"):
        for uid in (OTHER, 0):
            assert ask(sigillo, ("GET", PATH + QUERY), uid=uid, over=over) == [[400, {"error": "invalid_request", "error_description": "Identity not found"}]]


def test_what_is_refused(sigillo):
    good = {"Metadata": "true"}
    version, resource = "api-version=2018-02-01", "resource=https://communication.azure.com/"
    rows = [
        (QUERY, {}, "metadata header"), (QUERY, {"Metadata": "yes"}, "metadata header"), (QUERY, {**good, "X-Forwarded-For": "127.0.0.1"}, "forwarded"),
        (QUERY, {**good, "Host": "evil.test:8169"}, "an address or localhost"), (QUERY, {**good, "Host": "localhost.evil.test"}, "an address or localhost"),
        (QUERY, {**good, "Host": ""}, "an address or localhost"), (QUERY, {**good, "Host": "[evil.test]:80"}, "an address or localhost"),
        ("", good, "'api-version' is missing"), ("?" + version, good, "'resource' is missing"), ("?" + version + "&resource=", good, "'resource' is missing"),
        ("?" + resource + "&api-version=2017-09-01", good, "Unsupported api-version"), ("?%s&%s&%s" % (version, resource, resource), good, "more than once"),
        (QUERY + "&client_id=8c3fb6c2-5d0a-8b1e-9f41-0a2c9e6b7d11", good, "Identity not found"), (QUERY + "&client_id=x", good, "Identity not found"),
        (QUERY + "&object_id=x", good, "Identity not found"), (QUERY + "&msi_res_id=/x", good, "Identity not found"),
    ]
    answers = ask(sigillo, *(("GET", PATH + query, headers) for query, headers, _ in rows))
    for (query, headers, said), (status, body) in zip(rows, answers):
        assert status == 400 and body["error"] == "invalid_request" and said in body["error_description"], (query, headers, body)
    status, body = ask(sigillo, ("GET", PATH + "?" + version + "&resource=https://evil.test/"))[0]
    assert status == 400 and body["error"] == "invalid_resource"
    assert ask(sigillo, ("POST", PATH + QUERY), ("PUT", PATH + QUERY))[0][0] == 405
    for host in ("localhost:8169", "LOCALHOST", "[::1]:8169", "127.0.0.1"):
        assert ask(sigillo, ("GET", PATH + QUERY, {**good, "Host": host}))[0][0] == 200, host
    mine = token(sigillo)["client_id"]
    assert sigillo.json("local", "show", "job")["client_id"] == mine and "client id     " + mine in sigillo.cli("local", "show", "job").stdout
    assert ask(sigillo, ("GET", PATH + QUERY + "&client_id=" + mine.upper()), ("GET", PATH + QUERY + "&object_id=" + mine))[1][0] == 200


def test_nothing_else_is_served_there(sigillo):
    """Least of all the admin API: root is nobody there."""
    for over in ("tcp", "socket"):
        answers = ask(sigillo, ("GET", "/admin/v1/keys"), ("GET", "/metrics"), ("GET", "/healthz"), ("GET", "/v3/scopes"), ("POST", "/oauth2/token"), uid=0, over=over)
        assert {a[0] for a in answers} == {404}, answers
    for tls in (False, True):
        assert sigillo.request("GET", PATH + QUERY, headers={"Metadata": "true"}, tls=tls)[0] == 404


def test_each_token_is_for_its_api(sigillo):
    url = sigillo.settings["public_url"]
    own, mail = token(sigillo, url)["access_token"], token(sigillo)["access_token"]
    body = {"from": {"email": "job@" + DOMAIN}, "to": ["x@good.test"], "subject": "x", "text": "x"}
    assert sigillo.request("POST", "/v1/messages", body, key=own, tls=True)[0] == 202
    assert sigillo.request("POST", "/v1/messages", body, key=mail, tls=True)[0] == 401 and acs(sigillo, own)[0] == 401
    assert sigillo.request("GET", "/admin/v1/keys", key=own, tls=True)[0] == 403
    sent = sigillo.request("POST", "/v1/messages", body, key=own, tls=True)[2]
    assert sigillo.show(sent["id"])["identity"] == "local:job"


def test_the_doors_for_graph_and_smtp_take_theirs(sigillo):
    graph, smtp = (token(sigillo, r)["access_token"] for r in ("https://graph.microsoft.com", "https://outlook.office365.com/"))
    body = {"message": {"subject": "x", "body": {"contentType": "Text", "content": "x"}, "toRecipients": [{"emailAddress": {"address": "x@good.test"}}]}}
    path = "/v1.0/users/%s/sendMail"
    assert sigillo.request("POST", path % ("job@" + DOMAIN), body, key=graph, tls=True)[0] == 202
    assert sigillo.request("POST", path % ("job@" + DOMAIN), body, key=smtp, tls=True)[0] == 401
    for user, bearer, code in (("job@" + DOMAIN, smtp, 235), ("job@elsewhere.test", smtp, 535), ("job@" + DOMAIN, graph, 535)):
        said = ("user=%s\1auth=Bearer %s\1\1" % (user, bearer)).encode()
        with sigillo.connect() as s:
            answer = s.docmd("AUTH", "XOAUTH2 " + base64.b64encode(said).decode())
            if answer[0] == 334:
                answer = s.docmd("")
            assert answer[0] == code, (user, answer)


def test_it_ends_with_its_identity(sigillo):
    sigillo.json("local", "add", "short", "--uid", "2063", "--domain", DOMAIN)
    old = token(sigillo, uid=2063)["access_token"]
    assert acs(sigillo, old)[0] == 202
    sigillo.cli("sender", "add", "only@" + DOMAIN, "--identity", "local:short")
    assert acs(sigillo, old)[0] in (400, 403) and acs(sigillo, old, "only@" + DOMAIN)[0] == 202
    sigillo.cli("sender", "remove", "only@" + DOMAIN, "--identity", "local:short")
    sigillo.cli("local", "remove", "short")
    assert acs(sigillo, old)[0] == 401
    assert ask(sigillo, ("GET", PATH + QUERY), uid=2063)[0][0] == 400
    sigillo.json("local", "add", "short", "--uid", "2064", "--domain", DOMAIN)
    assert acs(sigillo, old)[0] == 401, "another one of the same name"


# -- the library that programs have -----------------------------------------------------------------------------------


def azure(sigillo, uid=UID, **question):
    environment = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:%d" % PORT, "HOME": "/"}
    return npm.run(sigillo, "clients/acs", "@azure/identity", "clients/acs/identity.mjs", environment=environment, uid=uid, timeout=150,
                   question=dict({"endpoint": sigillo.settings["public_url"]}, **question))


@pytest.mark.parametrize("credential", ["managed", "default"])
def test_a_program_without_a_secret(sigillo, credential):
    said = azure(sigillo, credential=credential, messages=[MESSAGE])
    assert said["sent"] == [{"status": "Succeeded"}], said


def test_a_program_that_names_its_identity(sigillo):
    mine = token(sigillo)["client_id"]
    said = azure(sigillo, client=mine, resources=["https://communication.azure.com/.default", "https://graph.microsoft.com/.default"])
    assert [claims(t["token"])["aud"] for t in said["tokens"]] == ["https://communication.azure.com/", "https://graph.microsoft.com"], said


def test_a_program_of_another_user(sigillo):
    said = azure(sigillo, uid=OTHER, messages=[MESSAGE])
    assert said["sent"][0]["error"]["name"] == "CredentialUnavailableError", said
    assert any(line.get("event") == "token refused" and line["peer"] == "loopback:uid=%d" % OTHER for line in sigillo.log())


def test_it_has_to_be_this_machine(make_sigillo):
    d = make_sigillo(start=False)
    for address, said in (("0.0.0.0:8169", "not an address of this machine alone"), ("*:8169", "not an address of this machine alone"), ("127.0.0.1", "port")):
        d.settings["metadata"] = {"listen": [address]}
        d.write_config()
        r = subprocess.run([daemon.PROGRAM, "serve", "--check", "--config", d.config_file], capture_output=True, text=True)
        assert r.returncode != 0 and "metadata.listen" in r.stdout + r.stderr and said in r.stdout + r.stderr, (address, r)
