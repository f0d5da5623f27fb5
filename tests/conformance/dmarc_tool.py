# SPDX-License-Identifier: Apache-2.0
"""The library's DMARC and Public Suffix List for Python tests: one dmarc_tool process that answers a JSON object a line."""
import json
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = SOURCE / os.environ.get("BUILD", "build") / "tests/conformance/dmarc_tool"
SHARED = pathlib.Path(os.environ.get("SIGILLO_SHARED", SOURCE.parent / "shared")) / "conformance"
LIST = SHARED / "psl" / "public_suffix_list.dat"


def load(*path):
    """A suite's JSON; nothing where the suites are not at hand."""
    if not SHARED.is_dir():
        return []
    with open(SHARED.joinpath(*path), encoding="utf-8") as f:
        return json.load(f)


class Tool:
    def __init__(self, suffixes=None):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if suffixes is not None:
            assert self.ask(op="list", path=str(suffixes))["ok"]

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def zone(self, zone):
        assert self.ask(op="zone", zone={name.lower().rstrip("."): node for name, node in zone.items()})["ok"]

    def check(self, author, spf=None, dkim=(), **more):
        answer = self.ask(op="check", author=author, spf=spf, dkim=list(dkim), **more)
        assert answer["ok"], answer
        return answer

    def author(self, header):
        return self.ask(op="author", header=header.hex() if isinstance(header, bytes) else header.encode("utf-8", "surrogateescape").hex())

    def parse(self, text):
        return self.ask(op="parse", text=text.encode().hex())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
