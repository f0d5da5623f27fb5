# SPDX-License-Identifier: Apache-2.0
"""High-volume accounts: how they log in, as whom they send, what the command line says."""
import re
import smtplib
import time

import pytest

from wire import Wire, scram
from world import daemon

LOB = "lobapp1@account.test"


@pytest.fixture
def account(make_sigillo):
    """A daemon with the domain account.test, and an account on it: its answer has the password."""
    d = make_sigillo()
    d.sender("account.test")
    return d, d.json("account", "add", "--name", "LOB App 1", "--address", LOB)


def session(d, user, password):
    c = d.connect()
    c.login(user, password)
    return c


def send(c, mail_from, header_from=None):
    """The code and text of the last answer."""
    code, text = c.mail(mail_from)
    if code == 250:
        c.rcpt("x@plain.test")
        code, text = c.data(daemon.message(header_from or mail_from, ["x@plain.test"]))
    c.rset()
    return code, text.decode()


def tls(d):
    w = Wire(d, port=465)
    w.send("EHLO client.test\r\n")
    w.reply()
    return w


def test_it_sends_as_its_address_only(account):
    d, made = account
    c = session(d, "LobApp1@Account.test", made["password"])
    assert send(c, LOB)[0] == 250
    assert send(c, "LOBAPP1@account.TEST")[0] == 250
    for other in ("boss@account.test", "lobapp1@other.test", "lobapp11@account.test", "lobapp1+x@account.test"):
        code, text = send(c, other)
        assert code == 550, (other, code, text)
        assert send(c, LOB, header_from=other)[0] in (550, 554), other
    assert d.cli("policy", "test", "--identity", "account:" + LOB, "--sender", LOB).stdout.startswith("granted")
    assert d.cli("policy", "test", "--identity", "account:" + LOB, "--sender", "boss@account.test", ok=False).returncode == 1
    usage = {r["identity"]: r["messages"] for r in d.json("report", "usage")["usage"]}
    assert usage == {"account:" + LOB: 2}
    d.cli("group", "add", "shared", "--member", "box@account.test", "--member", LOB)
    d.cli("policy", "add", "--identity", "account:" + LOB, "--allow", "--senders", "shared")
    assert send(c, "box@account.test")[0] == 250, "a policy may allow it more"
    r = d.cli("account", "remove", LOB, ok=False)
    assert r.returncode == 1 and "policy" in r.stderr, "what names it goes first"


def test_every_mechanism_takes_its_password(account):
    d, made = account
    wire = tls(d)
    wire.send("AUTH PLAIN %s\r\n" % daemon.plain_auth(LOB, made["password"]))
    assert wire.reply().startswith("235")
    assert scram(tls(d), LOB, made["password"]).startswith("235")
    assert scram(tls(d), LOB, "wrong password").startswith("535")


def test_passwords_are_switched_off_and_on(account):
    d, made = account
    held = session(d, LOB, made["password"])
    shown = d.json("account", "set", LOB, "--basic", "off")
    assert not shown["basic"] and shown["has_password"]
    with pytest.raises(smtplib.SMTPAuthenticationError):
        session(d, LOB, made["password"])
    assert scram(tls(d), LOB, made["password"]).startswith("534 5.7.9 passwords are off")
    d.cli("account", "set", LOB, "--basic", "on")
    assert send(session(d, LOB, made["password"]), LOB)[0] == 250
    d.cli("account", "remove", LOB)
    assert send(held, LOB)[0] == 550, "who is connected already sends nothing more"


def test_with_an_application_there_new_accounts_have_no_password(account):
    d, _ = account
    d.cli("app", "add", "billing", "--domain", "account.test")
    r = d.cli("account", "add", "--name", "second", "--address", "second@account.test", "--allow-app", "billing")
    assert "Passwords are off. The subscription has OAuth applications" in r.stdout and "password  " not in r.stdout
    shown = d.json("account", "show", "SECOND@account.test")
    assert (shown["basic"], shown["oauth"], shown["apps"], shown["has_password"]) == (False, True, ["billing"], False)
    made = d.json("account", "set", "second@account.test", "--basic", "on")
    session(d, "second@account.test", made["password"]).close()
    d.restart()
    session(d, "second@account.test", made["password"]).close()
    assert d.json("account", "show", "second@account.test")["apps"] == ["billing"]


