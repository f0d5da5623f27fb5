# SPDX-License-Identifier: Apache-2.0
"""The library's mail room for Python tests."""
import base64

from line_tool import LineTool


def b64(value):
    """Text (as UTF-8) or bytes as the tool wants it; None stays None, lists and pairs are walked."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (list, tuple)):
        return [b64(v) for v in value]
    if isinstance(value, dict):
        return {k: v if k == "ret" else b64(v) for k, v in value.items()}
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


class Tool(LineTool):
    def __init__(self):
        super().__init__("mail_tool")

    def __call__(self, op, value=None, strict=False, **description):
        request = dict(b64(description), strict=strict)
        if value is not None:
            request["in"] = b64(value)
        answer = self.ask(op=op, **request)
        if "message" in answer:
            answer["message"] = base64.b64decode(answer["message"])
        return answer
