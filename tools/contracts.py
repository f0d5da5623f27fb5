#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the public headers: their comments are the contracts, so manual pages and the list of exported symbols come from here.

A header is a list of items in their order.  A comment on its own line belongs to the declaration below it, one behind a declaration
to that.  Functions that follow one with a comment, without a blank line, without a comment of their own and of the same type, share
it.

    tools/contracts.py headers SOURCE           prints the headers that are installed
    tools/contracts.py include SOURCE           prints a line of C for each that includes it
"""
import dataclasses
import pathlib
import re
import sys

INTERNAL = {"banned.h"}  # poisons names that a stranger's program may well use: for this source tree only
SECTION = re.compile(r"^-{2,}\s*(.*?)\s*-*$", re.S)
NOT_SHOWN = {"SGL_API", "SGL_MUST_USE", "SGL_PRINTF"}


@dataclasses.dataclass
class Item:
    kind: str  # section, text, function, type, macro
    text: str  # of the declaration, without comments; of a section, its title
    comment: str = ""
    name: str = ""
    members: list = dataclasses.field(default_factory=list)  # of a type: (depth, declaration, comment)
    joined: bool = False  # shares the comment of the function above
    above: bool = False  # a function whose comment stands above it
    api: bool = False  # exported, not inline


@dataclasses.dataclass
class Header:
    name: str
    comment: str
    items: list
    includes: list


def plain(comment):
    """The text of a comment: its lines without stars, relative indentation kept."""
    first, *more = comment[2:-2].split("\n")
    lines = [first.strip()] + [re.sub(r"^\s*\* ?", "", line).rstrip() for line in more]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)


def public_headers(root):
    return sorted(p for p in (pathlib.Path(root) / "include" / "sigillo").glob("*.h") if p.name not in INTERNAL)


TOKEN = re.compile(r"/\*.*?\*/|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*|[{};]|\n[ \t]*\n|[^/{};\n#]+|\n|[/#]", re.S | re.M)


class Reader:
    """Walks over one header at depth 0 and collects its items."""

    def __init__(self, text):
        self.items, self.includes = [], []
        self.pending = ""  # a comment that waits for its declaration
        self.inside, self.after = "", ""  # bytes of the declaration so far; its first inner comment
        self.raw = ""
        self.depth = 0
        self.last = None  # the item that a comment behind it belongs to
        self.fresh = True  # a blank line stands between the last item and here
        for match in TOKEN.finditer(text):
            self.token(match[0])
        self.flush_text()
        for item in self.items:
            item.joined = item.joined and not item.comment

    def flush_text(self):
        if self.pending:
            self.items.append(Item("text", "", self.pending))
        self.pending = ""

    def token(self, t):
        if self.inside.strip():
            self.continue_declaration(t)
        elif t.startswith("/*"):
            self.comment(t)
        elif t.lstrip().startswith("#"):
            self.preprocessor(t.strip())
        elif t.startswith("\n"):
            self.last = None
            if t.count("\n") > 1:
                self.fresh = True
                self.flush_text()
        elif t == "}" or t == ";":  # the end of extern "C"
            pass
        elif t.strip():
            self.inside = self.raw = t
            self.depth = 0

    def comment(self, t):
        text = plain(t)
        section = SECTION.match(text)
        if self.last is not None:
            self.last.comment = (self.last.comment + "\n" + text).strip()
        elif section and not text.strip("-").strip().count("\n"):
            self.flush_text()
            self.items.append(Item("section", section[1]))
        else:
            self.flush_text()
            self.pending = text

    def preprocessor(self, t):
        include = re.match(r'#\s*include "sigillo/(\w+)\.h"', t)
        if include:
            self.includes.append(include[1])
        define = re.match(r"#\s*define (\w+)(\([^)]*\))?[ \t]*(.*)", t, re.S)
        if not define or define[1].startswith("SIGILLO_") or define[1] in NOT_SHOWN:
            return
        value = define[3]
        own = " ".join(plain(c) for c in re.findall(r"/\*.*?\*/", value, re.S))
        value = re.sub(r"/\*.*?\*/", "", value, flags=re.S)
        value = re.sub(r"\s*\\\n\s*", " ", value).strip()
        if any(i.kind == "macro" and i.name == define[1] for i in self.items):
            self.pending = ""
            return
        item = Item("macro", value, (self.pending + "\n" + own).strip(), define[1] + (define[2] or ""))
        self.pending = ""
        self.add(item)

    def add(self, item):
        self.items.append(item)
        self.last, self.fresh = item, False

    def continue_declaration(self, t):
        self.raw += t
        if t.startswith("/*"):
            return
        if t == "{":
            if re.match(r'\s*extern "C"\s*$', self.inside):
                self.inside = self.raw = ""
                return
            self.depth += 1
        elif t == "}":
            self.depth -= 1
        self.inside += t
        inline = self.inside.lstrip().startswith("static inline")
        if self.depth == 0 and (t == ";" or (t == "}" and inline)):
            self.finish(inline)

    def finish(self, inline):
        code, raw = self.inside, self.raw
        self.inside = self.raw = ""
        comment, self.pending = self.pending, ""
        head = code.split("{")[0]
        if "(" in head and not re.match(r"\s*(struct|enum|union|typedef)\b[^(]*\{", code):
            name = re.search(r"(\w+)\s*\(", re.sub(r"__attribute__\(\(.*?\)\)|SGL_PRINTF\(.*?\)", "", head))[1]
            proto = re.sub(r"\b(SGL_API|SGL_MUST_USE|static inline)\b|SGL_PRINTF\([^)]*\)", "", head)
            proto = re.sub(r"\s+", " ", proto).strip().rstrip(";").strip() + ";"
            proto = re.sub(r"\* (\w)", r"*\1", proto).replace("( ", "(")
            before = self.items[-1] if self.items else None
            joined = not comment and not self.fresh and before is not None and (before.above or before.joined) and arguments(before) == arguments(proto)
            self.add(Item("function", proto, comment, name, joined=joined, above=bool(comment), api=not inline))
        else:
            item = type_of(raw, comment)
            self.add(item)


def arguments(function):
    """What a function returns, and the types of its arguments, without names."""
    text = function.text if isinstance(function, Item) else function
    head = re.sub(r"\w+$", "", text.split("(", 1)[0])
    return [head] + [re.sub(r"\w+(\[.*\])?$", "", a.strip()) for a in text.split("(", 1)[1].rsplit(")", 1)[0].split(",")]


def type_of(raw, comment):
    """A struct, union, enum or typedef: its members with what is said of each."""
    members, decl, said, depth, opening = [], "", "", 0, ""
    last = None
    enum_at = None
    for t in re.findall(r"/\*.*?\*/|[{};,]|\n|[^/{};,\n]+|/", raw, re.S):
        if t.startswith("/*"):
            text = plain(t)
            if last == "opening":
                opening = (opening + " " + text).strip()
            elif last is not None:
                members[last] = members[last][:2] + ((members[last][2] + "\n" + text).strip(),)
            else:
                said = (said + "\n" + text).strip()
        elif t == "\n":
            last = None if last != "opening" else last
            decl += " "
        elif t == "{":
            enum_at = depth if re.match(r"\s*(typedef )?enum\b", decl) else enum_at
            members.append((depth, re.sub(r"\s+", " ", decl).strip() + " {", said))
            decl, said = "", ""
            last = "opening" if depth == 0 else len(members) - 1
            depth += 1
        elif t == "}" and depth:
            if decl.strip():
                members.append((depth, re.sub(r"\s+", " ", decl).strip() + ("," if enum_at is not None else ""), said))
                decl, said = "", ""
            depth -= 1
            if enum_at is not None and depth <= enum_at:
                enum_at = None
            decl, last = "}", None
        elif t == ";" or (t == "," and enum_at is not None and "(" not in decl):
            members.append((depth, re.sub(r"\s+", " ", decl).strip() + t, said))
            decl, said, last = "", "", len(members) - 1
        else:
            if t.strip() and last == "opening":
                last = None
            decl += t
    first = members[0][1] if members else raw
    name = re.match(r"(?:typedef )?(?:struct|enum|union)?\s*(\w*)", first)[1]
    if first.startswith("typedef") and members:
        name = re.search(r"(\w+)\s*;$", members[-1][1])[1]
    return Item("type", first.split("{")[0].strip(), (comment + "\n" + opening).strip(), name, members=members)


def read(path):
    text = path.read_text()
    text = re.sub(r"/\* clang-format (off|on) \*/\n|/\* SPDX[^\n]*\n", "", text)
    text = re.sub(r"#if(?:def __cplusplus|\b[^\n]*__GNUC__)[^\n]*\n(.*?)#endif[^\n]*\n", branch, text, flags=re.S)
    top = re.match(r"\s*(/\*.*?\*/)", text, re.S)
    reader = Reader(text[top.end() :] if top else text)
    return Header(path.name, plain(top[1]) if top else "", reader.items, reader.includes)


def branch(match):
    """Of an #if on the compiler, what a C program sees."""
    parts = re.split(r"^#else[^\n]*\n", match[1], maxsplit=1, flags=re.M)
    return parts[1] if len(parts) == 2 and "__cplusplus" in match[0].split("\n")[0] else ""


def read_all(root):
    return [read(path) for path in public_headers(root)]


def exported(root):
    """Names that the library promises to others."""
    return {item.name for header in read_all(root) for item in header.items if item.kind == "function" and item.api}


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("headers", "include"):
        sys.exit("usage: contracts.py headers|include SOURCE")
    for header in public_headers(sys.argv[2]):
        print(header if sys.argv[1] == "headers" else f'#include "sigillo/{header.name}"')
