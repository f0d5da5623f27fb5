# SPDX-License-Identifier: Apache-2.0
"""The library's ARC room for Python tests: one arc_tool process that answers a JSON object a line."""
import base64
import json
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = SOURCE / os.environ.get("BUILD", "build") / "tests/conformance/arc_tool"
SHARED = pathlib.Path(os.environ.get("SIGILLO_SHARED", SOURCE.parent / "shared")) / "conformance"


class Tool:
    def __init__(self):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, op, message, txt, **more):
        request = dict(more, op=op, message=base64.b64encode(message).decode(), txt=txt)
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "fields" in answer:
            answer["fields"] = base64.b64decode(answer["fields"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def wire(text):
    """A message as the suites write it, with the line ends that it has on the wire."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
