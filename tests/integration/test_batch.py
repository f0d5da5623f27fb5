# SPDX-License-Identifier: Apache-2.0
"""Batches and scheduled sends in the words of SendGrid's API, by that service's own client."""
import collections
import concurrent.futures
import datetime
import json
import ssl
import time
import urllib.error
import urllib.request

import npm
import pytest
from conftest import finish, launch

DOMAIN = "batch.test"
OTHER = "batch-other"
SENDS = "/v3/user/scheduled_sends"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "batch", {}, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


def ask(sigillo, key, *requests):
    """(status, body) of each of (method, path, body)."""
    asked = [dict(zip(("method", "url", "body"), r)) for r in requests]
    answers = npm.run(sigillo, "clients/sendgrid", "@sendgrid/client", "clients/sendgrid/client.mjs",
                      question={"url": sigillo.settings["public_url"] + "/", "key": key, "requests": asked}, timeout=150)
    found = [(a["error"]["code"], a["error"]["body"]) if "error" in a else (a["status"], a["body"]) for a in answers]
    return found if len(found) > 1 else found[0]


def mail(to, batch, **more):
    return ("POST", "/v3/mail/send", dict({"personalizations": [{"to": [{"email": to}]}], "from": {"email": "shop@" + DOMAIN}, "subject": "batch",
                                           "content": [{"type": "text/plain", "value": "x"}], "batch_id": batch}, **more))


def batch_of(sigillo, key):
    status, body = ask(sigillo, key, ("POST", "/v3/mail/batch"))
    assert status == 201 and set(body) == {"batch_id"}, body
    return body["batch_id"]


def error(answer):
    status, body = answer
    return status, body["errors"][0]["field"], body["errors"][0]["message"]


def states(sigillo, to):
    return [r["state"] for m in sigillo.json("trace", "--to", to, "--max", "500")["messages"] for r in m["recipients"]]


def later():
    return int(time.time()) + 3600


def test_a_batch_is_made_and_known(sigillo, sender):
    batch = batch_of(sigillo, sender.key)
    assert ask(sigillo, sender.key, ("GET", "/v3/mail/batch/" + batch)) == (200, {"batch_id": batch})
    assert ask(sigillo, sender.key, ("GET", SENDS + "/" + batch)) == (200, [])
    for unknown in ("nothing", "a" * 101):
        assert error(ask(sigillo, sender.key, ("GET", "/v3/mail/batch/" + unknown))) == (400, "batch_id", "invalid batch id")
    assert error(ask(sigillo, sender.key, mail("nobody@good.test", "nothing"))) == (400, "batch_id", "invalid batch id")


def test_cancelled(sigillo, sender):
    batch = batch_of(sigillo, sender.key)
    answers = ask(sigillo, sender.key, mail("cancel1@good.test", batch, send_at=later()), mail("cancel2@good.test", batch, send_at=later()),
                  ("POST", SENDS, {"batch_id": batch, "status": "cancel"}), mail("cancel3@good.test", batch), ("GET", SENDS + "/" + batch),
                  ("POST", SENDS, {"batch_id": batch, "status": "pause"}))
    assert [s for s, _ in answers] == [202, 202, 201, 202, 200, 400], answers
    assert answers[2][1] == {"batch_id": batch, "status": "cancel"} and answers[4][1] == [{"batch_id": batch, "status": "cancel"}]
    assert error(answers[5])[1] == "batch_id"
    for n in (1, 2, 3):
        assert states(sigillo, "cancel%d@good.test" % n) == ["cancelled"]
    one = sigillo.json("trace", "--to", "cancel3@good.test")["messages"][0]
    assert one["batch"] == batch and one["recipients"][0]["reason"] == "its batch was cancelled"
    assert any(line["action"] == "batch cancel" and line["object"] == "batch:" + batch for line in sigillo.json("report", "audit")["audit"])


def test_paused_over_a_restart_and_let_go(sigillo, sender):
    batch = batch_of(sigillo, sender.key)
    answers = ask(sigillo, sender.key, ("POST", SENDS, {"batch_id": batch, "status": "pause"}), mail("pause1@good.test", batch),
                  mail("pause2@good.test", batch, send_at=later()), ("GET", SENDS))
    assert [s for s, _ in answers] == [201, 202, 202, 200] and {"batch_id": batch, "status": "pause"} in answers[3][1], answers
    sigillo.stop()
    sigillo.start()
    assert states(sigillo, "pause1@good.test") == states(sigillo, "pause2@good.test") == ["held"]
    assert ask(sigillo, sender.key, mail("pause3@good.test", batch))[0] == 202
    assert states(sigillo, "pause3@good.test") == ["held"]
    assert ask(sigillo, sender.key, ("DELETE", SENDS + "/" + batch)) == (204, "")
    for n in (1, 3):
        wait_for_state(sigillo, n)
    assert states(sigillo, "pause2@good.test") == ["queued"], "its time has not come"
    assert error(ask(sigillo, sender.key, ("DELETE", SENDS + "/" + batch)))[0] == 404


