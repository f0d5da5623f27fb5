# SPDX-License-Identifier: Apache-2.0
"""What senders, domains and the administrator demand of TLS on the way: verified, REQUIRETLS, TLS-Required: No [RFC 8689]."""
import email
import email.utils
import json
import re
import smtplib
import urllib.parse

import acs
import pytest
from conftest import finish, launch
from world.daemon import message
from world.internet import wait_for

DOMAIN = "asker.test"
SENDER = "me@" + DOMAIN
FAST = {"delivery": {"connect_timeout": "3s", "command_timeout": "8s", "dot_timeout": "8s"}}
SETTINGS = dict(FAST, **{"route partners": {"domains": ["partner.test", "partner-plain.test", "partner.insecure.test"], "tls": "verified"}})


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "asker", SETTINGS, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo, inbox):
    return sigillo.sender(DOMAIN)


@pytest.fixture(scope="module")
def inbox(world):
    """Where reports for the sender arrive: TLS, nothing more."""
    return world.receiver(DOMAIN, tls=True)


@pytest.fixture(scope="module")
def proved(world):
    return world.receiver("proved.test", tls=True, dane=True)


@pytest.fixture(scope="module")
def wrong(world):
    """Its record is of another key."""
    receiver = world.receiver("stale.test", tls=True)
    world.dns.publish("_25._tcp.mx.stale.test", "TLSA", "3 1 1 " + "ab" * 32)
    return receiver


def waits(sigillo, message_id, pattern):
    """Until it has been tried, and waits for that reason."""
    def there(shown):
        r = shown["recipients"][0]
        return r["state"] == "queued" and re.search(pattern, "%s %s" % (r["why_wait"], r["reason"]))
    return wait_for(lambda: sigillo.show(message_id), there, 20, "a reason like " + pattern)


def attempts(sigillo, message_id):
    return [e["detail"] for e in sigillo.json("trace", message_id)["events"] if "host" in e["detail"]]


def stages(receiver):
    return [stage for _, stage, _ in receiver.log]


def submit(sigillo, sender, to, options=(), fields=(), **kw):
    return sigillo.submit(sender, to, message(SENDER, [to], extra=fields), mail_options=options, **kw)


def refused(sigillo, sender, to="x@proved.test", options=(), fields=()):
    with pytest.raises(smtplib.SMTPResponseException) as e:
        submit(sigillo, sender, to, options, fields)
    return e.value.smtp_code, e.value.smtp_error


# -- every door ------------------------------------------------------------------------------------------------------------

MARK = "X-Sigillo-TLS"


def by_parameter(sigillo, sender, to):
    return submit(sigillo, sender, to, options=["XTLS=verified"])


def by_header(sigillo, sender, to):
    return submit(sigillo, sender, to, fields=[MARK + ": verified"])


def by_api(sigillo, sender, to):
    status, _, got = sigillo.post("/v1/messages", {"from": SENDER, "to": to, "subject": "S", "text": "T", "tls": "verified"}, sender.key)
    assert status == 202, got
    return got["id"]


def by_api_whole(sigillo, sender, to):
    status, _, got = sigillo.post("/v1/messages", message(SENDER, [to], extra=[MARK + ": verified"]), sender.key, {"Content-Type": "message/rfc822"})
    assert status == 202, got
    return got["id"]


def by_hand(sigillo, sender, to):
    assert sigillo.cli("send", "--from", SENDER, "--to", to, "--tls", "always", ok=False, input="T").returncode == 2
    return sigillo.json("send", "--from", SENDER, "--to", to, "--tls", "verified", input="Hello.")["id"]


def by_acs(sigillo, sender, to):
    key = sigillo.json("key", "add", "--domain", DOMAIN)
    body = {"senderAddress": SENDER, "recipients": {"to": [{"address": to}]}, "headers": {MARK: "verified"}, "content": {"subject": "S", "plainText": "T"}}
    status, _, got = acs.signed(sigillo, key, json.dumps(body).encode())
    assert status == 202, got
    return newest(sigillo, to)


