# SPDX-License-Identifier: Apache-2.0
"""Published strings with a verdict for the records of MTA-STS and TLS-RPT. They lie beside the repository; without them all is skipped."""
import pytest

from line_tool import SHARED, LineTool, load, named

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no suites at %s" % SHARED)


class Tool(LineTool):
    def __init__(self):
        super().__init__("record_tool")

    def __call__(self, op, text):
        return self.ask(op=op, text=text)


@pytest.fixture(scope="module")
def tool():
    t = Tool()
    yield t
    t.close()


def syntax():
    cases = []
    for grammar in ("mta-sts-record", "mta-sts-policy", "tlsrpt-record"):
        for i, case in enumerate(load("record-syntax", grammar + ".json")):
            cases.append(pytest.param(grammar, case, id="%s-%d" % (grammar, i)))
    return cases


@pytest.mark.parametrize("grammar, case", syntax())
def test_record_syntax(tool, grammar, case):
    """[RFC 8461 s3.1 and s3.2, RFC 8460 s3] No case of this suite is wrong by its RFC."""
    got = tool(grammar, case["text"])
    assert got["ok"] == case["valid"], "%r: %s (suite: %s)" % (case["text"], got, case.get("note"))


def resolver():
    return [pytest.param(c, id=c["domain"]) for c in load("mta-sts-resolver", "cases.json")]


def discovered(tool, texts):
    """[RFC 8461 s3.1] What does not begin with the version is passed over; one has to be left, and be right."""
    claims = [t for t in texts if t.startswith("v=STSv1;")]
    return len(claims) == 1 and tool("mta-sts-record", claims[0])["ok"]


@pytest.mark.parametrize("case", resolver())
def test_policies_of_the_resolver_suite(tool, case):
    """The data of each case through the parsers; the rules of fetching (status, media type, certificate) stand here."""
    usable, got = discovered(tool, case["txt"]), None
    http = case.get("http")
    if usable and http is not None:
        body = http["body"] + ("a" * 64 * 2049 if "body_padding" in http else "")
        got = tool("mta-sts-policy", body)
        usable = http["status"] == 200 and http["content_type"] == "text/plain" and case.get("tls") != "bad" and got["ok"]
    elif usable:
        usable = False
    assert usable == case["expect"]["usable"], got
    if usable:
        assert {k: got[k] for k in ("mode", "mx", "max_age")} == {k: case["expect"][k] for k in ("mode", "mx", "max_age")}


def test_counts():
    print("\nrecord-syntax: %d cases; mta-sts-resolver: %d cases" % (len(syntax()), len(resolver())))
    assert len(syntax()) == 38 and len(resolver()) == 13