def wait_for_state(sigillo, n):
    end = time.monotonic() + 30
    while states(sigillo, "pause%d@good.test" % n) != ["delivered"]:
        assert time.monotonic() < end, states(sigillo, "pause%d@good.test" % n)
        time.sleep(0.2)


def test_changed(sigillo, sender):
    batch = batch_of(sigillo, sender.key)
    assert error(ask(sigillo, sender.key, ("PATCH", SENDS + "/" + batch, {"status": "cancel"})))[0] == 404
    answers = ask(sigillo, sender.key, ("POST", SENDS, {"batch_id": batch, "status": "pause"}), mail("change@good.test", batch),
                  ("PATCH", SENDS + "/" + batch, {"status": "cancel"}), ("GET", SENDS + "/" + batch))
    assert [s for s, _ in answers] == [201, 202, 204, 200] and answers[3][1] == [{"batch_id": batch, "status": "cancel"}], answers
    assert states(sigillo, "change@good.test") == ["cancelled"]


@pytest.mark.parametrize("body, field", [({"status": "pause"}, "batch_id"), ({"batch_id": 1, "status": "pause"}, "batch_id"),
                                         ({"batch_id": "nothing", "status": "pause"}, "batch_id"), ({"batch_id": "a b", "status": "pause"}, "batch_id"),
                                         ({"batch_id": "x"}, "status"), ({"batch_id": "x", "status": "stop"}, "status"), ({"batch_id": "x", "status": 1}, "status")])
def test_refused(sigillo, sender, body, field):
    assert error(ask(sigillo, sender.key, ("POST", SENDS, body)))[:2] == (400, field)


def test_anothers_is_not_there(sigillo, sender):
    batch = batch_of(sigillo, sender.key)
    sigillo.json("subscription", "add", OTHER)
    key = sigillo.json("key", "add", "--role", "owner", "--subscription", OTHER)["key"]
    answers = ask(sigillo, key, ("GET", "/v3/mail/batch/" + batch), ("POST", SENDS, {"batch_id": batch, "status": "cancel"}), ("GET", SENDS + "/" + batch), ("GET", SENDS))
    assert [s for s, _ in answers] == [400, 400, 400, 200] and answers[3][1] == [], answers
    assert ask(sigillo, sender.key, ("GET", SENDS + "/" + batch)) == (200, [])


def post(sigillo, key, path, body):
    request = urllib.request.Request(sigillo.settings["public_url"] + path, json.dumps(body).encode(),
                                     {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
    context = ssl.create_default_context(cafile=sigillo.world.ca.file)
    with urllib.request.urlopen(request, timeout=30, context=context) as answer:
        return answer.status


def begun(event):
    """When an attempt began, as seconds since 1970."""
    at = datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()
    return at - float(event["detail"].get("ms", 0)) / 1000


def many(sender, batch, count):
    """The body of a request of so many messages."""
    body = mail("x", batch)[2]
    return dict(body, **{"from": {"email": sender}, "personalizations": [{"to": [{"email": "race%d@good.test" % n}]} for n in range(count)]})


@pytest.mark.parametrize("status", ["cancel", "pause"])
def test_nothing_goes_out_after_the_answer(sigillo, sender, status):
    """While hundreds of the batch wait in the queue's memory, go out, and come in, it is stopped: once that is answered, no attempt begins."""
    batch, by = batch_of(sigillo, sender.key), "race-%s@%s" % (status, DOMAIN)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(post, sigillo, sender.key, "/v3/mail/send", many(by, batch, 300)) for _ in range(2)]
        sent.append(pool.submit(post, sigillo, sender.key, "/v3/mail/send", many(by, batch, 300)))
        concurrent.futures.wait(sent[:2])
        time.sleep(0.1)
        assert post(sigillo, sender.key, SENDS, {"batch_id": batch, "status": status}) == 201
        answered = time.time()
        assert {s.result() for s in sent} == {202}
    time.sleep(3)
    messages = sigillo.json("trace", "--from", by, "--max", "1000")["messages"]
    ended = [r["state"] for m in messages for r in m["recipients"]]
    assert len(messages) == 900 and set(ended) <= {"delivered", "cancelled" if status == "cancel" else "held"}, collections.Counter(ended)
    assert ended.count("delivered") < 900, "the race was over before it began"
    late = [e for m in messages for e in m["events"] if e["kind"] in ("attempt", "delivered") and begun(e) > answered]
    assert not late, late
