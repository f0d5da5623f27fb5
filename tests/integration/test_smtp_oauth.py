# SPDX-License-Identifier: Apache-2.0
"""OAuth at SMTP: programs log in with a token (XOAUTH2, OAUTHBEARER) or with an application's secret; what is no good token opens nothing.  [RFC 7628]"""
import base64
import json
import re
import smtplib
import subprocess
import time

import jwt
import npm
import pytest
from conftest import finish, launch
from cryptography.hazmat.primitives.asymmetric import ec
from oauth import ask, part
from wire import Wire, scram
from world import daemon

DOMAIN = "smtp-oauth.test"
LOB = "lob@" + DOMAIN
SMTP = "https://outlook.office365.com/.default"
ACS = "https://communication.azure.com/.default"
GRAPH = "https://graph.microsoft.com/.default"
S = "\x01"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "smtp-oauth", {"limits": {"connections_per_address": 50}}, start=False)
    d.open_https()
    d.start()
    d.sender(DOMAIN)
    d.json("subscription", "add", "other")
    yield d
    finish(d)


@pytest.fixture(scope="module")
def app(sigillo):
    made = sigillo.json("app", "add", "crm", "--domain", DOMAIN)
    sigillo.json("account", "add", "--name", "LOB", "--address", LOB, "--allow-app", "crm")
    return made


def token_for(sigillo, app, scope=SMTP):
    status, _, body = ask(sigillo, "/oauth2/token", grant_type="client_credentials", client_id=app["client_id"], client_secret=app["secret"], scope=scope)
    assert status == 200, body
    return body["access_token"]


@pytest.fixture(scope="module")
def token(sigillo, app):
    return token_for(sigillo, app)


@pytest.fixture
def nothing_counted(sigillo):
    """What failed is counted for minutes, in memory."""
    sigillo.restart()


def message(mechanism, user, token):
    if mechanism == "XOAUTH2":
        return "user=%s%sauth=Bearer %s%s%s" % (user, S, token, S, S)
    name = user.replace("=", "=3D").replace(",", "=2C")
    return "n,%s,%sauth=Bearer %s%s%s" % ("a=" + name if name else "", S, token, S, S)


def b64(text):
    return base64.b64encode(text.encode()).decode()


def tls(sigillo, port=465):
    w = Wire(sigillo, port=port)
    if port == 587:
        w.start_tls()
    w.offer = w.say("EHLO client.test", "250")
    return w


def auth(w, mechanism, user, token, initial=True):
    """(the JSON of a refusal or None, the last reply)"""
    text = b64(message(mechanism, user, token))
    if initial:
        w.send("AUTH %s %s\r\n" % (mechanism, text))
    else:
        w.say("AUTH " + mechanism, "334 ")
        w.send(text + "\r\n")
    reply = w.reply()
    if not reply.startswith("334 "):
        return None, reply
    why = json.loads(base64.b64decode(reply[4:]))
    w.send("\r\n" if mechanism == "XOAUTH2" else "AQ==\r\n")
    return why, w.reply()


def refused(sigillo, user, token, text, mechanism="XOAUTH2"):
    w = tls(sigillo)
    why, reply = auth(w, mechanism, user, token)
    assert why is not None and why["status"] == ("401" if mechanism == "XOAUTH2" else "invalid_token")
    assert why["scope"] == sigillo.settings["public_url"] + "/.default"
    assert reply.startswith("535 5.7.8 ") and text in reply, reply
    w.say("MAIL FROM:<%s>" % LOB, "530 5.7.0")
    w.close()


# -- it is offered, and goes ------------------------------------------------------------------------------------------

def test_it_is_offered_when_there_is_an_application(make_sigillo):
    d = make_sigillo()
    d.sender("smtp-oauth-offer.test")
    assert "XOAUTH2" not in tls(d).offer
    w = tls(d)
    w.say("AUTH XOAUTH2 " + b64(message("XOAUTH2", "a", "b")), "504 ")
    d.json("app", "add", "first", "--domain", "smtp-oauth-offer.test")
    assert re.search(r"AUTH .*PLAIN.* OAUTHBEARER XOAUTH2", tls(d).offer)
    plain = Wire(d, port=587)
    assert "AUTH" not in plain.say("EHLO client.test", "250"), "nothing is in plaintext"
    plain.say("AUTH XOAUTH2 " + b64(message("XOAUTH2", "a", "b")), "538 5.7.11")


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("port", [465, 587])
def test_a_token_logs_in_as_the_account(sigillo, token, mechanism, initial, port):
    w = tls(sigillo, port)
    assert auth(w, mechanism, LOB.upper(), token, initial) == (None, "235 2.7.0 authenticated")
    w.say("MAIL FROM:<%s>" % LOB, "250")
    w.say("RSET", "250")
    w.say("MAIL FROM:<boss@%s>" % DOMAIN, "550")  # it is the account, which has one address
    w.close()


