# SPDX-License-Identifier: Apache-2.0
"""Limit profiles: never one message over, whoever sends at once, and after kill -9; what refusals and reports say."""
import http.client
import re
import smtplib
import threading
import time

import pytest

from world.internet import wait_for

SETTINGS = {"profile team": {"limits": ["25 messages/hour", "2000 recipients/day"]},
            "profile one": {"limits": ["1 messages/day"]},
            "profile crash": {"limits": ["300 messages/day"]},
            "profile small": {"limits": ["5 recipients/hour"], "recipients_per_message": 10, "message_size": "4K"}}


@pytest.fixture
def limited(make_sigillo):
    def make(profile):
        d = make_sigillo(settings=SETTINGS)
        s = d.sender("limits.test")
        d.cli("subscription", "set", "default", "--profile", profile)
        return d, s
    return make


def usage(d):
    rows = d.json("report", "usage")["usage"]
    return sum(r["messages"] for r in rows), sum(r["recipients"] for r in rows)


def stored(d):
    return len(d.admin("GET", "/admin/v1/messages?max=1000")[1]["messages"])


def mail(to="x@plain.test", text="x\n"):
    return {"from": "me@limits.test", "to": [to] if isinstance(to, str) else to, "subject": "s", "text": text}


def together(clients, work):
    """Runs work(n) in as many threads at once."""
    barrier = threading.Barrier(clients)

    def run(n):
        barrier.wait()
        work(n)
    threads = [threading.Thread(target=run, args=(n,)) for n in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def test_20_clients_at_once_never_get_one_message_over(limited):
    d, sender = limited("team")
    said = []

    def by_smtp():
        try:
            d.submit(sender, "x@plain.test")
            return 250
        except smtplib.SMTPResponseException as e:
            assert "25 messages an hour" in str(e.smtp_error), e
            return e.smtp_code

    def by_http():
        status, headers, body = d.post("/v1/messages", mail(), sender.key)
        if status == 429:
            assert 3500 < int(headers["Retry-After"]) <= 3600 and body["code"] == "limit-reached", (headers, body)
        return status

    def client(n):
        for _ in range(4):
            said.append(by_smtp() if n % 2 else by_http())
    together(20, client)
    assert len(said) == 80 and set(said) <= {250, 202, 452, 429}
    assert sum(s in (250, 202) for s in said) == 25
    assert stored(d) == 25 and usage(d) == (25, 25)
    d.restart()
    assert by_http() == 429 and by_smtp() == 452
    shown = d.json("subscription", "show", "default")
    assert [(l["what"], l["window"], l["used"], l["max"]) for l in shown["limits"]] == [
        ("messages", "hour", 25, 25), ("recipients", "day", 25, 2000)]


def test_kill_9_forgets_no_accepted_message_and_counts_no_other(limited):
    d, sender = limited("crash")
    told, stop = [], threading.Event()

    def client(n):
        while not stop.is_set():
            try:
                status = d.request("POST", "/v1/messages", mail(), sender.key, timeout=3)[0]
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
                continue
            told.append(status)
            if status == 429:
                return
    threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    try:
        for _ in range(4):
            time.sleep(0.15)
            d.kill("all")
            accepted = sum(s == 202 for s in told[:])
            d.start()
            assert d.json("subscription", "show", "default")["limits"][0]["used"] >= accepted
        for t in threads:
            t.join(60)
    finally:
        stop.set()
    for t in threads:
        t.join()
    assert set(told) <= {202, 429, 503}, set(told)
    assert stored(d) == 300, "exactly as many as the limit, over all lives"
    assert usage(d) == (300, 300)
    assert sum(s == 202 for s in told) <= 300


def test_what_a_message_alone_may_have(limited):
    d, sender = limited("small")
    status, headers, body = d.post("/v1/messages", mail(["a%d@plain.test" % n for n in range(11)]), sender.key)
    assert (status, body["code"]) == (422, "too-many-recipients") and "10 recipients" in body["detail"]
    status, headers, body = d.post("/v1/messages", mail(["a%d@plain.test" % n for n in range(6)]), sender.key)
    assert (status, body["code"]) == (422, "over-limit") and "Retry-After" not in headers
    status, headers, body = d.post("/v1/messages", mail(text="x" * 60 + "\n" + ("y" * 60 + "\n") * 100), sender.key)
    assert (status, body["code"]) == (413, "message-too-large")
    assert usage(d) == (0, 0), "what is refused does not count"


def test_internal_and_external_recipients_are_told_apart(limited):
    d, sender = limited("high-volume")
    assert d.post("/v1/messages", mail(["a@limits.test", "b@limits.test", "c@plain.test"]), sender.key)[0] == 202
    row, = d.json("report", "usage", "--since", "1h", "--subscription", "default")["usage"]
    assert (row["internal_recipients"], row["external_recipients"]) == (2, 1)
    assert row["identity"].startswith("key:") and row["bytes"] > 100
    assert d.json("report", "usage", "--subscription", "nobody")["usage"] == []


def test_an_identity_has_limits_of_its_own(limited):
    d, sender = limited("team")
    d.cli("credential", "set", sender.user, "--profile", "small")
    key = "key:" + sender.key.split("_")[1]
    d.cli("key", "set", key[4:], "--profile", "small")
    assert d.json("credential", "list")["credentials"][0]["profile"] == "small"
    for n in range(5):
        d.submit(sender, "x@plain.test")
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        d.submit(sender, "x@plain.test")
    assert refused.value.smtp_code == 452 and "profile small of credential:" + sender.user in str(refused.value.smtp_error)
    assert d.post("/v1/messages", mail(["a%d@plain.test" % n for n in range(5)]), sender.key)[0] == 202, "another identity has its own"
    d.restart()
    status, _, body = d.post("/v1/messages", mail(), sender.key)
    assert status == 429 and "profile small of " + key in body["detail"], "kept through a restart"
    d.cli("key", "set", key[4:], "--profile", "none")
    assert d.post("/v1/messages", mail(), sender.key)[0] == 202
    assert d.cli("key", "set", key[4:], "--profile", "nothing", ok=False).returncode == 2
    assert usage(d) == (7, 11), "all of it counts against the subscription"


def test_the_client_hears_before_it_sends_the_message(limited):
    d, sender = limited("small")
    c = d.connect()
    c.login(sender.user, sender.password)
    code, text = c.mail("me@limits.test", ["SIZE=4097"])
    assert code == 552 and b"5.3.4" in text and b"profile small" in text
    assert c.mail("me@limits.test", ["SIZE=4096"])[0] == 250
    said = [c.rcpt("a%d@plain.test" % n) for n in range(6)]
    assert [code for code, _ in said] == [250] * 5 + [452] and b"4.5.3" in said[5][1]
    assert c.data("Subject: s\r\nFrom: me@limits.test\r\n\r\nx\r\n")[0] == 250, "those that fit go"
    code, text = c.mail("me@limits.test")
    assert code == 250, "recipients are not known yet"
    code, text = c.rcpt("a@plain.test")
    assert code == 452 and re.search(rb"4\.7\.0 .*5 recipients an hour.* room again at 2\d\d\d-", text)
    d.cli("subscription", "set", "default", "--profile", "one")
    c.rset()
    code, text = c.mail("me@limits.test")
    assert code == 452 and b"1 messages a day" in text, "a limit that is full is said at MAIL"
    assert usage(d) == (1, 5)


def test_the_command_line(limited):
    d, _ = limited("standard")
    names = [p["name"] for p in d.json("profile", "list")["profiles"]]
    assert {"managed-test", "standard", "high-volume", "mailbox", "unlimited", "team", "small"} <= set(names)
    assert "30 messages/minute, 100 messages/hour" in d.cli("profile", "list").stdout
    assert re.search(r"messages/hour +0 +100\n", d.cli("subscription", "show", "default").stdout)
    assert "standard" in d.cli("subscription", "list").stdout
    d.cli("subscription", "add", "acme", "--profile", "mailbox")
    assert d.json("subscription", "show", "acme")["profile"] == "mailbox"
    assert d.cli("subscription", "set", "acme", "--profile", "none", ok=False).returncode == 2
    assert d.cli("subscription", "set", "nobody", "--profile", "standard", ok=False).returncode == 1
    assert d.cli("subscription", "set", "acme", ok=False).returncode == 2
    assert d.cli("subscription", "show", "nobody", ok=False).returncode == 1
    assert "IDENTITY" in d.cli("report", "usage").stdout
    d.restart()
    assert d.json("subscription", "show", "acme")["profile"] == "mailbox", "it is kept"


def test_profiles_are_read_again_at_sighup(limited):
    d, sender = limited("small")
    d.settings["profile small"] = {"limits": ["1 messages/day"]}
    d.reload()
    wait_for(lambda: d.json("subscription", "show", "default")["limits"], lambda l: l[0]["what"] == "messages", 10, "the new limit")
    assert d.post("/v1/messages", mail(), sender.key)[0] == 202
    assert d.post("/v1/messages", mail(), sender.key)[0] == 429
    d.settings["profile small"] = None
    d.expect("limit profile is not known")
    d.reload()
    wait_for(lambda: d.json("subscription", "show", "default"), lambda s: not s["profile_known"], 10, "the profile to go")
    assert d.post("/v1/messages", mail(), sender.key)[0] == 503
