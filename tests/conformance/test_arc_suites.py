# SPDX-License-Identifier: Apache-2.0
"""ARC against the published suites of ValiMail (validation and signing) and rspamd. They lie beside the repository; without them all is skipped."""
import re

import pytest

import arc_tool
from line_tool import SHARED, crlf, load, named

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
VALIMAIL = SHARED / "arc-valimail"
RSPAMD = SHARED / "rspamd-auth"
pytestmark = pytest.mark.skipif(not VALIMAIL.is_dir(), reason="no suites at %s" % SHARED)

# Cases of the suite that are wrong by the RFC: id, what we say, why.
WRONG = {
    "ams_fields_h_empty": ("fail", "RFC 6376 s3.5, s5.4: h= must not be empty and must name From; RFC 8617 s4.1.2 inherits that"),
    "ams_fields_h_mis_hdr": ("fail", "RFC 6376 s3.5: a name in h= has at least one character; s6.1.1: what breaks the syntax must be refused"),
    "ams_fields_c_na": ("fail", "RFC 6376 s3.5: without c= it is simple/simple; the case was signed with relaxed"),
}


@pytest.fixture(scope="module")
def tool():
    t = arc_tool.Tool()
    yield t
    t.close()


def documents(name):
    if not VALIMAIL.is_dir():
        return []
    with open(VALIMAIL / name, encoding="utf-8") as f:
        return [d for d in yaml.safe_load_all(f) if d]


def cases(name):
    return [pytest.param(d, t, id=i) for d in documents(name) for i, t in d["tests"].items()]


def zone(document):
    return {k: v.replace("\n", "") for k, v in (document["txt-records"] or {}).items()}


@pytest.mark.parametrize("document,case", cases("arc-draft-validation-tests.yml"))
def test_validation(tool, document, case, request):
    """[RFC 8617 s5.2] Where the suite leaves the answer open a seal says cv=fail: that is fail."""
    name = request.node.callspec.id
    want = WRONG[name][0] if name in WRONG else str(case["cv"] or "Fail").lower()
    got = tool("verify", arc_tool.wire(case["message"]), zone(document))
    assert got["ok"] and got["result"] == want, got


def test_validation_is_whole():
    found = cases("arc-draft-validation-tests.yml")
    print("ARC, ValiMail: %d validation cases, %d of them wrong by the RFC" % (len(found), len(WRONG)))
    assert len(found) == 130


# ---- signing ----

FIELDS = (("AS", "arc-seal"), ("AMS", "arc-message-signature"), ("AAR", "arc-authentication-results"))


def relaxed(value):
    return re.sub(r"[ \t]*\r?\n[ \t]*|[ \t]+", " ", value.strip())


def without_blanks_in_b(value):
    """The suite folds b= for its readers; what it signs has no blank there."""
    return re.sub(r"(?<=[ ;])b=[^;]*", lambda m: m.group(0).replace(" ", ""), " " + value).strip()


def fields(text):
    """Name and relaxed value of each field."""
    whole = re.sub(r"\r\n(?=[ \t])", "\n", text.decode())
    return [(n.lower(), relaxed(v)) for n, v in (f.split(":", 1) for f in whole.split("\r\n") if f)]


def chain_zone():
    """The signing suite's keys are those of its own chains."""
    return {k: v for d in documents("arc-draft-sign-tests.yml") for k, v in zone(d).items()}


def seal(tool, document, case):
    return tool("seal", arc_tool.wire(case["message"]), zone(document), domain=document["domain"], selector=document["sel"], key=document["privatekey"],
                id=case["srv-id"], now=case["t"], headers=case["sig-headers"].split(":"))


@pytest.mark.parametrize("document,case", cases("arc-draft-sign-tests.yml"))
def test_signing(tool, document, case):
    """[RFC 8617 s5.1] All three fields, signatures included, byte by byte in their relaxed form."""
    got = seal(tool, document, case)
    assert got["ok"], got
    if not case["AS"].strip():
        assert got["nothing"] and got["fields"] == b""
        return
    made = fields(got["fields"])
    assert [n for n, _ in made] == [n for _, n in FIELDS]
    for (key, name), (_, value) in zip(FIELDS, made):
        want = relaxed(case[key])
        assert value == (want if key == "AAR" else without_blanks_in_b(want)), name


@pytest.mark.parametrize("document,case", cases("arc-draft-sign-tests.yml"))
def test_what_is_signed_verifies(tool, document, case):
    got = seal(tool, document, case)
    again = tool("verify", got["fields"] + arc_tool.wire(case["message"]), zone(document))
    chain = "fail" if got["nothing"] else {"none": "pass", "pass": "pass", "fail": "fail"}[got["chain"]]
    assert again["ok"] and again["result"] == chain, again


def test_signing_is_whole():
    found = cases("arc-draft-sign-tests.yml")
    print("ARC, ValiMail: %d signing cases" % len(found))
    assert len(found) == 12


# ---- rspamd ----


def rspamd():
    return [pytest.param(c, id=c["id"]) for c in load("rspamd-auth", "cases.json") if "arc" in c["expect"]]


@pytest.mark.parametrize("case", rspamd())
def test_rspamd(tool, case):
    path = next((RSPAMD / "messages").rglob(case["message"]))
    got = tool("verify", crlf(path.read_bytes()), load("rspamd-auth", "zones.json")[case["zone"]])
    assert got["ok"] and got["result"] == case["expect"]["arc"], got
