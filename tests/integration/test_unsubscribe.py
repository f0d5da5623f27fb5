# SPDX-License-Identifier: Apache-2.0
"""List mail: the fields that make one click unsubscribe, inside the signature; the link that they hold, and what becomes of mail after the click."""
import email
import re
import time
import urllib.parse

import dkim
import pytest
from world import daemon
from world.internet import wait_for

DOMAIN = "bulk.test"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CLICK = "List-Unsubscribe=One-Click"
SETTINGS = {"public_url": "https://news.test"}
USAGE = 2


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


def list_message(to, mark="weekly", extra=()):
    return daemon.message("me@" + DOMAIN, [to], extra=["X-Sigillo-List: " + mark, *extra])


def arrived(world, to):
    got = world.wait_mail(to)[-1]
    return got, email.message_from_bytes(got)


def link_of(m):
    (field,) = m.get_all("List-Unsubscribe")
    (url,) = re.findall(r"<(https://[^>]+)>", field.replace("\r\n", ""))
    return urllib.parse.urlsplit(url).path


def click(sigillo, path, body=CLICK, headers=FORM):
    return sigillo.request("POST", path, body, headers=headers)


def suppressed(sigillo, address):
    return [s for s in sigillo.json("suppression", "list")["suppressions"] if s["address"] == address]


def sent_link(world, sigillo, sender, to, **kw):
    sigillo.wait_state(sigillo.submit(sender, to, list_message(to, **kw)), "delivered")
    return link_of(arrived(world, to)[1])


def test_the_fields_are_there_once_and_signed(world, sigillo, sender):
    to = "fields@good.test"
    sigillo.wait_state(sigillo.submit(sender, to, list_message(to, "Die Woche <Weekly.bulk.test>")), "delivered")
    got, m = arrived(world, to)
    assert m.get_all("List-Unsubscribe-Post") == [CLICK]
    assert m.get_all("List-ID") == ["Die Woche <weekly.bulk.test>"]
    assert "X-Sigillo-List" not in m
    assert link_of(m).startswith("/u/") and b"fields" not in link_of(m).encode()
    for n, field in enumerate(m.get_all("DKIM-Signature")):
        names = re.sub(r"\s", "", re.search(r"\bh=([^;]+)", field)[1]).lower().split(":")
        # one entry more than there are fields: a second one breaks the signature [RFC 8058 s4]
        assert names.count("list-unsubscribe") == names.count("list-unsubscribe-post") == 2
        assert "list-id" in names
        assert dkim.DKIM(got).verify(idx=n, dnsfunc=world.dns.txt)
        for name in (b"List-Unsubscribe", b"List-Unsubscribe-Post"):
            assert not dkim.DKIM(name + b": <https://evil.test/>\r\n" + got).verify(idx=n, dnsfunc=world.dns.txt)


def test_by_the_api_and_by_the_command_line(world, sigillo, sender):
    body = {"from": "me@" + DOMAIN, "to": "api-list@good.test", "subject": "x", "text": "y", "list": {"id": "weekly", "name": "Grüße"}}
    status, _, answer = sigillo.post("/v1/messages", body, sender.key)
    assert status == 202, answer
    m = arrived(world, "api-list@good.test")[1]
    assert str(email.header.make_header(email.header.decode_header(m["List-ID"]))) == "Grüße <weekly.bulk.test>"
    assert click(sigillo, link_of(m))[0] == 200
    sigillo.cli("send", "--from", "me@" + DOMAIN, "--to", "cli-list@good.test", "--list", "other.bulk.test", "--text", "-", input="x\n")
    m = arrived(world, "cli-list@good.test")[1]
    assert m["List-ID"] == "<other.bulk.test>" and link_of(m)


def test_what_the_sender_wrote_stays_if_it_is_one_click(world, sigillo, sender):
    own = ["List-Unsubscribe: <https://own.test/u/1>", "List-Unsubscribe-Post: " + CLICK]
    for to, extra, post, want in (("own@good.test", own, 1, ["<https://own.test/u/1>"]),
                                  ("half@good.test", own[:1], 1, None)):
        sigillo.wait_state(sigillo.submit(sender, to, list_message(to, extra=extra)), "delivered")
        m = arrived(world, to)[1]
        assert len(m.get_all("List-Unsubscribe-Post")) == post and len(m.get_all("List-Unsubscribe")) == 1
        assert m.get_all("List-Unsubscribe") == want or (want is None and link_of(m).startswith("/u/"))


