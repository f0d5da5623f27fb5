# SPDX-License-Identifier: Apache-2.0
"""The small internet is what it says: otherwise the other tests prove nothing."""
import smtplib
import socket
import ssl

import pytest

from world.internet import wait_for
from world.finger import Finger
from world.postfix import tls_version
from world.resolver import Resolver, Validator

TYPES = {"A": 1, "MX": 15, "TXT": 16, "TLSA": 52, "DS": 43}


@pytest.fixture(scope="module")
def resolve(world):
    """A validating resolver that starts from the root hints and the anchor of the world."""
    validator = Validator(world.dns)
    yield lambda name, kind: validator.ask(name, TYPES[kind])
    validator.close()


@pytest.mark.parametrize("name, kind", [("good.test", "MX"), ("mx.good.test", "A"), ("_25._tcp.mx.good.test", "TLSA"),
                                        ("null.test", "MX")])
def test_names_below_the_signed_root_validate(resolve, name, kind):
    r = resolve(name, kind)
    assert (r.havedata, r.secure, r.bogus) == (1, 1, 0), r.why_bogus


def test_absence_is_proved_too(resolve):
    r = resolve("_25._tcp.mx.plain.test", "TLSA")
    assert (r.havedata, r.secure, r.bogus) == (0, 1, 0), r.why_bogus


def test_a_name_that_does_not_exist_is_proved_not_to(resolve):
    r = resolve("none.test", "MX")
    assert (r.nxdomain, r.secure) == (1, 1), r.why_bogus


def test_a_zone_without_ds_is_insecure(resolve):
    r = resolve("_25._tcp.mx.insecure.test", "TLSA")
    assert (r.havedata, r.secure, r.bogus) == (1, 0, 0), r.why_bogus


def test_a_zone_that_its_parent_does_not_vouch_for_is_bogus(world, resolve):
    world.dns.publish("bogus.test", "MX", "10 mx.good.test.")
    assert resolve("bogus.test", "MX").bogus == 1


def test_what_is_published_is_served_signed(world, resolve):
    world.dns.publish("new.app.test", "TXT", '"hello"')
    # a resolver may hold the proof that it was not there for the rest of the second
    wait_for(lambda: resolve("new.app.test", "TXT"), lambda r: (r.havedata, r.secure) == (1, 1), 3, "the new record")


def test_postfix_keeps_what_it_is_given(world):
    with smtplib.SMTP("127.0.1.1") as c:
        c.starttls()
        c.sendmail("a@app.test", ["w@good.test"], b"Subject: x\r\n\r\n.dot\r\n")
    data = world.wait_mail("w@good.test")[0]
    assert data.endswith(b"\r\n\r\n.dot\r\n") and tls_version(data).startswith("TLSv1.")


def test_a_script_is_followed_and_then_forgotten(world):
    r = world.receiver("script.test", {"rcpt": ["451 4.3.0 once"]}, tls=True)
    for refused in (True, False):
        with smtplib.SMTP(r.address) as c:
            c.starttls()
            try:
                c.sendmail("a@app.test", ["x@script.test"], b"Subject: x\r\n\r\nhi\r\n")
                assert not refused
            except smtplib.SMTPRecipientsRefused:
                assert refused
    assert [m.data for m in r.messages] == [b"Subject: x\r\n\r\nhi\r\n"]


def get(world, host, path):
    with socket.create_connection((world.https.address, 443), 5) as s:
        with ssl.create_default_context(cafile=world.ca.file).wrap_socket(s, server_hostname=host) as tls:
            tls.sendall(b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path.encode(), host.encode()))
            return b"".join(iter(lambda: tls.recv(4096), b""))


def test_a_policy_is_published_whole(world):
    world.policy("kept.test", "*.kept.test", "mx.other.test", mode="testing", max_age=600, id="7")
    assert world.dns.texts("_mta-sts.kept.test") == ["v=STSv1; id=7;"]
    got = get(world, "mta-sts.kept.test", "/.well-known/mta-sts.txt")
    assert got.startswith(b"HTTP/1.1 200") and b"Content-Type: text/plain" in got
    assert got.endswith(b"\r\n\r\nversion: STSv1\r\nmode: testing\r\nmax_age: 600\r\nmx: *.kept.test\r\nmx: mx.other.test\r\n")