def test_the_accounts_of_a_subscription_share_their_limits(make_sigillo):
    d = make_sigillo(settings={"profile high-volume": {"limits": ["2 internal recipients/day", "1 external recipients/day"]}})
    s = d.sender("account.test")
    made = [d.json("account", "add", "--name", "n", "--address", "a%d@account.test" % n) for n in range(2)]
    first, second = [session(d, m["address"], m["password"]) for m in made]
    assert send(first, "a0@account.test")[0] == 250
    code, text = second.mail("a1@account.test")
    assert code == 250
    code, text = second.rcpt("x@plain.test")
    assert code == 452 and b"1 external recipients a day (profile high-volume of default/accounts)" in text
    assert second.rcpt("me@account.test")[0] == 250, "an internal one has its own limit"
    d.submit(s, "x@plain.test")
    first.close()
    second.close()
    d.restart()
    c = session(d, made[1]["address"], made[1]["password"])
    c.mail("a1@account.test")
    assert c.rcpt("x@plain.test")[0] == 452, "after a restart, too"


def test_guessing_is_slowed_down_for_the_guesser_only(account):
    d, made = account
    for n in range(10):
        w = tls(d)
        w.send("AUTH PLAIN %s\r\n" % daemon.plain_auth(LOB, "wrong password"))
        assert w.reply().startswith("535 5.7.8")
    w = tls(d)
    w.send("AUTH PLAIN %s\r\n" % daemon.plain_auth(LOB.upper(), made["password"]))
    said = re.match(r"421 4\.7\.0 too many failed logins; try again in (\d) seconds", w.reply())
    assert said
    time.sleep(int(said[1]))
    session(d, LOB, made["password"]).close()


def test_the_command_line(make_sigillo):
    d = make_sigillo(settings={"limits": {"accounts": 2}})
    d.sender("account.test")
    add = ("account", "add", "--name", "n", "--address")
    r = d.cli(*add, LOB, "--password-stdin", input="correct horse battery\n")
    assert "name      n\naddress   %s\nbasic     on\n" % LOB in r.stdout and "password  " not in r.stdout
    session(d, LOB, "correct horse battery")
    assert d.cli("account", "add", "--address", LOB, ok=False).returncode == 2, "without a name"
    assert d.cli("account", "add", "--name", "n", ok=False).returncode == 2, "without an address"
    assert d.cli(*add, LOB.upper(), ok=False).returncode == 1, "it exists"
    assert d.cli(*add, "x@elsewhere.test", ok=False).returncode == 1, "no domain of ours"
    assert d.cli(*add, "*@account.test", ok=False).returncode == 2, "no address"
    assert d.cli(*add, "sender-account", ok=False).returncode == 2, "no address"
    d.cli(*add, "second@account.test")
    r = d.cli(*add, "third@account.test", ok=False)
    assert r.returncode == 2 and "at most 2 accounts" in r.stderr
    r = d.cli("credential", "add", "Second@account.test", "--domain", "account.test", ok=False)
    assert r.returncode == 1 and "account" in r.stderr, "its user name is taken"
    assert d.cli("account", "set", LOB, ok=False).returncode == 2
    assert d.cli("account", "set", LOB, "--basic", "maybe", ok=False).returncode == 2
    assert d.cli("account", "set", LOB, "--allow-app", "none", ok=False).returncode == 1
    assert d.cli("account", "set", "nobody@account.test", "--basic", "on", ok=False).returncode == 1
    assert d.cli("account", "show", "nobody@account.test", ok=False).returncode == 1
    assert LOB in d.cli("account", "list").stdout
    r = d.cli("domain", "remove", "account.test", ok=False)
    assert r.returncode == 1, "it is in use"
    lines = d.json("report", "audit", "--action", "account add")["audit"]
    assert {l["object"] for l in lines if l["result"] == "done"} == {"account:" + LOB, "account:second@account.test"}
