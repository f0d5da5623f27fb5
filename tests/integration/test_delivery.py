# SPDX-License-Identifier: Apache-2.0
"""From an application to a stranger's server: what arrives, how it is protected, and what is said when it does not."""
import email
import os
import re
import subprocess
import tempfile

import dkim
import pytest

from world import rspamd
from world.daemon import message
from world.internet import wait_for
from world.postfix import tls_version

SETTINGS = {"delivery": {"connect_timeout": "3s", "command_timeout": "8s", "dot_timeout": "8s"}}


@pytest.fixture
def send(sigillo, sender):
    """send("who@domain.test", ...) by port 587: the message id."""
    return lambda to, **kw: sigillo.submit(sender, to, message("me@app.test", [to], **kw))


def one(shown):
    assert len(shown["recipients"]) == 1
    return shown["recipients"][0]


def wait_reason(sigillo, message_id, pattern, timeout=20):
    """Until `queue show` gives a reason to wait that matches; the recipient."""
    def matches(shown):
        r = one(shown)
        return re.search(pattern, "%s %s" % (r.get("why_wait") or "", r.get("reason") or ""), re.I)
    return one(wait_for(lambda: sigillo.show(message_id), matches, timeout, "a reason like " + pattern))


# -- the receiver's own judgement -----------------------------------------------------------------------------------

def opendkim_verdict(data):
    """Exit status and output of opendkim-testmsg, which asks the name server of this world."""
    with tempfile.TemporaryFile() as f:
        f.write(data.replace(b"\r\n", b"\n"))
        f.seek(0)
        r = subprocess.run(["opendkim-testmsg"], stdin=f, capture_output=True, text=True)
    return r.returncode, r.stdout + r.stderr


def test_over_dane_it_arrives_encrypted_and_its_signature_is_true(world, sigillo, send):
    message_id = send("dane@good.test", subject="Over DANE", body="Grüße.\r\n.a line that begins with a dot\r\n")
    got = world.wait_mail("dane@good.test")[0]
    shown = sigillo.wait_state(message_id, "delivered")
    assert tls_version(got) in ("TLSv1.2", "TLSv1.3")
    assert b"\r\n.a line that begins with a dot\r\n" in got
    signatures = email.message_from_bytes(got).get_all("DKIM-Signature")
    assert signatures, got.decode("utf-8", "replace")
    verifier = dkim.DKIM(got)
    for i in range(len(signatures)):
        assert verifier.verify(idx=i, dnsfunc=world.dns.txt), "dkimpy rejects signature %d" % i
    status, said = opendkim_verdict(got)
    assert status == 0, "opendkim rejects it: " + said
    assert one(shown)["status"].startswith("2.")


def test_rspamd_believes_both_signatures(world, make_sigillo):
    if not os.path.exists(os.path.join(world.peers, rspamd.PROGRAM)):
        pytest.skip("rspamd is not below %s: run `make deps`" % world.peers)
    server = make_sigillo()
    sender = server.sender("both.test", ed25519=True)
    server.wait_state(server.submit(sender, "judged@good.test"), "delivered")
    got = world.wait_mail("judged@good.test")[0]
    assert len(email.message_from_bytes(got).get_all("DKIM-Signature")) == 2
    with rspamd.Rspamd(world) as judge:
        symbols = judge.symbols(got, "me@both.test")
    assert "R_DKIM_ALLOW" in symbols, symbols
    assert not {"R_DKIM_REJECT", "R_DKIM_TEMPFAIL", "R_DKIM_PERMFAIL"} & set(symbols), symbols
    assert len(symbols["R_DKIM_ALLOW"]) == 2, symbols


def test_the_trail_says_that_dane_was_met(world, sigillo, send):
    message_id = send("trail@good.test")
    sigillo.wait_state(message_id, "delivered")
    trail = sigillo.cli("trace", message_id).stdout
    assert re.search(r"dane", trail, re.I), trail
    assert "TLSv1." in trail and "mx.good.test" in trail


def test_where_no_tlsa_record_matches_it_does_not_arrive_and_the_queue_says_why(world, sigillo, send):
    message_id = send("never@wrong.test")
    waiting = wait_reason(sigillo, message_id, "DANE|TLSA")
    assert waiting["state"] == "queued"
    assert waiting["next_at"]
    text = sigillo.cli("queue", "show", message_id).stdout
    assert re.search("DANE|TLSA", text), text
    assert world.mailbox("never@wrong.test") == []
    sigillo.cli("queue", "cancel", message_id)


