#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Manual pages of section 3 from the contracts in the public headers.

    tools/man3.py SOURCE VERSION FOLDER

One page a header, sigillo_spf(3) for sigillo/spf.h, and for each of its functions a page that leads there: sgl_spf_check(3).  What a
comment begins with "Private: " is left out.
"""
import pathlib
import re
import sys
import textwrap

import contracts

STATUSES = re.compile(r"\bSGL_(?:OK|MORE|NEED_DNS|E_[A-Z]+)\b")
PROTOTYPE, CODE = 72, 68  # columns of 80 that man's indentation leaves
LETTERS = {"ü": "\\[:u]"}


def page_of(header):
    return "sigillo_" + header.removesuffix(".h")


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\[aq]").replace("`", "\\[ga]").replace("^", "\\[ha]").replace("~", "\\[ti]")
    for letter, name in LETTERS.items():
        text = text.replace(letter, name)
    return text


def inline(text):
    """Running text: functions are bold, the marks of RFCs stay."""
    text = re.sub(r"  +", " ", text.strip())
    text = escape(text)
    text = re.sub(r"\b(sgl_\w+)\(\)", r"\\fB\1\\fR()", text)
    return "\\&" + text if text.startswith(".") else text


def code(lines):
    return ["\\&" + escape(line) if line else "" for line in lines]


def narrow(line):
    """A line of an example within its columns: what is said behind it goes above it."""
    parts = re.match(r"(\s*)(\S.*?) {3,}(\S.*)$", line)
    if len(line) <= CODE:
        return [line]
    if parts and len(parts[1] + parts[2]) <= CODE:
        said = textwrap.wrap(f"/* {parts[3]} */", CODE, initial_indent=parts[1], subsequent_indent=parts[1] + "   ")
        return said + [parts[1] + parts[2]]
    return textwrap.wrap(line, CODE, subsequent_indent="    ", break_on_hyphens=False)


def example(lines):
    lines = [short for line in textwrap.dedent("\n".join(lines)).split("\n") for short in narrow(line) or [""]]
    return [".PP", ".in +4n", ".nf", *code(lines), ".fi", ".in"]


TERM = re.compile(r"^([A-Za-z_][\w>.*-]*(?:, [a-z_]\w*)*)(?: {2,})(?!\[)(\S.*)$")


def prose(comment):
    """A comment's paragraphs: text, lists of "name  what it is", and indented examples."""
    out, par, item_indent = [], [], None
    lines = comment.split("\n")

    def flush():
        if par:
            out.append(inline(" ".join(par)))
            par.clear()

    number = 0
    while number < len(lines):
        line = lines[number]
        indent = len(line) - len(line.lstrip())
        term = TERM.match(line.strip())
        if not line.strip():
            flush()
            out.append(".PP")
            item_indent = None
        elif indent >= 2 and item_indent is None and not par:  # nothing above that it could continue
            flush()
            block = []
            while number < len(lines) and (lines[number].startswith(" ") or not lines[number].strip()):
                block.append(lines[number])
                number += 1
            while block and not block[-1].strip():
                block.pop()
            out += example(block) + [".PP"]
            continue
        elif term and not (par and item_indent is None and indent == 0 and "," in term[1]):
            flush()
            nested = item_indent is not None and indent > 1
            out += [".TP"] if not nested else [".br"]
            out += [f"\\fI{escape(term[1])}\\fR"] if not nested else []
            par.append(term[2] if not nested else f"{term[1]}: {term[2]}")
            item_indent = indent if item_indent is None else item_indent
        elif item_indent is not None and indent == 0:
            flush()
            out.append(".PP")
            item_indent = None
            par.append(line.strip())
        else:
            par.append(line.strip())
        number += 1
    flush()
    squeezed = []
    for line in out:
        if line != ".PP" or (squeezed and squeezed[-1] != ".PP"):
            squeezed.append(line)
    while squeezed and squeezed[0] == ".PP":
        squeezed.pop(0)
    while squeezed and squeezed[-1] == ".PP":
        squeezed.pop()
    return squeezed


def prototype(text):
    """Bold, broken between arguments so that it stays within 80 columns behind the indentation of man."""
    head, _, rest = text.partition("(")
    arguments = re.split(r", (?![^()]*\))", rest.rsplit(")", 1)[0])
    lines, line = [], head + "("
    for number, argument in enumerate(arguments):
        piece = argument + (", " if number + 1 < len(arguments) else ");")
        if len(line) + len(piece.rstrip()) > PROTOTYPE and line.strip():
            lines.append(line.rstrip())
            line = "    "
        line += piece
    lines.append(line)
    return [f"\\fB{escape(l)}\\fR" if not l.startswith(" ") else f"    \\fB{escape(l.strip())}\\fR" for l in lines]


def type_code(item):
    """The type as C, one member a line; what is said of members stands below it."""
    if not item.members:
        return [item.text]
    lines, flat = [], len(item.members) > 2 and all(not c for _, _, c in item.members[1:])
    if flat and item.text.startswith("enum"):
        inner = " ".join(d for depth, d, _ in item.members[1:-1])
        lines = textwrap.wrap(f"{item.text} {{ {inner.rstrip(',')} {item.members[-1][1]}", CODE, subsequent_indent="    ", break_on_hyphens=False)
        return [line if line.strip() != "};" else "};" for line in lines]
    for depth, declaration, _ in item.members:
        declaration = re.sub(r"\* (\w)", r"*\1", declaration)
        indent = "    " * depth
        lines += textwrap.wrap(declaration, CODE, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False)
    return lines


