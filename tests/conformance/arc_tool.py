# SPDX-License-Identifier: Apache-2.0
"""The library's ARC for Python tests."""
import base64

from dns_zone import of_texts
from line_tool import LineTool


class Tool(LineTool):
    def __init__(self):
        super().__init__("arc_tool")

    def __call__(self, op, message, txt, **more):
        answer = self.ask(op=op, message=base64.b64encode(message).decode(), zone=of_texts(txt), **more)
        if "fields" in answer:
            answer["fields"] = base64.b64decode(answer["fields"])
        return answer


def wire(text):
    """A message as the suites write it, with the line ends that it has on the wire."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
