# SPDX-License-Identifier: Apache-2.0
"""Authentication-Results: the published fields, and an independent reader and writer (python3-authres) on generated ones."""
import base64
import collections
import random
import re

import pytest

from line_tool import SHARED, LineTool, load, named

try:
    import authres
except ImportError:  # Debian: python3-authres
    authres = None

# Fields that the strict reference refuses and we read: what they say cannot be mistaken.
TOLERATED = {
    "authres-15": "an IPv6 address without quotes: no token of RFC 2045 s5.1, but nothing else it could be",
    "go-msgauth-13": "one semicolon at the end",
    "provider-aol": "one semicolon at the end",
    "provider-mail.ru": "the reference misses the name of the field, which the suite leaves out",
    "rfc8601-b-9": "legal (RFC 8601 B.7); the reference cannot read it",
}


class Tool(LineTool):
    def __init__(self):
        super().__init__("authres_tool")

    def parse(self, value):
        """(id, [(method, version, result, reason, [(ptype, property, value)])]) or None."""
        got = self.ask(op="parse", **{"in": base64.b64encode(value.encode()).decode()})
        return (plain(got["id"]), [result(r) for r in got["results"]]) if got["ok"] else None

    def put(self, authserv_id, results):
        got = self.ask(op="put", id=coded(authserv_id), results=[[coded(m), v, coded(r), coded(why), [[coded(x) for x in p] for p in ps]] for m, v, r, why, ps in results])
        return plain(got["field"]) if got["ok"] else None


def coded(text):
    return None if text is None else base64.b64encode(text.encode()).decode()


def plain(text):
    return None if text is None else base64.b64decode(text).decode()


def result(r):
    return plain(r[0]), r[1], plain(r[2]), plain(r[3]), [tuple(plain(x) for x in p) for p in r[4]]


@pytest.fixture(scope="module")
def tool():
    t = Tool()
    yield t
    t.close()


@pytest.mark.skipif(not SHARED.is_dir(), reason="no suites at %s" % SHARED)
@pytest.mark.parametrize("case", load("authentication-results", "cases.json"), ids=named(lambda c: c["id"]))
def test_published_fields(tool, case):
    name, colon, value = case["header"].partition(":")
    got = tool.parse(value if colon and name.strip().lower() == "authentication-results" else case["header"])
    want = case["parsed"]
    if want is None:
        assert (got is not None) == (case["id"] in TOLERATED), got
        counts = case.get("upstream", {}).get("counts", {})
        if got is not None:
            seen = collections.Counter("%s=%s" % (r[0], r[2]) for r in got[1])
            assert {k: seen[k] for k in counts} == counts
        return
    assert got is not None
    assert got[0] == want["authserv_id"]
    assert got[1] == [(r["method"], int(r.get("method_version", 1)), r["result"], r["reason"], [tuple(p) for p in r["properties"]]) for r in want["results"]]


# ---- python3-authres -------------------------------------------------------------------------------------------------

needs_authres = pytest.mark.skipif(authres is None, reason="no python3-authres")
METHODS = ["spf", "dkim", "dmarc", "arc", "auth", "iprev", "x-check"]
RESULTS = ["pass", "fail", "none", "neutral", "softfail", "temperror", "permerror", "policy"]
PROPERTIES = [("smtp", "mailfrom"), ("smtp", "helo"), ("header", "d"), ("header", "i"), ("header", "b"), ("header", "s"), ("header", "from"), ("policy", "dmarc")]
DOMAINS = ["example.org", "mx.example.net", "xn--bcher-kva.example", "a.b.c.d.example.com", "x-1.example"]
LOCALS = ["joe", "a.b+c", "o'neil", "x=y", "prvs=1/joe", ""]
TEXTS = ["good signature", "a;b", "(not a comment)", 'quote " and \\ backslash', "dkim=pass", "x" * 60, "p=none dis=none"]


