# SPDX-License-Identifier: Apache-2.0
"""Who may send as whom: the command line, and attempts to be somebody else at every door."""
import base64
import glob
import http.client
import json
import os
import re
import socket
import subprocess
import time
import urllib.parse

import pytest

from conftest import finish, launch
from wire import Wire, scram
from world import daemon

OWN, BOSS, SHARED = "app@policy.test", "boss@policy.test", "box@shared-policy.test"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "policy", {"door_loops": 4}, start=False)
    d.settings["local"] = {"socket": os.path.join(d.folder, "smtp.sock")}
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    """A credential, a key, an application, an account and the local processes of policy.test, each allowed to send as app@ and the shared box of another domain, and as
    nobody else."""
    s = sigillo.sender("policy.test")
    s.app = sigillo.json("app", "add", "crm", "--domain", "policy.test")
    sigillo.cli("domain", "add", "shared-policy.test")
    sigillo.cli("group", "add", "own", "--member", OWN, "--member", SHARED, "--description", "the application's")
    sigillo.cli("group", "add", "board", "--member", "Boss@Policy.test")
    s.account = sigillo.json("account", "add", "--name", "LOB", "--address", "lob@policy.test", "--basic", "on")
    sigillo.cli("local", "add", "tests", "--uid", str(os.geteuid()), "--domain", "policy.test")
    for identity in ("credential:" + s.user, "key:" + key_id(s), "account:lob@policy.test", "local:tests"):
        sigillo.cli("policy", "add", "--identity", identity, "--allow", "--senders", "own")
    sigillo.cli("policy", "add", "--app", s.app["client_id"], "--allow", "--senders", "own")
    s.token = token(sigillo, s.app)
    return s


def https(d, method, path, body, headers):
    status, _, answer = d.request(method, path, body, headers=headers, tls=True)
    return status, answer


