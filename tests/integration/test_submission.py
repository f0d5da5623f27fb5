# SPDX-License-Identifier: Apache-2.0
"""The submission door: how clients get in, what they may say, and what becomes of everything else."""
import socket
import ssl
import subprocess
import time

import pytest

from wire import Wire, scram
from world import daemon
from world.internet import wait_for

SETTINGS = {"limits": {"recipients": 5, "message_size": "2M", "errors": 10, "idle_timeout": "3s",
                       "connections_per_address": 30}}


@pytest.fixture
def wire(sigillo):
    made = []

    def make(port=587, **kw):
        w = Wire(sigillo, port, **kw)
        made.append(w)
        return w
    yield make
    for w in made:
        w.close()


@pytest.fixture
def inside(wire, sender):
    """A session that is encrypted and logged in."""
    return wire().start_tls().login(sender)


def delivered(world, to):
    got = world.wait_mail(to)
    assert len(got) == 1
    return got[0]


def stored(sigillo):
    return {m["id"] for m in sigillo.json("trace", "--since", "1h", "--max", "1000")["messages"]}


@pytest.fixture
def nothing_stored(sigillo):
    before = stored(sigillo)
    yield
    assert stored(sigillo) == before


HEAD = "From: <me@app.test>\r\nTo: <someone@plain.test>\r\nSubject: x\r\n\r\n"


# -- getting in ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("port", [587, 465])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_smtplib_logs_in_and_sends(world, sigillo, sender, port, mechanism):
    c = sigillo.connect(port)
    c.ehlo_or_helo_if_needed()
    c.user, c.password = sender.user, sender.password
    c.auth(mechanism, getattr(c, "auth_" + mechanism.lower()))
    to = "smtplib-%s-%d@plain.test" % (mechanism.lower(), port)
    c.sendmail("me@app.test", [to], daemon.message("me@app.test", [to]))
    c.quit()
    assert b"Hello." in delivered(world, to)


