# SPDX-License-Identifier: Apache-2.0
"""The library in the hands of a stranger: the programs in examples/, and the code in the README, built against what is installed."""
import os
import re
import subprocess

import pytest

from installed import compile_program
from world.daemon import ROOT

MESSAGE = b"From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: hello\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\nIt works.\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stranger")


@pytest.fixture(scope="module")
def example(installed, folder):
    """The path of a program of examples/, built as its reader would build it."""

    def build(name, *words):
        flags = installed.pkg_config("--cflags", "--libs", "sigillo")
        return compile_program(os.path.join(ROOT, "examples", name + ".c"), folder / name, *flags, *words)

    return build


@pytest.fixture(scope="module")
def key(folder):
    """A private key, and the record that publishes it."""
    pem = str(folder / "key.pem")
    subprocess.run(["openssl", "genrsa", "-out", pem, "2048"], check=True, capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", pem, "-pubout"], check=True, capture_output=True, text=True).stdout
    p = "".join(public.splitlines()[1:-1])
    return pem, '"v=DKIM1; k=rsa; " "p=%s" "%s"' % (p[:200], p[200:])


@pytest.fixture(scope="module")
def signed(installed, example, key):
    r = installed.run(example("sign_file"), "example.org", "s1", key[0], input=MESSAGE)
    assert r.returncode == 0, r.stderr
    return r.stdout


def test_sign_file_signs_so_that_dkimpy_verifies(signed, key):
    dkim = pytest.importorskip("dkim")
    record = "".join(re.findall(r'"([^"]*)"', key[1])).encode()
    assert signed.endswith(MESSAGE)
    assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record if name == b"s1._domainkey.example.org." else None)


def test_sign_file_says_what_is_wrong(installed, example, key):
    program = example("sign_file")
    for arguments, message, says in [
        ([], MESSAGE, b"usage: "),
        (["example.org", "s1", __file__], MESSAGE, b"not a private key"),
        (["example.org", "s1", "/nowhere"], MESSAGE, b"usage: "),
        (["example.org", "s1", key[0]], b"no header\r\n", b"cannot sign: syntax"),
        (["not a name", "s1", key[0]], MESSAGE, b"cannot sign: syntax"),
    ]:
        r = installed.run(program, *arguments, input=message)
        assert r.returncode == 2 and says in r.stderr and r.stdout == b"", (arguments, r.stderr)


@pytest.mark.parametrize("ip, sender, status, says", [
    ("192.0.2.10", "alice@example.org", 0, 'pass, by "a:mail.example.org", 1 lookups'),
    ("198.51.100.7", "alice@example.org", 0, 'pass, by "include:_spf.example.net", 2 lookups'),
    ("203.0.113.1", "alice@example.org", 1, 'fail, by "-all", 2 lookups'),
    ("2001:db8::1", "alice@example.org", 1, 'fail, by "-all", 2 lookups'),
    ("203.0.113.1", "alice@_spf.example.net", 1, 'neutral, by "?all", 0 lookups'),
    ("203.0.113.1", "alice@elsewhere.example", 1, "none, "),
])
def test_check_spf_answers_from_its_table(installed, example, ip, sender, status, says):
    r = installed.run(example("check_spf"), ip, sender)
    assert r.returncode == status and r.stdout.decode().startswith(says), (r.stdout, r.stderr)
