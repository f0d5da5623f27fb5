# SPDX-License-Identifier: Apache-2.0
"""The library's DKIM for Python tests: one dkim_tool process that answers a JSON object a line."""
import base64
import json
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = SOURCE / os.environ.get("BUILD", "build") / "tests/conformance/dkim_tool"
SHARED = pathlib.Path(os.environ.get("SIGILLO_SHARED", SOURCE.parent / "shared")) / "conformance"


class Tool:
    def __init__(self):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, op, message=None, **request):
        request["op"] = op
        if message is not None:
            request["in"] = base64.b64encode(message).decode()
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "message" in answer:
            answer["message"] = base64.b64decode(answer["message"])
        return answer

    def verify(self, message, dns, now, partial=False):
        """The results of all signatures, in their order."""
        answer = self("verify", message, dns=dns, now=int(now), partial=partial)
        assert answer["ok"], answer
        return answer["signatures"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def crlf(message):
    """Every line end becomes CRLF."""
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