def by_sendgrid(sigillo, sender, to):
    body = {"personalizations": [{"to": [{"email": to}]}], "from": {"email": SENDER}, "subject": "S", "content": [{"type": "text/plain", "value": "T"}],
            "headers": {MARK: "verified"}}
    status, got, reply = sigillo.request("POST", "/v3/mail/send", body, key=sender.key, tls=True)
    assert status == 202, reply
    return newest(sigillo, to)


def by_graph(sigillo, sender, to):
    app = sigillo.json("app", "add", "asker-" + to.split("@")[0], "--domain", DOMAIN)
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["secret"],
                                   "scope": "https://graph.microsoft.com/.default"})
    status, _, got = sigillo.request("POST", "/default/oauth2/v2.0/token", form, headers={"Content-Type": "application/x-www-form-urlencoded"}, tls=True)
    assert status == 200, got
    body = {"message": {"subject": "S", "body": {"contentType": "Text", "content": "T"}, "toRecipients": [{"emailAddress": {"address": to}}],
                        "internetMessageHeaders": [{"name": MARK, "value": "verified"}]}}
    status, _, got = sigillo.request("POST", "/v1.0/users/%s/sendMail" % SENDER, body, key=got["access_token"], tls=True)
    assert status == 202, got
    return newest(sigillo, to)


def newest(sigillo, to):
    """The id of what has arrived, by its Received field: these doors have ids of their own."""
    messages = sigillo.world.scripted["proved.test"].messages
    got = wait_for(lambda: [m for m in messages if m.recipients == [to]], bool, 20, "a message to " + to)[0]
    return re.search(r"\bid ([0-9a-z]{13})\b", email.message_from_bytes(got.data)["Received"]).group(1)


DOORS = [by_parameter, by_header, by_api, by_api_whole, by_hand, by_acs, by_sendgrid, by_graph]


@pytest.mark.parametrize("door", DOORS, ids=lambda d: d.__name__)
def test_each_door_takes_the_demand(sigillo, sender, proved, door):
    to = door.__name__.replace("_", "-") + "@proved.test"
    message_id = door(sigillo, sender, to)
    shown = sigillo.wait_state(message_id, "delivered")
    got = next(m for m in proved.messages if m.recipients == [to])
    assert shown["tls"] == "verified" and "require_tls" not in shown
    assert MARK not in email.message_from_bytes(got.data)
    assert got.tls and "REQUIRETLS" not in got.mail_line
    assert attempts(sigillo, message_id)[-1]["proved"].startswith("dane")


def test_an_ordinary_message_says_nothing_of_it(sigillo, sender, proved):
    shown = sigillo.wait_state(submit(sigillo, sender, "ordinary@proved.test"), "delivered")
    assert "tls" not in shown and "require_tls" not in shown
    assert "TLS-Required" not in email.message_from_bytes(proved.messages[-1].data)


def test_what_cannot_be_meant_is_refused(sigillo, sender, proved):
    assert refused(sigillo, sender, options=["XTLS=none"])[0] == 501
    assert refused(sigillo, sender, options=["XTLS=optional", "REQUIRETLS"])[0] == 501
    assert refused(sigillo, sender, options=["REQUIRETLS=yes"])[0] == 501
    code, text = refused(sigillo, sender, fields=["TLS-Required: Yes"])
    assert code == 554 and "No" in text
    assert refused(sigillo, sender, fields=["TLS-Required: No", "TLS-Required: No"])[0] == 554
    assert refused(sigillo, sender, fields=[MARK + ": required"])[0] == 554
    with pytest.raises(smtplib.SMTPResponseException) as e: # in clear
        sigillo.submit(sender, "x@proved.test", port=25, mail_options=["REQUIRETLS"])
    assert e.value.smtp_code == 555
    status, _, got = sigillo.post("/v1/messages", {"from": SENDER, "to": "x@proved.test", "subject": "S", "text": "T", "tls": "yes"}, sender.key)
    assert (status, got["field"], got["code"]) == (422, "tls", "member-value")


# -- verified ------------------------------------------------------------------------------------------------------------------

