# SPDX-License-Identifier: Apache-2.0
"""Thousands of generated messages, signed by four implementations, changed on the way, and verified by all four.

Ours, dkimpy, libopendkim and Mail::DKIM must agree on whether the signature holds; where they may not, a rule below says why.  DKIM_CASES=N sets how many
messages each of them signs, DKIM_SEED the seed.
"""
import base64
import ctypes
import logging
import os
import random
import subprocess
import time

import pytest

import dkim_tool

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")

CASES = int(os.environ.get("DKIM_CASES", "900"))
SEED = int(os.environ.get("DKIM_SEED", "1"))
NOW = int(time.time()) + 60  # the peers sign with the real clock
CANONS = ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"]
NAME = "r._domainkey.peer.test"
HERE = os.path.dirname(os.path.abspath(__file__))


# ---- messages ---------------------------------------------------------------------------------------------------------

WORDS = ["a", "Hello", "world,", "x" * 40, "=", ";", ":", "<b@c.test>", "\"q\"", "(c)", "0", "-- ", "."]


def text(r, most=8):
    words = [r.choice(WORDS) for _ in range(r.randrange(most))]
    return "".join(w + r.choice([" ", " ", "  ", "\t", " \t "]) for w in words).encode()


def value(r):
    """A field's value: blanks, folds, nothing at all; never a fold of blanks alone [RFC 5322 s3.2.2]."""
    lines = [r.choice([b"", b" ", b"  ", b"\t"]) + text(r)]
    for _ in range(r.choice([0, 0, 0, 1, 2])):
        lines.append(r.choice([b" ", b"\t", b"   "]) + b"fold " + text(r))
    return b"\r\n".join(lines)


def header(r):
    fields = [b"From: Joe <joe@peer.test>", b"Date: Tue, 14 Nov 2023 22:13:18 +0000", b"Message-ID: <%d@peer.test>" % r.randrange(10**9)]
    for name in r.sample([b"To", b"Subject", b"Cc", b"REPLY-to", b"mime-version", b"X-Other", b"References", b"Received", b"List-Id"], r.randrange(1, 8)):
        for _ in range(r.choice([1, 1, 1, 2])):
            fields.append(name + b":" + value(r))
    r.shuffle(fields)
    return b"".join(f + b"\r\n" for f in fields)


def body(r):
    kind = r.randrange(10)
    if kind == 0:
        return b""
    if kind == 1:
        return b"\r\n" * r.randrange(1, 4)
    if kind == 2:
        return r.choice([b" \r\n", b"\t\r\n \r\n", b"  \t \r\n\r\n"])
    lines = [text(r, 12) + r.choice([b"", b" ", b"\t", b"end"]) for _ in range(r.randrange(1, 12))]
    lines += [r.choice([b"", b" "])] * r.choice([0, 0, 1, 3])
    return b"".join(line + b"\r\n" for line in lines)


# ---- changes on the way ------------------------------------------------------------------------------------------------

def in_field(message, name, change):
    """Applies change to the whole first field of that name."""
    head, _, rest = message.partition(b"\r\n\r\n")
    fields = (head + b"\r\n").replace(b"\r\n ", b"\0 ").replace(b"\r\n\t", b"\0\t").split(b"\r\n")[:-1]
    for i, f in enumerate(fields):
        if f.lower().startswith(name + b":"):
            fields[i] = change(f.replace(b"\0", b"\r\n"))
            break
    return b"".join(f.replace(b"\0", b"\r\n") + b"\r\n" for f in fields) + b"\r\n" + rest


def tag(name, new):
    """Replaces the value of a tag in the signature."""
    def change(field):
        start, _, tags = field.partition(b":")
        out = []
        for t in tags.split(b";"):
            left = t.partition(b"=")[0]
            out.append(left + b"=" + new if left.strip() == name else t)
        return start + b":" + b";".join(out)
    return lambda r, m: in_field(m, b"dkim-signature", change)


def add_tag(what):
    return lambda r, m: in_field(m, b"dkim-signature", lambda f: f.replace(b":", b": " + what + b";", 1))


def split(m):
    head, _, rest = m.partition(b"\r\n\r\n")
    return head + b"\r\n", rest


def flip(r, m):
    def change(f):
        at = f.rindex(b"b=") + 2 + r.randrange(3, 60)
        while f[at:at + 1] in b"\r\n \t=;":
            at -= 1
        return f[:at] + (b"A" if f[at:at + 1] != b"A" else b"B") + f[at + 1:]
    return in_field(m, b"dkim-signature", change)


def swap_fields(r, m):
    head, rest = split(m)
    fields = head.replace(b"\r\n ", b"\0 ").replace(b"\r\n\t", b"\0\t").split(b"\r\n")[:-1]
    i, j = r.randrange(len(fields)), r.randrange(len(fields))
    fields[i], fields[j] = fields[j], fields[i]
    return b"".join(f.replace(b"\0", b"\r\n") + b"\r\n" for f in fields) + b"\r\n" + rest


