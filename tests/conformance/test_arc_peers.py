# SPDX-License-Identifier: Apache-2.0
"""ARC against dkimpy and Mail::DKIM: chains of hands of all three, changed on the way and mutated at their end, judged by all three.

From a seeded generator; SIGILLO_ARC_CHAINS and SIGILLO_ARC_SEED make it longer and other. A disagreement fails unless one of the rules in explained() tells
whose it is, and why.
"""
import base64
import collections
import json
import os
import pathlib
import random
import re
import subprocess

import pytest

import arc_tool

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
pytest.importorskip("authres", reason="python3-authres is not installed")

CHAINS = int(os.environ.get("SIGILLO_ARC_CHAINS", "80"))
SEED = int(os.environ.get("SIGILLO_ARC_SEED", "8617"))
PEER = pathlib.Path(__file__).with_name("arc_peer.pl")
NOW, ID = 1700000000, "mx.test"
WORDS = "the quick brown fox jumps over a lazy dog;  x=1; (not a comment) \"nor a string".split(" ")


class Perl:
    """Mail::DKIM::ARC in a process of its own."""

    def __init__(self):
        if subprocess.run(["perl", "-MMail::DKIM::ARC::Verifier", "-MMail::AuthenticationResults::Parser", "-MJSON::PP", "-e1"], capture_output=True).returncode:
            pytest.skip("libmail-dkim-perl is not installed")
        self.process = subprocess.Popen(["perl", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, op, message, **more):
        request = dict(more, op=op, message=base64.b64encode(message).decode())
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


class Hands:
    """Three implementations with the same keys."""

    def __init__(self, folder):
        self.ours, self.perl, self.txt, self.pem = arc_tool.Tool(), Perl(), {}, {}
        for name in ("a.test", "b.test", "c.test"):
            self.pem[name] = folder / (name + ".pem")
            make = subprocess.run(["openssl", "genrsa", "-traditional", "1024"], check=True, capture_output=True).stdout
            self.pem[name].write_bytes(make)
            public = subprocess.run(["openssl", "rsa", "-pubout"], input=make, check=True, capture_output=True).stdout.decode()
            self.txt["k._domainkey." + name] = "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])

    def seal_ours(self, message, domain, chain):
        got = self.ours("seal", message, self.txt, domain=domain, selector="k", key=self.pem[domain].read_text(), id=ID, now=NOW)
        assert got["ok"] and got["chain"] == chain, got
        return got["fields"]

    def seal_dkimpy(self, message, domain, chain):
        names = [b"from", b"to", b"subject", b"date", b"from", b"x-none"]
        made = dkim.ARC(message).sign(b"k", domain.encode(), self.pem[domain].read_bytes(), ID.encode(), include_headers=names, timestamp=NOW)
        return b"".join(f if f.endswith(b"\r\n") else f + b"\r\n" for f in made)

    def seal_perl(self, message, domain, chain):
        got = self.perl("seal", message, domain=domain, selector="k", key=str(self.pem[domain]), id=ID, chain=chain, now=NOW)
        return base64.b64decode(got["fields"]) if "fields" in got else pytest.fail(str(got))

    def verdicts(self, message, txt):
        """What each says: none, pass or fail."""
        ours = self.ours("verify", message, txt)
        records = {k.encode() + b".": v.encode() for k, v in txt.items()}
        try:
            cv = dkim.ARC(message).verify(dnsfunc=lambda name, timeout=5: records.get(name.rstrip(b".") + b"."))[0]
        except (dkim.DKIMException, ValueError, IndexError, KeyError) as e:
            cv = b"fail" if e else None
        perl = self.perl("verify", message, txt=txt).get("result", "fail")
        return ours, {"dkimpy": (cv or b"fail").decode(), "perl": perl if perl in ("none", "pass") else "fail"}


@pytest.fixture(scope="module")
def hands(tmp_path_factory):
    h = Hands(tmp_path_factory.mktemp("keys"))
    yield h
    h.ours.close()
    h.perl.close()


# ---- messages ----


def message(rng):
    def text(n):
        return " ".join(rng.choice(WORDS) for _ in range(n)).strip()

    subject = text(rng.randint(1, 12)).replace("  ", "\r\n\t", 1) if rng.random() < 0.3 else text(rng.randint(1, 6))
    fields = ["From: " + rng.choice(["a@a.test", "Alice <a@a.test>", "\"A, B\"\r\n <a@a.test>"]), "To:b@b.test" if rng.random() < 0.2 else "To:  b@b.test  ",
              "SUBJECT: " + subject, "Date: Thu, 01 Jan 2026 00:00:00 +0000", "X-Other: " + text(3)]
    if rng.random() < 0.3:
        fields.append("To: c@c.test")
    rng.shuffle(fields)
    body = [rng.choice(["", " ", "\t ", text(rng.randint(1, 9)), text(3) + "  ", ".", "é", "-- "]) for _ in range(rng.randint(0, 9))]
    return ("\r\n".join(fields) + "\r\n\r\n" + "".join(line + "\r\n" for line in body)).encode()


def arrived(text, state, rng):
    """The message with what this hand found, in one field or two; what bore its name before is gone, as RFC 8601 s5 wants."""
    text = re.sub(rb"(?m)^Authentication-Results: .*\r\n(?:[ \t].*\r\n)*", b"", text)
    if rng.random() < 0.5:
        head = "Authentication-Results: %s; arc=%s; spf=pass smtp.mailfrom=a.test\r\n" % (ID, state)
    else:
        head = "Authentication-Results: %s; arc=%s\r\nAuthentication-Results: %s;\r\n dkim=pass (x) header.d=a.test\r\n" % (ID, state, ID)
    return head.encode() + text


def changed(text, rng):
    """What a mailing list does."""
    if rng.random() < 0.5:
        return text + b"-- \r\nthe list\r\n"
    return re.sub(rb"(?im)^subject: *", b"Subject: [list] ", text, count=1)


def chain(hands, rng):
    """A message through one to four hands, and who sealed."""
    text, names = message(rng), []
    for hop in range(rng.randint(1, 4)):
        state = "none" if hop == 0 else "pass"
        who = rng.choice(["ours", "dkimpy", "perl"])
        text = arrived(text, state, rng)
        if rng.random() < 0.3:
            text = changed(text, rng)
        text = getattr(hands, "seal_" + who)(text, rng.choice(sorted(hands.pem)), state) + text
        names.append(who)
    return text, names


# ---- mutations ----


def split(text):
    head, _, body = text.partition(b"\r\n\r\n")
    return re.split(rb"\r\n(?![ \t])", head), body


def join(fields, body):
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def arc_index(fields, rng, name=b"arc-"):
    return rng.choice([i for i, f in enumerate(fields) if f.lower().startswith(name)])


def edit(pattern, to, name=b"arc-"):
    def run(fields, body, rng):
        i = arc_index(fields, rng, name)
        fields[i] = re.sub(pattern, to, fields[i], count=1)
        return fields, body

    return run


def drop(fields, body, rng):
    del fields[arc_index(fields, rng)]
    return fields, body


def double(fields, body, rng):
    fields.insert(0, fields[arc_index(fields, rng)])
    return fields, body


def swap(fields, body, rng):
    a, b = arc_index(fields, rng), arc_index(fields, rng)
    fields[a], fields[b] = fields[b], fields[a]
    return fields, body


def refold(fields, body, rng):
    i = arc_index(fields, rng)
    fields[i] = re.sub(rb"; ", b";\r\n \t ", fields[i])
    return fields, body


def rename(fields, body, rng):
    i = arc_index(fields, rng)
    name, _, value = fields[i].partition(b":")
    fields[i] = name.swapcase() + b":" + value
    return fields, body


def drop_set(fields, body, rng):
    n = rng.randint(1, 4)
    return [f for f in fields if not re.match(rb"(?is)arc-.*[\s;:]i\s*=\s*%d\s*;" % n, f)], body


def flip(fields, body, rng):
    i = arc_index(fields, rng)
    at = rng.randrange(fields[i].index(b":") + 1, len(fields[i]))
    fields[i] = fields[i][:at] + bytes([rng.choice(b"aA1;= =+x")]) + fields[i][at + 1:]
    return fields, body


MUTATIONS = {
    "nothing": lambda f, b, r: (f, b),
    "body": lambda f, b, r: (f, b + b"more\r\n"),
    "empty lines at the end": lambda f, b, r: (f, b + b"\r\n\r\n"),
    "blanks in the body": lambda f, b, r: (f, b.replace(b" ", b"  ")),
    "subject": lambda f, b, r: ([re.sub(rb"(?i)^(subject: *)", rb"\1x", x) for x in f], b),
    "a second From": lambda f, b, r: ([b"From: evil@a.test"] + f, b),
    "another field": lambda f, b, r: ([b"Received: by x"] + f, b),
    "a field dropped": drop, "a field doubled": double, "fields swapped": swap, "a set dropped": drop_set, "folded anew": refold, "names in another case": rename,
    "a byte": flip, "instance": edit(rb"i=\d", b"i=9"), "cv=none": edit(rb"cv=\w+", b"cv=none", b"arc-seal"), "cv=fail": edit(rb"cv=\w+", b"cv=fail", b"arc-seal"),
    "results": edit(rb"spf=pass|dkim=pass|arc=\w+", b"spf=none", b"arc-auth"), "domain": edit(rb"d=\w", b"d=z"), "algorithm": edit(rb"rsa-sha256", b"rsa-sha1"),
    "h= in a seal": edit(rb"cv=", b"h=from; cv=", b"arc-seal"), "signature": edit(rb"([ ;]b=)..", rb"\1AA"), "no selector": edit(rb"s=k;?", b""),
    "a stray seal": lambda f, b, r: ([b"ARC-Seal: i=x; cv=none"] + f, b),
}


def mutated(text, rng):
    name = rng.choice(sorted(MUTATIONS))
    fields, body = split(text)
    return name, join(*MUTATIONS[name](fields, body, rng))


# ---- who is right ----


def arc_fields(text, name=b"arc-"):
    return [f for f in split(text)[0] if f.lower().startswith(name)]


def explained(text, peer, ours, theirs):
    """Why they differ; "" if nobody knows."""
    if ours == "fail" and theirs == "pass" and any(not re.search(rb"[\s;:]i *= *\d", f) for f in arc_fields(text)):
        # A field that belongs to no set breaks the structure  [RFC 8617 s5.2 step 3 A, B].
        return peer + " passes over a field without an instance"
    if peer == "dkimpy" and (ours, theirs) == ("pass", "fail") and len(arc_fields(text, b"from:")) > 1:
        # RFC 6376 s8.15 leaves it to the verifier; DMARC judges a message with two From by itself.
        return "dkimpy lets no signature pass under a second From"
    if peer == "dkimpy" and (ours, theirs) == ("pass", "fail"):
        for name in (b"arc-seal:", b"arc-message-signature:", b"arc-authentication-results:"):
            order = [int(re.search(rb"[\s;:]i *= *(\d+)", f).group(1)) for f in arc_fields(text, name)]
            if order != sorted(order, reverse=True):
                # A seal covers the sets in the order of their instances, wherever they stand  [RFC 8617 s5.1.1].
                return "dkimpy takes the fields of a name in the order of the message"
    return ""


def judge(hands, text, txt, counts, what):
    ours, peers = hands.verdicts(text, txt)
    assert ours["ok"], ours
    for peer, theirs in peers.items():
        counts["judged"] += 1
        if theirs == ours["result"]:
            counts[theirs] += 1
            continue
        why = explained(text, peer, ours["result"], theirs)
        assert why, "%s: %s says %s, we say %s\n%s" % (what, peer, theirs, ours, text.decode(errors="replace"))
        counts[why] += 1
    return ours


def test_chains_of_several_hands(hands):
    """Each chain passes with all, whoever added to it; a mutation of it is judged alike, or for a reason that is known."""
    rng, counts = random.Random(SEED), collections.Counter()
    for n in range(CHAINS):
        text, names = chain(hands, rng)
        ours = judge(hands, text, hands.txt, counts, names)
        assert ours["result"] == "pass", (names, ours, text)
        for _ in range(6):
            name, other = mutated(text, rng)
            judge(hands, other, hands.txt, counts, "%s of chain %d" % (name, n))
        txt = {k: v for k, v in hands.txt.items() if rng.random() < 0.6}
        judge(hands, text, txt, counts, "keys %s" % sorted(txt))
    print("ARC, peers: %d chains, %s" % (CHAINS, dict(counts)))


def test_a_chain_that_broke(hands):
    """Each says cv=fail over its own set alone, and all know it then for broken."""
    rng, counts = random.Random(SEED + 1), collections.Counter()
    for _ in range(20):
        text, names = chain(hands, rng)
        broken = arrived(text + b"x\r\n", "fail", rng)
        for who in ("ours", "dkimpy", "perl"):
            sealed = getattr(hands, "seal_" + who)(broken, "a.test", "fail") + broken
            assert judge(hands, sealed, hands.txt, counts, who)["result"] == "fail"
            got = hands.ours("seal", arrived(sealed, "fail", rng), hands.txt, domain="a.test", selector="k", key=hands.pem["a.test"].read_text(), id=ID, now=NOW)
            assert got["nothing"], got