def test_a_server_without_tls_never_sees_it(world, sigillo, sender):
    """[RFC 8689 s4.2.1] in spirit: at no time in clear, though another message to the same server goes so meanwhile."""
    plain = world.receiver("demand-plain.test")
    ordinary = submit(sigillo, sender, "a@demand-plain.test")
    asked = submit(sigillo, sender, "b@demand-plain.test", options=["XTLS=verified"])
    sigillo.wait_state(ordinary, "delivered")
    waits(sigillo, asked, "STARTTLS")
    wait_for(lambda: len(attempts(sigillo, asked)), lambda n: n >= 3, 20, "three attempts")
    assert [m.recipients for m in plain.messages] == [["a@demand-plain.test"]]
    assert stages(plain).count("mail") == 1 and stages(plain).count("data") == 1
    trace = sigillo.cli("trace", asked).stdout
    assert "TLS" in trace and "verified" in trace.splitlines()[1], trace
    sigillo.cli("queue", "cancel", asked)


def test_a_broken_handshake_is_no_reason_for_clear(world, sigillo, sender):
    cut = world.receiver("demand-cut.test", {"handshake": "drop"}, tls=True)
    ordinary = submit(sigillo, sender, "a@demand-cut.test")
    sigillo.wait_state(ordinary, "delivered") # in clear, the second time
    asked = submit(sigillo, sender, "b@demand-cut.test", options=["XTLS=verified"])
    waits(sigillo, asked, "handshake")
    assert stages(cut).count("mail") == 1
    sigillo.cli("queue", "cancel", asked)


def test_what_nothing_proves_is_not_even_asked(world, sigillo, sender):
    """A good certificate for a name out of unsigned MX records proves nothing."""
    receiver = world.receiver("demand.insecure.test", tls=True)
    message_id = submit(sigillo, sender, "a@demand.insecure.test", fields=[MARK + ": verified"])
    waits(sigillo, message_id, "not signed")
    last = attempts(sigillo, message_id)[-1]
    assert (last["failure"], last["policy"]) == ("demand-not-met", "demand"), last
    assert receiver.connections == 0
    sigillo.cli("queue", "cancel", message_id)


def test_a_certificate_for_a_name_of_signed_records_is_enough(world, sigillo, sender):
    receiver = world.receiver("demand-pkix.test", tls=True)
    message_id = submit(sigillo, sender, "a@demand-pkix.test", options=["XTLS=verified"])
    sigillo.wait_state(message_id, "delivered")
    assert attempts(sigillo, message_id)[-1]["proved"] == "certificate"
    world.receiver("demand-late.test", tls=world.ca.issue("mx.demand-late.test", days_to=-1))
    late = submit(sigillo, sender, "a@demand-late.test", options=["XTLS=verified"])
    waits(sigillo, late, "expired")
    assert receiver.messages and not world.scripted["demand-late.test"].messages
    sigillo.cli("queue", "cancel", late)


@pytest.mark.parametrize("mode, required", [("enforce", "delivered"), ("testing", "failed")])
def test_a_policy_that_lists_the_host_is_enough(world, sigillo, sender, mode, required):
    """MTA-STS stands in for signed MX records; REQUIRETLS wants it enforced [RFC 8689 s4.2.1]."""
    domain = "demand-%s.insecure.test" % mode
    receiver = world.receiver(domain, tls=True, tls_extensions=["REQUIRETLS"])
    world.policy(domain, "mx." + domain, mode=mode)
    message_id = submit(sigillo, sender, "a@" + domain, options=["XTLS=verified"])
    sigillo.wait_state(message_id, "delivered")
    assert attempts(sigillo, message_id)[-1]["proved"] == "certificate"
    shown = sigillo.wait_state(submit(sigillo, sender, "b@" + domain, options=["REQUIRETLS"]), required)
    assert len(receiver.messages) == (2 if required == "delivered" else 1)
    assert required == "delivered" or shown["recipients"][0]["status"] == "5.7.30"


