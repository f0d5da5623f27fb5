# SPDX-License-Identifier: Apache-2.0
"""Mail for programs: read, signed, brought by HTTPS; again under the same identifier until it is taken."""
import base64
import json
import os
import re
import smtplib

import pytest

import npm
from conftest import finish, launch
from world.daemon import queue_id
from world.internet import ROOT, wait_for

HOST = "hook.webhook.test"
LETTER = (b"From: =?utf-8?q?J=C3=B6?= <joe@sender.webhook.test>\r\nTo: <box@webhook.test>\r\nSubject: =?iso-8859-1?q?caf=E9?=\r\n"
          b"Message-ID: <%s@sender.webhook.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"
          b"--m\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nYes.\r\n\r\nOn 1 May, Ben <ben@webhook.test> wrote:\r\n> Tea?\r\n"
          b"--m\r\nContent-Type: application/pdf; name=bill.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--m--\r\n")


@pytest.fixture(scope="module")
def sigillo(world):
    for name in (HOST, "wrong.webhook.test"):
        world.dns.publish(name, "A", world.https.address)
    world.dns.publish("sender.webhook.test", "TXT", '"v=spf1 ip4:127.0.0.0/8 -all"')
    world.dns.publish("_dmarc.sender.webhook.test", "TXT", '"v=DMARC1; p=reject"')
    d = launch(world, "webhook", {}, start=False)
    d.settings["listen arrivals"] = {"door": "inbound", "address": [d.address + ":2525"], "tls": "starttls"}
    d.start()
    d.cli("domain", "add", "webhook.test")
    yield d
    finish(d)


def route(sigillo, address, path):
    """The secret of a new route."""
    return sigillo.json("route", "add", address, "--webhook", "https://%s%s" % (HOST, path))["secret"]


def arrive(sigillo, to):
    """The id of the message."""
    c = smtplib.SMTP(sigillo.address, 2525, "client.sender.webhook.test", timeout=20)
    c.ehlo()
    c.mail("joe@sender.webhook.test")
    for address in [to] if isinstance(to, str) else to:
        assert c.rcpt(address)[0] == 250
    code, text = c.data(LETTER % os.urandom(4).hex().encode())
    c.close()
    assert code == 250, text
    return queue_id(text.decode())


def asked(world, path):
    return [(h, body) for method, host, p, h, body in list(world.https.requests) if (method, host, p) == ("POST", HOST, path)]


def wait_asked(world, path, times, timeout=30):
    return wait_for(lambda: asked(world, path), lambda got: len(got) >= times, timeout, "%d requests for %s" % (times, path))


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def example():
    """The function of docs/inbound.md."""
    with open(os.path.join(ROOT, "docs", "inbound.md")) as f:
        code = re.search(r"^```python\n(.*?)^```", f.read(), re.M | re.S).group(1)
    scope = {}
    exec(code, scope)
    return scope["verify"]


def test_a_message_is_brought_read_and_signed(world, sigillo):
    secret = route(sigillo, "box@webhook.test", "/good")
    world.https.put(HOST, "/good", "thanks")
    id = arrive(sigillo, "box@webhook.test")
    shown = sigillo.wait_state(id, "delivered")
    assert shown["recipients"][0]["reason"] == "HTTP 200"
    (headers, body), = asked(world, "/good")
    h, document = lower(headers), json.loads(body)
    data = document["data"]
    assert h["content-type"] == "application/json" and document["id"] == h["webhook-id"] and id in h["webhook-id"]
    verify = example()
    assert verify(secret, h, body) and not verify(secret, h, body + b" ")
    assert not verify(secret, dict(h, **{"webhook-timestamp": "1700000000"}), body)
    assert document["type"] == "mail.received" and data["route"] == "box@webhook.test" and data["recipient"] == "box@webhook.test"
    assert data["envelope"] == {"from": "joe@sender.webhook.test", "to": "box@webhook.test", "helo": "client.sender.webhook.test",
                                "ip": "127.0.0.1"}
    assert data["verdict"]["spf"]["result"] == "pass" and data["verdict"]["dmarc"]["result"] == "pass"
    assert data["verdict"]["disposition"] == "none" and "dmarc=pass" in data["verdict"]["authentication_results"]
    assert data["from"] == {"name": "Jö", "address": "joe@sender.webhook.test"} and data["subject"] == "café"
    assert data["text"].startswith("Yes.\n") and data["reply"] == "Yes." and data["html"] is None and data["problem"] is None
    (bill,) = data["attachments"]
    assert (bill["name"], bill["type"], base64.b64decode(bill["content"])) == ("bill.pdf", "application/pdf", b"%PDF-")
    assert b"Subject: =?iso-8859-1?q?caf=E9?=\r\n" in base64.b64decode(data["raw"])