@pytest.mark.parametrize("arguments", [["--tls", "--port", "587"], ["--tlsc", "--port", "465"]])
def test_swaks_sends(world, sigillo, sender, arguments):
    to = "swaks-%s@plain.test" % arguments[2]
    r = subprocess.run(["swaks", "--server", sigillo.address, *arguments, "--auth", "PLAIN", "--auth-user", sender.user,
                        "--auth-password", sender.password, "--from", "me@app.test", "--to", to, "--helo", "client.test"],
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
    world.wait_mail(to)


def test_scram_proves_the_password_both_ways(wire, sender):
    w = wire().start_tls()
    w.say("EHLO client.test", "250")
    assert scram(w, sender.user, sender.password).startswith("235 2.7.0")
    w.envelope("me@app.test")


@pytest.mark.parametrize("who", ["wrong password", "wrong proof", "nobody"])
def test_scram_refuses_all_alike(wire, sender, who):
    w = wire().start_tls()
    w.say("EHLO client.test", "250")
    user = "nobody" if who == "nobody" else sender.user
    password = sender.password if who == "wrong proof" else "wrong"
    assert scram(w, user, password, tamper=who == "wrong proof").startswith("535 5.7.8")
    w.say("MAIL FROM:<me@app.test>", "530 5.7.0")


@pytest.mark.parametrize("port", [587, 465])
def test_wrong_passwords_and_unknown_users_are_refused_alike(wire, sender, port):
    w = wire(port)
    if port == 587:
        w.start_tls()
    w.say("EHLO client.test", "250")
    a = w.say("AUTH PLAIN " + daemon.plain_auth(sender.user, "wrong"), "535 5.7.8")
    b = w.say("AUTH PLAIN " + daemon.plain_auth("nobody", "wrong"), "535 5.7.8")
    assert a == b
    w.say("AUTH PLAIN " + daemon.plain_auth(sender.user, sender.password), "235 2.7.0")


def test_there_is_no_auth_in_plaintext_and_no_mail_without(wire, sender, nothing_stored):
    w = wire()
    assert "AUTH" not in w.say("EHLO client.test", "250")
    w.say("AUTH PLAIN " + daemon.plain_auth(sender.user, sender.password), "538 5.7.11")
    w.say("MAIL FROM:<me@app.test>", "530 5.7.0")


def test_what_is_offered(wire):
    w = wire()
    plain = w.say("EHLO client.test", "250").replace("250-", "").replace("250 ", "").splitlines()[1:]
    assert "STARTTLS" in plain
    w.say("STARTTLS", "220")
    w.s = w.tls.wrap_socket(w.s, server_hostname=w.name)
    tls = w.say("EHLO client.test", "250").replace("250-", "").replace("250 ", "").splitlines()[1:]
    assert "STARTTLS" not in tls
    for word in ("PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES", "SIZE 2097152"):
        assert word in tls
    assert any(l.startswith("AUTH ") and {"PLAIN", "LOGIN", "SCRAM-SHA-256"} <= set(l.split()) for l in tls)
    assert any(l.startswith("LIMITS ") and "RCPTMAX=5" in l for l in tls)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_not_spoken(sigillo):
    context = sigillo.tls_context()
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with socket.create_connection((sigillo.address, 465), timeout=10) as s, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(s, server_hostname=sigillo.address)


def test_plaintext_behind_starttls_ends_the_session(wire):
    w = wire()
    w.say("EHLO client.test", "250")
    w.send("STARTTLS\r\nMAIL FROM:<me@app.test>\r\n")
    assert w.reply().startswith("501 5.5.4")
    assert w.closed()


def test_the_trusted_network_needs_no_auth(world, sigillo, sender):
    sigillo.submit(sender, "trusted@plain.test", port=25)
    world.wait_mail("trusted@plain.test")


# -- what may be said ---------------------------------------------------------------------------------------------

def test_a_message_in_one_pipeline(world, wire, inside):
    inside.send("MAIL FROM:<me@app.test> SIZE=100\r\nRCPT TO:<pipe@plain.test>\r\nDATA\r\n")
    assert [inside.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    inside.send(HEAD + "..a line with a dot\r\n.\r\nMAIL FROM:<me@app.test>\r\nRSET\r\nQUIT\r\n")
    assert [inside.reply()[:3] for _ in range(4)] == ["250", "250", "250", "221"]
    assert b"\n.a line with a dot" in delivered(world, "pipe@plain.test")


def test_a_message_in_chunks(world, inside):
    inside.envelope("me@app.test", "chunks@plain.test")
    body = (HEAD + "..two dots\r\n.\r\nstill here\r\n").encode()
    inside.send(b"BDAT 10\r\n" + body[:10] + b"BDAT %d\r\n" % (len(body) - 15) + body[10:-5] + b"BDAT 5 LAST\r\n" + body[-5:])
    assert [inside.reply()[:3] for _ in range(3)] == ["250", "250", "250"]
    assert b"still here" in delivered(world, "chunks@plain.test")


def test_internationalised_addresses(sigillo, inside):
    inside.say("MAIL FROM:<gr\u00fc\u00dfe@app.test>", "553 5.6.7")
    inside.say("MAIL FROM:<gr\u00fc\u00dfe@app.test> SMTPUTF8", "250")
    inside.say("RCPT TO:<jos\u00e9@plain.test>", "250")
    inside.say("DATA", "354")
    inside.send("From: <gr\u00fc\u00dfe@app.test>\r\nTo: <jos\u00e9@plain.test>\r\nSubject: \u20ac\r\n\r\nx\r\n.\r\n")
    reply = inside.reply()
    assert reply.startswith("250 ")
    assert sigillo.show(daemon.queue_id(reply))["recipients"][0]["address"] == "jos\u00e9@plain.test"


def test_delivery_notification_parameters_are_kept(world, sigillo, inside):
    inside.say("MAIL FROM:<me@app.test> RET=HDRS ENVID=my+2Bid", "250")
    inside.say("RCPT TO:<dsn@plain.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first+40plain.test", "250")
    inside.say("RCPT TO:<bad@plain.test> NOTIFY=NEVER,DELAY", "501 5.5.4")
    inside.say("DATA", "354")
    inside.send(HEAD + "x\r\n.\r\n")
    inside.reply()
    world.wait_mail("dsn@plain.test")


@pytest.mark.parametrize("command, want", [
    ("MAIL FROM:<me@app.test> HOLDFOR=60", "555 5.5.4"),
    ("MAIL FROM:<me@app.test> SIZE=3000000", "552 5.3.4"),
    ("MAIL FROM:<me@app.test> SIZE=x", "501 5.5.4"),
    ("MAIL FROM:<me@@app.test>", "501 5.1.7"),
    ("MAIL FROM:<me@other.test>", "550 5.7.1"),
    ("MAIL FROM:me@app.test", "501 5.1.7"),
    ("RCPT TO:<a@plain.test>", "503 5.5.1"),
    ("DATA", "503 5.5.1"),
    ("EXPN staff", "502 5.5.1"),
    ("FOO", "500 5.5.1"),
    ("NOOP " + "x" * 5000, "500 5.5.2"),
])
def test_a_wrong_command_is_refused_by_name(inside, nothing_stored, command, want):
    inside.say(command, want)
    inside.say("NOOP", "250")


def test_a_wrong_recipient_is_refused_and_the_rest_goes(world, inside):
    inside.say("MAIL FROM:<me@app.test>", "250")
    for bad in ("<a b@plain.test>", "<@>", "<>", "<a@-x.test>", "<a@plain..test>"):
        inside.say("RCPT TO:" + bad, "501 5.1.3")
    inside.say("RCPT TO:<right@plain.test>", "250 2.1.5")
    inside.say("DATA", "354")
    inside.send(HEAD + "x\r\n.\r\n")
    assert inside.reply().startswith("250")
    world.wait_mail("right@plain.test")


def test_no_recipients_no_data(inside, nothing_stored):
    inside.say("MAIL FROM:<me@app.test>", "250")
    inside.say("DATA", "554 5.5.1")


def test_too_many_recipients_are_told_to_come_again(inside):
    inside.say("MAIL FROM:<me@app.test>", "250")
    for i in range(5):
        inside.say("RCPT TO:<r%d@plain.test>" % i, "250")
    inside.say("RCPT TO:<r5@plain.test>", "452 4.5.3")
    inside.say("RSET", "250")


def test_the_from_field_must_be_the_senders_too(inside, nothing_stored):
    inside.envelope("me@app.test")
    inside.say("DATA", "354")
    inside.send("From: <ceo@other.test>\r\nTo: <x@plain.test>\r\n\r\nx\r\n.\r\n")
    assert inside.reply().startswith("550 5.7.1")


# -- bad input ----------------------------------------------------------------------------------------------------

BAD = [
    ("a bare LF", HEAD + "one\ntwo\r\n", "554 5.6.0 line 5"),
    ("a bare CR", HEAD + "one\rtwo\r\n", "554 5.6.0 line 5"),
    ("a NUL", HEAD + "one\0two\r\n", "554 5.6.0 line 5"),
    ("LF . LF", HEAD + "one\n.\nMAIL FROM:<me@app.test>\r\n", "554 5.6.0"),
    ("LF . CR LF", HEAD + "one\n.\r\nMAIL FROM:<me@app.test>\r\n", "554 5.6.0"),
    ("CR LF . LF", HEAD + "one\r\n.\nMAIL FROM:<me@app.test>\r\n", "554 5.6.0"),
    ("CR . CR LF", HEAD + "one\r.\r\nMAIL FROM:<me@app.test>\r\n", "554 5.6.0"),
    ("a header line of 1 MB", "From: <me@app.test>\r\nSubject: " + "x" * 1000000 + "\r\n\r\nx\r\n", "5"),
    ("100,000 fields", "From: <me@app.test>\r\n" + "X: y\r\n" * 100000 + "\r\nx\r\n", "5"),
    ("no From", "Subject: x\r\n\r\nx\r\n", "5"),
    ("two Froms", "From: <me@app.test>\r\nFrom: <me@app.test>\r\n\r\nx\r\n", "5"),
    ("a field without a colon", "From: <me@app.test>\r\nnonsense\r\n\r\nx\r\n", "5"),
    ("a wrong address in From", "From: <me@@app.test>\r\n\r\nx\r\n", "5"),
    ("more than the size", HEAD + ("x" * 78 + "\r\n") * 30000, "552 5.3.4"),
]


@pytest.mark.parametrize("way", ["DATA", "BDAT"])
@pytest.mark.parametrize("what, text, want", BAD, ids=[b[0] for b in BAD])
def test_bad_messages_are_refused_whole(inside, nothing_stored, way, what, text, want):
    inside.envelope("me@app.test")
    if way == "DATA":
        inside.say("DATA", "354")
        inside.send(text + ".\r\n")
    else:
        inside.send("BDAT %d LAST\r\n" % len(text.encode()) + text)
    got = inside.reply()
    assert got.startswith(want), got
    inside.say("RCPT TO:<x@plain.test>", "503 5.5.1")
    inside.say("NOOP", "250")


def test_an_end_of_data_that_can_be_read_in_two_ways_ends_the_session(inside, nothing_stored):
    inside.envelope("me@app.test")
    inside.say("DATA", "354")
    inside.send(HEAD + "x\r\r\n.\r\nMAIL FROM:<me@app.test>\r\n")
    assert inside.reply().startswith("554 5.6.0")
    assert inside.closed()


def test_a_bare_line_feed_in_a_command_ends_the_session(inside):
    inside.send("NOOP\nNOOP\r\n")
    assert inside.reply().startswith("500 5.5.2")
    assert inside.closed()


@pytest.mark.parametrize("size", ["18446744073709551615", "18446744073709551616", "-1", "x", ""])
def test_a_chunk_size_that_is_none_ends_the_session(inside, nothing_stored, size):
    inside.envelope("me@app.test")
    inside.send("BDAT %s\r\nQUIT\r\n" % size)
    assert inside.reply().startswith("501 5.5.4")
    assert inside.closed()


def test_too_many_errors_end_the_session(inside):
    inside.send("FOO\r\n" * 20)
    replies = [inside.reply() for _ in range(11)]
    assert all(r.startswith("500 5.5.1") for r in replies[:10]) and replies[10].startswith("421 4.7.0")
    assert inside.closed()


def test_a_client_that_says_nothing_is_sent_away(wire):
    w = wire()
    began = time.monotonic()
    assert w.reply().startswith("421 4.4.2")
    assert 2.5 < time.monotonic() - began < 8 and w.closed()


def test_a_client_that_says_a_byte_a_second_is_sent_away(wire):
    w = wire()
    began = time.monotonic()
    try:
        for byte in "NOOP NOOP NOOP":
            w.send(byte)
            time.sleep(0.5)
    except OSError:
        pass
    assert w.reply().startswith("421 4.4.2")
    assert time.monotonic() - began < 10


def test_a_client_that_leaves_within_a_message_leaves_nothing(inside, nothing_stored):
    inside.envelope("me@app.test")
    inside.say("DATA", "354")
    inside.send(HEAD + "half of it")
    inside.close()
    time.sleep(0.2)


def test_connections_of_one_address_are_limited(sigillo):
    lines, sockets = [], []
    try:
        for _ in range(40):
            s = socket.create_connection((sigillo.address, 587), timeout=10)
            sockets.append(s)
            lines.append(s.recv(200)[:9])
        assert lines.count(b"421 4.7.0") >= 10 and lines.count(b"220 mail.") + lines.count(b"421 4.7.0") <= 40
    finally:
        for s in sockets:
            s.close()
    wait_for(lambda: socket.create_connection((sigillo.address, 587), timeout=10).recv(3), lambda got: got == b"220", 5,
             "places to be free again")


def test_a_login_that_failed_is_answered_late(wire, sender):
    w = wire().start_tls()
    w.say("EHLO client.test", "250")
    began = time.monotonic()
    w.say("AUTH PLAIN " + daemon.plain_auth(sender.user, "wrong"), "535 5.7.8")
    assert time.monotonic() - began > 0.2


def test_received_says_how_it_came(world, sigillo, inside):
    inside.envelope("me@app.test", "received@plain.test")
    inside.say("DATA", "354")
    inside.send(HEAD + "x\r\n.\r\n")
    inside.reply()
    data = delivered(world, "received@plain.test").replace(b"\r\n\t", b" ").replace(b"\n\t", b" ").replace(b"\n ", b" ")
    assert b"from client.test ([127.0.0.1])" in data and b"with ESMTPSA" in data and b"TLS_" in data, data[:1500]
