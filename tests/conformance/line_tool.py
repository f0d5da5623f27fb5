# SPDX-License-Identifier: Apache-2.0
"""A program of this folder (tool.h) that answers a JSON object a line."""
import json
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = SOURCE / os.environ.get("BUILD", "build") / "tests/conformance"
SHARED = pathlib.Path(os.environ.get("SIGILLO_SHARED", SOURCE.parent / "shared")) / "conformance"


class LineTool:
    def __init__(self, name, environment=None):
        self.process = subprocess.Popen([PROGRAMS / name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **(environment or {})})

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def load(*path):
    """A suite's JSON; nothing where it is not at hand."""
    file = SHARED.joinpath(*path)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def crlf(message):
    """Every line end becomes CRLF."""
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def named(name):
    """For ids: what each case is called.  Where the suite is not at hand pytest has one that is none, and skips it."""
    return lambda case: name(case) if isinstance(case, dict) else None
