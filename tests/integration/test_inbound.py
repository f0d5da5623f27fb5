# SPDX-License-Identifier: Apache-2.0
"""The inbound door: mail of other servers is judged, marked, and goes where its route leads; the rest is refused in the session."""
import email
import json
import os
import pathlib
import smtplib
import socket
import subprocess

import pytest

import spec
from conftest import finish, launch
from wire import Wire
from world.internet import wait_for

GOOD, BAD = "127.0.41.1", "127.0.41.9"
SETTINGS = {
    "inbound": {"postmaster": "box@in.test", "connections_per_address": 5, "unknown_per_session": 3,
                "trusted_sealers": ["sealer.test"]},
    "override branch": {"networks": ["127.0.42.0/24"], "reason": "trusted_forwarder", "comment": "our branch office"},
    "limits": {"message_size": "2M", "idle_timeout": "20s"}, "resolver": {"timeout": "3s"},
    "reputation": {"exempt": ["127.0.0.0/8"]}, # what one test does must not slow another one down
}


@pytest.fixture(scope="module")
def store(world):
    """The mail store behind the routes."""
    return world.listen("store.in.test", port=2626)


@pytest.fixture(scope="module")
def sigillo(world, store):
    for name, policy in (("reject", "reject"), ("quarantine", "quarantine"), ("none", "none")):
        world.dns.publish("p-%s.test." % name, "TXT", '"v=spf1 ip4:127.0.41.1 -all"')
        world.dns.publish("_dmarc.p-%s.test." % name, "TXT", '"v=DMARC1; p=%s"' % policy)
    world.dns.publish("no-policy.test.", "TXT", '"v=spf1 ip4:127.0.41.1 -all"')
    d = launch(world, "inbound", SETTINGS, start=False)
    d.settings["listen world"] = {"door": "inbound", "address": [d.address + ":2525"], "tls": "starttls"}
    d.start()
    target = "%s:2626" % store.address
    for domain in ("in.test", "marks.test"):
        d.cli("domain", "add", domain)
        d.cli("route", "add", "box@" + domain, "--smtp", target)
    d.cli("route", "add", "junked@in.test", "--smtp", target, "--junk", "junk@in.test")
    d.cli("route", "add", "bin@in.test", "--handle", "discard")
    d.cli("domain", "set", "marks.test", "--incoming", "mark")
    yield d
    finish(d)


def letter(author="joe@p-reject.test", subject="x", extra=""):
    return "From: <%s>\r\nTo: <box@in.test>\r\nSubject: %s\r\n%s\r\nHello.\r\n" % (author, subject, extra)


@pytest.fixture(scope="module")
def deliver(sigillo):
    def send(*args, **kw):
        return deliver_to(sigillo.address, *args, **kw)
    return send


def deliver_to(door, to="box@in.test", data=None, ip=GOOD, mail_from="joe@p-reject.test"):
    """(code, text) of the message, or of the command that was refused."""
    c = smtplib.SMTP(door, 2525, "client.p-reject.test", timeout=20, source_address=(ip, 0))
    try:
        c.ehlo()
        for code, text in (c.mail(mail_from), *[c.rcpt(t) for t in ([to] if isinstance(to, str) else to)]):
            if code != 250:
                return code, text.decode()
        code, text = c.data(data or letter())
        return code, text.decode()
    finally:
        c.close()


def kept(store, subject):
    """The message with this subject, as it came to the store."""
    def of(messages):
        return [m for m in messages if ("Subject: %s\r\n" % subject).encode() in m.data]
    return of(wait_for(lambda: list(store.messages), of, 20, subject))[0]


# -- what is accepted ------------------------------------------------------------------------------------------------

def test_mail_that_passes_comes_to_the_store_with_its_verdict(sigillo, store, deliver):
    code, text = deliver(data=letter(subject="passes"))
    assert code == 250, text
    got = kept(store, "passes")
    assert got.data.startswith(b"Authentication-Results: inbound.test;\r\n spf=pass smtp.mailfrom=p-reject.test")
    assert b"dmarc=pass header.from=p-reject.test policy.dmarc=reject\r\nReceived: from client.p-reject.test" in got.data
    received = " ".join(email.message_from_bytes(got.data).get_all("Received")[0].split())
    assert "by inbound.test with ESMTP id " in received and "for <box@in.test>" in received
    assert got.recipients == ["box@in.test"] and got.mail_from == "joe@p-reject.test"
    assert b"Quarantine" not in got.data
    # the trail knows the verdict
    id = text.split()[-1]
    assert sigillo.show(id)["recipients"][0]["domain"] == "in.test"
    events = sigillo.json("trace", id)["events"]
    judged = [e for e in events if e["kind"] == "judged"][0]
    assert (judged["detail"]["spf"], judged["detail"]["dmarc"], judged["detail"]["action"]) == ("pass", "pass", "accept")


