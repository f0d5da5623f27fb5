# SPDX-License-Identifier: Apache-2.0
"""Requests signed with access keys: the published vectors, and Python's hmac beside ours."""
import base64
import datetime
import hashlib
import hmac
import json
import os
import random

import pytest

from line_tool import SHARED, LineTool, named

FILE = SHARED.parent / "contracts" / "acs" / "hmac-vectors.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))["vectors"] if FILE.is_file() else []


@pytest.fixture(scope="module")
def tool():
    t = LineTool("hmac_tool")
    yield t
    t.close()


def b64(octets):
    return base64.b64encode(octets).decode()


def sign(tool, key, method, target, date, host, content):
    return tool.ask(op="sign", key=key, method=method, target=target, date=date, host=host, content=content)


@pytest.mark.skipif(not VECTORS, reason="no vectors at %s" % FILE)
@pytest.mark.parametrize("v", VECTORS, ids=named(lambda v: v["method"] + " " + v["host"]))
def test_vector(tool, v):
    assert v["contentSha256"] == b64(hashlib.sha256(v["body"].encode()).digest())
    got = sign(tool, v["accessKey"], v["method"], v["pathAndQuery"], v["xMsDate"], v["host"], v["contentSha256"])
    assert got["ok"], got
    assert got["text"] == v["stringToSign"] and got["signature"] == v["signature"]
    assert tool.ask(op="read", authorization=v["authorization"])["signature"] == v["signature"]


def test_beside_pythons_hmac(tool):
    r = random.Random(4231)
    for _ in range(200):
        key, body = r.randbytes(32), r.randbytes(r.randrange(200))
        at = datetime.datetime.fromtimestamp(r.randrange(2 ** 31), datetime.timezone.utc)
        date = at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        target = "/" + "".join(r.choice("abc/%?=&:~'") for _ in range(r.randrange(300)))
        content = b64(hashlib.sha256(body).digest())
        text = "PUT\n%s\n%s;h.example:%d;%s" % (target, date, 8443, content)
        got = sign(tool, b64(key), "PUT", target, date, "h.example:8443", content)
        assert got["text"] == text and got["time"] == int(at.timestamp())
        assert got["signature"] == b64(hmac.new(key, text.encode(), hashlib.sha256).digest())


def test_what_is_refused(tool):
    good = ["GET", "/", "Mon, 05 Jan 2026 10:20:30 GMT", "h", b64(bytes(32))]
    key = b64(os.urandom(32))
    assert sign(tool, key, *good)["ok"]
    for at, bad in ((0, "GE T"), (1, "/\n"), (2, "Mon, 5 Jan 2026 10:20:30 GMT"), (3, ""), (4, b64(bytes(31)))):
        assert not sign(tool, key, *good[:at], bad, *good[at + 1:])["ok"], bad
