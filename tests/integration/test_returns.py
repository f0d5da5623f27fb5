# SPDX-License-Identifier: Apache-2.0
"""Mail that comes back: each recipient is sent to with a return path of its own; a bounce to it counts, once; a forged one does not."""
import smtplib

import pytest
from conftest import finish, launch
from world.internet import wait_for

DOMAIN, AT = "returns.test", "rx-returns.test"
REPORT = ("From: MAILER-DAEMON@{at}\r\nTo: <{to}>\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
          "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt failed.\r\n--b\r\n"
          "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.{at}\r\n\r\nFinal-Recipient: rfc822; {rcpt}\r\n"
          "Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; 550 {status} {said}\r\n\r\n--b\r\n"
          "Content-Type: text/rfc822-headers\r\n\r\nSubject: hello\r\n--b--\r\n")


@pytest.fixture(scope="module")
def receiver(world):
    return world.receiver(AT)


@pytest.fixture(scope="module")
def server(world, receiver):
    d = launch(world, "returns", {"delivery": {"suppress_hard_bounces": "1d"}}, start=False)
    d.settings["listen world"] = {"door": "inbound", "address": [d.address + ":2525"], "tls": "starttls"}
    d.start()
    world.dns.publish(d.settings["hostname"], "A", d.address)
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(server):
    sender = server.sender(DOMAIN)
    server.json("domain", "verify", DOMAIN)
    assert server.json("domain", "show", DOMAIN)["status"]["return_path"]["state"] == "verified"
    return sender


def came_back(server, to, text):
    """The code of the message, or of the recipient that was refused."""
    c = smtplib.SMTP(server.address, 2525, "mx." + AT, timeout=20)
    try:
        c.ehlo()
        c.mail("")
        code, said = c.rcpt(to)
        return (code, said.decode()) if code != 250 else (c.data(text)[0], "")
    finally:
        c.close()


def paths(receiver, local):
    """{recipient: return path} of what came to these recipients."""
    def of(messages):
        found = {m.recipients[0]: m.mail_from for m in messages if m.recipients[0].startswith(local)}
        assert all(len(m.recipients) == 1 for m in messages if m.recipients[0].startswith(local))
        return found if len(found) == 2 else None
    return wait_for(lambda: of(list(receiver.messages)), lambda found: found, 20, "mail to " + local)


def report(to, rcpt, status="5.1.1", said="no such user", action="failed"):
    return REPORT.format(at=AT, to=to, rcpt=rcpt, status=status, said=said, action=action)


def events(server, message_id):
    return [e["kind"] for e in server.json("trace", message_id)["events"]]


def suppressed(server):
    return server.cli("suppression", "list").stdout


def test_a_bounce_counts_once_and_a_forged_one_never(server, sender, receiver):
    one, two = "a1@" + AT, "a2@" + AT
    message_id = server.submit(sender, [one, two])
    path = paths(receiver, "a")
    assert path[one] != path[two] and path[one].endswith("@bounces." + DOMAIN) and path[one].startswith("b-")
    server.wait_state(message_id, "delivered")

    for at in (5, 20, 40): # of the message, of the recipient, of the code
        forged = path[one][:at] + ("0" if path[one][at] != "0" else "1") + path[one][at + 1:]
        code, said = came_back(server, forged, report(forged, one))
        assert code == 550, said
    assert "bounced" not in events(server, message_id) and one not in suppressed(server)

    assert came_back(server, path[one], report(path[one], one))[0] == 250
    assert "bounced" in events(server, message_id)
    assert one in suppressed(server) and two not in suppressed(server)
    told = [e for e in server.json("trace", message_id)["events"] if e["kind"] == "bounced"]
    assert "user-unknown" in str(told) and "mx." + AT in str(told)

    assert came_back(server, path[one], report(path[one], one))[0] == 250
    assert events(server, message_id).count("bounced") == 1

    assert came_back(server, path[two].upper(), report(path[two], two, "5.7.1", "blocked using dnsbl.test"))[0] == 250
    assert events(server, message_id).count("bounced") == 2
    assert two not in suppressed(server)


def test_plain_keeps_the_senders_address(server, sender, receiver):
    server.cli("domain", "set", DOMAIN, "--bounces", "plain")
    try:
        server.submit(sender, ["p1@" + AT, "p2@" + AT])
        got = wait_for(lambda: list(receiver.messages), lambda ms: [m for m in ms if m.recipients[0].startswith("p1")], 20, "mail")
        [m] = [m for m in got if m.recipients[0].startswith("p")]
        assert m.mail_from == "me@" + DOMAIN and len(m.recipients) == 2
    finally:
        server.cli("domain", "set", DOMAIN, "--bounces", "verp")