def test_as_whom_else(sigillo, app, token):
    for user in ("news@" + DOMAIN, "main|%s|default" % app["client_id"], "main.%s.%s" % (app["client_id"], app["tenant_id"])):
        for mechanism in ("XOAUTH2", "OAUTHBEARER"):
            w = tls(sigillo)
            assert auth(w, mechanism, user, token)[1].startswith("235"), user
            w.say("MAIL FROM:<boss@%s>" % DOMAIN, "250")  # it is the application
            w.close()
    w = tls(sigillo)
    assert auth(w, "OAUTHBEARER", "", token)[1].startswith("235"), "no name: whom the token shows"


def test_each_audience_of_smtp(sigillo, app):
    for scope in (SMTP, ACS, "https://communication.azure.com//.default", sigillo.settings["public_url"] + "/.default"):
        assert auth(tls(sigillo), "XOAUTH2", LOB, token_for(sigillo, app, scope))[1].startswith("235"), scope
    refused(sigillo, LOB, token_for(sigillo, app, GRAPH), "another API")


def test_the_account_sends_and_is_named(world, sigillo, token):
    w = tls(sigillo)
    auth(w, "OAUTHBEARER", LOB, token)
    to = "smtp-oauth-named@plain.test"
    w.envelope(LOB, to)
    w.say("DATA", "354")
    w.send("From: <%s>\r\nTo: <%s>\r\nSubject: x\r\n\r\nHello.\r\n.\r\n" % (LOB, to))
    assert w.reply().startswith("250")
    assert world.wait_mail(to)
    assert sigillo.json("report", "usage")["usage"][0]["identity"] == "account:" + LOB


# -- clients that are not ours ----------------------------------------------------------------------------------------

def mailer(sigillo, auth, port=465, to="smtp-oauth-node@plain.test"):
    question = {"transport": {"host": sigillo.address, "port": port, "secure": port == 465, "requireTLS": True, "auth": auth},
                "messages": [{"from": LOB, "to": to, "subject": "By nodemailer", "text": "Hello.\n"}]}
    return npm.run(sigillo, "clients/nodemailer", "nodemailer", "clients/nodemailer/client.mjs", question=question)[0]


@pytest.mark.parametrize("port", [465, 587])
def test_nodemailer(world, sigillo, token, port):
    to = "smtp-oauth-node%d@plain.test" % port
    got = mailer(sigillo, {"type": "OAuth2", "user": LOB, "accessToken": token}, port, to)
    assert got.get("response", "").startswith("250"), got
    assert world.wait_mail(to)


def test_nodemailer_hears_why(sigillo, token):
    got = mailer(sigillo, {"type": "OAuth2", "user": LOB, "accessToken": token + "A"})
    assert got["error"]["code"] == "EAUTH" and got["error"]["status"] == 535, got


def test_nodemailer_with_a_secret(world, sigillo, app):
    to = "smtp-oauth-secret@plain.test"
    got = mailer(sigillo, {"user": "main|%s|default" % app["client_id"], "pass": app["secret"]}, 587, to)
    assert got.get("response", "").startswith("250"), got
    assert world.wait_mail(to)


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_smtplib(world, sigillo, token, mechanism):
    answers = {"XOAUTH2": "", "OAUTHBEARER": S}

    def authenticate(challenge=None):
        return message(mechanism, LOB, token) if challenge is None else answers[mechanism]
    c = sigillo.connect(465)
    c.ehlo()
    assert c.auth(mechanism, authenticate)[0] == 235
    to = "smtp-oauth-%s@plain.test" % mechanism.lower()
    c.sendmail(LOB, [to], daemon.message(LOB, [to]))
    c.quit()
    assert world.wait_mail(to)

    def wrong(challenge=None):
        return message(mechanism, LOB, token[:-4]) if challenge is None else answers[mechanism]
    c = sigillo.connect(465)
    c.ehlo()
    with pytest.raises(smtplib.SMTPAuthenticationError) as e:
        c.auth(mechanism, wrong)
    assert e.value.smtp_code == 535


