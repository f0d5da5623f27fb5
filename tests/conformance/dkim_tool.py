# SPDX-License-Identifier: Apache-2.0
"""The library's DKIM for Python tests."""
import base64

from dns_zone import of_texts
from line_tool import LineTool


class Tool(LineTool):
    def __init__(self):
        super().__init__("dkim_tool")

    def __call__(self, op, message=None, **request):
        if message is not None:
            request["in"] = base64.b64encode(message).decode()
        answer = self.ask(op=op, **request)
        if "message" in answer:
            answer["message"] = base64.b64decode(answer["message"])
        return answer

    def verify(self, message, dns, now, partial=False):
        """The results of all signatures, in their order."""
        answer = self("verify", message, zone=of_texts(dns), now=int(now), partial=partial)
        assert answer["ok"], answer
        return answer["signatures"]