CHANGES = {
    "nothing": lambda r, m: m,
    "subject folded anew": lambda r, m: in_field(m, b"subject", lambda f: f.replace(b" ", b"\r\n ", 1) if b" x" in f else f),
    "blanks doubled in from": lambda r, m: in_field(m, b"from", lambda f: f.replace(b" ", b"  ")),
    "from in capitals": lambda r, m: in_field(m, b"from", lambda f: f.replace(b"From", b"FROM")),
    "from changed": lambda r, m: in_field(m, b"from", lambda f: f.replace(b"joe@", b"zoe@")),
    "subject on top": lambda r, m: b"Subject: new\r\n" + m,
    "subject at the bottom": lambda r, m: (lambda h, b: h + b"Subject: new\r\n\r\n" + b)(*split(m)),
    "from on top": lambda r, m: b"From: x@y.test\r\n" + m,
    "trace on top": lambda r, m: b"Received: by z; Tue, 14 Nov 2023 22:13:18 +0000\r\n" + m,
    "to taken away": lambda r, m: in_field(m, b"to", lambda f: b"X-Gone: 1"),
    "fields swapped": swap_fields,
    "empty lines behind the body": lambda r, m: m + b"\r\n\r\n",
    "blank line behind the body": lambda r, m: m + b" \r\n",
    "a line behind the body": lambda r, m: m + b"More.\r\n",
    "blanks in the body": lambda r, m: (lambda h, b: h + b"\r\n" + b.replace(b"\r\n", b" \t\r\n", 1))(*split(m)),
    "a blank before the first line": lambda r, m: (lambda h, b: h + b"\r\n" + (b and b" " + b))(*split(m)),
    "a word of the body": lambda r, m: (lambda h, b: h + b"\r\n" + b.replace(b"Hello", b"hello", 1))(*split(m)),
    "signature flipped": flip,
    "signature folded": lambda r, m: in_field(m, b"dkim-signature", lambda f: f.replace(b"; ", b";\r\n\t", 2)),
    "d= changed": tag(b"d", b"other.test"),
    "s= changed": tag(b"s", b"none"),
    "a= changed": tag(b"a", b"ed25519-sha256"),
    "c= changed": tag(b"c", b"simple/simple"),
    "v= changed": tag(b"v", b"2"),
    "bh= changed": tag(b"bh", base64.b64encode(b"x" * 32)),
    "bh= short": tag(b"bh", b"AAAA"),
    "h= without from": tag(b"h", b"to:subject"),
    "expired": add_tag(b"x=1600000000"),
    "unknown tag": add_tag(b"zz=1"),
    "i= elsewhere": add_tag(b"i=@example.net"),
    "tag twice": add_tag(b"d=peer.test"),
    "other signature on top": lambda r, m: b"X-DKIM-Signature: v=1\r\n" + m,
}
UNCHANGED_MOST = 0.3


# ---- the four ----------------------------------------------------------------------------------------------------------

LOOKUP = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t)


