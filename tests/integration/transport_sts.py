# SPDX-License-Identifier: Apache-2.0
"""The table of cases, second part: what a receiver publishes of MTA-STS, and what has to become of one message to it."""
import time

from transport import Case, Delivered, Failed, Finger, Host, Setup, Sts, Waits
from transport_dane import ANYBODY, ENCRYPTED, FIRST_ONLY, PLAIN, STALE, below, issued, named, self_signed

GOOD = "version: STSv1\nmode: enforce\nmax_age: 86400\nmx: mx.{d}\n"
KEPT = Delivered("mta-sts")
UNPROVED = Waits("tls-verify", "certificate", "mta-sts")
NOT_LISTED = Waits("sts-mx", "MTA-STS of .* \\(enforce\\): .* is not in the policy", "mta-sts")
ANY_NAME = Finger("mta-sts", "it looks at the certificate alone; that the host is in the policy is for who made the list of names to see")
UNASKED = Finger("", "nobody tells it what a message asks for")
NOT_TOLD = Finger("encrypted", "it is asked about DANE here, and nobody told it of the policy")


def sts(happens=KEPT, certificate=None, more=None, finger=None, **policy):
    """A host with a certificate, and a policy."""
    host = Host(**{k: v for k, v in (("certificate", certificate), ("more", more)) if v})
    return dict(setup=Setup([host], sts=Sts(**policy)), happens=happens, finger=finger)


def web(**policy):
    """The policy can't be had, and none is known: as without one [RFC 8461 s3.3].  A host that no policy would take shows it."""
    return dict(setup=Setup([Host(certificate=self_signed)], sts=Sts(holds=False, **policy)), happens=ANYBODY)


def text(body, good):
    """A policy in other words: either it counts, or there is none."""
    return sts(body=body) if good else dict(web(body=body), report=["sts sts-policy-invalid"])