def test_a_domain_demands_it_for_all_its_mail(world, sigillo, inbox, proved):
    other = sigillo.sender("strict.test")
    plain = world.receiver("strict-plain.test")

    def send(to):
        return sigillo.submit(other, to, message("me@strict.test", [to], extra=["TLS-Required: No"]))
    said = sigillo.cli("domain", "set", "strict.test", "--tls", "verified").stdout
    assert "strict.test" in said and "prove" in said
    assert sigillo.json("domain", "show", "strict.test")["tls"] == "verified"
    assert "verified" in sigillo.cli("domain", "show", "strict.test").stdout
    line = sigillo.json("report", "audit", "--object", "domain:strict.test")["audit"][0]
    assert "tls" in line["detail"] and "verified" in line["detail"], line
    waiting = send("a@strict-plain.test")
    waits(sigillo, waiting, "STARTTLS")
    assert sigillo.show(waiting)["tls"] == "verified"
    sigillo.wait_state(send("strict@proved.test"), "delivered")
    sigillo.restart()
    assert sigillo.json("domain", "set", "strict.test", "--tls", "default")["tls"] == "default"
    sigillo.wait_state(send("b@strict-plain.test"), "delivered")
    assert [m.recipients for m in plain.messages] == [["b@strict-plain.test"]] # the first was accepted with the demand
    sigillo.cli("queue", "cancel", waiting)
    assert sigillo.cli("domain", "set", "strict.test", "--tls", "always", ok=False).returncode == 2
    assert sigillo.cli("domain", "set", "strict.test", ok=False).returncode == 2
    status, got = sigillo.admin("PATCH", "/admin/v1/domains/strict.test", {"tls": "always"})
    assert (status, got["field"]) == (422, "tls")


def test_the_administrator_demands_it_of_destinations(world, sigillo, sender):
    good, plain, unsigned = (world.receiver(d, tls=tls) for d, tls in (("partner.test", True), ("partner-plain.test", False), ("partner.insecure.test", True)))
    ids = {d: submit(sigillo, sender, "a@" + d) for d in ("partner.test", "partner-plain.test", "partner.insecure.test")}
    sigillo.wait_state(ids["partner.test"], "delivered")
    waits(sigillo, ids["partner-plain.test"], "STARTTLS")
    waits(sigillo, ids["partner.insecure.test"], "not signed")
    lax = submit(sigillo, sender, "b@partner-plain.test", fields=["TLS-Required: No"])
    waits(sigillo, lax, "STARTTLS") # his word counts more than the sender's
    assert good.messages and not plain.messages and not unsigned.messages
    for waiting in (ids["partner-plain.test"], ids["partner.insecure.test"], lax):
        sigillo.cli("queue", "cancel", waiting)


# -- REQUIRETLS ----------------------------------------------------------------------------------------------------------------

def test_requiretls_goes_on_to_who_offers_it(world, sigillo, sender):
    receiver = world.receiver("require.test", tls=True, dane=True, tls_extensions=["REQUIRETLS"])
    assert "REQUIRETLS" in sigillo_offers(sigillo) and "REQUIRETLS" not in sigillo_offers(sigillo, 25)
    message_id = submit(sigillo, sender, "a@require.test", options=["REQUIRETLS"], fields=["TLS-Required: No"])
    shown = sigillo.wait_state(message_id, "delivered")
    assert shown["require_tls"] is True and "tls" not in shown
    assert receiver.messages[0].mail_line.endswith(" REQUIRETLS")
    assert email.message_from_bytes(receiver.messages[0].data)["TLS-Required"] == "No"


def sigillo_offers(sigillo, port=587):
    c = sigillo.connect(port)
    try:
        c.ehlo()
        return c.ehlo_resp.decode()
    finally:
        c.close()


def test_requiretls_to_who_does_not_offer_it_comes_back(world, sigillo, sender, inbox, proved):
    """5.7.30, and the report has the header only; it goes encrypted."""
    before = len(proved.messages)
    message_id = submit(sigillo, sender, "secret@proved.test", options=["REQUIRETLS", "RET=FULL"])
    shown = sigillo.wait_state(message_id, "failed")
    assert shown["recipients"][0]["status"] == "5.7.30"
    assert len(proved.messages) == before
    report = wait_for(lambda: [m for m in inbox.messages if b"secret@proved.test" in m.data], bool, 20, "the report")[0]
    assert report.mail_from == "" and report.tls and b"5.7.30" in report.data
    assert b"Subject: A test" in report.data and b"Hello." not in report.data