class OpenDkim:
    def __init__(self, zone, pem):
        self.lib = ctypes.CDLL("libopendkim.so.11")
        self.zone, self.pem = zone, pem + b"\0"
        for name in ("dkim_init", "dkim_verify", "dkim_sign"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        for name in ("dkim_sig_getselector", "dkim_sig_getdomain"):
            getattr(self.lib, name).restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p(self.lib.dkim_init(None, None))
        self.lookup = LOOKUP(self.answer)
        self.lib.dkim_set_key_lookup(self.handle, self.lookup)

    def answer(self, _job, sig, buf, size):
        sig = ctypes.c_void_p(sig)
        name = self.lib.dkim_sig_getselector(sig) + b"._domainkey." + self.lib.dkim_sig_getdomain(sig)
        record = self.zone.get(name.decode("latin-1").lower())
        if record is None:
            return 2  # anything but DKIM_CBSTAT_CONTINUE: no key
        ctypes.memmove(buf, record.encode() + b"\0", len(record) + 1)
        return 0

    def feed(self, job, message):
        for piece in (message, None):
            status = self.lib.dkim_chunk(job, piece, ctypes.c_size_t(len(piece or b"")))
            if status != 0:
                return status
        again = ctypes.c_bool()
        return self.lib.dkim_eom(job, ctypes.byref(again))

    def verify(self, message):
        status = ctypes.c_int()
        job = ctypes.c_void_p(self.lib.dkim_verify(self.handle, b"id", None, ctypes.byref(status)))
        good = self.feed(job, message) == 0
        self.lib.dkim_free(job)
        return good

    def sign(self, message, canon):
        status = ctypes.c_int()
        header_canon, body_canon = (int(c == "relaxed") for c in canon.split("/"))
        job = ctypes.c_void_p(self.lib.dkim_sign(self.handle, b"id", None, self.pem, b"r", b"peer.test", header_canon, body_canon, 1,
                                                 ctypes.c_ssize_t(-1), ctypes.byref(status)))
        assert job and self.feed(job, message) == 0
        text, size = ctypes.POINTER(ctypes.c_char)(), ctypes.c_size_t()
        assert self.lib.dkim_getsighdr_d(job, ctypes.c_size_t(16), ctypes.byref(text), ctypes.byref(size)) == 0
        field = b"DKIM-Signature: " + text[:size.value].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
        self.lib.dkim_free(job)
        return field + message


def perl(folder, jobs):
    out = subprocess.run(["perl", os.path.join(HERE, "mail_dkim.pl"), folder / "zone", folder / "key.pem"], input=b"".join(jobs),
                         capture_output=True, timeout=120)
    assert out.returncode == 0, out.stderr[-2000:]
    return out.stdout


def mail_dkim_sign(folder, messages):
    out = perl(folder, [b"sign %d %s\n" % (len(m), c.encode()) + m for m, c in messages])
    signed = []
    for m, _ in messages:
        size, _, out = out.partition(b"\n")
        signed.append(out[:int(size)] + b"\r\n" + m)
        out = out[int(size):]
    return signed


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("differential")
    pem = subprocess.run(["openssl", "genrsa", "-traditional", "1024"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem, check=True, capture_output=True).stdout
    zone = {NAME: "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()}
    (folder / "key.pem").write_bytes(pem)
    (folder / "zone").write_text("".join("%s %s\n" % item for item in zone.items()))
    return folder, pem, zone


@pytest.fixture(scope="module")
def tool():
    t = dkim_tool.Tool()
    yield t
    t.close()


@pytest.fixture(scope="module")
def opendkim(place):
    try:
        return OpenDkim(place[2], place[1])
    except OSError:
        pytest.skip("libopendkim is not installed")


@pytest.fixture(scope="module", autouse=True)
def mail_dkim():
    if subprocess.run(["perl", "-MMail::DKIM::Verifier", "-e", "1"], capture_output=True).returncode != 0:
        pytest.skip("Mail::DKIM is not installed")


def dkimpy_verify(message, zone):
    try:
        judge = dkim.DKIM(message, logger=SILENT, minkey=1024)
        return bool(judge.verify(dnsfunc=lambda name, timeout=5: (zone.get(name.decode().rstrip(".").lower()) or "").encode() or None))
    except Exception:  # its way to say no
        return False


SILENT = logging.getLogger("silent")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


def sign_all(who, messages, tool, opendkim, place):
    folder, pem, _ = place
    if who == "ours":
        return [tool("sign", m, canon=c, now=1700000000, valid=0, keys=[["peer.test", "r", pem.decode()]])["message"] for m, c in messages]
    if who == "opendkim":
        return [opendkim.sign(m, c) for m, c in messages]
    if who == "Mail::DKIM":
        return mail_dkim_sign(folder, messages)
    return [dkim.DKIM(m).sign(b"r", b"peer.test", pem, canonicalize=tuple(c.encode().split(b"/"))) + m for m, c in messages]


# ---- why they may differ -----------------------------------------------------------------------------------------------

# (peer, change) -> the rule. Nothing else may differ.
RULES = {
    ("dkimpy", "from on top"): "dkimpy hashes every From, also those that h= does not name; by RFC 6376 s5.4.2 a name covers one",
}


@pytest.mark.parametrize("who", ["ours", "opendkim", "Mail::DKIM", "dkimpy"])
def test_all_agree(who, tool, opendkim, place):
    folder, _, zone = place
    r = random.Random("%d %s" % (SEED, who))
    count = CASES if who != "dkimpy" else CASES // 2  # its RSA is Python
    plain = [(header(r) + b"\r\n" + body(r), r.choice(CANONS)) for _ in range(count)]
    signed = sign_all(who, plain, tool, opendkim, place)
    names = ["nothing" if r.random() < UNCHANGED_MOST else r.choice(list(CHANGES)) for _ in signed]
    changed = [CHANGES[name](r, m) for name, m in zip(names, signed)]
    ours = [any(s["result"] == "pass" for s in tool.verify(m, zone, NOW)) for m in changed]
    got = {
        "opendkim": [opendkim.verify(m) for m in changed],
        "Mail::DKIM": [line == b"pass" for line in perl(folder, [b"verify %d\n" % len(m) + m for m in changed]).split()],
        "dkimpy": [dkimpy_verify(m, zone) for m in changed],
    }
    explained, unexplained = {}, []
    for peer, results in got.items():
        assert len(results) == len(ours)
        for i, result in enumerate(results):
            if result == ours[i]:
                continue
            rule = RULES.get((peer, names[i]))
            if rule is None:
                unexplained.append((peer, names[i], plain[i][1], "ours %s" % ours[i], changed[i]))
            else:
                explained[peer, rule] = explained.get((peer, rule), 0) + 1
    print("%s signed %d, %d changed, %d pass; differences explained: %s" % (
        who, count, sum(n != "nothing" for n in names), sum(ours), explained))
    bad = [i for i, n in enumerate(names) if n == "nothing" and not ours[i]]
    assert not bad, "we refuse what %s signed: %r" % (who, changed[bad[0]])
    assert not unexplained, "%d of %s, first of each: %r" % (len(unexplained), who, list({u[:4]: u for u in unexplained}.values())[:4])
