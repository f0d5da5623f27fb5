# SPDX-License-Identifier: Apache-2.0
"""One stream of thousands of messages through two real Postfix: one with `sigillo milter`, one with OpenDKIM and OpenDMARC.  Every difference in a verdict is counted by its kind, and has a
reason in the table below; one without fails."""
import collections
import concurrent.futures
import email
import email.policy
import os
import re
import smtplib
import time

import pytest

import milterstream
import peermilters
from peermilters import Pair
from postmilter import Gate, Milter, fields
from world import namespace
from world.internet import wait_for
from world.resolver import Resolver

COUNT = int(os.environ.get("SIGILLO_MILTER_STREAM", "2000"))
SESSIONS, TRIES = 6, 4


class Verdict:
    """What one side said: dkim is {(domain, selector, the how manieth of these): result}, spf and dmarc are words; forged, how many fields with our name it left below."""

    def __init__(self, code, data):
        self.code, self.dkim, self.spf, self.dmarc, self.forged = code, {}, None, "none", 0
        head = (data or b"").partition(b"\r\n\r\n")[0]
        top, found, below = head.partition(b"\r\nReceived: from ") # Postfix's own, above which a filter writes
        for value in named(top):
            for part in re.sub(r"\([^()]*\)", "", value).split(";")[1:]:
                self._part(part.strip())
        self.forged = len(named(found + below)) if found else -1
        self.spf = self.spf or "none"

    def _part(self, part):
        m = re.match(r"(dkim|spf|dmarc)=(\w+)", part)
        if not m:
            return
        method, word = m.groups()
        if method == "dkim":
            found = dict(re.findall(r'header\.([a-z])="?([^ ";]+)', part))
            if word != "none" or found:
                name = found.get("d", "").lower(), found.get("s", "").lower()
                self.dkim[name + (sum(k[:2] == name for k in self.dkim),)] = word
        elif method == "dmarc":
            self.dmarc = word
        else: # MAIL FROM's stands first
            self.spf = self.spf or word


def named(head):
    """Our Authentication-Results in a header, without folds."""
    return [" ".join(v.split()) for v in fields(head, "Authentication-Results") if v.split(";")[0].strip() == "mx.milter.test"]