def test_starttls_shows_our_certificate(sigillo, store):
    c = smtplib.SMTP(sigillo.address, 2525, "client.test", timeout=20, source_address=(GOOD, 0))
    c.ehlo()
    assert c.has_extn("starttls") and not c.has_extn("auth") and not c.has_extn("requiretls")
    c._host = "inbound.test"
    c.starttls(context=sigillo.tls_context())
    c.ehlo()
    assert c.has_extn("requiretls") and not c.has_extn("starttls")
    c.sendmail("joe@p-reject.test", ["box@in.test"], letter(subject="secret"))
    c.quit()
    received = " ".join(email.message_from_bytes(kept(store, "secret").data).get_all("Received")[0].split())
    assert "with ESMTPS id" in received and " tls TLS_" in received


def test_swaks_delivers(sigillo, store):
    r = subprocess.run(["swaks", "--server", sigillo.address, "--port", "2525", "--local-interface", GOOD, "--from", "joe@p-reject.test",
                        "--to", "box@in.test", "--helo", "client.test", "--header", "From: joe@p-reject.test",
                        "--header", "Subject: by swaks"],
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
    kept(store, "by swaks")


def test_forged_results_are_taken_out(sigillo, store, deliver):
    forged = ("Authentication-Results: inbound.test; dmarc=pass header.from=bank.test\r\n"
              "Authentication-Results: (x) INBOUND.test;\r\n spf=pass\r\n"
              "Authentication-Results: other.test; spf=fail\r\nReceived-SPF: pass receiver=inbound.test\r\n")
    assert deliver(data=letter(subject="forged", extra=forged))[0] == 250
    got = kept(store, "forged")
    message = email.message_from_bytes(got.data)
    ours = [v for v in message.get_all("Authentication-Results") if "inbound.test" in v.lower()]
    assert len(ours) == 1 and "bank.test" not in got.data.decode()
    assert [v for v in message.get_all("Authentication-Results") if v.startswith("other.test")]
    assert message["Received-SPF"] is None


def test_the_postmaster_is_somebody(sigillo, store, deliver):
    w = Wire(sigillo, 2525)
    w.say("HELO client.test", "250")
    w.say("MAIL FROM:<>", "250")
    w.say("RCPT TO:<postmaster>", "250")
    w.close()
    assert deliver("postmaster@in.test", letter(subject="to the postmaster"))[0] == 250
    assert kept(store, "to the postmaster").recipients == ["box@in.test"]


# -- policy ----------------------------------------------------------------------------------------------------------

def test_reject_quarantine_none(sigillo, store, deliver):
    code, text = deliver(ip=BAD, data=letter(subject="refused"))
    assert code == 550 and text.startswith("5.7.1 ") and "DMARC" in text and "p-reject.test" in text
    assert deliver(ip=BAD, data=letter(subject="of a list", extra="List-Id: <l.list.test>\r\n"))[0] == 250
    assert b"\r\nX-Sigillo-Quarantine: yes\r\nX-Spam-Flag: YES\r\n" in kept(store, "of a list").data
    quarantined = {"data": letter("joe@p-quarantine.test", "put aside"), "ip": BAD, "mail_from": "joe@p-quarantine.test"}
    assert deliver("junked@in.test", **quarantined)[0] == 250
    assert kept(store, "put aside").recipients == ["junk@in.test"]
    assert deliver(ip=BAD, data=letter("joe@p-none.test", "only looked at"), mail_from="joe@p-none.test")[0] == 250
    assert b"dmarc=fail" in kept(store, "only looked at").data and b"Quarantine" not in kept(store, "only looked at").data
    assert not [m for m in store.messages if b"Subject: refused" in m.data]


def test_spf_alone(sigillo, store, deliver):
    bad = {"ip": BAD, "mail_from": "joe@no-policy.test"}
    assert deliver(data=letter("joe@no-policy.test", "no policy"), **bad)[0] == 250
    assert b"X-Sigillo-Quarantine: yes" in kept(store, "no policy").data


def test_a_domain_and_an_override_let_it_through(sigillo, store, deliver):
    assert deliver("box@marks.test", letter(subject="marked"), BAD)[0] == 250
    assert b"dmarc=fail" in kept(store, "marked").data
    code, text = deliver(data=letter(subject="of the branch"), ip="127.0.42.7")
    assert code == 250
    assert b"dmarc=fail" in kept(store, "of the branch").data
    detail = [e for e in sigillo.json("trace", text.split()[-1])["events"] if e["kind"] == "judged"][0]["detail"]
    assert (detail["override"], detail["reason"], detail["comment"]) == ("branch", "trusted_forwarder", "our branch office")
    # two ways of judging are two transactions
    code, text = deliver(["box@in.test", "box@marks.test"])
    assert code == 452 and text.startswith("4.5.3 ")


def test_a_trusted_sealer(world, sigillo, store, deliver):
    dkim = pytest.importorskip("dkim")
    key = os.path.join(sigillo.folder, "arc.key")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    import base64
    record = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    world.dns.publish("arc._domainkey.sealer.test.", "TXT", " ".join('"%s"' % record[i:i + 200] for i in range(0, len(record), 200)))
    raw = ("Authentication-Results: mx.sealer.test; dmarc=pass header.from=p-reject.test\r\n" +
           letter(subject="sealed")).encode()
    sealed = dkim.arc_sign(raw, b"arc", b"sealer.test", open(key, "rb").read(), b"mx.sealer.test",
                           include_headers=[b"From", b"To", b"Subject"])
    data = b"".join(sealed) + raw
    assert deliver(ip=BAD, mail_from="list@sealer.test", data=data)[0] == 250
    got = kept(store, "sealed")
    assert b"arc=pass" in got.data and b"X-Sigillo-Quarantine" not in got.data and b"dmarc=fail" in got.data


def test_nothing_is_accepted_on_trust_when_dns_is_silent(world, sigillo, deliver):
    world.dns.publish("lame.test.", "NS", "ns.lame.test.")
    world.dns.publish("ns.lame.test.", "A", "127.0.99.99")
    code, text = deliver(ip=BAD, data=letter("joe@mail.lame.test"), mail_from="joe@mail.lame.test")
    assert code == 451 and text.startswith("4.7.1 ")


# -- who is known ----------------------------------------------------------------------------------------------------

def test_unknown_recipients(sigillo):
    w = Wire(sigillo, 2525)
    w.say("EHLO client.test", "250")
    w.say("MAIL FROM:<joe@p-reject.test>", "250")
    w.say("RCPT TO:<nobody@in.test>", "550 5.1.1")
    w.say("RCPT TO:<someone@elsewhere.test>", "550 5.7.1")
    w.say("RCPT TO:<box@in.test>", "250")
    w.say("RCPT TO:<nobody3@in.test>", "550 5.1.1")
    w.say("RCPT TO:<nobody4@in.test>", "421 4.7.0")
    assert w.closed()


def test_the_null_sender_has_one_recipient(sigillo):
    w = Wire(sigillo, 2525)
    w.say("EHLO client.test", "250")
    w.say("MAIL FROM:<>", "250")
    w.say("RCPT TO:<box@in.test>", "250")
    w.say("RCPT TO:<junked@in.test>", "452 4.5.3")
    w.close()


def test_nobody_logs_in(sigillo):
    w = Wire(sigillo, 2525)
    assert w.greeting.startswith("220"), w.greeting
    assert "AUTH" not in w.say("EHLO client.test", "250")
    w.say("AUTH PLAIN AGEAYg==", "50")
    w.close()


def test_handlers_answer_at_once(sigillo, store, deliver):
    before = len(store.messages)
    assert deliver("bin@in.test", letter(subject="thrown away"))[0] == 250
    assert len(store.messages) == before


# -- hostile ---------------------------------------------------------------------------------------------------------

ENDS = pathlib.Path(spec.SHARED, "conformance", "smtp-smuggling", "end-of-data.json")


def ends():
    known = {"lf": "\n.\n", "lfcrlf": "\n.\r\n", "crlflf": "\r\n.\n", "cr": "\r.\r", "crcrlf": "\r.\r\n", "nul": "\r\n\0.\r\n"}
    if ENDS.exists():
        known.update({e["id"]: e["sequence"] for e in json.loads(ENDS.read_text())})
    return [pytest.param(end, id=name) for name, end in sorted(known.items())]


@pytest.mark.parametrize("end", ends())
def test_only_the_true_end_ends_a_message(sigillo, store, end):
    """Refused whole, whatever follows: a second answer to what stands behind would be a second message."""
    w = Wire(sigillo, 2525)
    w.say("EHLO client.test", "250")
    w.say("MAIL FROM:<joe@p-reject.test>", "250")
    w.say("RCPT TO:<box@in.test>", "250")
    w.say("DATA", "354")
    w.send(letter(subject="smuggled") + end + "MAIL FROM:<evil@p-reject.test>\r\nRCPT TO:<box@in.test>\r\n\r\n.\r\n")
    reply = w.reply()
    if reply.startswith("250"): # all of it was one message
        assert end == "\r\n.", reply
        assert b"\r\nMAIL FROM:<evil@p-reject.test>\r\n" in kept(store, "smuggled").data
        w.say("QUIT", "221")
        return
    assert reply.startswith("5")
    try:
        w.say("QUIT", "221") # nothing of what stood behind was taken for a command
    except (EOFError, ConnectionError):
        pass # or nothing more is heard
    assert not [m for m in store.messages if b"smuggled" in m.data]


def test_a_loop_ends(sigillo, deliver):
    code, text = deliver(data=letter(extra="Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 101))
    assert code == 554 and text.startswith("5.4.6 ")


def test_early_talkers_are_refused(sigillo):
    for _ in range(20): # the kernel may be slower than the door
        s = socket.socket()
        s.bind(("127.0.43.1", 0))
        s.settimeout(10)
        s.connect((sigillo.address, 2525))
        s.send(b"EHLO early.test\r\n")
        first = s.recv(1000)
        s.close()
        if first.startswith(b"554 5.5.1 "):
            break
    else:
        pytest.skip("the door was always first")


def test_connections_of_one_address(sigillo):
    open_ = [Wire(sigillo, 2525) for _ in range(5)]
    s = socket.create_connection((sigillo.address, 2525), timeout=10)
    assert s.recv(1000).startswith(b"421 4.7.0 ")
    for w in open_:
        w.close()
    s.close()


def test_figures_and_log(sigillo):
    metrics = sigillo.get("/metrics")[1:][1].decode()
    assert 'sigillo_inbound_messages_total{result="accepted"}' in metrics
    assert "sigillo_inbound_unknown_recipients_total" in metrics
    assert [l for l in sigillo.log() if l.get("msg", l.get("message", "")) == "arrived" or "arrived" in json.dumps(l)]


# -- while it runs ---------------------------------------------------------------------------------------------------

def test_a_domain_says_how_its_mail_is_judged(sigillo, deliver):
    bad = sigillo.cli("domain", "set", "in.test", "--incoming", "strict", ok=False)
    assert bad.returncode == 2 and "follow, quarantine, mark or default" in bad.stderr
    said = sigillo.cli("domain", "set", "in.test", "--incoming", "quarantine").stdout
    assert said == "mail to in.test that DMARC fails: quarantine\n"
    assert sigillo.json("domain", "show", "in.test")["incoming"] == "quarantine"
    assert deliver(ip=BAD, data=letter(subject="not refused any more"))[0] == 250
    sigillo.cli("domain", "set", "in.test", "--incoming", "default")
    assert deliver(ip=BAD)[0] == 550


def test_new_rules_count_after_a_reload(sigillo, deliver):
    sigillo.settings["inbound"]["dmarc"] = "mark"
    sigillo.reload()
    wait_for(lambda: deliver(ip=BAD, data=letter(subject="after the reload"))[0], lambda code: code == 250, 20, "the new rules")
    sigillo.settings["inbound"]["dmarc"] = "follow"
    sigillo.reload()
    wait_for(lambda: deliver(ip=BAD)[0], lambda code: code == 550, 20, "the old rules")


def test_the_end_says_421_to_those_at_rest(sigillo):
    w = Wire(sigillo, 2525)
    w.say("EHLO client.test", "250")
    assert sigillo.stop() == 0
    assert w.reply().startswith("421 4.3.2")
    sigillo.start()