@pytest.mark.parametrize("changes, code, field", [
    ({"to": ["a@good.test", "b@good.test"]}, "list-one-recipient", "to"),
    ({"list": {"id": "a b"}}, "list-syntax", "list"), ({"list": {}}, "member-missing", "list.id"),
    ({"list": {"id": "a", "name": "x\r\nBcc: y@z.test"}}, "line-end", "list.name"),
    ({"list": {"id": "a", "color": "red"}}, "member-unknown", "list.color"),
    ({"headers": {"List-ID": "<other.test>"}}, "list-id-differs", "List-ID")])
def test_mistakes_are_refused_by_name(sigillo, sender, changes, code, field):
    body = {"from": "me@" + DOMAIN, "to": "a@good.test", "subject": "x", "text": "y", "list": {"id": "weekly"}, **changes}
    status, _, answer = sigillo.post("/v1/messages", body, sender.key)
    assert (status, answer["code"], answer["field"]) == (422, code, field), answer


def test_by_smtp_several_recipients_are_refused(sigillo, sender):
    c = sigillo.connect()
    c.login(sender.user, sender.password)
    assert c.mail("me@" + DOMAIN)[0] == 250
    for to in ("a@good.test", "b@good.test"):
        assert c.rcpt(to)[0] == 250
    code, text = c.data(list_message("a@good.test"))
    assert code == 554 and b"one recipient" in text, text
    c.close()


def test_one_click_is_honoured_at_once_and_for_that_list_only(world, sigillo, sender):
    to = "click@good.test"
    link = sent_link(world, sigillo, sender, to)
    for _ in range(2):  # twice is once
        status, headers, page = click(sigillo, link)
        assert status == 200 and b"unsubscribed from weekly.bulk.test" in page
        assert "Set-Cookie" not in headers and "Location" not in headers
    (entry,) = suppressed(sigillo, to)
    assert (entry["reason"], entry["domain"], entry["expires_at"]) == ("unsubscribe", "list:weekly.bulk.test", None)
    again = sigillo.submit(sender, "Click@good.test", list_message(to))
    assert sigillo.show(again)["recipients"][0]["state"] == "suppressed"
    for data in (list_message(to, "other"), daemon.message("me@" + DOMAIN, [to])):
        sigillo.wait_state(sigillo.submit(sender, to, data), "delivered")
    lines = [a for a in sigillo.json("report", "audit")["audit"] if a["actor"] == "system:unsubscribe"]
    assert len([a for a in lines if a["object"] == "suppression:" + to]) == 1
    sigillo.cli("suppression", "remove", to, "--domain", "list:weekly.bulk.test")
    sigillo.wait_state(sigillo.submit(sender, to, list_message(to)), "delivered")


def test_looking_does_nothing(world, sigillo, sender):
    to = "look@good.test"
    link = sent_link(world, sigillo, sender, to)
    for method in ("GET", "HEAD", "GET"):
        status, headers, page = sigillo.request(method, link)
        assert status == 200 and "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Content-Type"].startswith("text/html")
        assert (method == "HEAD") == (page == b"") and b"<script" not in page
    assert b'<form method="post">' in page and b'value="One-Click"' in page and to.encode() not in page
    status, _, _ = sigillo.request("PUT", link, CLICK, headers=FORM)
    assert status == 405 and suppressed(sigillo, to) == []


def test_a_multipart_form_is_a_click_too(world, sigillo, sender):
    to = "multipart@good.test"
    body = '--X\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--X--\r\n'
    status, _, _ = click(sigillo, sent_link(world, sigillo, sender, to), body, {"Content-Type": "multipart/form-data; boundary=X"})
    assert status == 200 and len(suppressed(sigillo, to)) == 1


def test_what_is_no_click_is_refused(world, sigillo, sender):
    to = "noclick@good.test"
    link = sent_link(world, sigillo, sender, to)
    for body, headers, status in (("", FORM, 400), ("a=b", FORM, 400), (CLICK, {"Content-Type": "application/json"}, 415), (CLICK, {}, 415),
                                  (CLICK + "&a=" + "x" * 5000, FORM, 413), ("x" * 4000000, FORM, 413)):
        assert click(sigillo, link, body, headers)[0] == status, (body[:40], headers)
    assert suppressed(sigillo, to) == []