def test_the_web_server_is_as_wrong_as_it_is_told_to_be(world):
    world.https.put("wrong-web.test", "/moved", "", 301, headers=[("Location", "https://else.test/")])
    world.https.put("wrong-web.test", "/drip", lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nmine"))
    assert b"\r\nLocation: https://else.test/\r\n" in get(world, "wrong-web.test", "/moved")
    assert get(world, "wrong-web.test", "/drip") == b"HTTP/1.1 200 OK\r\n\r\nmine"
    world.https.shows("wrong-web.test", world.ca.issue("wrong-web.test", days_to=-1))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        get(world, "wrong-web.test", "/moved")
    world.https.stop()
    with pytest.raises(ConnectionRefusedError):
        get(world, "kept.test", "/")
    world.https.start()
    assert get(world, "kept.test", "/").startswith(b"HTTP/1.1 404")


def test_https_serves_what_was_put_under_a_certificate_of_the_world(world):
    import http.client
    import ssl
    world.https.put("page.test", "/a", "hello")
    world.dns.publish("page.test", "A", world.https.address)
    c = http.client.HTTPSConnection("page.test", context=ssl.create_default_context(cafile=world.ca.file))
    c.request("GET", "/a")
    assert c.getresponse().read() == b"hello"


@pytest.fixture(scope="module")
def finger(world):
    with Resolver(world.dns, "127.0.0.55") as resolver:
        yield Finger(world, resolver)


@pytest.mark.parametrize("domain, level, says", [
    ("good.test", "dane", "Matched DANE EE certificate at depth 0: 3 1 1"),
    ("wrong.test", "dane", "no matching DANE TLSA records"),
    ("expired.test", "dane-only", "no TLSA records found"),
    ("insecure.test", "dane-only", "no TLSA records found"),
    ("bogus.test", "dane", "try again")])
def test_the_validating_resolver_serves_programs_of_others(world, finger, domain, level, says):
    world.dns.publish("bogus.test", "MX", "10 mx.good.test.")
    assert says in finger.said(domain, level)


def handshake(receiver, context):
    with smtplib.SMTP(receiver.address, timeout=5) as c:
        c.ehlo()
        c.starttls(context=context)
        return c.sock.version()


@pytest.mark.parametrize("how, error", [("drop", (ssl.SSLError, OSError)), ("garbage", ssl.SSLError), ("hang", socket.timeout)])
def test_a_handshake_goes_wrong_as_its_script_says(world, how, error):
    r = world.receiver("shake-%s.test" % how, {"handshake": how}, tls=True)
    with pytest.raises(error):
        handshake(r, ssl.create_default_context(cafile=world.ca.file))
    assert r.messages == []


def test_a_receiver_speaks_the_versions_it_is_told_to(world):
    old = world.receiver("old.test", tls=True, versions=("TLSv1", "TLSv1_1"))
    two = world.receiver("two.test", tls=True, versions=("TLSv1_2", "TLSv1_2"))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert handshake(two, context) == "TLSv1.2"
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(old, context)


def test_the_chain_leads_over_an_authority_below_the_root(world):
    below = world.ca.below("World intermediate")
    whole, alone = (below.issue(name, sends=sends) for name, sends in (("mx.chain.test", "chain"), ("mx.leaf.test", "leaf")))
    assert [open(c.certificate).read().count("BEGIN") for c in (whole, alone)] == [2, 1]
    assert len({whole.record(u, s, m, of) for u, s, m, of in ((3, 1, 1, 0), (2, 1, 1, 1), (2, 1, 1, -1), (2, 0, 0, -1))}) == 4
    context = ssl.create_default_context(cafile=world.ca.file)
    context.check_hostname = False
    assert handshake(world.receiver("chain.test", tls=whole), context).startswith("TLSv1.")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(world.receiver("leaf.test", tls=alone), context)
