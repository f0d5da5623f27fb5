# SPDX-License-Identifier: Apache-2.0
"""The library's whole verdict for Python tests: one verdict_tool process that answers a JSON object a line."""
import json
import os
import pathlib
import subprocess

import spf_tool

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = SOURCE / os.environ.get("BUILD", "build") / "tests/conformance/verdict_tool"
SHARED = spf_tool.SHARED


class Tool:
    def __init__(self, **environment):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment})

    def call(self, request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def zone(self, zone):
        assert self.call(zone.description())["ok"]

    def judge(self, message, ip=None, sender="", helo="", now=1700000000, rules=None, sealers=(), all_ways=True):
        """message: bytes with CRLF."""
        request = {"op": "judge", "message": message.hex(), "sender": spf_tool.raw(sender).hex(), "helo": spf_tool.raw(helo).hex(), "now": now}
        request.update(sealers=list(sealers), all_ways=all_ways)
        if ip:
            request["ip"] = ip
        if rules:
            request["rules"] = rules
        return self.call(request)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def crlf(message):
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