def test_without_tls_on_the_other_side_it_arrives_in_plain(world, sigillo, send):
    message_id = send("anyone@plain.test")
    got = world.wait_mail("anyone@plain.test")[0]
    sigillo.wait_state(message_id, "delivered")
    assert tls_version(got) == ""


def test_an_expired_certificate_is_good_enough_where_nobody_promised_more(world, sigillo, send):
    send("anyone@expired.test")
    assert tls_version(world.wait_mail("anyone@expired.test")[0]).startswith("TLSv1.")


def test_a_tlsa_record_without_dnssec_is_not_believed(world, sigillo, send):
    send("anyone@insecure.test")
    assert tls_version(world.wait_mail("anyone@insecure.test")[0]).startswith("TLSv1.")


def test_a_receiver_with_only_ipv6_is_reached(world, sigillo, send):
    send("anyone@six.test")
    assert world.wait_mail("anyone@six.test")


def test_a_greylisted_recipient_gets_it_at_the_retry(world, sigillo, send):
    message_id = send("patient@grey.test")
    wait_reason(sigillo, message_id, "greylisted")
    assert world.wait_mail("patient@grey.test", timeout=30)
    assert one(sigillo.wait_state(message_id, "delivered"))["attempts"] >= 2


def bounce_of(world, n=1, who="me@app.test"):
    """The n-th notice that came back to the sender, parsed."""
    return email.message_from_bytes(world.wait_mail(who, n, timeout=30)[n - 1])


@pytest.fixture
def sender_mailbox(world):
    """Bounces go to the sender's domain: its mail is received by the Postfix of good.test."""
    world.dns.publish("app.test", "MX", "10 mx.good.test.")
    return len(world.mailbox("me@app.test"))


@pytest.mark.parametrize("to, status", [("nobody@good.test", "5.1.1"), ("x@reject.test", "5.1.1"),
                                        ("x@refuse.test", "5.7.1"), ("blocked@good.test", "5.7.1")])
def test_a_permanent_refusal_comes_back_as_a_report(world, sigillo, send, sender_mailbox, to, status):
    message_id = send(to, subject="Bounce me")
    assert one(sigillo.wait_state(message_id, "failed"))["status"] == status
    notice = bounce_of(world, sender_mailbox + 1)
    assert notice.get_content_type() == "multipart/report"
    assert notice.get_param("report-type") == "delivery-status"
    assert notice["Return-Path"] in ("<>", None) and notice["Auto-Submitted"] == "auto-replied"
    fields = notice.get_payload(1).get_payload()[1]
    assert fields["Final-Recipient"].replace(" ", "") == "rfc822;" + to
    assert fields["Action"] == "failed" and fields["Status"].startswith(status)


def test_a_domain_that_does_not_exist_bounces(world, sigillo, send, sender_mailbox):
    message_id = send("x@none.test")
    assert one(sigillo.wait_state(message_id, "failed"))["status"] in ("5.1.2", "5.4.4")


def test_a_null_mx_bounces_without_an_attempt(world, sigillo, send, sender_mailbox):
    message_id = send("x@null.test")
    assert one(sigillo.wait_state(message_id, "failed"))["status"] in ("5.1.10", "5.7.27")


def test_where_dnssec_fails_nothing_is_sent(world, sigillo, send):
    message_id = send("x@bogus.test")
    waiting = wait_reason(sigillo, message_id, "DNS|bogus|lookup")
    assert waiting["state"] == "queued"
    sigillo.cli("queue", "cancel", message_id)


def test_a_busy_server_is_tried_again(world, sigillo, send):
    r = world.receiver("busy.test", {"mail": ["451 4.3.0 too busy just now"]})
    message_id = send("x@busy.test")
    shown = sigillo.wait_state(message_id, "delivered", timeout=30)
    assert one(shown)["attempts"] == 2 and len(r.messages) == 1


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data", "dot"])
def test_a_server_that_cuts_the_line_once_gets_it_the_next_time(world, sigillo, send, stage):
    r = world.receiver("cut-%s.test" % stage, {stage: ["drop"]})
    message_id = send("x@cut-%s.test" % stage)
    sigillo.wait_state(message_id, "delivered", timeout=30)
    assert len(r.messages) == 1