class Side:
    def __init__(self, gate):
        self.gate, self.codes, self.lost = gate, {}, []

    def send_all(self, messages):
        groups = collections.OrderedDict()
        for n, m in enumerate(messages):
            groups.setdefault((m.ip, m.helo, n // 100), []).append((n, m))
        with concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool:
            for got in pool.map(self._send, groups.values()):
                self.codes.update(got)

    def _send(self, group):
        out, left, tries = {}, list(group), {}
        while left:
            with self.gate.session(ip=left[0][1].ip, helo=left[0][1].helo) as s:
                while left:
                    n, m = left[0]
                    try:
                        out[n] = s.message(m.data, m.sender, "m%05d@milter.test" % n)
                    except (OSError, smtplib.SMTPException) as e:
                        out[n] = (0, repr(e))
                    tries[n] = tries.get(n, 0) + 1
                    if out[n][0] in (250, 550) or tries[n] == TRIES or len(self.lost) > 30:
                        left.pop(0)
                    if out[n][0] in (0, 451): # a filter is gone: the session with it
                        self.lost.append(n)
                        time.sleep(0.2) # until it is there again
                        break
        return out

    def verdicts(self):
        """{number: Verdict}, as soon as everything is delivered that was taken."""
        taken = sum(code == 250 for code, _ in self.codes.values())
        folder = os.path.join(self.gate.maildirs, "all", "new")
        wait_for(lambda: len(os.listdir(folder)), lambda n: n >= taken, 120, "%d messages" % taken)
        out = {n: Verdict(code, None) for n, (code, _) in self.codes.items() if code != 250}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as f:
                data = milterstream.crlf(f.read())
            to = email.message_from_bytes(data, policy=email.policy.compat32)["X-Original-To"]
            out[int(to[1:6])] = Verdict(250, data)
        return out


def differences(ours, theirs):
    """(method, our word, their word) wherever they say different things."""
    out = []
    if (ours.code == 250) != (theirs.code == 250):
        return [("code", str(ours.code), str(theirs.code))]
    for key in sorted(set(ours.dkim) | set(theirs.dkim)):
        out.append(("dkim", ours.dkim.get(key, "absent"), theirs.dkim.get(key, "absent")))
    out += [(method, str(getattr(ours, method)), str(getattr(theirs, method))) for method in ("spf", "dmarc", "forged")]
    return [d for d in out if d[1] != d[2]]


def made(*kinds):
    """A generated message of these kinds."""
    return lambda m: m.source == "generated" and m.kind.split(",")[0] in kinds


def of(*labels):
    """A generated message whose author is there or below it."""
    return lambda m: m.source == "generated" and any(m.kind.endswith((", %s-cmp.com" % l, ".%s-cmp.com" % l)) for l in labels)


def corpus(m):
    return m.source != "generated"


def always(m):
    return True


TAIL = ("body length and a tail",)
REASONS = [ # name, method, our words, their words, of which messages; why
    ("forged fields survive", "forged", "0", "1 2", lambda m: m.forged > 0,
     "OpenDKIM removes a field with its name only where it tells of DKIM, OpenDMARC none that stands there already. RFC 8601 s5"),
    ("SPF that is no fail", "spf", "permerror neutral softfail", "fail", always, "OpenDMARC's own SPF says fail for whatever it does not let pass. RFC 7208 s2.6"),
    ("no key", "dkim", "permerror", "fail", lambda m: made("no key", "revoked key")(m) or corpus(m), "there is no key, or it is revoked: RFC 8601 s2.7.1 and RFC 6376 s6.1.2 say permerror, OpenDKIM fail"),
    ("a tail behind l=", "dkim", "policy", "pass", lambda m: made(*TAIL)(m) or corpus(m), "what stands behind l= was signed by nobody: RFC 6376 s8.2"),
    ("a tail behind l=, DMARC", "dmarc", "fail", "pass", made(*TAIL), "the same: such a signature does not speak for the author"),
    ("a record without p=", "dmarc", "pass fail", "permerror", of("broken", "nop"), "a record whose p= is missing or wrong is p=none where it has a rua=: RFC 9989 s4.7, RFC 7489 s6.6.3; OpenDMARC gives up"),
    ("strict SPF alignment", "dmarc", "fail", "pass", lambda m: of("strict")(m) and m.sender.startswith("b@sub.strict-cmp.com"),
     "aspf=s: MAIL FROM of a subdomain is not aligned (RFC 7489 s3.1.2, and RFC 9989); OpenDMARC 1.4.2 takes it for aligned"),
    ("public suffixes", "dmarc", "fail", "pass", lambda m: m.source == "rspamd-auth" and m.sender.endswith("@mom.za.org"), "organizational domains by a list of suffixes (RFC 7489), not by the tree (RFC 9989)"),
    ("old cryptography", "dkim", "permerror neutral", "pass", lambda m: m.old, "rsa-sha1, short keys (RFC 8301), no v=1 (RFC 6376 s3.5)"),
    ("short keys", "dkim", "permerror neutral", "policy", lambda m: m.old, "a key below 1024 bits: no usable key (RFC 8301 s3.2), or a policy of OpenDKIM's own"),
    ("signatures that can't be read", "dkim", "permerror neutral", "absent", lambda m: m.old, "OpenDKIM says nothing about them; here each has its result. RFC 6008"),
    ("keys that can't be read", "dkim", "permerror", "temperror", corpus, "a TXT record that is no key: it will not be one by tomorrow. RFC 6376 s6.1.2"),
    ("words for what can't be processed", "dkim", "neutral", "permerror fail", corpus, "a signature with a broken syntax is neutral: RFC 8601 s2.7.1"),
]


def reason_of(message, difference):
    method, ours, theirs = difference
    for name, where, a, b, fits, _ in REASONS:
        if method == where and ours in a.split() and theirs in b.split() and fits(message):
            return name
    return None


@pytest.fixture(scope="module")
def stream(world):
    if peermilters.missing(world):
        pytest.skip(peermilters.missing(world))
    folder = os.path.join(world.folder, "cmp-keys")
    os.makedirs(folder, exist_ok=True)
    milterstream.publish(world)
    messages = milterstream.generated(milterstream.Keys(world, folder), COUNT)
    zone = milterstream.Zone()
    messages += milterstream.corpora(zone)
    zone.publish(world)
    return messages


def run(world, name, address, messages, policy):
    """Through both: ({number: Verdict}, {number: Verdict}, how often a filter of theirs died)."""
    ours = Milter(world, name, {"mode": ["verify"], "dmarc": policy, "internal_hosts": "127.0.0.1"}).start()
    with Resolver(world.dns, namespace.IPV6[8]) as resolver:
        pair = Pair(world, resolver, name, "v", reject=policy == "follow").start()
        gates = Gate(world, name + "-ours", address % 1, [ours.postfix_name]), Gate(world, name + "-theirs", address % 2, pair.milters)
        for gate in gates:
            gate.start()
        sides = [Side(gate) for gate in gates]
        for side in sides:
            side.send_all(messages)
        said = [side.verdicts() for side in sides]
        for one in (*gates, pair, ours):
            one.stop()
    assert sides[0].lost == []
    return said[0], said[1], pair.ended


def show(title, messages, counted, ended):
    print("%s: %d messages" % (title, messages))
    for (name, difference), n in sorted(counted.items(), key=lambda kv: -kv[1]):
        print("%5d  %-34s %s: %s, theirs %s" % (n, name, *difference))
    if ended:
        print("%5d  times a filter of theirs died: %s" % (len(ended), ended))


def test_every_difference_in_a_verdict_has_a_reason(world, stream):
    ours, theirs, ended = run(world, "cmp", "127.0.44.2%d", stream, "mark")
    counted, unexplained = collections.Counter(), []
    for n, m in enumerate(stream):
        for d in differences(ours[n], theirs[n]):
            name = reason_of(m, d)
            counted[name, d] += 1
            if name is None:
                unexplained.append((d, m.kind, m.sender, m.ip, m.helo, ours[n].__dict__, theirs[n].__dict__))
    show("verdicts", len(stream), counted, ended)
    assert len(stream) >= COUNT and not unexplained, unexplained[:10]


ACTIONS = [ # name, our code, theirs, of which messages and verdicts; why
    ("changed on the way", 250, 550, lambda m, v: made("list", "broken body", "broken header", "one good of two")(m) and v.dmarc == "fail",
     "it came by a list, or was changed behind its author's signature: marked, not refused. RFC 9989 s7.4"),
    ("testing", 250, 550, lambda m, v: of("test")(m), "t=y: reject becomes quarantine. RFC 9989 s4.7"),
    ("no percentage", 550, 250, lambda m, v: of("pct0")(m), "RFC 9989 has no pct= any more"),
    ("a tail behind l=", 550, 250, lambda m, v: made(*TAIL)(m), "what stands behind l= was signed by nobody: RFC 6376 s8.2"),
    ("strict SPF alignment", 550, 250, lambda m, v: of("strict")(m) and m.sender.startswith("b@sub."), "aspf=s, as above"),
]


def test_every_difference_in_what_is_done_has_a_reason(world, stream):
    some = [m for m in stream if m.source == "generated"][:400]
    ours, theirs, ended = run(world, "act", "127.0.44.3%d", some, "follow")
    counted, unexplained = collections.Counter(), []
    for n, m in enumerate(some):
        a, b = ours[n].code, theirs[n].code
        if a == b:
            counted["the same", ("code", str(a), str(b))] += 1
            continue
        name = next((name for name, x, y, fits, _ in ACTIONS if (a, b) == (x, y) and fits(m, ours[n])), None)
        counted[name, ("code", str(a), str(b))] += 1
        if name is None:
            unexplained.append((a, b, m.kind, m.sender, m.ip, ours[n].__dict__, theirs[n].__dict__))
    show("actions", len(some), counted, ended)
    assert not unexplained, unexplained[:10]
    assert counted["the same", ("code", "550", "550")] > 20