def test_requiretls_without_starttls_comes_back(world, sigillo, sender, inbox):
    receiver = world.receiver("require-plain.test")
    shown = sigillo.wait_state(submit(sigillo, sender, "a@require-plain.test", options=["REQUIRETLS"]), "failed")
    assert shown["recipients"][0]["status"] == "5.7.10"
    assert "mail" not in stages(receiver)


def test_requiretls_waits_for_what_may_pass(world, sigillo, sender, wrong):
    message_id = submit(sigillo, sender, "a@stale.test", options=["REQUIRETLS"])
    waits(sigillo, message_id, "DANE")
    sigillo.cli("queue", "cancel", message_id)


def test_a_report_about_requiretls_never_goes_in_clear(world, sigillo):
    inbox = world.receiver("clearbox.test")
    other = sigillo.sender("clearbox.test")
    world.receiver("require-none.test")
    message_id = sigillo.submit(other, "a@require-none.test", message("me@clearbox.test", ["a@require-none.test"]), mail_options=["REQUIRETLS"])
    sigillo.wait_state(message_id, "failed")
    report = next(e["detail"]["notice"] for e in sigillo.json("trace", message_id)["events"] if e["kind"] == "bounced")
    waits(sigillo, report, "STARTTLS")
    assert sigillo.show(report)["require_tls"] is True
    assert "mail" not in stages(inbox)
    sigillo.cli("queue", "cancel", report)


# -- TLS-Required: No -----------------------------------------------------------------------------------------------------------

def test_tls_required_no_arrives_where_dane_fails_and_nothing_else_does(world, sigillo, sender, wrong):
    """And no connection carries both."""
    ordinary = submit(sigillo, sender, "a@stale.test")
    lax = submit(sigillo, sender, "b@stale.test", fields=["TLS-Required: No"])
    shown = sigillo.wait_state(lax, "delivered")
    waits(sigillo, ordinary, "DANE")
    again = submit(sigillo, sender, "c@stale.test") # while the other's connection is still open
    waits(sigillo, again, "DANE")
    assert shown["tls"] == "optional"
    assert [m.recipients for m in wrong.messages] == [["b@stale.test"]]
    assert stages(wrong).count("mail") == 1
    got = wrong.messages[0]
    assert got.tls and email.message_from_bytes(got.data).get_all("TLS-Required") == ["No"]
    for waiting in (ordinary, again):
        sigillo.cli("queue", "cancel", waiting)


def test_tls_required_no_to_a_real_server(world, sigillo, sender):
    lax = submit(sigillo, sender, "asker-lax@wrong.test", options=["XTLS=optional"])
    ordinary = submit(sigillo, sender, "asker-strict@wrong.test")
    got = world.wait_mail("asker-lax@wrong.test")[0]
    sigillo.wait_state(lax, "delivered")
    waits(sigillo, ordinary, "DANE")
    assert email.message_from_bytes(got)["TLS-Required"] == "No"
    assert world.mailbox("asker-strict@wrong.test") == []
    sigillo.cli("queue", "cancel", ordinary)


def test_tls_required_no_goes_in_clear_where_dane_wants_tls(world, sigillo, sender):
    receiver = world.receiver("stale-plain.test")
    world.dns.publish("_25._tcp.mx.stale-plain.test", "TLSA", "3 1 1 " + "ab" * 32)
    status, _, got = sigillo.post("/v1/messages", {"from": SENDER, "to": "a@stale-plain.test", "subject": "S", "text": "T", "tls": "optional"}, sender.key)
    assert status == 202, got
    sigillo.wait_state(got["id"], "delivered")
    assert receiver.messages[0].tls == ""
    assert email.message_from_bytes(receiver.messages[0].data)["TLS-Required"] == "No"


def test_a_server_that_insists_on_starttls_has_the_last_word(world, sigillo, sender, inbox):
    """[RFC 8689 s4.2.2]"""
    world.receiver("insists.test", {"mail": "530 5.7.0 STARTTLS first"})
    shown = sigillo.wait_state(submit(sigillo, sender, "a@insists.test", fields=["TLS-Required: No"]), "failed")
    assert shown["recipients"][0]["status"] == "5.7.0"
