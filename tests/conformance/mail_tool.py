# SPDX-License-Identifier: Apache-2.0
"""The library's mail room for Python tests: one mail_tool process that answers a JSON object a line."""
import base64
import json
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = SOURCE / os.environ.get("BUILD", "build") / "tests/conformance/mail_tool"
SHARED = pathlib.Path(os.environ.get("SIGILLO_SHARED", SOURCE.parent / "shared")) / "conformance"


def b64(value):
    """Text (as UTF-8) or bytes as the tool wants it; None stays None, lists and pairs are walked."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (list, tuple)):
        return [b64(v) for v in value]
    if isinstance(value, dict):
        return {k: v if k == "ret" else b64(v) for k, v in value.items()}
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


class Tool:
    def __init__(self):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, op, value=None, strict=False, **description):
        request = dict(b64(description), op=op, strict=strict)
        if value is not None:
            request["in"] = b64(value)
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "message" in answer:
            answer["message"] = base64.b64decode(answer["message"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
