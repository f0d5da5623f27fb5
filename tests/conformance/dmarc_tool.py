# SPDX-License-Identifier: Apache-2.0
"""The library's DMARC and Public Suffix List for Python tests."""
from dns_zone import of_texts
from line_tool import SHARED, LineTool

LIST = SHARED / "psl" / "public_suffix_list.dat"


class Tool(LineTool):
    def __init__(self, suffixes=None):
        super().__init__("dmarc_tool")
        if suffixes is not None:
            assert self.ask(op="list", path=str(suffixes))["ok"]

    def zone(self, zone):
        assert self.ask(op="zone", zone=of_texts(zone))["ok"]

    def check(self, author, spf=None, dkim=(), **more):
        answer = self.ask(op="check", author=author, spf=spf, dkim=list(dkim), **more)
        assert answer["ok"], answer
        return answer

    def author(self, header):
        return self.ask(op="author", header=header.hex() if isinstance(header, bytes) else header.encode("utf-8", "surrogateescape").hex())

    def parse(self, text):
        return self.ask(op="parse", text=text.encode().hex())