def member_name(declaration):
    declaration = declaration.rstrip(",;").replace(" {", "")
    function = re.search(r"\(\*(\w+)\)", declaration)
    if function:
        return function[1]
    declaration = re.sub(r"\[[^\]]*\]|:\s*\d+$", "", declaration.split("=")[0]).strip()
    first, *more = [part.strip() for part in declaration.split(",")]
    names = [re.search(r"(\w+)$", first)] + [re.search(r"(\w+)$", m) for m in more]
    return ", ".join(n[1] for n in names if n)


def type_part(item):
    out = [".PP", ".in +4n", ".nf", *code(type_code(item)), ".fi", ".in"]
    if item.comment:
        out += [".PP", *prose(item.comment)]
    for _, declaration, said in item.members:
        if said:
            out += [".TP", f"\\fI{escape(member_name(declaration))}\\fR", inline(" ".join(said.split("\n")))]
    return out


def function_groups(items):
    """Functions with the comment that they share; other items alone."""
    groups = []
    for item in items:
        if item.kind == "function" and item.joined and groups and groups[-1][0].kind == "function":
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def function_part(group):
    out = [".PP", ".nf"]
    for item in group:
        out += prototype(item.text)
    out += [".fi"]
    said = [item for item in group if item.comment]
    if not said:
        return out
    out += [".RS 4"]
    if said == group[:1]:
        out += prose(group[0].comment)
    else:
        for item in said:
            out += [".PP", *prose((f"{item.name}(): " if len(group) > 1 and item is not group[0] else "") + item.comment)]
    return out + [".RE"]


def macros_part(macros):
    out = []
    for item in macros:
        value = item.text if len(item.text) <= 48 and not item.text.startswith("{") else ""
        said = " ".join(item.comment.split("\n"))
        out += [".TP", f"\\fB{escape(item.name)}\\fR" + (f" {escape(value)}" if value and "(" not in item.name else "")]
        out += [inline(said)] if said else ["\\&"]
    return out


def body(header):
    out, macros = [], []
    for group in function_groups(header.items):
        item = group[0]
        if item.kind == "macro":
            macros.append(item)
            continue
        out += macros_part(macros)
        macros = []
        if item.kind == "section":
            title = escape(item.text[:1].upper() + item.text[1:]).replace('"', "\\[dq]")
            out += [f'.SS "{title}"']
        elif item.kind == "text":
            out += [".PP", *prose(item.comment)]
        elif item.kind == "type" and item.members:
            out += type_part(item)
        elif item.kind == "function":
            out += function_part(group)
    return out + macros_part(macros)


def short(comment):
    """One line for whatis: the first sentence, without RFC marks."""
    first = re.sub(r"\s*\[RFC[^\]]*\]", "", " ".join(comment.split("\n\n")[0].split("\n")))
    first = re.split(r"(?<=[a-z)])\.(?:\s|$)", first)[0]
    first = re.sub(r"\s+", " ", first).strip().rstrip(".:")
    return first if len(first) <= 100 else first.split(": ")[0].split("; ")[0]


def returns(header, statuses):
    used = set()
    for item in header.items:
        if item.kind == "function":
            used |= set(STATUSES.findall(item.comment))
            used |= {"SGL_OK"} if item.text.startswith("enum sgl_status ") else set()
    if not used:
        return []
    out = [".SH RETURN VALUE", "Functions that return \\fBenum sgl_status\\fR give one of these, as said above; verdicts are in the result, never in the status."]
    for name, said in statuses:
        if name in used:
            out += [".TP", f"\\fB{name}\\fR", inline(said)]
    return out


def statuses_of(headers):
    status = next(h for h in headers if h.name == "status.h")
    members = next(i for i in status.items if i.name == "sgl_status").members
    said = {"SGL_OK": "it worked; only then are results set", "SGL_E_NOMEM": "memory ended"}
    pairs = [(re.match(r"SGL_\w+", d), c) for _, d, c in members]
    return [(m[0], c or said.get(m[0], "")) for m, c in pairs if m]


def page(header, version, statuses):
    header.items = [i for i in header.items if not i.comment.startswith("Private: ")]
    name = page_of(header.name)
    functions = [i for i in header.items if i.kind == "function"]
    out = [
        '.\\" Made by tools/man3.py from include/sigillo/' + header.name + "; SPDX-License-Identifier: Apache-2.0",
        f'.TH {name} 3 "" "sigillo {version}" "libsigillo"',
        ".ad l",
        ".nh",
        ".SH NAME",
        f"{name} \\- {escape(short(header.comment))}",
        ".SH SYNOPSIS",
        ".nf",
        f"\\fB#include <sigillo/{header.name}>\\fR",
    ]
    for item in functions:
        out += ["", *prototype(item.text)]
    out += [".fi", ".PP", "cc ... $(pkg\\-config \\-\\-cflags \\-\\-libs sigillo)", ".SH DESCRIPTION"]
    out += prose(header.comment) + body(header) + returns(header, statuses)
    see = [f"\\fB{page_of(i)}\\fR(3)" for i in header.includes] + ["\\fBlibsigillo\\fR(3)"]
    return "\n".join(out + [".SH SEE ALSO", ",\n".join(see), ""])


def main():
    if len(sys.argv) != 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    headers, version, folder = contracts.read_all(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    statuses = statuses_of(headers)
    for header in headers:
        name = page_of(header.name)
        (folder / f"{name}.3").write_text(page(header, version, statuses))
        for item in header.items:
            if item.kind == "function":
                (folder / f"{item.name}.3").write_text(f".so man3/{name}.3\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
