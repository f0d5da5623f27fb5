#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Marks of rules in lib/ without a test that carries the same mark.

    tools/check_marks.py [-v] [SOURCE]

A mark is [RFC nnnn sX.Y], also several in one bracket: [RFC 6376 s3.4.1, s3.4.2; RFC 8301 s3.1].  A report, never a failure; -v lists places.
"""
import pathlib
import re
import sys

BRACKET = re.compile(r"\[((?:RFC )\d+ [^\]]{1,200})\]", re.S)


def marks(text):
    """(rfc, section, offset) of every mark."""
    for bracket in BRACKET.finditer(text):
        rfc = None
        for part in re.split(r"[,;]|\band\b", bracket[1]):
            number = re.search(r"RFC\s+(\d+)", part)
            rfc = number[1] if number else rfc
            section = re.search(r"\bs([\dA-Z][\d.]*)", part)
            if rfc and section:
                yield rfc, section[1].rstrip("."), bracket.start()


def collect(root, folders, pattern):
    found = {}
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if not path.is_file() or not re.search(pattern, path.name):
                continue
            text = path.read_text(errors="replace")
            for rfc, section, offset in marks(text):
                found.setdefault((rfc, section), []).append(f"{path.relative_to(root)}:{text.count(chr(10), 0, offset) + 1}")
    return found


def main():
    args = [a for a in sys.argv[1:] if a != "-v"]
    root = pathlib.Path(args[0] if args else pathlib.Path(__file__).parents[1])
    rules = collect(root, ["lib"], r"\.[ch]$")
    tested = collect(root, ["tests", "fuzz"], r"\.(c|h|py|txt)$")
    missing = sorted(set(rules) - set(tested), key=lambda m: (int(m[0]), m[1]))
    if "-v" in sys.argv[1:]:
        for mark in missing:
            print(f"[RFC {mark[0]} s{mark[1]}] {', '.join(rules[mark])}")
    print(f"marks: {len(rules)} rules in lib/, {len(rules) - len(missing)} of them named by a test, {len(missing)} not")
    return 0


if __name__ == "__main__":
    sys.exit(main())
