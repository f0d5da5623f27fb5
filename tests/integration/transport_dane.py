# SPDX-License-Identifier: Apache-2.0
"""The table of cases, first part: what a receiver publishes in DNS, DANE above all, and what has to become of one message to it."""
from transport import Case, Delivered, Failed, Finger, Host, Setup, Waits

STALE = "3 1 1 " + "5a" * 32
WRONG_TA = "2 1 1 " + "5a" * 32


def named(*names, **kw):
    """A certificate for other names than the host's: {d} is the domain."""
    return lambda ca, host, domain: ca.issue(*[n.format(d=domain, h=host) for n in names], file=host, **kw)


def issued(**kw):
    return lambda ca, host, domain: ca.issue(host, **kw)


def below(**kw):
    return lambda ca, host, domain: ca.below("below " + host).issue(host, **kw)


def self_signed(ca, host, domain):
    return ca.self_signed(host)


def host(*tlsa, **kw):
    return Setup([Host(tlsa=list(tlsa), **kw)])


def broken(**script):
    return Setup([Host(tlsa=[(3, 1, 1)], script=script)])


NONE = dict(certificate=None) # STARTTLS is not offered
DANE = Delivered("dane")
ENCRYPTED = Delivered("encrypted")
ANYBODY = Delivered("encrypted", proved="nobody")
UNUSABLE = Delivered("encrypted", policy="dane")
PLAIN = Delivered("plain")
UNPROVED = Waits("tls-verify", "certificate")
FIRST_ONLY = Finger("refused", "it asks one host, unless a lookup fails; the queue manager's next host is not its task")
NO_REQUIRETLS = Finger("", "it knows nothing of REQUIRETLS")


def cut_under_tls(session):
    return "drop" if session.tls else None


