# SPDX-License-Identifier: Apache-2.0
"""The library's whole verdict for Python tests."""
from dns_zone import raw
from line_tool import LineTool


class Tool(LineTool):
    def __init__(self, **environment):
        super().__init__("verdict_tool", environment)

    def zone(self, zone):
        assert self.ask(op="zone", **zone.description())["ok"]

    def judge(self, message, ip=None, sender="", helo="", now=1700000000, rules=None, sealers=(), all_ways=True):
        """message: bytes with CRLF."""
        request = {"message": message.hex(), "sender": raw(sender).hex(), "helo": raw(helo).hex(), "now": now}
        request.update(sealers=list(sealers), all_ways=all_ways)
        if ip:
            request["ip"] = ip
        if rules:
            request["rules"] = rules
        return self.ask(op="judge", **request)