def random_value(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(DOMAINS)
    if kind == 1:
        return rng.choice(LOCALS) + "@" + rng.choice(DOMAINS)
    if kind == 2:
        return "".join(rng.choice("abcdefghijkl0123456789") for _ in range(8))
    return rng.choice(TEXTS)


def random_results(rng):
    out = []
    for _ in range(rng.randrange(6)):
        reason = rng.choice(TEXTS) if rng.random() < 0.4 else None
        properties = [p + (random_value(rng),) for p in rng.sample(PROPERTIES, rng.randrange(4))]
        out.append((rng.choice(METHODS), 1, rng.choice(RESULTS), reason, properties))
    return out


def unescaped(text):
    """The peer leaves backslashes, and the quotes of a local part, in the value; by RFC 5322 s3.2.4 they are not part of it."""
    if text is None:
        return None
    quoted = re.fullmatch(r'"(.*)"(@[^"]*)', text, re.S)
    return re.sub(r"\\(.)", r"\1", "".join(quoted.groups()) if quoted else text, flags=re.S)


TOKEN = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+|[^\s;,<>()\"\\\\@:\[\]]*@[0-9A-Za-z_.-]+")

PTYPES = ["smtp", "header", "body", "policy"]  # RFC 8601 s2.3


def same(ours, theirs):
    """
    Is it the same?  The peer loses a value in quotes without a word when something follows it in the same result (it looks for ";" or the end
    behind it), and a property of a type that it does not know: those may be missing there.
    """
    if ours[0] != theirs[0] or len(ours[1]) != len(theirs[1]):
        return False
    for a, b in zip(ours[1], theirs[1]):
        left = [p for p in a[4] if p in b[4] or (p[0] in PTYPES and TOKEN.fullmatch(p[2]))]
        if a[:4] != b[:4] or left != b[4]:
            return False
    return True


def read_by_peer(field):
    header = authres.AuthenticationResultsHeader.parse(field)
    return header.authserv_id, [
        (r.method, int(r.version or 1), r.result, unescaped(r.reason), [(p.type, p.name, unescaped(p.value)) for p in r.properties]) for r in header.results
    ]


@needs_authres
def test_what_we_write_the_peer_reads_to_the_same(tool):
    rng = random.Random(8601)
    for _ in range(1500):
        authserv_id, results = rng.choice(DOMAINS), random_results(rng)
        field = tool.put(authserv_id, results)
        assert field.endswith("\r\n")
        assert same((authserv_id, results), read_by_peer(field[:-2])), field


@needs_authres
def test_what_the_peer_writes_we_read_to_the_same(tool):
    rng = random.Random(5451)
    for _ in range(1500):
        authserv_id, results = rng.choice(DOMAINS), random_results(rng)
        header = authres.AuthenticationResultsHeader(
            authserv_id=authserv_id,
            results=[
                authres.AuthenticationResult(
                    method=m, result=r, reason=why, properties=[authres.AuthenticationResultProperty(t, n, v) for t, n, v in ps])
                for m, v, r, why, ps in results
            ])
        field = str(header)
        assert tool.parse(field.partition(":")[2]) == (authserv_id, results), field


@needs_authres
def test_both_read_damaged_fields_alike(tool):
    """Fields with a byte changed, added or taken out.  Where both read one, they agree.

    What only one of them reads is counted: the peer passes over what it cannot read in a result, where we refuse the field; we let a semicolon at the end through.
    """
    rng = random.Random(7001)
    alone = collections.Counter()
    for _ in range(3000):
        field = tool.put(rng.choice(DOMAINS), random_results(rng))[len("Authentication-Results:"):-2]
        at, how = rng.randrange(len(field)), rng.randrange(3)
        damaged = field[:at] + (rng.choice(';="().@/ a1\\:-') if how < 2 else "") + field[at + (how > 0):]
        ours = tool.parse(damaged)
        try:
            theirs = read_by_peer("Authentication-Results:" + damaged)
        except (authres.AuthResError, ValueError, RuntimeError):
            theirs = None
        if ours is not None and theirs is not None:
            assert same(ours, theirs), (damaged, ours, theirs)
        alone["ours only" if theirs is None and ours is not None else "theirs only" if ours is None and theirs is not None else "both"] += 1
    print("damaged fields:", dict(alone))
