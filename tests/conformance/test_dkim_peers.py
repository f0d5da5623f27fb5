# SPDX-License-Identifier: Apache-2.0
"""What we sign, dkimpy and libopendkim verify: ordinary messages and odd ones, each canonicalisation, each algorithm."""
import base64
import ctypes
import os
import pathlib
import subprocess

import pytest

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SIGNER = SOURCE / os.environ.get("BUILD", "build") / "tests/conformance/dkim_sign"
HEADER = (
    b"Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    b"From: Joe <joe@example.org>\r\nTo: Sue <sue@example.net>\r\nSubject: A subject\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:18 +0000\r\nMessage-ID: <1@example.org>\r\n"
)
MESSAGES = {
    "ordinary": HEADER + b"\r\nHello,\r\n\r\nworld.\r\n",
    "empty body": HEADER + b"\r\n",
    "no body at all": HEADER,
    "only empty lines": HEADER + b"\r\n\r\n\r\n\r\n",
    "only blank lines": HEADER + b"\r\n  \r\n\t\r\n \r\n",
    "no last line end": HEADER + b"\r\nHello",
    "trailing blanks": HEADER + b"\r\nHello  \t \r\n  two  blanks\t\r\n \r\n\r\n",
    "blanks and no line end": HEADER + b"\r\nHello \t",
    "leading empty lines": HEADER + b"\r\n\r\n\r\nHello\r\n",
    "one blank per line": HEADER + b"\r\n" + b" \r\n" * 500 + b"x\r\n",
    "folded fields": HEADER.replace(b"A subject", b"A\r\n\t subject \r\n  with \t folds  ") + b"\r\nHello\r\n",
    "two of a field": HEADER + b"To: third@example.net\r\nSubject: another\r\n\r\nHello\r\n",
    "odd names": HEADER + b"REPLY-to:x@example.org\r\ncC:   \r\nreferences:\r\n\t<1@a>\r\n\t<2@a>\r\n\r\nHello\r\n",
    "8 bit": HEADER.replace(b"A subject", "Grüße".encode()) + "\r\nGrüße \u00a0\r\n".encode() + bytes(range(128, 256)) + b"\r\n",
    "long lines": HEADER + b"X-Long: " + b"x" * 900 + b"\r\n\r\n" + b"y" * 100000 + b"  z\r\n",
    "dots": HEADER + b"\r\n.\r\n..\r\n. \r\n",
    "list": HEADER
    + b"List-Unsubscribe: <https://example.org/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nx\r\n",
    "already signed": HEADER + b"DKIM-Signature: v=1; a=rsa-sha256; d=other.test; s=x; h=from; bh=; b=\r\n\r\nx\r\n",
    "large": HEADER + b"\r\n" + b"A line of text that has  two blanks and a\ttab in it. \r\n\r\n" * 20000,
}
CANONS = ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Key files, and the records that publish them."""
    folder = tmp_path_factory.mktemp("keys")

    def openssl(*args):
        return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout

    openssl("genrsa", "-out", folder / "rsa.pem", "2048")
    openssl("genpkey", "-algorithm", "ed25519", "-out", folder / "ed25519.pem")
    rsa = openssl("pkey", "-in", folder / "rsa.pem", "-pubout", "-outform", "DER")
    ed25519 = openssl("pkey", "-in", folder / "ed25519.pem", "-pubout", "-outform", "DER")[-32:]
    records = {
        b"r1._domainkey.example.org.": b"v=DKIM1; k=rsa; p=" + base64.b64encode(rsa),
        b"e1._domainkey.example.org.": b"v=DKIM1; k=ed25519; p=" + base64.b64encode(ed25519),
    }
    return folder, records


def sign(message, canon, folder, *algorithms):
    if not SIGNER.exists():
        pytest.skip(f"{SIGNER} is not built")
    names = {"rsa": "r1", "ed25519": "e1"}
    signers = [f"{a}:example.org:{names[a]}:{folder}/{a}.pem" for a in algorithms]
    done = subprocess.run([SIGNER, canon, *signers], input=message, capture_output=True, check=True)
    assert done.stdout.endswith(message)
    # SMTP ends every body in a line end; without one the peers disagree about what RFC 6376 s3.4.4 means.
    return done.stdout if done.stdout.endswith(b"\r\n") else done.stdout + b"\r\n"


@pytest.mark.parametrize("canon", CANONS)
@pytest.mark.parametrize("name", MESSAGES)
def test_dkimpy_verifies(name, canon, keys):
    folder, records = keys
    signed = sign(MESSAGES[name], canon, folder, "rsa", "ed25519")
    verifier = dkim.DKIM(signed)
    for index, algorithm in enumerate(["rsa", "ed25519"]):
        assert verifier.verify(index, dnsfunc=lambda name, timeout=5: records.get(name)), algorithm
        assert verifier.domain == b"example.org"


ADDED = [b"From: evil@example.com", b"Subject: other", b"Reply-To: evil@example.com", b"Content-Type: text/html"]


@pytest.mark.parametrize("extra", ADDED)
def test_an_added_field_breaks_the_signature(extra, keys):
    folder, records = keys
    signed = sign(MESSAGES["ordinary"], "relaxed/relaxed", folder, "rsa")

    def verify(message):
        return dkim.DKIM(message).verify(dnsfunc=lambda name, timeout=5: records.get(name))

    assert not verify(extra + b"\r\n" + signed)
    assert verify(b"X-Seen: 1\r\n" + signed)


LOOKUP = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t
)


@pytest.fixture(scope="module")
def opendkim(keys):
    """A function that verifies the first signature of a message, with the RSA key for an answer to every lookup."""
    try:
        lib = ctypes.CDLL("libopendkim.so.11")
    except OSError:
        pytest.skip("libopendkim is not installed")
    lib.dkim_init.restype = ctypes.c_void_p
    lib.dkim_verify.restype = ctypes.c_void_p
    record = keys[1][b"r1._domainkey.example.org."] + b"\0"

    @LOOKUP
    def lookup(_dkim, _sig, buf, size):
        assert len(record) <= size
        ctypes.memmove(buf, record, len(record))
        return 0

    handle = ctypes.c_void_p(lib.dkim_init(None, None))
    lib.dkim_set_key_lookup(handle, lookup)

    def verify(message):
        status = ctypes.c_int()
        again = ctypes.c_bool()
        job = ctypes.c_void_p(lib.dkim_verify(handle, b"id", None, ctypes.byref(status)))
        assert job, status.value
        results = [
            lib.dkim_chunk(job, message, ctypes.c_size_t(len(message))),
            lib.dkim_chunk(job, None, ctypes.c_size_t(0)),
            lib.dkim_eom(job, ctypes.byref(again)),
        ]
        lib.dkim_free(job)
        return results

    yield verify
    lib.dkim_close(handle)
    del lookup


# libopendkim takes a message without the empty line for one that has not ended, and a signature without a hash for an error.
@pytest.mark.parametrize("canon", CANONS)
@pytest.mark.parametrize("name", [n for n in MESSAGES if n not in ("no body at all", "already signed")])
def test_opendkim_verifies(name, canon, keys, opendkim):
    signed = sign(MESSAGES[name], canon, keys[0], "rsa")
    assert opendkim(signed) == [0, 0, 0]


def test_opendkim_sees_a_change(keys, opendkim):
    signed = sign(MESSAGES["ordinary"], "relaxed/relaxed", keys[0], "rsa")
    assert opendkim(signed.replace(b"world", b"wolrd"))[2] != 0