def token(d, app, scope=None):
    status, body = https(d, "POST", "/default/oauth2/v2.0/token", urllib.parse.urlencode(
        {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["secret"],
         "scope": scope or d.settings["public_url"] + "/.default"}), {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200, body
    return body["access_token"]


def key_id(sender):
    return sender.key.split("_")[1]


def rule(d, identity, address):
    """What `policy test` says."""
    r = d.cli("policy", "test", "--identity", identity, "--sender", address, "--json", ok=False)
    answer = json.loads(r.stdout)
    assert r.returncode == (0 if answer["granted"] else 1), r
    return answer["rule"]


# -- the command line -----------------------------------------------------------------------------------------------

def test_what_the_command_line_says(sigillo, sender):
    r = sigillo.cli("policy", "test", "--identity", "credential:" + sender.user, "--sender", "App@POLICY.test")
    assert r.stdout.startswith("granted: a policy allows it (allow-policy)\n") and "group own" in r.stdout and "member  " + OWN in r.stdout
    r = sigillo.cli("policy", "test", "--identity", "credential:" + sender.user, "--sender", BOSS, ok=False)
    assert r.returncode == 1 and r.stdout.startswith("denied: ") and "(not-in-allowed-group)" in r.stdout
    assert sigillo.cli("policy", "test", "--identity", "credential:nobody", "--sender", BOSS, ok=False).returncode == 1
    assert sigillo.cli("policy", "test", "--app", "x", "--identity", "key:y", "--sender", BOSS, ok=False).returncode == 2
    assert sigillo.cli("policy", "test", "--identity", "key:y", ok=False).returncode == 2
    assert sigillo.cli("policy", "add", "--identity", "*", "--senders", "own", ok=False).returncode == 2, "neither allowed nor denied"
    assert sigillo.cli("policy", "add", "--identity", "*", "--allow", "--deny", "--senders", "own", ok=False).returncode == 2
    r = sigillo.cli("policy", "add", "--identity", "*", "--deny", "--senders", "none", ok=False)
    assert r.returncode == 1 and r.stderr.startswith("sigillo: ") and "no such group" in r.stderr
    assert re.search(r"credential:%s +allow +own " % sender.user, sigillo.cli("policy", "list").stdout)
    assert re.search(r"app:crm +allow +own ", sigillo.cli("policy", "list").stdout), "by its name, though a client id was given"
    for app in ("crm", sender.app["client_id"].upper()):
        assert sigillo.cli("policy", "test", "--app", app, "--sender", SHARED).returncode == 0
    assert re.search(r"^own +default +2 ", sigillo.cli("group", "list").stdout, re.M)
    assert sigillo.cli("group", "show", "own").stdout.split() == [OWN, SHARED]


def test_what_is_in_use_says_by_what(sigillo, sender):
    policies = {p["id"] for p in sigillo.json("policy", "list")["policies"] if p["group"] == "own"}
    r = sigillo.cli("group", "remove", "own", ok=False)
    named = set(re.findall(r"policy (\w{12})", r.stderr))
    assert r.returncode == 1 and len(named) == 3 and named <= policies and " and %d more names" % (len(policies) - 3) in r.stderr, r.stderr
    r = sigillo.cli("credential", "remove", sender.user, ok=False)
    assert r.returncode == 1 and "policy " in r.stderr


def test_a_group_from_a_file(sigillo, sender, tmp_path):
    path = tmp_path / "members"
    path.write_text("# ours\n" + "".join("user%d@policy.test\r\n" % n for n in range(10000)))
    assert sigillo.cli("group", "add", "large", "--members", str(path)).stdout.startswith("group large has 10000 members\n")
    assert len(sigillo.json("group", "show", "large")["members"]) == 10000
    path.write_text("a@policy.test\nno address\n")
    r = sigillo.cli("group", "set", "large", "--members", str(path), ok=False)
    assert r.returncode == 2 and "members[1]" in r.stderr
    assert len(sigillo.json("group", "show", "large")["members"]) == 10000, "nothing half done"
    sigillo.cli("group", "set", "large", "--drop", "USER1@policy.test", "--member", "*@shared-policy.test")
    shown = sigillo.cli("group", "show", "large").stdout.split("\n")
    assert "user1@policy.test" not in shown and "*@shared-policy.test" in shown
    sigillo.cli("group", "remove", "large")
    assert "large" not in sigillo.cli("group", "list").stdout


def test_senders(sigillo, sender):
    sigillo.cli("credential", "add", "reports", "--domain", "policy.test", "--password-stdin", input="correct horse battery\n")
    ask = lambda address: rule(sigillo, "credential:reports", address)
    assert ask(OWN) == "own-domain"
    assert "credential:reports" in sigillo.cli("sender", "add", "Reports@policy.test", "--identity", "credential:reports").stdout
    assert (ask("reports@policy.test"), ask(OWN)) == ("own-sender", "not-own-sender")
    assert "Reports@policy.test  credential:reports" in re.sub(" {2,}", "  ", sigillo.cli("sender", "list").stdout)
    assert sigillo.cli("credential", "remove", "reports", ok=False).returncode == 1, "a sender names it"
    sigillo.cli("sender", "remove", "reports@policy.test", "--identity", "credential:reports")
    sigillo.cli("sender", "add", "info@policy.test")
    assert (ask("info@policy.test"), ask(OWN)) == ("domain-sender", "not-domain-sender")
    sigillo.cli("sender", "remove", "info@policy.test")
    assert ask(OWN) == "own-domain"
    sigillo.cli("credential", "remove", "reports")


# -- every door -----------------------------------------------------------------------------------------------------

def plain(w, user, password):
    w.say("AUTH PLAIN " + daemon.plain_auth(user, password), "235")


def login_plain(w, sender):
    plain(w, sender.user, sender.password)


def login_login(w, sender):
    w.say("AUTH LOGIN", "334")
    w.say(base64.b64encode(sender.user.encode()).decode(), "334")
    w.say(base64.b64encode(sender.password.encode()).decode(), "235")


def login_scram(w, sender):
    assert scram(w, sender.user, sender.password).startswith("235")


def login_account(w, sender):
    plain(w, "lob@policy.test", sender.account["password"])


def login_secret(w, sender):
    """An application, as programs for Azure Communication Services log in."""
    plain(w, "main|%s|default" % sender.app["client_id"], sender.app["secret"])


def login_xoauth2(w, sender):
    w.say("AUTH XOAUTH2 " + base64.b64encode(("user=main|%s|default\1auth=Bearer %s\1\1" % (sender.app["client_id"], sender.token)).encode()).decode(), "235")


def login_bearer(w, sender):
    w.say("AUTH OAUTHBEARER " + base64.b64encode(("n,,\1auth=Bearer %s\1\1" % sender.token).encode()).decode(), "235")


def login_not(w, sender):
    """The kernel has said already who it is."""


class LocalWire(Wire):
    def __init__(self, sigillo):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect(sigillo.settings["local"]["socket"])
        self.rest = b""
        self.greeting = self.reply()


class Smtp:
    def __init__(self, login, port=587):
        self.login, self.port = login, port

    def connect(self, d):
        if self.port is None:
            return LocalWire(d)
        return Wire(d, self.port).start_tls() if self.port == 587 else Wire(d, self.port)

    def __call__(self, d, sender, mail_from, header):
        w = self.connect(d)
        try:
            w.say("EHLO client.test", "250")
            self.login(w, sender)
            w.send("MAIL FROM:<%s> SMTPUTF8\r\n" % mail_from)
            said = w.reply()
            if said.startswith("2"):
                w.say("RCPT TO:<x@plain.test>", "250")
                w.say("DATA", "354")
                w.send("%s\r\nTo: x@plain.test\r\n\r\nx\r\n.\r\n" % header)
                said = w.reply()
            return said.startswith("250"), said
        finally:
            w.close()


def quote(text):
    return urllib.parse.quote(text, safe="")


def whole(header):
    return ("%s\r\nTo: x@plain.test\r\n\r\nx\r\n" % header).encode()


def raw_api(d, sender, mail_from, header):
    """POST /v1/messages with a whole message."""
    status, _, body = d.request("POST", "/v1/messages?to=x%40plain.test&from=" + quote(mail_from), whole(header), sender.key,
                                {"Content-Type": "message/rfc822"})
    return status == 202, body


def raw_token(d, sender, mail_from, header):
    """The same by an application with its token."""
    status, body = https(d, "POST", "/v1/messages?to=x%40plain.test&from=" + quote(mail_from), whole(header),
                         {"Content-Type": "message/rfc822", "Authorization": "Bearer " + sender.token})
    return status == 202, body


def admin_send(d, sender, mail_from, header):
    """What `sigillo send` does."""
    c = http.client.HTTPConnection("localhost", timeout=20)
    c.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    c.sock.connect(d.socket)
    c.request("POST", "/admin/v1/messages?to=x%40plain.test&from=" + quote(mail_from), whole(header), {"Content-Type": "message/rfc822"})
    r = c.getresponse()
    body = json.loads(r.read())
    c.close()
    return r.status == 202, body


DOORS = {"plain": Smtp(login_plain), "login": Smtp(login_login), "scram": Smtp(login_scram), "tls": Smtp(login_plain, 465),
         "account": Smtp(login_account), "secret": Smtp(login_secret, 465), "xoauth2": Smtp(login_xoauth2), "bearer": Smtp(login_bearer, 465),
         "local": Smtp(login_not, None), "api": raw_api, "token": raw_token, "admin": admin_send}

ALLOWED = {
    "itself": (OWN, "From: " + OWN),
    "the shared mailbox of another domain": (SHARED, "From: " + SHARED),
    "one in the envelope, one in From": (OWN, "From: Box <%s>" % SHARED),
    "upper case": ("APP@Policy.TEST", "From: APP@Policy.TEST"),
    "needless quotes": ('"app"@policy.test', 'From: "app"@policy.test'),
    "a comment": (OWN, "From: app(the application)@policy.test (App)"),
    "a group": (OWN, "From: Us: %s;" % OWN),
    "its own address as a name": (OWN, 'From: "%s" <%s>' % (OWN, OWN)),
    "Sender and From": (OWN, "From: %s\r\nSender: %s" % (SHARED, OWN)),
    "the null sender": ("", "From: " + OWN),
}
ME = "From: " + OWN
SPOOFS = {
    "MAIL FROM": (BOSS, ME),
    "From": (OWN, "From: " + BOSS),
    "Sender": (OWN, ME + "\r\nSender: " + BOSS),
    "Resent-From": (OWN, "Resent-From: %s\r\n%s" % (BOSS, ME)),
    "Resent-Sender": (OWN, "Resent-Sender: %s\r\n%s" % (BOSS, ME)),
    "a stranger's domain": (OWN, "From: ceo@stranger.test"),
    "MAIL FROM of a stranger's domain": ("ceo@stranger.test", ME),
    "a subdomain": (OWN, "From: app@sub.policy.test"),
    "another address of the shared mailbox's domain": (OWN, "From: other@shared-policy.test"),
    "the null sender": ("", "From: " + BOSS),
    "two From fields": (OWN, ME + "\r\nFrom: " + BOSS),
    "two From fields, the other way": (OWN, "From: %s\r\n%s" % (BOSS, ME)),
    "two Sender fields": (OWN, "%s\r\nSender: %s\r\nSender: %s" % (ME, OWN, BOSS)),
    "two mailboxes": (OWN, "%s, %s" % (ME, BOSS)),
    "a group": (OWN, "From: Us: %s, %s;" % (OWN, BOSS)),
    "an empty group": (OWN, "From: Us:;"),
    "a group's name": (OWN, 'From: "%s": %s;' % (BOSS, OWN)),
    "a name": (OWN, 'From: "%s" <%s>' % (BOSS, OWN)),
    "a name with an address in brackets": (OWN, 'From: "The Boss <%s>" <%s>' % (BOSS, OWN)),
    "an address without quotes as a name": (OWN, "From: %s <%s>" % (BOSS, OWN)),
    "a name as an encoded word": (OWN, "From: =?utf-8?q?boss=40policy=2Etest?= <%s>" % OWN),
    "a name in base64": (OWN, "From: =?utf-8?b?%s?= <%s>" % (base64.b64encode(BOSS.encode()).decode(), OWN)),
    "a name with a full-width sign": (OWN, 'From: "boss\uff20policy.test" <%s>' % OWN),
    "a name in another charset": (OWN, "From: =?koi8-r?b?%s?= <%s>" % (base64.b64encode(BOSS.encode()).decode(), OWN)),
    "a name in UTF-7": (OWN, "From: =?utf-7?q?boss+AEA-policy.test?= <%s>" % OWN),
    "a name as an encoded word in quotes": (OWN, 'From: "=?utf-8?q?boss=40policy=2Etest?=" <%s>' % OWN),
    "a comment": (OWN, "From: (%s) %s" % (BOSS, OWN)),
    "an encoded word around the address": (OWN, "From: =?utf-8?q?boss=40policy=2Etest?="),
    "an encoded word in brackets": (OWN, "From: <=?utf-8?q?boss=40policy=2Etest?=>"),
    "an encoded word as a local part": (OWN, "From: =?utf-8?q?app?=@policy.test"),
    "an encoded word in MAIL FROM": ("=?utf-8?q?app?=@policy.test", ME),
    "a Cyrillic letter": (OWN, "From: \u0430pp@policy.test"),
    "a Cyrillic letter in MAIL FROM": ("\u0430pp@policy.test", ME),
    "a full-width letter": (OWN, "From: \uff41pp@policy.test"),
    "a letter and a mark": (OWN, "From: a\u0301pp@policy.test"),
    "a zero-width sign": (OWN, "From: app\u200b@policy.test"),
    "a look-alike domain": (OWN, "From: app@\u0440olicy.test"),
    "upper case": (OWN, "From: BOSS@POLICY.TEST"),
    "a dot at the end": (OWN, "From: app@policy.test."),
    "a dot at the end of MAIL FROM": ("app@policy.test.", ME),
    "quotes": (OWN, 'From: "boss"@policy.test'),
    "quotes that make another address": (OWN, 'From: "app "@policy.test'),
    "an address in quotes": (OWN, 'From: "app@policy.test"@stranger.test'),
    "a comment inside of it": (OWN, "From: bo(x)ss@policy.test"),
    "a source route": (OWN, "From: <@stranger.test:%s>" % OWN),
    "a tag": (OWN, "From: app+boss@policy.test"),
    "a blank before the colon": (OWN, "From : %s\r\n%s" % (BOSS, ME)),
    "a folded name of the field": (OWN, "From\r\n : %s\r\n%s" % (BOSS, ME)),
    "a field in other letters": (OWN, "fRoM: %s" % BOSS),
    "a line end in the name": (OWN, 'From: "x\r\nFrom: %s" <%s>' % (BOSS, OWN)),
    "no From": (OWN, "Subject: x"),
}


@pytest.fixture(scope="module")
def confined(sigillo, sender):
    """So is who asks at the admin socket."""
    sigillo.cli("policy", "add", "--identity", "local:uid=%d" % os.getuid(), "--allow", "--senders", "own")


def stored(d):
    return {m["id"] for m in d.json("trace", "--since", "1h", "--max", "1000")["messages"]}


@pytest.mark.parametrize("door", DOORS)
def test_what_is_allowed_passes(sigillo, sender, confined, door):
    for name, (mail_from, header) in ALLOWED.items():
        passed, said = DOORS[door](sigillo, sender, mail_from, header)
        assert passed, (door, name, said)


@pytest.mark.parametrize("door", DOORS)
def test_nobody_is_somebody_else(sigillo, sender, confined, door):
    before = stored(sigillo)
    for name, (mail_from, header) in SPOOFS.items():
        passed, said = DOORS[door](sigillo, sender, mail_from, header)
        assert not passed, (door, name, said)
        if isinstance(said, dict):
            assert said["status"] in (403, 422) and said["code"] and said["detail"], (door, name, said)
        else:
            assert re.match(r"5\d\d 5\.\d\.\d ", said), (door, name, said)
    assert stored(sigillo) == before, "nothing of it is kept"


def test_a_denied_address_of_ones_own_domain(sigillo, sender):
    """No list of what is allowed, one address that is denied: look-alikes of it are refused, too."""
    other = sigillo.sender("denied-policy.test")
    sigillo.cli("group", "add", "boss", "--member", "Boss@denied-policy.test")
    for identity in ("credential:" + other.user, "key:" + key_id(other)):
        sigillo.cli("policy", "add", "--identity", identity, "--deny", "--senders", "boss")
    for door in ("plain", "api"):
        for local, want in {"app": True, "other": True, "boss": False, "BOSS": False, '"boss"': False, "b\u043ess": False, "bo\u0308ss": False,
                            "\uff42oss": False, "boss\u200d": False, "=?utf-8?q?boss?=": False, "boss+x": True}.items():
            address = "%s@denied-policy.test" % local
            assert DOORS[door](sigillo, other, "app@denied-policy.test", "From: " + address)[0] == want, (door, address)
            assert DOORS[door](sigillo, other, address, "From: app@denied-policy.test")[0] == want, (door, address)


def test_the_fields_of_the_api(sigillo, sender):
    def post(**kw):
        return sigillo.post("/v1/messages", dict({"from": OWN, "to": "x@plain.test", "text": "x\n"}, **kw), sender.key)
    assert post()[0] == 202 and post(**{"from": {"email": SHARED, "name": "The Box"}})[0] == 202
    for sent, field in (({"from": BOSS}, "from"), ({"from": {"email": BOSS}}, "from.email"), ({"from": {"email": OWN, "name": BOSS}}, "from"),
                        ({"from": {"email": OWN, "name": "boss\uff20policy.test"}}, "from"), ({"headers": {"Sender": BOSS}}, "headers.Sender"),
                        ({"headers": {"Resent-From": BOSS}}, "headers.Resent-From"), ({"headers": {"From": BOSS}}, "headers.From")):
        status, _, body = post(**sent)
        assert status in (403, 422) and body["field"] == field, (sent, status, body)
    assert post(reply_to=[BOSS])[0] == 202, "who gets the answers is not who sends"


def test_the_fields_of_azure_communication_services(sigillo, sender):
    """By a key as a bearer, and by an application's token; a signature leads to the same identity as its key."""
    def post(authorization, **kw):
        body = {"senderAddress": OWN, "content": {"subject": "x", "plainText": "x"}, "recipients": {"to": [{"address": "x@plain.test"}]}}
        body.update(kw)
        return https(sigillo, "POST", "/emails:send?api-version=2025-09-01", json.dumps(body),
                     {"Content-Type": "application/json", "Authorization": "Bearer " + authorization})
    ways = (sender.key, token(sigillo, sender.app, "https://communication.azure.com//.default"))
    before = stored(sigillo)
    for authorization in ways:
        for sent in ([{"senderAddress": a} for a in (BOSS, "BOSS@POLICY.TEST", '"boss"@policy.test', "ceo@stranger.test", "app@sub.policy.test",
                                                     "other@shared-policy.test", "\u0430pp@policy.test", "app@policy.test.", "app+boss@policy.test",
                                                     "Boss <%s>" % BOSS, "%s, %s" % (OWN, BOSS), "Us: %s, %s;" % (OWN, BOSS), "=?utf-8?q?app?=@policy.test",
                                                     '"%s" <%s>' % (BOSS, OWN), "%s\r\nSender: %s" % (OWN, BOSS), "app@\u0440olicy.test", "")] +
                     [{"headers": {name: BOSS}} for name in ("From", "Sender", "Resent-From", "Resent-Sender", "fRoM", "From\r\n", "X: y\r\nFrom")] +
                     [{"headers": {"X-Mine": "x\r\nFrom: " + BOSS}}]):
            status, answer = post(authorization, **sent)
            assert status in (400, 403, 404) and answer["error"]["code"] and answer["error"]["message"], (sent, status, answer)
    assert stored(sigillo) == before, "nothing of it is kept"
    for authorization in ways:
        for sent in ({}, {"senderAddress": SHARED}, {"senderAddress": "APP@Policy.TEST"}, {"replyTo": [{"address": BOSS}]}):
            assert post(authorization, **sent)[0] == 202, sent


def test_the_fields_of_sendgrid(sigillo, sender):
    """Of the message, of each personalization, and what substitutions put into them."""
    def post(person=None, **kw):
        body = {"personalizations": [dict({"to": [{"email": "x@plain.test"}]}, **(person or {}))], "from": {"email": OWN}, "subject": "x",
                "content": [{"type": "text/plain", "value": "x"}]}
        body.update(kw)
        return https(sigillo, "POST", "/v3/mail/send", json.dumps(body), {"Content-Type": "application/json", "Authorization": "Bearer " + sender.key})
    before, names = stored(sigillo), ("From", "Sender", "Resent-From", "fRoM", "X: y\r\nFrom")
    put = {"substitutions": {"-it-": "x\r\nFrom: %s\r\nSender: %s" % (BOSS, BOSS)}}
    koi8 = "=?koi8-r?b?%s?=" % base64.b64encode(BOSS.encode()).decode()
    for sent in ([{"from": {"email": a}} for a in (BOSS, "BOSS@POLICY.TEST", '"boss"@policy.test', "ceo@stranger.test", "\u0430pp@policy.test", "app@policy.test.",
                                                   "Boss <%s>" % BOSS, "%s, %s" % (OWN, BOSS), "=?utf-8?q?app?=@policy.test", "")] +
                 [{"from": {"email": OWN, "name": n}} for n in (BOSS, "boss\uff20policy.test", 'x" <%s>' % BOSS, "x\r\nFrom: " + BOSS, koi8)] +
                 [{"person": {"from": {"email": BOSS}}}, {"person": {"from": {"email": OWN, "name": BOSS}}}] +
                 [{"headers": {n: BOSS}} for n in names] + [{"person": {"headers": {n: BOSS}}} for n in names] +
                 [{"headers": {"X-Mine": "x\r\nFrom: " + BOSS}}, {"person": {"headers": {"X-Mine": "x\r\nFrom: " + BOSS}}}] +
                 [{"person": dict(put), "subject": "-it-"}, {"person": {"substitutions": {"-it-": BOSS}}, "from": {"email": "-it-"}}]):
        status, answer = post(**sent)
        assert status in (400, 403) and len(answer["errors"]) == 1 and answer["errors"][0]["message"], (sent, status, answer)
    assert stored(sigillo) == before, "nothing of it is kept"
    for sent in ({}, {"from": {"email": SHARED, "name": "The Box"}}, {"person": {"from": {"email": SHARED}}}, {"reply_to": {"email": BOSS}}):
        assert post(**sent)[0] == 202, sent


def door_threads(d):
    """Of the service's door loops: {thread: how often it has waited}."""
    found = {}
    with open("/proc/%d/task/%d/children" % (d.process.pid, d.process.pid)) as f:
        children = f.read().split()
    for path in (p for child in children for p in glob.glob("/proc/%s/task/*" % child)):
        with open(path + "/status") as f:
            status = dict(line.split(":", 1) for line in f.read().splitlines())
        if status["Name"].strip().startswith("door"):
            found[path] = int(status["voluntary_ctxt_switches"])
    return found


def loop_of(d, w):
    """Which of them serves this connection."""
    before = door_threads(d)
    for _ in range(20):
        w.say("NOOP", "250")
    after = door_threads(d)
    return max(after, key=lambda t: after[t] - before.get(t, 0))


def test_a_change_counts_on_every_loop(sigillo, sender):
    """Within a second, without a restart, for who is connected to whichever loop."""
    wires, loops, late = [], set(), "loops@policy.test"
    try:
        while len(loops) < 3 and len(wires) < 60:
            wires.append(Wire(sigillo).start_tls().login(sender))
            loops.add(loop_of(sigillo, wires[-1]))
        assert len(loops) >= 3, loops
        for want, option in (("250", "--member"), ("550 5.7.1", "--drop")):
            sigillo.cli("group", "set", "own", option, late)
            done = time.monotonic()
            for w in wires:
                w.say("MAIL FROM:<%s>" % late, want)
            assert time.monotonic() - done < 1
            for w in wires:
                w.say("RSET", "250")
        sigillo.cli("policy", "add", "--identity", "credential:" + sender.user, "--deny", "--senders", "own")
        for w in wires:
            w.say("MAIL FROM:<%s>" % OWN, "550 5.7.1")
        policy = next(p for p in sigillo.json("policy", "list")["policies"] if p["right"] == "deny" and p["identity"] == "credential:" + sender.user)
        sigillo.cli("policy", "remove", policy["id"])
        for w in wires:
            w.say("MAIL FROM:<%s>" % OWN, "250")
    finally:
        for w in wires:
            w.close()


def test_a_change_counts_at_once_for_who_is_logged_in(sigillo, sender):
    w = Wire(sigillo).start_tls().login(sender)
    late = "late@policy.test"
    try:
        for _ in range(2):
            w.say("MAIL FROM:<%s>" % late, "550 5.7.1")
            sigillo.cli("group", "set", "own", "--member", late)
            started = time.monotonic()
            w.say("MAIL FROM:<%s>" % late, "250")
            assert time.monotonic() - started < 1
            w.say("RSET", "250")
            sigillo.cli("group", "set", "own", "--drop", late)
    finally:
        w.close()


def test_all_of_it_is_there_after_a_restart(sigillo, sender):
    ask = lambda address: rule(sigillo, "credential:" + sender.user, address)
    before = [ask(a) for a in (OWN, SHARED, BOSS)]
    assert before == ["allow-policy", "allow-policy", "not-in-allowed-group"]
    sigillo.restart()
    assert [ask(a) for a in (OWN, SHARED, BOSS)] == before


def test_who_changed_it_stands_in_the_audit(sigillo, sender):
    sigillo.cli("group", "add", "audited", "--member", "a@policy.test")
    sigillo.cli("policy", "add", "--identity", "*", "--deny", "--senders", "audited")
    lines = sigillo.json("report", "audit")["audit"]
    assert any(l["action"] == "policy add" and "audited" in l["detail"] for l in lines)
    assert any(l["action"] == "group add" and "a@policy.test" in l["detail"] for l in lines)


def test_a_command_that_is_printed_to_be_copied_runs_nothing_of_an_address(sigillo, sender, tmp_path):
    """An address may be a quoted text with all that a shell takes for its own."""
    address, who = '"$(touch ran)`touch ran`; touch ran"@policy.test', "credential:copied"
    sigillo.cli("credential", "add", "copied", "--domain", sender.domain)
    said = sigillo.cli("sender", "add", address, "--identity", who).stdout
    command = next(l for l in said.splitlines() if l.startswith("  sigillo policy test"))
    env = dict(os.environ, SIGILLO_SERVER="unix:" + sigillo.socket, PATH=os.path.dirname(daemon.PROGRAM) + ":" + os.environ["PATH"])
    r = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=20)
    assert not os.listdir(tmp_path) and r.returncode == 0 and "granted" in r.stdout, (command, r)
    quote = '"\'; touch ran; \'"@policy.test'
    assert "Next:" not in sigillo.cli("sender", "add", quote, "--identity", who).stdout
    for one in (address, quote):
        sigillo.cli("sender", "remove", one, "--identity", who)
    sigillo.cli("credential", "remove", "copied")