CASES = [
    # -- usages, selectors, matching types [RFC 6698 s2.1, RFC 7671 s5] --------------------------------------------------
    Case("ee-key-256", "3 1 1 of its key", host((3, 1, 1)), DANE),
    Case("ee-cert-256", "3 0 1 of its certificate", host((3, 0, 1)), DANE),
    Case("ee-key-512", "3 1 2", host((3, 1, 2)), DANE),
    Case("ee-key-full", "3 1 0: the key itself", host((3, 1, 0)), DANE),
    Case("ee-cert-full", "3 0 0: the certificate itself", host((3, 0, 0)), DANE),
    Case("ta-key-256", "2 1 1 of the root, which it sends", host((2, 1, 1, -1)), DANE),
    Case("ta-cert-256", "2 0 1 of the root, which it sends", host((2, 0, 1, -1)), DANE),
    Case("ta-cert-512", "2 0 2 of an authority below the root", host((2, 0, 2, 1), certificate=below(sends="chain")), DANE),
    Case("ta-key-below", "2 1 1 of an authority below the root", host((2, 1, 1, 1), certificate=below(sends="chain")), DANE),
    Case("ta-full-unsent", "2 0 0 of a root that it does not send: the record completes the chain",
         host((2, 0, 0, -1), certificate=issued(sends="leaf")), DANE),
    Case("ta-unsent", "2 0 1 of a root that it does not send", host((2, 0, 1, -1), certificate=issued(sends="leaf")), UNPROVED),
    Case("ee-stale", "3 1 1 of another key", host(STALE), UNPROVED),
    Case("ta-stale", "2 1 1 of another authority", host(WRONG_TA), UNPROVED),
    Case("ee-of-the-root", "3 1 1 of the root that it sends: usage 3 is of the leaf alone", host((3, 1, 1, -1)), UNPROVED),
    Case("ta-of-the-leaf", "2 1 1 of the leaf's own key, which is no authority", host((2, 1, 1, 0)), UNPROVED),

    # -- what usage 3 does not look at, and usage 2 does [RFC 7672 s3.1.1, s3.1.2] ------------------------------------------
    Case("ee-expired", "3 1 1, certificate expired", host((3, 1, 1), certificate=issued(days_to=-1)), DANE),
    Case("ee-not-yet", "3 1 1, certificate of tomorrow", host((3, 1, 1), certificate=issued(days_from=1)), DANE),
    Case("ee-other-name", "3 1 1, certificate of another name", host((3, 1, 1), certificate=named("elsewhere.test")), DANE),
    Case("ee-self-signed", "3 1 1, self-signed", host((3, 1, 1), certificate=self_signed), DANE),
    Case("ta-expired", "2 1 1, leaf expired", host((2, 1, 1, -1), certificate=issued(days_to=-1)), UNPROVED,
         report=["tlsa certificate-expired"]),
    Case("ta-below-expired", "2 1 1 of the root, the authority between expired",
         host((2, 1, 1, -1), certificate=lambda ca, h, d: ca.below("late " + h, days_to=-1).issue(h)), UNPROVED,
         report=["tlsa certificate-expired"]),
    Case("ta-other-name", "2 1 1, certificate of another name",
         host((2, 1, 1, -1), certificate=named("elsewhere.test")), UNPROVED, report=["tlsa certificate-host-mismatch"]),
    Case("ta-domain-name", "2 1 1, certificate of the domain: a reference name where MX is secure [RFC 7672 s3.2.2]",
         host((2, 1, 1, -1), certificate=named("{d}")), DANE),
    Case("ta-wildcard", "2 1 1, wildcard for the host", host((2, 1, 1, -1), certificate=named("*.{d}")), DANE),
    Case("ta-wildcard-two", "2 1 1, wildcard that stands for two labels",
         host((2, 1, 1, -1), name="a.mx.{d}", certificate=named("*.{d}")), UNPROVED, report=["tlsa certificate-host-mismatch"]),
    Case("ta-wildcard-part", "2 1 1, wildcard for a part of a label",
         host((2, 1, 1, -1), certificate=named("m*.{d}")), UNPROVED, report=["tlsa certificate-host-mismatch"]),
    Case("ta-cn-only", "2 1 1, its name in the CN and no names beside [RFC 7672 s3.2.3]",
         host((2, 1, 1, -1), certificate=issued(san=False)), DANE),
    Case("ta-cn-and-others", "2 1 1, its name in the CN, other names beside: those count",
         host((2, 1, 1, -1), certificate=named("elsewhere.test", cn="mx.ta-cn-and-others.case.test")), UNPROVED,
         report=["tlsa certificate-host-mismatch"]),

    # -- several records [RFC 7671 s8, s9] ------------------------------------------------------------------------------------
    Case("roll-over", "two 3 1 1, the other is of the next key", host(STALE, (3, 1, 1)), DANE),
    Case("many", "40 stale records and a good one", host(*["3 1 1 %064x" % n for n in range(40)], (3, 1, 1)), DANE),
    Case("agile-wrong", "3 1 2 wrong beside 3 1 1 right: the strongest digest decides",
         host("3 1 2 " + "5a" * 64, (3, 1, 1)), UNPROVED),
    Case("agile-right", "3 1 2 right beside 3 1 1 stale", host((3, 1, 2), STALE), DANE),
    Case("agile-selectors", "3 0 2 wrong beside 3 1 1 right: agility is within a selector",
         host("3 0 2 " + "5a" * 64, (3, 1, 1)), DANE),
    Case("agile-full", "3 1 2 wrong beside 3 1 0 right: no digest outdoes the key itself",
         host("3 1 2 " + "5a" * 64, (3, 1, 0)), DANE),
    Case("mixed-usages", "2 1 1 of another authority beside 3 1 1 right", host(WRONG_TA, (3, 1, 1)), DANE),
    Case("mixed-pkix", "1 1 1 beside 3 1 1 right", host((1, 1, 1), (3, 1, 1)), DANE),
    Case("mixed-pkix-stale", "1 1 1 right beside 3 1 1 stale: usage 1 proves nothing", host((1, 1, 1), STALE), UNPROVED),

    # -- records that can't be used: TLS is owed, proof is not [RFC 7672 s2.2, s3.1.3] -----------------------------------------
    Case("pkix-ee", "1 1 1 alone", host((1, 1, 1)), UNUSABLE),
    Case("pkix-ta", "0 0 1 alone", host((0, 0, 1, -1)), UNUSABLE),
    Case("short-digest", "3 1 1 with 31 bytes", host("3 1 1 " + "5a" * 31), UNUSABLE),
    Case("strange-usage", "9 1 1", host("9 1 1 " + "5a" * 32), UNUSABLE),
    Case("strange-selector", "3 9 1", host("3 9 1 " + "5a" * 32), UNUSABLE),
    Case("strange-matching", "3 1 9", host("3 1 9 " + "5a" * 32), UNUSABLE),
    Case("no-key-at-all", "3 1 0 with what is no key", host("3 1 0 " + "5a" * 32), UNUSABLE),
    Case("pkix-other-name", "1 1 1 alone, certificate expired and of another name",
         host((1, 1, 1), certificate=named("elsewhere.test", days_to=-1)),
         Delivered("encrypted", policy="dane", proved="nobody")),
    Case("pkix-plain", "1 1 1 alone, no STARTTLS: no plaintext", host("1 1 1 " + "5a" * 32, **NONE), Waits("no-starttls")),
    Case("pkix-broken", "1 1 1 alone, handshake cut: no plaintext",
         Setup([Host(tlsa=["1 1 1 " + "5a" * 32], script={"handshake": "drop"})]), Waits("tls")),

    # -- the server does not keep what the records promise ------------------------------------------------------------------------
    Case("dane-plain", "3 1 1, no STARTTLS", host(STALE, **NONE), Waits("no-starttls", "DANE requires")),
    Case("dane-stripped", "3 1 1, STARTTLS struck out on the way",
         host(STALE, certificate=None, more={"extensions": ("XXXXXXXA",)}), Waits("no-starttls")),
    Case("dane-454", "3 1 1, STARTTLS answered by 454", broken(starttls="454 4.7.0 not now"), Waits("no-starttls")),
    Case("dane-500", "3 1 1, STARTTLS answered by 500", broken(starttls="500 5.5.1 what?"), Waits("no-starttls")),
    Case("dane-cut", "3 1 1, handshake cut", broken(handshake="drop"), Waits("tls")),
    Case("dane-hangs", "3 1 1, handshake never goes on", broken(handshake="hang"), Waits("tls"), report=[]),
    Case("dane-garbage", "3 1 1, STARTTLS leads to what is no TLS", broken(handshake="garbage"), Waits("tls")),
    Case("dane-cut-after", "3 1 1, the connection ends after the handshake", broken(ehlo=cut_under_tls), Waits("lost"),
         Finger("dane", "it has seen what it came for, and goes"), report=["tlsa ok"]),
    Case("dane-old", "3 1 1, TLS 1.1 at most", host((3, 1, 1), more={"versions": ("TLSv1", "TLSv1_1")}), Waits("tls")),
    Case("dane-two", "3 1 1, TLS 1.2 at most", host((3, 1, 1), more={"versions": ("TLSv1_2", "TLSv1_2")}),
         Delivered("dane", tls="TLSv1.2")),

    # -- nobody promised anything [RFC 7435] ----------------------------------------------------------------------------------------
    Case("may-good", "no records", host(), ENCRYPTED),
    Case("may-expired", "certificate expired", host(certificate=issued(days_to=-1)), ANYBODY),
    Case("may-self-signed", "self-signed", host(certificate=self_signed), ANYBODY),
    Case("may-other-name", "certificate of another name", host(certificate=named("elsewhere.test")), ANYBODY),
    Case("may-plain", "no STARTTLS", host(**NONE), PLAIN),
    Case("may-stripped", "STARTTLS struck out on the way, and no promise that could tell",
         host(certificate=None, more={"extensions": ("XXXXXXXA",)}), PLAIN),
    Case("may-454", "STARTTLS answered by 454", Setup([Host(script={"starttls": "454 4.7.0 not now"})]), PLAIN),
    Case("may-garbage", "STARTTLS leads to what is no TLS", Setup([Host(script={"handshake": "garbage"})]), PLAIN,
         report=["no-policy-found validation-failure"]),
    Case("may-old", "TLS 1.1 at most: no TLS worth the name", host(more={"versions": ("TLSv1", "TLSv1_1")}), PLAIN,
         report=["no-policy-found validation-failure"]),

    # -- shapes of DNS [RFC 7672 s2.1, s2.2] ------------------------------------------------------------------------------------------
    Case("insecure-zone", "zone without DNSSEC, with a stale record", Setup([Host(tlsa=[STALE])], "insecure.test"), ENCRYPTED, dnssec="insecure insecure"),
    Case("insecure-mx", "MX not signed, host and its 3 1 1 signed",
         Setup([Host(name="mx.{x}", tlsa=[(3, 1, 1)])], "insecure.test"), DANE, dnssec="insecure secure secure"),
    Case("insecure-mx-stale", "MX not signed, host's 3 1 1 signed and of another key",
         Setup([Host(name="mx.{x}", tlsa=[STALE])], "insecure.test"), UNPROVED, dnssec="insecure secure secure"),
    Case("insecure-mx-name", "MX not signed, 2 1 1, certificate of the domain: no reference name here",
         Setup([Host(name="mx.{x}", tlsa=[(2, 1, 1, -1)], certificate=named("{d}"))], "insecure.test"), UNPROVED,
         Finger("dane", "it takes the domain for a reference name here, too, and logs no more than Trusted; RFC 7672 s3.2.2 has the host's alone"),
         report=["tlsa certificate-host-mismatch"]),
    Case("insecure-host", "MX signed, host and its stale record not", Setup([Host(name="mx.{x}", tlsa=[STALE])]), ENCRYPTED, dnssec="secure insecure"),
    Case("alias-target", "the host is an alias, records at its end",
         Setup([Host(address=False, tlsa=[(3, 1, 1)], base="real.{d}")],
               records=[("{h}", "CNAME", "real.{d}."), ("real.{d}", "A", "{a}")]), DANE, dnssec="secure secure secure"),
    Case("alias-start", "the host is an alias, records at its start",
         Setup([Host(address=False, tlsa=[(3, 1, 1)])],
               records=[("{h}", "CNAME", "real.{d}."), ("real.{d}", "A", "{a}")]), DANE),
    Case("alias-end-counts", "records at both ends of the alias: those of its end",
         Setup([Host(address=False, tlsa=[STALE])],
               records=[("{h}", "CNAME", "real.{d}."), ("real.{d}", "A", "{a}"), ("_25._tcp.real.{d}", "TLSA", "1 1 1 " + "00" * 32)]),
         UNUSABLE),
    Case("alias-out", "a signed alias leads out of DNSSEC, records at its start",
         Setup([Host(address=False, tlsa=[(3, 1, 1)])],
               records=[("{h}", "CNAME", "real.{x}."), ("real.{x}", "A", "{a}")]), DANE, dnssec="secure insecure secure"),
    Case("alias-out-stale", "a signed alias leads out of DNSSEC, record at its start stale",
         Setup([Host(address=False, tlsa=[STALE])],
               records=[("{h}", "CNAME", "real.{x}."), ("real.{x}", "A", "{a}")]), UNPROVED),
    Case("alias-in", "an unsigned alias leads into DNSSEC, record at its end stale",
         Setup([Host(name="mx.{x}", address=False, tlsa=[STALE], base="real.{d}")],
               records=[("{h}", "CNAME", "real.{d}."), ("real.{d}", "A", "{a}")]), ENCRYPTED, dnssec="secure insecure"),
    Case("alias-dname", "the host lies below a DNAME",
         Setup([Host(name="mx.old.{d}", address=False, tlsa=[(3, 1, 1)], base="mx.new.{d}")],
               records=[("old.{d}", "DNAME", "new.{d}."), ("mx.new.{d}", "A", "{a}")]), DANE),
    Case("domain-alias", "the domain is an alias; 2 1 1, certificate of its end [RFC 7672 s3.2.2]",
         Setup([Host(name="mx.real.{d}", tlsa=[(2, 1, 1, -1)], certificate=named("real.{d}"))], mx=False,
               records=[("{d}", "CNAME", "real.{d}."), ("real.{d}", "MX", "10 {h}.")]), DANE),
    Case("tlsa-alias", "the TLSA records are an alias's",
         Setup([Host()], records=[("_25._tcp.{h}", "CNAME", "shared.{d}."), ("shared.{d}", "TLSA", "{tlsa}")]), DANE),
    Case("tlsa-alias-out", "the TLSA records are an alias's, out of DNSSEC",
         Setup([Host()], records=[("_25._tcp.{h}", "CNAME", "shared.{x}."), ("shared.{x}", "TLSA", STALE)]), ENCRYPTED, dnssec="secure secure"),
    Case("tlsa-alias-bogus", "the TLSA records are an alias's, wrongly signed",
         Setup([Host()], records=[("_25._tcp.{h}", "CNAME", "tlsa-alias-bogus.bogus.test."), ("tlsa-alias-bogus.bogus.test", "TLSA", STALE)]),
         Waits("dane-lookup")),
    Case("tlsa-wildcard", "a wildcard stands for the TLSA records",
         Setup([Host()], records=[("*._tcp.{h}", "TLSA", "{tlsa}")]), DANE),
    Case("tlsa-none", "no TLSA record beside the host's others", Setup([Host()], records=[("_tcp.{h}", "TXT", '"x"')]), ENCRYPTED, dnssec="secure secure"),
    Case("tlsa-bogus", "the TLSA answer is not signed as its parent says",
         Setup([Host()], odd={"_tcp.{h}": "unsigned"}), Waits("dane-lookup"), dnssec="secure secure bogus"),
    Case("tlsa-servfail", "the name server of the TLSA records refuses", Setup([Host()], odd={"_tcp.{h}": "lame"}), Waits("dane-lookup"), dnssec="secure secure indeterminate"),
    Case("tlsa-timeout", "the name server of the TLSA records is silent", Setup([Host()], odd={"_tcp.{h}": "silent"}), Waits("dane-lookup"), dnssec="secure secure indeterminate"),
    Case("address-bogus", "the host's address is wrongly signed", Setup([Host(name="{n}.bogus.test", tlsa=[(3, 1, 1)])]), Waits("addresses", policy="dane"), dnssec="secure bogus",
         report=["tlsa dnssec-invalid"]),
    Case("address-timeout", "the name server of the host's address is silent",
         Setup([Host(address=False)], odd={"{h}": "silent"}), Waits("addresses", policy="none"), dnssec="secure indeterminate"),
    Case("mx-bogus", "the MX records are not signed as their parent says", Setup([], odd={"{d}": "unsigned"}, mx=False), Waits("mx-lookup", policy=""), dnssec="bogus",
         report=["tlsa dnssec-invalid"]),
    Case("mx-timeout", "the name server of the MX records is silent", Setup([], odd={"{d}": "silent"}, mx=False), Waits("mx-lookup", policy=""), dnssec="indeterminate"),
    Case("null-mx", "null MX [RFC 7505]", Setup([Host()], mx=False, records=[("{d}", "MX", "0 .")]), Failed("5.1.10"), dnssec="secure"),
    Case("implicit-mx", "no MX record: the domain is the host",
         Setup([Host(name="{d}", tlsa=[(3, 1, 1)])], mx=False), DANE, dnssec="secure secure secure"),
    Case("implicit-mx-stale", "no MX record, record of the domain stale", Setup([Host(name="{d}", tlsa=[STALE])], mx=False), UNPROVED),

    Case("implicit-alias", "no MX record, the domain is an alias; 2 1 1 at its end, certificate of its start [RFC 7672 s3.2.2]",
         Setup([Host(name="real.{d}", tlsa=[(2, 1, 1, -1)], certificate=named("{d}"))], mx=False, records=[("{d}", "CNAME", "{h}.")]), DANE,
         Finger("refused", "it looks for the end of the alias alone; RFC 7672 s3.2.2 wants the start beside it")),

    # -- several hosts [RFC 7672 s2.2.1] ----------------------------------------------------------------------------------------------
    Case("second-dane", "the first host's record is stale, the second's is right",
         Setup([Host(name="mx1.{d}", tlsa=[STALE]), Host(name="mx2.{d}", tlsa=[(3, 1, 1)])]), Delivered("dane", host=1), FIRST_ONLY,
         report=["tlsa validation-failure", "tlsa ok"]),
    Case("second-may", "the first host's record is stale, the second has none",
         Setup([Host(name="mx1.{d}", tlsa=[STALE]), Host(name="mx2.{d}")]), Delivered("encrypted", host=1), FIRST_ONLY,
         report=["tlsa validation-failure", "no-policy-found ok"]),
    Case("second-plain", "the first host has lost STARTTLS, the second never had it nor a record",
         Setup([Host(name="mx1.{d}", tlsa=[STALE], **NONE), Host(name="mx2.{d}", **NONE)]), Delivered("plain", host=1), FIRST_ONLY,
         report=["tlsa starttls-not-supported", "no-policy-found starttls-not-supported"]),
    Case("second-lookup", "the first host's TLSA lookup fails, the second's does not",
         Setup([Host(name="mx1.{d}"), Host(name="mx2.{d}", tlsa=[(3, 1, 1)])], odd={"_tcp.{h}": "lame"}), Delivered("dane", host=1),
         report=["tlsa dnssec-invalid", "tlsa ok"]),
    Case("second-no-better", "the first host has no record, the second has: the first is first",
         Setup([Host(name="mx1.{d}"), Host(name="mx2.{d}", tlsa=[(3, 1, 1)])]), ENCRYPTED),
    Case("none-left", "both hosts' records are stale",
         Setup([Host(name="mx1.{d}", tlsa=[STALE]), Host(name="mx2.{d}", tlsa=[STALE])]), UNPROVED),
    Case("none-left-mixed", "the first has no STARTTLS, the second's lookup fails",
         Setup([Host(name="mx2.{d}"), Host(name="mx1.{d}", tlsa=[STALE], **NONE)], odd={"_tcp.{h}": "lame"}), Waits("no-starttls"),
         Finger("lookup", "it says of the first host what it was; the second it finds without STARTTLS as well"),
         report=["tlsa dnssec-invalid", "tlsa starttls-not-supported"]),

    # -- REQUIRETLS [RFC 8689 s4.2.1] ---------------------------------------------------------------------------------------------------
    Case("require-kept", "REQUIRETLS, 3 1 1, offered", host((3, 1, 1), more={"tls_extensions": ("REQUIRETLS",)}),
         Delivered("dane", mail=" REQUIRETLS"), finger=NO_REQUIRETLS, options=["REQUIRETLS"]),
    Case("require-lacks", "REQUIRETLS, 3 1 1, not offered", host((3, 1, 1)), Failed("5.7.30"), finger=NO_REQUIRETLS, options=["REQUIRETLS"],
         report=["tlsa ok"]),
    Case("require-unproved", "REQUIRETLS, offered by a server that nobody proves",
         host(certificate=self_signed, more={"tls_extensions": ("REQUIRETLS",)}), Waits("tls-verify", "self-signed", "demand"), finger=NO_REQUIRETLS, options=["REQUIRETLS"],
         report=["no-policy-found certificate-not-trusted"]),
    Case("require-insecure-mx", "REQUIRETLS, offered, 3 1 1 met, MX not signed",
         Setup([Host(name="mx.{x}", tlsa=[(3, 1, 1)], more={"tls_extensions": ("REQUIRETLS",)})], "insecure.test"),
         Failed("5.7.30"), finger=NO_REQUIRETLS, options=["REQUIRETLS"]),
]