def test_forged_links_lead_nowhere_and_are_limited(make_sigillo):
    d = make_sigillo()
    wait_for(lambda: click(d, "/u/x")[0], lambda status: status == 404, 20, "the first key of links")
    got = [click(d, "/u/" + token)[0] for token in ("x", "A" * 200, "A" * 2000, "..%2f", "%00", "AAAA=") * 3]
    assert got[:6] == [404] * 6 and got[-1] == 429 and set(got) == {404, 429}
    status, headers, _ = d.get("/u/AAAA")
    assert status == 429 and 0 < int(headers["Retry-After"]) <= 60


def test_waiting_mail_of_the_list_is_stopped_and_other_mail_is_not(world, sigillo, sender):
    to = "someone@bulk-later.test"
    receiver = world.receiver("bulk-later.test", {})
    link = sent_scripted(receiver, sigillo, sender, to)
    receiver.script = {"mail": "451 4.3.0 later"}
    waiting = [sigillo.submit(sender, to, list_message(to)) for _ in range(3)]
    other = [sigillo.submit(sender, to, data) for data in (list_message(to, "another"), daemon.message("me@" + DOMAIN, [to]))]
    assert click(sigillo, link)[0] == 200
    for message_id in waiting:  # whichever comes first: the hand, or the next attempt
        sigillo.wait_state(message_id, ["cancelled", "suppressed"])
    assert [sigillo.show(i)["recipients"][0]["state"] for i in other] == ["queued"] * 2
    assert {"cancelled", "suppressed"} & {e["kind"] for e in sigillo.json("trace", waiting[0])["events"]}


def test_what_was_not_stopped_before_a_crash_is_not_tried_after_it(world, make_sigillo):
    """The entry is stored and the process ends before waiting mail is cancelled: as if somebody had added it by hand."""
    d = make_sigillo({"public_url": "https://news.test"})
    to, receiver = "someone@bulk-crash.test", world.receiver("bulk-crash.test", {"mail": "451 4.3.0 later"})
    sender = d.sender("crash-stop.test")
    whole = lambda mark: daemon.message("me@" + sender.domain, [to], extra=["X-Sigillo-List: " + mark])
    waiting, other = [d.submit(sender, to, whole(mark)) for mark in ("weekly", "another")]
    d.cli("suppression", "add", to, "--domain", "list:weekly.crash-stop.test", "--reason", "unsubscribe")
    d.kill()
    receiver.script = {}
    d.restart()
    assert d.wait_state(waiting, ["suppressed", "delivered"])["recipients"][0]["state"] == "suppressed"
    d.wait_state(other, "delivered")
    assert [m.data.count(b"another.crash-stop.test") > 0 for m in receiver.messages] == [True]


def sent_scripted(receiver, sigillo, sender, to):
    sigillo.wait_state(sigillo.submit(sender, to, list_message(to)), "delivered")
    got = wait_for(lambda: receiver.messages, bool, 20, "a message")
    return link_of(email.message_from_bytes(got[-1].data))


def test_links_outlive_a_crash_and_a_restart(world, make_sigillo):
    d = make_sigillo({"public_url": "https://news.test"})
    sender = d.sender("crash-bulk.test")
    to = "crash@good.test"
    data = daemon.message("me@" + sender.domain, [to], extra=["X-Sigillo-List: weekly"])
    d.wait_state(d.submit(sender, to, data), "delivered")
    link = link_of(arrived(world, to)[1])
    d.kill()
    d.restart()
    assert click(d, link)[0] == 200
    d.kill()
    d.restart()
    assert len(suppressed(d, to)) == 1
    assert d.show(d.submit(sender, to, data))["recipients"][0]["state"] == "suppressed"


def test_many_links_cost_little(world, sigillo, sender):
    """The same click again and again is one entry, and the server goes on."""
    to = "often@good.test"
    link = sent_link(world, sigillo, sender, to)
    began = time.monotonic()
    assert {click(sigillo, link)[0] for _ in range(100)} == {200}
    assert len(suppressed(sigillo, to)) == 1 and time.monotonic() - began < 20