def test_the_standard_s_own_library_takes_it(world, sigillo):
    secret = route(sigillo, "library@webhook.test", "/library")
    world.https.put(HOST, "/library", "", status=204)
    sigillo.wait_state(arrive(sigillo, "library@webhook.test"), "delivered")
    (headers, body), = asked(world, "/library")
    good = {"headers": lower(headers), "body": body.decode()}
    bad = dict(good, body=good["body"].replace("Yes.", "No."))
    answers = npm.run(sigillo, "clients/webhook", "standardwebhooks", "clients/webhook/client.mjs",
                      question={"secret": secret, "requests": [good, bad]})
    assert answers[0]["payload"]["data"]["recipient"] == "library@webhook.test"
    assert "signature" in answers[1]["error"]


def test_it_comes_again_under_the_same_identifier(world, sigillo):
    secret = route(sigillo, "again@webhook.test", "/again")
    world.https.put(HOST, "/again", "no", status=500)
    id = arrive(sigillo, "again@webhook.test")
    wait_asked(world, "/again", 2)
    world.https.put(HOST, "/again", "", status=302, headers=[("Location", "https://%s/elsewhere" % HOST)])
    seen = len(asked(world, "/again"))
    wait_asked(world, "/again", seen + 1)
    world.https.put(HOST, "/again", "yes")
    sigillo.wait_state(id, "delivered")
    requests = [(lower(h), body) for h, body in asked(world, "/again")]
    assert len({h["webhook-id"] for h, _ in requests}) == 1 and len({body for _, body in requests}) == 1
    assert not asked(world, "/elsewhere")
    times = [int(h["webhook-timestamp"]) for h, _ in requests]
    assert times == sorted(times) and times[-1] > times[0] and all(example()(secret, h, body) for h, body in requests)
    replies = [e["detail"].get("reply") for e in sigillo.json("trace", id)["events"] if e["kind"] == "deferred"]
    assert "HTTP 500" in replies and "HTTP 302" in replies


def test_whoever_asks_for_patience_gets_it(world, sigillo):
    route(sigillo, "later@webhook.test", "/later")
    world.https.put(HOST, "/later", "", status=429, headers=[("Retry-After", "3600")])
    id = arrive(sigillo, "later@webhook.test")
    wait_asked(world, "/later", 1)
    shown = wait_for(lambda: sigillo.show(id), lambda s: s["recipients"][0]["attempts"] == 1, 20, "one attempt")
    row = shown["recipients"][0]
    assert row["state"] == "queued" and "HTTP 429" in json.dumps(row)
    events = sigillo.json("trace", id)["events"]
    assert len(asked(world, "/later")) == 1 and events
    waits = wait_for(lambda: sigillo.show(id)["recipients"][0], lambda r: r.get("next_at"), 20, "its next time")["next_at"]
    assert seconds(waits) - seconds(events[0]["at"]) > 3000
    sigillo.cli("queue", "cancel", id)


def seconds(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_gone_is_gone_for_good(world, sigillo):
    route(sigillo, "gone@webhook.test", "/gone")
    world.https.put(HOST, "/gone", "", status=410)
    shown = sigillo.wait_state(arrive(sigillo, "gone@webhook.test"), "failed")
    assert shown["recipients"][0]["status"] == "5.2.1" and len(asked(world, "/gone")) == 1


def test_a_server_that_does_not_prove_itself_gets_nothing(world, sigillo):
    name = "wrong.webhook.test"
    world.https.shows(name, world.ca.issue("other.webhook.test"))
    sigillo.json("route", "add", "wrong@webhook.test", "--webhook", "https://%s/in" % name)
    id = arrive(sigillo, "wrong@webhook.test")
    row = wait_for(lambda: sigillo.show(id)["recipients"][0], lambda r: r["attempts"] >= 1, 20, "an attempt")
    assert "certificate" in json.dumps(row) and not [r for r in world.https.requests if r[1] == name]
    sigillo.cli("queue", "cancel", id)


def test_the_same_again_after_a_crash(world, sigillo):
    """The program took it and answered too late: the server was killed meanwhile."""
    route(sigillo, "crash@webhook.test", "/crash")
    held = []

    def hold(handler):
        held.append(handler)
        while sigillo.process is not None:
            wait_for(lambda: sigillo.process, lambda p: p is None, 60, "the end")
    world.https.put(HOST, "/crash", hold)
    id = arrive(sigillo, "crash@webhook.test")
    wait_asked(world, "/crash", 1)
    sigillo.kill()
    world.https.put(HOST, "/crash", "yes")
    sigillo.start()
    shown = sigillo.wait_state(id, "delivered", timeout=60)
    first, last = asked(world, "/crash")[0], asked(world, "/crash")[-1]
    assert first[1] == last[1] and lower(first[0])["webhook-id"] == lower(last[0])["webhook-id"]
    assert len(asked(world, "/crash")) == 2 and shown["recipients"][0]["possibly_repeated"]


def test_each_recipient_for_himself(world, sigillo):
    route(sigillo, "@webhook.test", "/all")
    world.https.put(HOST, "/all", "yes")
    sigillo.wait_state(arrive(sigillo, ["a@webhook.test", "b@webhook.test"]), "delivered")
    got = [json.loads(body) for _, body in asked(world, "/all")]
    assert sorted(d["data"]["recipient"] for d in got) == ["a@webhook.test", "b@webhook.test"]
    assert len({d["id"] for d in got}) == 2