def slowly(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
    host = handler.headers["Host"].split(":")[0].replace("mta-sts.", "", 1)
    for line in GOOD.replace("{d}", host).splitlines(True):
        time.sleep(0.3)
        handler.wfile.write(line.encode())
        handler.wfile.flush()


def without_end(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"3e8\r\n" + b"x" * 999 + b"\n\r\n")


def dane(*tlsa, happens, finger=None, certificate=None, mx=("mx.{d}",), **kw):
    host = Host(tlsa=list(tlsa), **({"certificate": certificate} if certificate else {}))
    return dict(setup=Setup([host], sts=Sts(mx=mx), **kw), happens=happens, finger=finger)


def case(name, what, row, **columns):
    return Case(name, what, **row, **columns)


CASES = [
    # -- a policy that holds [RFC 8461 s4] ---------------------------------------------------------------------------------
    case("sts", "the host is named, its certificate is good", sts()),
    case("sts-wildcard", "a wildcard names the host", sts(mx=("*.{d}",))),
    case("sts-wildcard-self", "a wildcard does not name the domain itself", dict(
        setup=Setup([Host(name="{d}")], mx=False, sts=Sts(mx=("*.{d}",))), happens=NOT_LISTED, finger=None)),
    case("sts-wildcard-two", "a wildcard does not stand for two labels", dict(
        setup=Setup([Host(name="a.mx.{d}")], sts=Sts(mx=("*.{d}",))), happens=NOT_LISTED, finger=ANY_NAME)),
    case("sts-upper", "upper-case names", sts(mx=("MX.{d}",))),
    case("sts-several", "one of several names", sts(mx=("mx9.{d}", "*.elsewhere.test", "mx.{d}"))),
    case("sts-unlisted", "the policy names another host, and the certificate has its name: the plug-in of others connected",
         sts(NOT_LISTED, certificate=named("mx.{d}", "other.{d}"), mx=("other.{d}",), finger=ANY_NAME)),
    case("sts-wildcard-cert", "a wildcard certificate", sts(certificate=named("*.{d}"))),
    case("sts-wildcard-cert-two", "a wildcard certificate over two labels", dict(
        setup=Setup([Host(name="a.mx.{d}", certificate=named("*.{d}"))], sts=Sts(mx=("a.mx.{d}",))), happens=UNPROVED, finger=None),
         report=["sts certificate-host-mismatch"]),
    case("sts-below", "an authority below the root, which is sent", sts(certificate=below(sends="chain"))),
    case("sts-below-unsent", "an authority below the root, which is not sent", sts(UNPROVED, certificate=below(sends="leaf"))),
    case("sts-self-signed", "self-signed", sts(UNPROVED, certificate=self_signed)),
    case("sts-expired", "certificate expired", sts(UNPROVED, certificate=issued(days_to=-1)), report=["sts certificate-expired"]),
    case("sts-other-name", "certificate of another name", sts(UNPROVED, certificate=named("elsewhere.test")),
         report=["sts certificate-host-mismatch"]),
    case("sts-domain-name", "certificate of the domain: it is the host's name that counts [RFC 8461 s4.1]",
         sts(UNPROVED, certificate=named("{d}")), report=["sts certificate-host-mismatch"]),
    case("sts-cn-only", "its name in the CN alone: that is no name any more [RFC 8461 s4.2]",
         sts(UNPROVED, certificate=issued(san=False), finger=Finger("mta-sts", "it takes a CN where there are no other names")),
         report=["sts certificate-host-mismatch"]),
    case("sts-plain", "no STARTTLS", dict(setup=Setup([Host(certificate=None)], sts=Sts()),
                                          happens=Waits("no-starttls", "STARTTLS", "mta-sts"), finger=None)),
    case("sts-stripped", "STARTTLS struck out on the way", dict(
        setup=Setup([Host(certificate=None, more={"extensions": ("XXXXXXXA",)})], sts=Sts()),
        happens=Waits("no-starttls", "STARTTLS", "mta-sts"), finger=None)),
    case("sts-454", "STARTTLS answered by 454", dict(setup=Setup([Host(script={"starttls": "454 4.7.0 not now"})], sts=Sts()),
                                                     happens=Waits("no-starttls", "STARTTLS", "mta-sts"), finger=None)),
    case("sts-cut", "handshake cut", dict(setup=Setup([Host(script={"handshake": "drop"})], sts=Sts()),
                                          happens=Waits("tls", "handshake", "mta-sts"), finger=None)),
    case("sts-garbage", "STARTTLS leads to what is no TLS", dict(setup=Setup([Host(script={"handshake": "garbage"})], sts=Sts()),
                                                                 happens=Waits("tls", "handshake", "mta-sts"), finger=None)),
    case("sts-old", "TLS 1.1 at most", sts(Waits("tls", "handshake", "mta-sts"), more={"versions": ("TLSv1", "TLSv1_1")})),
    case("sts-two", "TLS 1.2 at most", sts(Delivered("mta-sts", tls="TLSv1.2"), more={"versions": ("TLSv1_2", "TLSv1_2")})),
    case("sts-moment", "max_age 0: it holds for the delivery that asks", sts(UNPROVED, certificate=self_signed, max_age=0)),

    # -- modes: a policy that is tested refuses nothing (it did, in a peer of ours) [RFC 8461 s5] --------------------------------
    case("testing", "testing, all is well", sts(ENCRYPTED, mode="testing", holds=False), report=["sts ok"]),
    case("testing-self-signed", "testing, self-signed", sts(ANYBODY, certificate=self_signed, mode="testing", holds=False),
         report=["sts certificate-not-trusted"]),
    case("testing-unlisted", "testing, the policy names another host", sts(ENCRYPTED, mx=("other.{d}",), mode="testing", holds=False),
         report=["sts validation-failure"]),
    case("testing-plain", "testing, no STARTTLS", dict(setup=Setup([Host(certificate=None)], sts=Sts(mode="testing", holds=False)),
                                                       happens=PLAIN), report=["sts starttls-not-supported"]),
    case("mode-none", "none, self-signed, and no host is named", sts(ANYBODY, certificate=self_signed, mx=(), mode="none", holds=False),
         report=["no-policy-found ok"]),

    # -- the record [RFC 8461 s3.1] --------------------------------------------------------------------------------------------
    case("txt-version", "a record of another version", web(txt=["v=STSv2; id=1;"]), report=["no-policy-found ok"]),
    case("txt-no-id", "a record without id", web(txt=["v=STSv1;"]), report=["no-policy-found ok"]),
    case("txt-twice", "two records", web(txt=["v=STSv1; id=1;", "v=STSv1; id=2;"]), report=["no-policy-found ok"]),
    case("txt-none", "a policy that no record tells of", web(txt=[]), report=["no-policy-found ok"]),
    case("txt-others", "a record among texts about other things", sts(txt=["v=spf1 -all", "hello", "v=STSv1; id=1;"])),
    case("txt-strings", "a record in several strings", sts(txt=['v=STSv1; i" "d=1', "x"])),
    case("txt-alias", "the record is an alias's [RFC 8461 s8.2]", dict(
        setup=Setup(sts=Sts(txt=[]), records=[("_mta-sts.{d}", "CNAME", "shared.{d}."), ("shared.{d}", "TXT", '"v=STSv1; id=1"')]),
        happens=KEPT, finger=None)),
    case("txt-insecure", "a zone without DNSSEC", dict(setup=Setup(zone="insecure.test", sts=Sts()), happens=KEPT, finger=None)),
    case("txt-bogus", "the record is wrongly signed: it is not known whether there is a policy (a peer of ours took it for none)", dict(
        setup=Setup([Host()], odd={"_mta-sts.{d}": "unsigned"}), happens=Waits("sts-unknown", policy="mta-sts"),
        finger=Finger("", "MTA-STS is beyond it"))),
    case("txt-timeout", "the name server of the record is silent", dict(
        setup=Setup([Host()], odd={"_mta-sts.{d}": "silent"}), happens=Waits("sts-unknown", policy="mta-sts"),
        finger=Finger("", "MTA-STS is beyond it"))),
    case("txt-parent", "a policy of the parent is not asked for [RFC 8461 s3.4]", dict(
        setup=Setup([Host(certificate=self_signed)], records=[("_mta-sts.case.test", "TXT", '"v=STSv1; id=1"')]), happens=ANYBODY)),

    # -- the web host: a policy that can't be had, and none is known [RFC 8461 s3.3] ---------------------------------------------
    case("web-301", "a redirect to a policy that would refuse this host", web(body="", answer={"status": 301, "headers": [("Location", "https://mta-sts.sts.case.test/.well-known/mta-sts.txt")]}),
         report=["sts sts-policy-fetch-error"]),
    case("web-404", "404", web(answer={"status": 404}), report=["sts sts-policy-fetch-error"]),
    case("web-500", "500 with a policy", web(answer={"status": 500}), report=["sts sts-policy-fetch-error"]),
    case("web-204", "204", web(body="", answer={"status": 204}), report=["sts sts-policy-fetch-error"]),
    case("web-html", "a policy of another media type", web(answer={"content_type": "text/html"}), report=["sts sts-policy-invalid"]),
    case("web-charset", "text/plain; charset=utf-8", sts(answer={"content_type": "text/plain; charset=utf-8"})),
    case("web-expired", "the web host's certificate has expired", web(web=lambda ca, h, d: ca.issue(h, days_to=-1)),
         report=["sts sts-webpki-invalid"]),
    case("web-other-name", "the web host's certificate has another name", web(web=lambda ca, h, d: ca.issue(d, file="w-" + d)),
         report=["sts sts-webpki-invalid"]),
    case("web-wildcard", "the web host's certificate is a wildcard", sts(web=lambda ca, h, d: ca.issue("*." + d, file="w-" + d))),
    case("web-wildcard-two", "a wildcard over two labels", web(web=lambda ca, h, d: ca.issue("*.case.test", file="w-" + d)),
         report=["sts sts-webpki-invalid"]),
    case("web-cn-only", "its name in the CN alone", web(web=lambda ca, h, d: ca.issue(h, file="w-" + d, san=False)),
         report=["sts sts-webpki-invalid"]),
    case("web-self-signed", "self-signed", web(web=lambda ca, h, d: ca.self_signed(h)), report=["sts sts-webpki-invalid"]),
    case("web-gone", "the web host has no address", web(web=None), report=["sts sts-policy-fetch-error"]),
    case("web-large", "more than 64 KiB", web(body=GOOD + "x: " + "y" * 65536), report=["sts sts-policy-invalid"]),
    case("web-endless", "a body without end", web(body=without_end), report=["sts sts-policy-invalid"]),
    case("web-slow", "a line now and then", sts(body=slowly)),
    case("web-gzip", "compressed, though nobody asked", web(body=b"\x1f\x8b\x08\x00" + bytes(40), answer={"headers": [("Content-Encoding", "gzip")]}),
         report=["sts sts-policy-invalid"]),

    # -- the body [RFC 8461 s3.2] ---------------------------------------------------------------------------------------------------
    case("body-lf", "lines end with LF", text(GOOD, True)),
    case("body-unended", "the last line does not end", text(GOOD.rstrip(), True)),
    case("body-order", "version comes last", text("mx: mx.{d}\nmax_age: 86400\nmode: enforce\nversion: STSv1\n", True)),
    case("body-more", "fields that nobody knows, and a second mode", text(GOOD + "x-more: yes\nmode: none\n", True)),
    case("body-empty", "nothing", text("", False)),
    case("body-mode", "mode: Enforce", text(GOOD.replace("enforce", "Enforce"), False)),
    case("body-version", "no version", text(GOOD.replace("version: STSv1\n", ""), False)),
    case("body-no-mx", "enforce without mx", text(GOOD.replace("mx: mx.{d}\n", ""), False)),
    case("body-no-age", "no max_age", text(GOOD.replace("max_age: 86400\n", ""), False)),
    case("body-age", "max_age of eleven digits", text(GOOD.replace("86400", "86400000000"), False)),
    case("body-bom", "a byte-order mark", text("\ufeff" + GOOD, False)),
    case("body-nul", "a NUL", text(GOOD + "x: \0\n", False)),
    case("body-cr", "lines end with CR", text(GOOD.replace("\n", "\r"), False)),
    case("body-dot", "the draft's wildcard, .{d}", text(GOOD.replace("mx: mx.{d}", "mx: .{d}"), False)),

    # -- names of hosts ----------------------------------------------------------------------------------------------------------------
    case("sts-implicit-mx", "no MX record: the domain is the host", dict(
        setup=Setup([Host(name="{d}")], mx=False, sts=Sts(mx=("{d}",))), happens=KEPT, finger=None)),
    case("sts-alias", "the host is an alias: its name in the MX record counts", dict(
        setup=Setup([Host(address=False)], records=[("{h}", "CNAME", "real.{d}."), ("real.{d}", "A", "{a}")], sts=Sts()),
        happens=KEPT, finger=None)),
    case("sts-null-mx", "null MX", dict(setup=Setup([Host()], mx=False, records=[("{d}", "MX", "0 .")], sts=Sts()), happens=Failed("5.1.10"))),
    case("sts-second", "the first host is not named, the second is", dict(
        setup=Setup([Host(name="mx1.{d}"), Host(name="mx2.{d}")], sts=Sts(mx=("mx2.{d}",))), happens=Delivered("mta-sts", host=1),
        finger=FIRST_ONLY), report=["sts validation-failure", "sts ok"]),
    case("sts-second-good", "the first host's certificate is bad, the second's is good", dict(
        setup=Setup([Host(name="mx1.{d}", certificate=self_signed), Host(name="mx2.{d}")], sts=Sts(mx=("*.{d}",))),
        happens=Delivered("mta-sts", host=1), finger=FIRST_ONLY), report=["sts certificate-not-trusted", "sts ok"]),
    case("sts-second-unlisted", "the first host has lost STARTTLS, the second is good and not named", dict(
        setup=Setup([Host(name="mx1.{d}", certificate=None), Host(name="mx2.{d}")], sts=Sts(mx=("mx1.{d}",))),
        happens=Waits("sts-mx", "", "mta-sts"), finger=None), report=["sts starttls-not-supported", "sts validation-failure"]),
    case("shared-good", "its host serves other domains as well", sts()),
    case("shared-bad", "its policy does not name the host that it shares: the others must not feel it (they did, in a peer of ours)", dict(
        setup=Setup("shared-good", mx=False, records=[("{d}", "MX", "10 mx.shared-good.case.test.")], sts=Sts()), happens=NOT_LISTED,
        finger=None)),
    case("shared-none", "it shares the host and has no policy", dict(
        setup=Setup("shared-good", mx=False, records=[("{d}", "MX", "10 mx.shared-good.case.test.")]), happens=ENCRYPTED)),

    # -- with DANE, which decides where it proves (a peer of ours let MTA-STS come over it) [RFC 8461 s2] -------------------------------
    case("both", "3 1 1 right, and the policy kept", dane((3, 1, 1), happens=Delivered("dane")), report=["tlsa ok", "sts ok"]),
    case("both-stale", "3 1 1 stale, and the policy kept: no rescue", dane(STALE, happens=Waits("tls-verify", "DANE"))),
    case("both-unlisted", "3 1 1 right, the policy names another host", dane((3, 1, 1), mx=("other.{d}",), happens=Delivered("dane")),
         report=["tlsa ok", "sts validation-failure"]),
    case("both-unlisted-insecure", "3 1 1 right, MX not signed, the policy names another host: whose host is it?", dict(
        setup=Setup([Host(name="mx.{x}", tlsa=[(3, 1, 1)])], "insecure.test", sts=Sts(mx=("other.{d}",))), happens=NOT_LISTED,
        finger=Finger("dane", NOT_TOLD.why)),
        report=["sts validation-failure"]),
    case("both-self-signed", "3 1 1 right, self-signed", dane((3, 1, 1), certificate=self_signed, happens=Delivered("dane")),
         report=["tlsa ok", "sts certificate-not-trusted"]),
    case("both-lookup", "the TLSA lookup fails, and the policy is kept",
         dane(odd={"_tcp.{h}": "lame"}, happens=Waits("dane-lookup"))),
    case("both-unusable", "1 1 1 alone, and the policy kept", dane((1, 1, 1), happens=KEPT, finger=NOT_TOLD),
         report=["tlsa tlsa-invalid", "sts ok"]),
    case("both-unusable-self-signed", "1 1 1 alone, self-signed", dane((1, 1, 1), certificate=self_signed, happens=UNPROVED, finger=NOT_TOLD),
         report=["tlsa certificate-not-trusted", "sts certificate-not-trusted"]),

    # -- what the message itself asks for [RFC 8689] ------------------------------------------------------------------------------------
    case("require-sts", "REQUIRETLS, offered, the policy kept", sts(Delivered("mta-sts", mail=" REQUIRETLS"), more={"tls_extensions": ("REQUIRETLS",)}),
         options=["REQUIRETLS"]),
    case("require-sts-lacks", "REQUIRETLS, not offered, the policy kept", sts(Failed("5.7.30"), finger=UNASKED), options=["REQUIRETLS"],
         report=["sts ok"]),
    case("verified", "verified TLS is asked for, MX signed, certificate good", dict(
        setup=Setup(), happens=Delivered("verified"), finger=UNASKED), options=["XTLS=verified"], report=["no-policy-found ok"]),
    case("verified-plain", "verified TLS is asked for, no STARTTLS", dict(
        setup=Setup([Host(certificate=None)]), happens=Waits("no-starttls", policy="demand"), finger=UNASKED), options=["XTLS=verified"]),
    case("verified-insecure", "verified TLS is asked for, certificate good, MX not signed: whose host is it?", dict(
        setup=Setup([Host(name="mx.{x}")], "insecure.test"), happens=Waits("demand-not-met", policy="demand"), finger=UNASKED),
        options=["XTLS=verified"], report=[]),
    case("optional-stale", "3 1 1 stale, and the message does not mind", dict(
        setup=Setup([Host(tlsa=[STALE])]), happens=ENCRYPTED, finger=UNASKED), options=["XTLS=optional"], report=[]),
    case("optional-sts", "self-signed, a policy, and the message does not mind", dict(
        setup=Setup([Host(certificate=self_signed)], sts=Sts()), happens=ANYBODY, finger=UNASKED), options=["XTLS=optional"], report=[]),
]
