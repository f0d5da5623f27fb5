# SPDX-License-Identifier: Apache-2.0
"""The library's SPF for Python tests."""
from dns_zone import raw
from line_tool import LineTool


class Tool(LineTool):
    def __init__(self, environment=None):
        super().__init__("spf_tool", environment)

    def zone(self, zone):
        assert self.ask(op="zone", **zone.description())["ok"]

    def check(self, ip, sender, helo, identity="mailfrom", receiver="", now=1400000000):
        return self.ask(op="check", ip=ip, sender=raw(sender).hex(), helo=raw(helo).hex(), identity=identity, receiver=receiver, now=now)

    def parse(self, text):
        return self.ask(op="parse", text=raw(text).hex())

    def tree(self, domain):
        return self.ask(op="tree", domain=domain)
