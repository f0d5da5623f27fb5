# SPDX-License-Identifier: Apache-2.0
"""Policies of MTA-STS as receivers publish them: right, wrong in every way that a web server can be, known from before, taken away."""
import glob
import gzip
import os
import shutil
import sqlite3
import time

import pytest

from world.internet import policy_body, wait_for
from world.pki import Authority

SETTINGS = {"queue": {"retry": ["1s"]}, "resolver": {"timeout": "3s"}}
PATH = "/.well-known/mta-sts.txt"


def deliver(sigillo, sender, domain):
    return sigillo.submit(sender, "x@" + domain)


def rcpt(sigillo, message):
    return sigillo.show(message)["recipients"][0]


def trail(sigillo, message):
    """The last attempt."""
    return [e["detail"] for e in sigillo.json("trace", message)["events"] if "ms" in e["detail"]][-1]


def waits(sigillo, message, *words, timeout=90):
    """Until it was tried and put off, with these words in the reason; it must not have gone."""
    r = wait_for(lambda: rcpt(sigillo, message), lambda r: r["state"] != "queued" or all(w in r["why_wait"] for w in words) and r["attempts"], timeout,
                 "waits: " + " ".join(words))
    assert r["state"] == "queued", r
    return r


def gone(sigillo, message, timeout=90):
    sigillo.wait_state(message, "delivered", timeout=timeout)
    return trail(sigillo, message)


def again(sigillo, message):
    """One more attempt, from now on."""
    before = rcpt(sigillo, message)["attempts"]
    sigillo.cli("queue", "retry", message, ok=False)
    wait_for(lambda: rcpt(sigillo, message), lambda r: r["attempts"] > before or r["state"] != "queued", 60, "another attempt")


def fetches(world, domain):
    return [r for r in world.https.requests if r[1] == "mta-sts." + domain]


# ---- web servers ----


def raw(*parts, pause=0.0):
    """Answers with these bytes, a pause between them; endless, if the last is a function."""
    def write(handler):
        for part in parts:
            while callable(part):
                handler.wfile.write(part())
            handler.wfile.write(part)
            handler.wfile.flush()
            time.sleep(pause)
        handler.close_connection = True
    return write


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
BODY = policy_body("mx.{d}")
PADDED = BODY + "\r\n".join("x%d: %s" % (i, "a" * 1000) for i in range(70))
ENFORCED, NONE = "enforced", None
FETCH, INVALID, WEBPKI = "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"

