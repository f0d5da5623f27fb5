# SPDX-License-Identifier: Apache-2.0
"""The small internet is what it says: otherwise the other tests prove nothing."""
import ctypes
import ctypes.util
import smtplib

import pytest

from world.internet import wait_for
from world.postfix import tls_version

TYPES = {"A": 1, "MX": 15, "TXT": 16, "TLSA": 52, "DS": 43}


class Result(ctypes.Structure): # struct ub_result of <unbound.h>
    _fields_ = [("qname", ctypes.c_char_p), ("qtype", ctypes.c_int), ("qclass", ctypes.c_int),
                ("data", ctypes.c_void_p), ("len", ctypes.c_void_p), ("canonname", ctypes.c_char_p),
                ("rcode", ctypes.c_int), ("answer_packet", ctypes.c_void_p), ("answer_len", ctypes.c_int),
                ("havedata", ctypes.c_int), ("nxdomain", ctypes.c_int), ("secure", ctypes.c_int),
                ("bogus", ctypes.c_int), ("why_bogus", ctypes.c_char_p), ("was_ratelimited", ctypes.c_int),
                ("ttl", ctypes.c_int)]


@pytest.fixture(scope="module")
def resolve(world):
    """A validating resolver that starts from the root hints and the anchor of the world."""
    lib = ctypes.CDLL(ctypes.util.find_library("unbound"))
    lib.ub_ctx_create.restype = ctypes.c_void_p
    ctx = ctypes.c_void_p(lib.ub_ctx_create())
    for key, value in ((b"root-hints:", world.dns.root_hints.encode()), (b"do-not-query-localhost:", b"no"),
                       (b"do-ip6:", b"no")):
        assert lib.ub_ctx_set_option(ctx, key, value) == 0
    assert lib.ub_ctx_add_ta_file(ctx, world.dns.trust_anchor.encode()) == 0
    assert lib.ub_ctx_zone_remove(ctx, b"test.") == 0 # libunbound says by itself that test. does not exist

    def ask(name, kind):
        out = ctypes.POINTER(Result)()
        assert lib.ub_resolve(ctx, name.encode(), TYPES[kind], 1, ctypes.byref(out)) == 0
        return out.contents
    yield ask
    lib.ub_ctx_delete(ctx)


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


def test_https_serves_what_was_put_under_a_certificate_of_the_world(world):
    import http.client
    import ssl
    world.https.put("page.test", "/a", "hello")
    world.dns.publish("page.test", "A", world.https.address)
    c = http.client.HTTPSConnection("page.test", context=ssl.create_default_context(cafile=world.ca.file))
    c.request("GET", "/a")
    assert c.getresponse().read() == b"hello"