@pytest.mark.parametrize("url, more", [("smtps://%s:465", []), ("smtp://%s:587", ["--ssl-reqd"])])
@pytest.mark.parametrize("option", ["", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER"])
def test_curl(world, sigillo, token, tmp_path, url, more, option):
    to = "smtp-oauth-curl%s%d@plain.test" % (option.replace("=", "-").lower(), len(more))
    mail = tmp_path / "mail"
    mail.write_bytes(daemon.message(LOB, [to]))
    command = ["curl", "-sS", "--cacert", sigillo.world.ca.file, url % sigillo.address, *more, "--user", LOB, "--oauth2-bearer", token,
               "--mail-from", LOB, "--mail-rcpt", to, "--upload-file", str(mail)] + (["--login-options", option] if option else [])
    r = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    assert world.wait_mail(to)
    if option:
        command[command.index(token)] = token + "A"
        r = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert r.returncode == 67, r.stderr  # login denied


def test_swaks_with_a_secret(world, sigillo, app):
    for n, user in enumerate(("main|%s|%s" % (app["client_id"], app["tenant_id"]), "main.%s.%s" % (app["client_id"], app["tenant_id"]))):
        for mechanism in ("PLAIN", "LOGIN"):
            to = "smtp-oauth-swaks-%s%d@plain.test" % (mechanism.lower(), n)
            r = subprocess.run(["swaks", "--server", sigillo.address, "--tls", "--port", "587", "--auth", mechanism, "--auth-user", user, "--auth-password",
                                app["secret"], "--from", "me@" + DOMAIN, "--to", to, "--helo", "client.test"], capture_output=True, text=True, timeout=60)
            assert r.returncode == 0, r.stdout + r.stderr
            assert world.wait_mail(to)


# -- what is no good token --------------------------------------------------------------------------------------------

@pytest.mark.usefixtures("nothing_counted")
def test_tokens_that_are_none(sigillo, app, token):
    header, claims, signature = token.split(".")
    known = jwt.get_unverified_header(token)
    said = jwt.decode(token, options={"verify_signature": False})
    stranger = ec.generate_private_key(ec.SECP256R1())
    sign = lambda **changes: jwt.encode({**said, **changes}, stranger, algorithm="ES256", headers={"kid": known["kid"]})  # noqa: E731
    rows = [
        (".".join([part({**known, "alg": "none"}), claims, ""]), "can be read"),
        (".".join([part({**known, "alg": "none"}), claims, signature]), "ES256"),
        (sign(), "signature"),
        (sign(iss="https://login.evil.test"), "signature"),
        (jwt.encode(said, stranger, algorithm="ES256", headers={"kid": "another"}), "not known here"),
        ("garbage", "can be read"),
        (header + "." + claims, "can be read"),
        (header + ".%%%." + signature, "can be read"),
        ("A" * 8300, "can be read"),
    ]
    for n, (bad, text) in enumerate(rows):
        refused(sigillo, "u%d@%s" % (n, DOMAIN), bad, text, ("XOAUTH2", "OAUTHBEARER")[n % 2])
    assert auth(tls(sigillo), "XOAUTH2", LOB, token)[1].startswith("235"), "after all this the good one is good"
    assert "login refused" in open(sigillo.log_file).read() and token not in open(sigillo.log_file).read()


def test_what_is_no_message_of_the_mechanism(sigillo):
    for mechanism, text in (("XOAUTH2", "user=a"), ("OAUTHBEARER", "n,," + S + S), ("XOAUTH2", message("OAUTHBEARER", "a", "b"))):
        tls(sigillo).say("AUTH %s %s" % (mechanism, b64(text)), "501 5.5.2")
    tls(sigillo).say("AUTH XOAUTH2 !!!", "501 5.5.2")
    w = tls(sigillo)
    w.send("AUTH XOAUTH2 " + "A" * 13000 + "\r\n")
    assert w.reply().startswith("500 5.5")
    w.say("NOOP", "250")
    w.say("AUTH OAUTHBEARER", "334 ")
    w.say("*", "501 5.7.0")
    w.say("NOOP", "250")


def test_a_client_may_ask_where_tokens_come_from(sigillo):
    """[RFC 7628 s4.3]"""
    w = tls(sigillo)
    w.send("AUTH OAUTHBEARER %s\r\n" % b64("n,," + S + "auth=" + S + S))
    why = json.loads(base64.b64decode(w.reply()[4:]))
    assert why["openid-configuration"] == sigillo.settings["public_url"] + "/.well-known/openid-configuration"
    w.say("AQ==", "535 5.7.8")


@pytest.mark.usefixtures("nothing_counted")
def test_who_may_not(sigillo, app, token):
    sigillo.json("account", "add", "--name", "x", "--address", "closed@" + DOMAIN)
    sigillo.json("account", "add", "--name", "x", "--address", "off@" + DOMAIN, "--allow-app", "crm", "--oauth", "off")
    foreign = sigillo.json("app", "add", "erp", "--subscription", "other", "--domain", "*")
    refused(sigillo, "closed@" + DOMAIN, token, "sigillo account set closed@%s --allow-app" % DOMAIN)
    refused(sigillo, "off@" + DOMAIN, token, "sigillo account set off@%s --oauth on" % DOMAIN)
    refused(sigillo, LOB, token_for(sigillo, foreign), "may not log in as this user", "OAUTHBEARER")
    refused(sigillo, "main|%s|default" % app["client_id"], token_for(sigillo, foreign), "may not log in as this user")
    refused(sigillo, "someone@elsewhere.test", token, "may not log in as this user")
    sigillo.json("account", "set", "closed@" + DOMAIN, "--allow-app", "crm")
    assert auth(tls(sigillo), "XOAUTH2", "closed@" + DOMAIN, token)[1].startswith("235")
    sigillo.json("account", "set", "closed@" + DOMAIN, "--oauth", "off")
    refused(sigillo, "closed@" + DOMAIN, token, "--oauth on")


@pytest.mark.usefixtures("nothing_counted")
def test_what_is_removed_opens_nothing(sigillo):
    made = sigillo.json("app", "add", "leaving", "--domain", DOMAIN)
    user, t = "main|%s|default" % made["client_id"], token_for(sigillo, made)
    assert auth(tls(sigillo), "XOAUTH2", "news@" + DOMAIN, t)[1].startswith("235")
    tls(sigillo).say("AUTH PLAIN " + daemon.plain_auth(user, made["secret"]), "235")
    held = tls(sigillo)
    auth(held, "XOAUTH2", "news@" + DOMAIN, t)
    sigillo.cli("app", "secret", "leaving")
    sigillo.cli("app", "secret", "leaving", "--remove", made["secret_id"])
    tls(sigillo).say("AUTH PLAIN " + daemon.plain_auth(user, made["secret"]), "535 5.7.8")
    assert auth(tls(sigillo), "XOAUTH2", "news@" + DOMAIN, t)[1].startswith("235"), "what it got before lasts its hour"
    sigillo.cli("app", "remove", "leaving")
    refused(sigillo, "news@" + DOMAIN, t, "not there any more")
    held.say("MAIL FROM:<news@%s>" % DOMAIN, "550")


# -- guesses ----------------------------------------------------------------------------------------------------------

@pytest.mark.usefixtures("nothing_counted")
def test_guesses_are_slowed_down(sigillo, token):
    began = time.monotonic()
    for n in range(10):
        w = tls(sigillo)
        if n % 2:
            assert auth(w, "XOAUTH2", LOB, token + "A")[1].startswith("535")
        else: # who gives up in the middle is counted, too
            w.send("AUTH XOAUTH2 %s\r\n" % b64(message("XOAUTH2", LOB, token + "A")))
            assert w.reply().startswith("334 ")
            w.say("*", "501 5.7.0")
        w.close()
    assert time.monotonic() - began > 10 * 0.25
    w = tls(sigillo)
    assert auth(w, "OAUTHBEARER", LOB, token)[1].startswith("421 4.7.0 too many failed logins; try again in")
    assert auth(tls(sigillo), "XOAUTH2", "news@" + DOMAIN, token)[1].startswith("235"), "another user is not kept out"


# -- passwords --------------------------------------------------------------------------------------------------------

@pytest.mark.usefixtures("nothing_counted")
def test_an_account_without_passwords_says_so(sigillo, app):
    r = sigillo.cli("account", "add", "--name", "modern", "--address", "modern@" + DOMAIN)
    assert "Passwords are off. The subscription has OAuth applications" in r.stdout
    w = tls(sigillo)
    said = w.say("AUTH PLAIN " + daemon.plain_auth("Modern@" + DOMAIN, "whatever it is"), "534 5.7.9")
    assert "log in with a token (XOAUTH2, OAUTHBEARER)" in said and "sigillo account set Modern@%s --basic on" % DOMAIN in said
    assert scram(w, "modern@" + DOMAIN, "whatever it is").startswith("534 5.7.9 passwords are off")
    made = sigillo.json("account", "set", "modern@" + DOMAIN, "--basic", "on")
    tls(sigillo).say("AUTH PLAIN " + daemon.plain_auth("modern@" + DOMAIN, "whatever it is"), "535 5.7.8")
    tls(sigillo).say("AUTH PLAIN " + daemon.plain_auth("modern@" + DOMAIN, made["password"]), "235")


@pytest.mark.usefixtures("nothing_counted")
def test_secrets_that_are_wrong(sigillo, app):
    user = "main|%s|default" % app["client_id"]
    for who, secret in ((user, "wrong"), (user, app["secret"][:-1]), ("main|%s|other" % app["client_id"], app["secret"]),
                        ("main|f47ac10b-58cc-4372-a567-0e02b2c3d479|default", app["secret"]), (app["client_id"], app["secret"])):
        w = tls(sigillo)
        w.say("AUTH PLAIN " + daemon.plain_auth(who, secret), "535 5.7.8 user name or password wrong")
        w.close()
    assert scram(tls(sigillo), user, app["secret"]).startswith("535"), "what is kept of a secret proves nothing by SCRAM"
    tls(sigillo).say("AUTH PLAIN " + daemon.plain_auth(user, app["secret"]), "235")