# name: (what it is worth, the body, more of Https.put(); "shows": a certificate)
WEB = {
    "good": (ENFORCED, BODY, {}),
    "lf": (ENFORCED, BODY.replace("\r\n", "\n"), {}),
    "nofinal": (ENFORCED, BODY.rstrip(), {}),
    "charset": (ENFORCED, BODY, {"content_type": "text/plain; charset=utf-8"}),
    "upper": (ENFORCED, BODY, {"content_type": "Text/Plain"}),
    "full": (ENFORCED, PADDED[:65536 - 2].rsplit("\r\n", 1)[0] + "\r\n", {}),
    "wildcard": (ENFORCED, policy_body("*.{d}"), {}),
    "testing": (NONE, policy_body("mx.{d}", mode="testing"), {}),
    "none": (NONE, policy_body(mode="none"), {}),
    "moved": (FETCH, "", {"status": 301, "headers": [("Location", "https://mta-sts.good.webs.test" + PATH)]}),
    "missing": (FETCH, "no", {"status": 404}),
    "broken": (FETCH, "no", {"status": 500}),
    "empty204": (FETCH, "", {"status": 204}),
    "html": (INVALID, BODY, {"content_type": "text/html"}),
    "gzip": (INVALID, gzip.compress(BODY.encode()), {"headers": [("Content-Encoding", "gzip")]}),
    "bom": (INVALID, "\ufeff" + BODY, {}),
    "nul": (INVALID, BODY.replace("enforce", "enforce\0"), {}),
    "cr": (INVALID, BODY.replace("\r\n", "\r"), {}),
    "case": (INVALID, BODY.replace("enforce", "Enforce"), {}),
    "draft": (INVALID, policy_body(".{d}"), {}),
    "nomx": (INVALID, policy_body(), {}),
    "large": (INVALID, PADDED[:65537], {}),
    "endless": (INVALID, raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", lambda: b"400\r\n" + b"a" * 1024 + b"\r\n"), {}),
    "header": (INVALID, raw(HEAD, lambda: b"X-More: " + b"a" * 1024 + b"\r\n"), {}),
    "drip": (FETCH, raw(HEAD + b"Content-Length: 1000\r\n\r\n", *[b"v"] * 999, pause=0.5), {}),
    "cut": (FETCH, raw(HEAD + b"Content-Length: 1000\r\n\r\nversion: STSv1"), {}),
    "smtp": (FETCH, raw(b"220 hello\r\n"), {}),
    "othername": (WEBPKI, BODY, {"shows": lambda ca, host: ca.issue("www.webs.test", file=host)}),
    "parent": (WEBPKI, BODY, {"shows": lambda ca, host: ca.issue(host[8:], file=host)}),
    "expired": (WEBPKI, BODY, {"shows": lambda ca, host: ca.issue(host, days_to=-1, file=host)}),
    "cnonly": (WEBPKI, BODY, {"shows": lambda ca, host: ca.issue(host, cn=host, san=False, file=host)}),
    "stranger": (WEBPKI, BODY, {"shows": lambda ca, host: Authority(ca.folder + "-stranger", "Somebody else").issue(host, file=host)}),
}


@pytest.fixture(scope="module")
def webs(world):
    """A domain NAME.webs.test for each of them; its mail server has no STARTTLS, so that mail goes only where nothing is enforced."""
    rows = []
    for name, (_, body, more) in WEB.items():
        domain, more = name + ".webs.test", dict(more)
        host = "mta-sts." + domain
        receiver = world.listen("mx." + domain)
        if "shows" in more:
            world.https.shows(host, more.pop("shows")(world.ca, host))
        body = body.replace("{d}", domain) if isinstance(body, str) else body
        world.https.put(host, PATH, body, **more)
        rows += [(domain, "MX", ["10 mx.%s." % domain]), ("mx." + domain, "A", [receiver.address]), (host, "A", [world.https.address]),
                 ("_mta-sts." + domain, "TXT", ['"v=STSv1; id=1;"'])]
    world.dns.publish_all(rows)


@pytest.fixture(scope="module")
def sent(sigillo, sender, webs):
    return {name: deliver(sigillo, sender, name + ".webs.test") for name in WEB}


@pytest.mark.parametrize("name", WEB)
def test_web_servers(sigillo, world, sent, name):
    """[RFC 8461 s3.3]"""
    worth = WEB[name][0]
    if worth == ENFORCED:
        waits(sigillo, sent[name], "MTA-STS of %s.webs.test (enforce): STARTTLS is required" % name)
        return
    attempt = gone(sigillo, sent[name])
    assert "tls" not in attempt
    if worth:
        assert attempt["mta_sts"] == {"result": worth}, attempt
    asked = fetches(world, name + ".webs.test")
    assert len(asked) == (0 if worth == WEBPKI else 1), "one try, and no redirect is followed"
    for method, _, path, headers, _ in asked:
        assert (method, path, headers["Accept-Encoding"]) == ("GET", PATH, "identity")
        assert not {"Cookie", "Authorization"} & set(headers)


def test_nobody_inside_is_asked(world, sigillo, sender):
    world.receiver("inside.sts.insecure.test")
    world.dns.publish_all([("_mta-sts.inside.sts.insecure.test", "TXT", ['"v=STSv1; id=1;"']), ("mta-sts.inside.sts.insecure.test", "A", ["169.254.169.254"])])
    attempt = gone(sigillo, deliver(sigillo, sender, "inside.sts.insecure.test"))
    assert attempt["mta_sts"] == {"result": FETCH}
    assert any("no address that may be asked" in str(line.get("why")) for line in sigillo.log())


# ---- kept ----


def test_kept_to(world, sigillo, sender):
    """TLS with the host's name, and the trail says by whose word."""
    receiver = world.receiver("kept.sts.insecure.test", tls=True)
    world.policy("kept.sts.insecure.test", "*.kept.sts.insecure.test", id="k1")
    message = deliver(sigillo, sender, "kept.sts.insecure.test")
    attempt = gone(sigillo, message)
    assert "MTA-STS (enforce): the policy lists the host, and the certificate proves it, id k1" in sigillo.cli("trace", message).stdout
    assert (attempt["policy"], attempt["demand"], attempt["proved"]) == ("mta-sts", "mta-sts", "certificate")
    assert attempt["mta_sts"] == {"mode": "enforce", "id": "k1"}
    assert receiver.messages[0].tls.startswith("TLSv1")
    gone(sigillo, deliver(sigillo, sender, "kept.sts.insecure.test"))
    assert len(fetches(world, "kept.sts.insecure.test")) == 1


@pytest.mark.parametrize("name, make, says", [
    ("expired", lambda ca, host: ca.issue(host, days_to=-1), "certificate has expired"),
    ("other", lambda ca, host: ca.issue("elsewhere.test"), "hostname mismatch"),
    ("cn", lambda ca, host: ca.issue(host, cn=host, san=False), "hostname mismatch"),
    ("own", lambda ca, host: Authority(ca.folder + "-own", "Nobody").issue(host), "self-signed certificate in certificate chain"),
])
def test_certificate_of_the_host(world, sigillo, sender, name, make, says):
    domain = name + ".cert.sts.insecure.test"
    receiver = world.receiver(domain, tls=make(world.ca, "mx." + domain))
    world.policy(domain, "mx." + domain)
    waits(sigillo, deliver(sigillo, sender, domain), "MTA-STS of %s (enforce): " % domain, says)
    assert receiver.messages == []
    world.policy(domain, "mx." + domain, mode="testing")
    free = name + ".free.cert.sts.insecure.test"
    world.dns.publish(free, "MX", "10 mx.%s." % domain)
    world.policy(free, "mx." + domain, mode="testing")
    message = deliver(sigillo, sender, free)
    attempt = gone(sigillo, message)
    assert "MTA-STS (testing): certificate-" in sigillo.cli("trace", message).stdout
    assert attempt["mta_sts"]["mode"] == "testing" and attempt["mta_sts"]["result"].startswith("certificate-"), attempt
    assert len(receiver.messages) == 1, "a policy that is tested refuses nothing"


def test_shared_host(world, sigillo, sender):
    """One domain's broken policy is nothing to another with the same host."""
    receiver = world.receiver("one.shared.sts.insecure.test", tls=True)
    world.dns.publish("two.shared.sts.insecure.test", "MX", "10 mx.one.shared.sts.insecure.test.")
    world.policy("two.shared.sts.insecure.test", "mx.gone.sts.insecure.test")
    two = deliver(sigillo, sender, "two.shared.sts.insecure.test")
    waits(sigillo, two, "MTA-STS of two.shared.sts.insecure.test (enforce): mx.one.shared.sts.insecure.test is not in the policy")
    gone(sigillo, deliver(sigillo, sender, "one.shared.sts.insecure.test"))
    assert len(receiver.messages) == 1
    shown = sigillo.cli("queue", "show", two).stdout
    assert "MTA-STS of two.shared.sts.insecure.test (enforce): mx.one.shared.sts.insecure.test is not in the policy" in shown
    assert trail(sigillo, two)["mta_sts"]["result"] == "sts-mx-mismatch"
    assert "MTA-STS (enforce): the policy does not list the host" in sigillo.cli("trace", two).stdout


def test_the_other_host(world, sigillo, sender):
    """[RFC 8461 s5.1]"""
    bad = world.receiver("order.sts.insecure.test", tls=True)
    good = world.listen("good.order.sts.insecure.test", certificate=world.ca.issue("good.order.sts.insecure.test"))
    world.dns.publish("good.order.sts.insecure.test", "A", good.address)
    world.dns.publish("order.sts.insecure.test", "MX", "10 mx.order.sts.insecure.test.", "20 GOOD.Order.sts.insecure.test.")
    world.policy("order.sts.insecure.test", "good.order.sts.insecure.test")
    gone(sigillo, deliver(sigillo, sender, "order.sts.insecure.test"))
    assert (bad.connections, len(good.messages)) == (0, 1)


def test_beside_dane(world, sigillo, sender):
    """[RFC 8461 s2]"""
    refused = world.receiver("refused.dane.sts.test", tls=True)
    world.dns.publish("_25._tcp.mx.refused.dane.sts.test", "TLSA", "3 1 1 " + "ab" * 32)
    world.policy("refused.dane.sts.test", "mx.refused.dane.sts.test")
    proved = world.receiver("proved.dane.sts.test", tls=True, dane=True)
    world.policy("proved.dane.sts.test", "mx.elsewhere.test")
    waits(sigillo, deliver(sigillo, sender, "refused.dane.sts.test"), "DANE")
    attempt = gone(sigillo, deliver(sigillo, sender, "proved.dane.sts.test"))
    assert attempt["proved"] == "dane-ee" and attempt["policy"] == "dane"
    assert attempt["mta_sts"]["result"] == "sts-mx-mismatch"
    assert (len(refused.messages), len(proved.messages)) == (0, 1)


# ---- taken away ----


def withdraw(world, domain):
    world.dns.publish("_mta-sts." + domain, "TXT")
    world.https.put("mta-sts." + domain, PATH, "gone", status=404)


def test_known_from_before(world, make_sigillo):
    """After a restart, with the record, the page and the STARTTLS of its host gone: nothing leaves. [RFC 8461 s3.3, s10.2]"""
    d = make_sigillo(SETTINGS)
    sender = d.sender("app.test")
    receiver = world.receiver("before.sts.insecure.test", tls=True)
    world.policy("before.sts.insecure.test", "mx.before.sts.insecure.test")
    gone(d, deliver(d, sender, "before.sts.insecure.test"))
    receiver.context = None
    world.loop.run(receiver.cut())
    withdraw(world, "before.sts.insecure.test")
    d.restart()
    message = deliver(d, sender, "before.sts.insecure.test")
    waits(d, message, "MTA-STS of before.sts.insecure.test (enforce): STARTTLS is required")
    assert len(receiver.messages) == 1 and len(fetches(world, "before.sts.insecure.test")) == 1
    receiver.shows(receiver.certificate)
    d.cli("queue", "retry", message, ok=False)
    gone(d, message)


def test_row_that_cannot_be_read(world, make_sigillo):
    """What the store has is not known: the mail waits, and does not go as if there were none."""
    d = make_sigillo(SETTINGS)
    sender = d.sender("app.test")
    receiver = world.receiver("torn.sts.insecure.test", tls=True)
    world.policy("torn.sts.insecure.test", "mx.torn.sts.insecure.test")
    gone(d, deliver(d, sender, "torn.sts.insecure.test"))
    withdraw(world, "torn.sts.insecure.test")
    d.stop()
    with sqlite3.connect(glob.glob(d.state + "/**/sigillo.db", recursive=True)[0]) as db:
        assert db.execute("UPDATE noun SET value='{' WHERE kind='mta-sts'").rowcount == 1
    db.close()
    d.start()
    d.expect("MTA-STS policy cannot be read from the store")
    message = deliver(d, sender, "torn.sts.insecure.test")
    waits(d, message, "the policies in the store cannot be read")
    assert len(receiver.messages) == 1
    d.expect("MTA-STS policy cannot be read from the store")


def test_time(world, make_sigillo, clock):
    """Each day it is fetched again; a fetch that fails takes nothing away; at its end it ends. [RFC 8461 s3.3]"""
    d = make_sigillo(dict(SETTINGS, queue={"retry": ["1s"], "expire": "30d"}), preload=clock.library)
    sender = d.sender("app.test")
    receiver = world.receiver("time.sts.insecure.test", tls=True)
    world.policy("time.sts.insecure.test", "mx.time.sts.insecure.test", max_age=7 * 86400)
    gone(d, deliver(d, sender, "time.sts.insecure.test"))
    clock.move(86400)
    d.restart() # plans live for a minute
    gone(d, deliver(d, sender, "time.sts.insecure.test"))
    wait_for(lambda: fetches(world, "time.sts.insecure.test"), lambda got: len(got) == 2, 20, "a second fetch")
    world.https.put("mta-sts.time.sts.insecure.test", PATH, "gone", status=404)
    receiver.context = None
    world.loop.run(receiver.cut())
    clock.move(3 * 86400)
    d.restart()
    message = deliver(d, sender, "time.sts.insecure.test")
    waits(d, message, "STARTTLS is required")
    wait_for(lambda: fetches(world, "time.sts.insecure.test"), lambda got: len(got) == 3, 20, "a third fetch")
    clock.move(9 * 86400)
    d.restart()
    assert gone(d, message)["mta_sts"] == {"result": FETCH}


def test_from_enforce_to_none(world, make_sigillo):
    """The owner takes it back while mail waits: another id, mode none. [RFC 8461 s8.3]"""
    d = make_sigillo(SETTINGS)
    sender = d.sender("app.test")
    receiver = world.receiver("back.sts.insecure.test")
    world.dns.publish("back.sts.insecure.test", "MX", "10 mx.back.sts.insecure.test.")
    world.policy("back.sts.insecure.test", "mx.back.sts.insecure.test", id="b1")
    message = deliver(d, sender, "back.sts.insecure.test")
    waits(d, message, "STARTTLS is required")
    world.policy("back.sts.insecure.test", mode="none", id="b2")
    d.restart() # what the record said a moment ago is forgotten, not the policy
    d.cli("queue", "retry", message, ok=False)
    assert "tls" not in gone(d, message)
    assert len(receiver.messages) == 1


def test_switched_off(world, make_sigillo):
    d = make_sigillo(dict(SETTINGS, delivery={"mta_sts": False}))
    sender = d.sender("app.test")
    world.receiver("off.sts.insecure.test")
    world.policy("off.sts.insecure.test", "mx.elsewhere.test")
    gone(d, deliver(d, sender, "off.sts.insecure.test"))
    assert fetches(world, "off.sts.insecure.test") == []
    assert any(line["event"] == "MTA-STS policies of receivers do not count" for line in d.log())


def test_other_roots_count_after_a_reload(world, make_sigillo):
    """delivery.ca_file is for the web hosts of policies as it is for mail hosts."""
    roots = os.path.join(world.folder, "sts-roots")
    os.mkdir(roots)
    strange = Authority(os.path.join(roots, "strange"), "Nobody's authority")
    files = [shutil.copy(source, os.path.join(roots, name)) for source, name in ((strange.file, "before.pem"), (world.ca.file, "after.pem"))]
    d = make_sigillo({"delivery": {"ca_file": files[0]}})
    sender = d.sender("sts-roots.test")
    for domain in ("before.roots.insecure.test", "after.roots.insecure.test"):
        world.receiver(domain, tls=True)
        world.policy(domain, "mx." + domain)
    assert gone(d, deliver(d, sender, "before.roots.insecure.test"))["mta_sts"] == {"result": WEBPKI}
    d.settings["delivery"]["ca_file"] = files[1]
    d.reload()
    wait_for(d.raw_log, lambda text: "configuration reloaded" in text, 20, "the reload")
    assert gone(d, deliver(d, sender, "after.roots.insecure.test"))["mta_sts"]["mode"] == "enforce"