def test_a_connection_lost_after_the_final_dot_is_tried_again_and_said_to_be_possibly_repeated(world, sigillo, send):
    r = world.receiver("lost-answer.test", {"dot": ["keep+drop"]})
    message_id = send("x@lost-answer.test")
    shown = sigillo.wait_state(message_id, "delivered", timeout=30)
    assert len(r.messages) == 2
    assert one(shown)["possibly_repeated"] is True
    assert re.search("possibly repeated", sigillo.cli("queue", "show", message_id).stdout, re.I)


def test_a_slow_server_is_waited_for(world, sigillo, send):
    message_id = send("x@tarpit.test")
    sigillo.wait_state(message_id, "delivered", timeout=40)
    assert len(world.scripted["tarpit.test"].messages) >= 1


def test_a_server_that_never_answers_is_given_up_and_does_not_hold_up_others(world, sigillo, send):
    world.receiver("dead.test", {"mail": "hang"})
    stuck = send("x@dead.test")
    quick = send("quick@plain.test")
    sigillo.wait_state(quick, "delivered", timeout=5)
    wait_reason(sigillo, stuck, "silent|timed out", timeout=30)
    sigillo.cli("queue", "cancel", stuck)


def test_a_dead_resolver_delays_and_loses_nothing(world, sigillo, send):
    world.receiver("later.test")
    world.dns.stop()
    try:
        message_id = send("x@later.test")
        waiting = wait_reason(sigillo, message_id, "DNS|resolve|lookup", timeout=60)
        assert waiting["state"] == "queued"
    finally:
        world.dns.resume()
    sigillo.cli("queue", "retry", message_id, ok=False)  # it may have gone by itself meanwhile
    sigillo.wait_state(message_id, "delivered", timeout=60)


def test_two_recipients_of_one_domain_share_a_transaction_and_the_fate_of_each_is_its_own(world, sigillo, sender):
    sigillo.expect("nobody@good.test")
    to = ["one@good.test", "nobody@good.test", "two@good.test"]
    message_id = sigillo.submit(sender, to, message("me@app.test", to))
    shown = sigillo.wait_state(message_id, ["delivered", "failed"])
    assert {r["address"]: r["state"] for r in shown["recipients"]} == {
        "one@good.test": "delivered", "nobody@good.test": "failed", "two@good.test": "delivered"}
    assert len(world.wait_mail("one@good.test")) == 1 and len(world.wait_mail("two@good.test")) == 1


def test_a_second_mx_is_used_when_the_first_is_closed(world, sigillo, send):
    world.dns.publish("mx1.two.test", "A", "127.0.3.99") # nobody listens there
    world.route("two.test", "mx2.two.test", "127.0.1.3")
    world.dns.publish("two.test", "MX", "10 mx1.two.test.", "20 mx2.two.test.")
    message_id = send("x@two.test")
    sigillo.wait_state(message_id, "delivered", timeout=30)
    assert world.mailbox("x@two.test")


def test_a_smart_host_is_reached_with_auth_over_verified_tls(world, make_sigillo):
    relay = world.receiver("relay.test", tls=True, users={"us": "secret word"}, port=587)
    password = os.path.join(world.folder, "relay-password")
    with open(password, "w") as f:
        f.write("secret word\n")
    os.chmod(password, 0o644)
    d = make_sigillo({"route relay": {"domains": ["*"], "host": "mx.relay.test", "port": 587, "user": "us",
                                      "password_file": password, "tls": "verified", "ca_file": world.ca.file}})
    sender = d.sender("smart.test")
    message_id = d.submit(sender, "x@elsewhere.test")
    d.wait_state(message_id, "delivered")
    assert [(m.user, m.tls[:5]) for m in relay.messages] == [("us", "TLSv1")]


def test_a_smart_host_with_a_wrong_certificate_gets_nothing(world, make_sigillo):
    other = world.ca.issue("other.test")
    relay = world.receiver("impostor.test", tls=other, users={"us": "secret word"}, port=587)
    password = os.path.join(world.folder, "relay-password")
    with open(password, "w") as f:
        f.write("secret word\n")
    os.chmod(password, 0o644)
    d = make_sigillo({"route relay": {"domains": ["*"], "host": "mx.impostor.test", "port": 587, "user": "us",
                                      "password_file": password, "tls": "verified", "ca_file": world.ca.file}})
    sender = d.sender("smart2.test")
    message_id = d.submit(sender, "x@elsewhere.test")
    waiting = wait_reason(d, message_id, "certificate|prove")
    assert waiting["state"] == "queued" and relay.messages == []
    assert not any(stage == "auth" for _, stage, _ in relay.log)
