# SPDX-License-Identifier: Apache-2.0
"""Templates against Handlebars itself (npm, pinned in tests/integration/clients/handlebars), over generated templates and data.

From a seeded generator; SIGILLO_TEMPLATES and SIGILLO_TEMPLATE_SEED make it longer and other.
"""
import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

import line_tool

COUNT = int(os.environ.get("SIGILLO_TEMPLATES", "4000"))
SEED = int(os.environ.get("SIGILLO_TEMPLATE_SEED", "20261123"))
PEERS = pathlib.Path(os.environ.get("SIGILLO_PEERS", line_tool.SOURCE / "build" / "peers"))
MODULES = PEERS / "clients" / "handlebars" / "node_modules"
NODE = shutil.which("node") or shutil.which("nodejs")
NAMES = ["a", "b", "c", "name", "items", "user", "first-name", "x_1"]
TEXTS = ["", "Ben", "<b>&\"'`=</b>", "10", "9", " 7 ", "1e2", "é€😀", "default=x", "a b"]
SPACE = ["", " ", "\n", "  \n", "\r\n", "\n\n", "\t", " x ", "y\n", "\nz", "  "]


class Peer:
    def __init__(self):
        self.process = subprocess.Popen([NODE, pathlib.Path(__file__).with_name("handlebars_peer.cjs"), MODULES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def value(r, depth=0):
    kind = r.randrange(10 if depth < 4 else 6)
    if kind < 2:
        return r.choice(TEXTS)
    if kind < 4:
        return r.choice([0, 1, -1, 2, 10, 1.5, -0.25, 1e21, 1e-7, 123456789012, 0.1, 100.0])
    if kind == 4:
        return r.choice([True, False])
    if kind == 5:
        return None
    if kind < 8:
        return [value(r, depth + 1) for _ in range(r.randrange(4))]
    return {name: value(r, depth + 1) for name in r.sample(NAMES, r.randrange(5))}


def path(r):
    kind = r.randrange(14)
    if kind == 0:
        return r.choice(["this", ".", "@index", "@key", "@first", "@last", "@../index", "..", "@nothing"])
    if kind == 1:  # not deeper: Handlebars writes "false" for members of what is false there
        return "@root." + r.choice(NAMES)
    head = r.choice(["", "", "", "", "../", "../../", "this.", "./", "this/"])
    return head + r.choice([".", "/"]).join(r.choice(NAMES + ["[a]", "[first-name]", "length"] if i else NAMES) for i in range(r.choice([1, 1, 1, 2, 3])))


def literal(r):
    return r.choice(['"Ben"', "'10'", "10", "0", "-1", "1.5", "true", "false", "null", "undefined", '"a\\"b"', '""'])


def argument(r, depth=0):
    kind = r.randrange(8)
    if kind < 5 or depth > 2:
        return path(r)
    if kind < 7:
        return literal(r)
    helper = r.choice(["length", "insert", "equals", "notEquals", "greaterThan", "lessThan", "and", "or"])
    return "(%s %s)" % (helper, " ".join(argument(r, depth + 1) for _ in range(1 if helper == "length" else 2)))


def text(r):
    return r.choice(SPACE) if r.randrange(3) else r.choice(["Hello ", "<p>", " } x {", "a\\b", "\\{{not}} x ", "\\\\{{a}}", "{ {", "\\{{a}}\\{{b}} y"])


def edge(r, char="~"):
    return char if r.randrange(6) == 0 else ""


def mustache(r, inside, opens="{{"):
    return opens + edge(r) + inside + edge(r) + "}}"


def statement(r, depth):
    kind = r.randrange(12)
    if kind < 3:
        return mustache(r, r.choice(["", " "]) + path(r) + r.choice(["", " "]))
    if kind == 3:  # with a point before it: Handlebars adds up what is not escaped, numbers as numbers
        return "." + r.choice(["{{{%s}}}", "{{{ %s }}}", "{{~{%s}}}", "{{{%s}~}}", "{{& %s}}"]) % path(r)
    if kind == 4:
        return r.choice(["{{! note }}", "{{!-- a }} b --}}", "{{!~ x}}", "{{~! x ~}}", "{{~!-- y --~}}", "{{!}}"])
    if kind == 5:
        return mustache(r, r.choice(["length %s" % argument(r, 1), "insert %s %s" % (argument(r, 1), r.choice(['"default=Customer"', '"you"', argument(r, 1)]))]))
    if depth > 3:
        return text(r)
    return block(r, depth)


def condition(r):
    kind = r.randrange(8)
    if kind < 3:
        return r.choice(["if", "unless", "if", "each", "with"]) + " " + argument(r)
    if kind == 3:
        return "if %s includeZero=true" % path(r)
    helper = r.choice(["equals", "notEquals", "greaterThan", "lessThan", "and", "or"])
    return "%s %s" % (helper, " ".join(argument(r) for _ in range(r.choice([2, 2, 3]) if helper in ("and", "or") else 2)))


def block(r, depth):
    kind = r.randrange(10)
    if kind < 2:
        head = r.choice(["each", "with"]) + " " + path(r)
    elif kind == 2:
        head = r.choice(NAMES)
    else:
        head = condition(r)
    inverted = r.randrange(12) == 0
    out = mustache(r, ("^" if inverted else "#") + head) + body(r, depth + 1)
    if not inverted:
        for _ in range(r.choice([0, 0, 0, 1, 2, 3])):
            out += mustache(r, "else " + condition(r)) + body(r, depth + 1)
    if r.randrange(3) == 0:
        out += mustache(r, r.choice(["else", "^"])) + body(r, depth + 1)
    return out + mustache(r, "/" + head.split(" ")[0])


def body(r, depth):
    return "".join(r.choice([text, text, lambda x: statement(x, depth)])(r) for _ in range(r.randrange(5)))


@pytest.fixture(scope="module")
def peer():
    if NODE is None or not (MODULES / "handlebars").is_dir():
        pytest.skip("no node, or no handlebars at %s: run tools/peers" % MODULES)
    p = Peer()
    yield p
    p.close()


@pytest.fixture(scope="module")
def ours():
    t = line_tool.LineTool("template_tool")
    yield t
    t.close()


def test_generated_templates_come_out_as_handlebars_writes_them(ours, peer):
    r = random.Random(SEED)
    filled = 0
    for i in range(COUNT):
        data = {name: value(r) for name in NAMES if r.randrange(4)}
        question = dict(text=body(r, 0) or "x", data=data, html=True)
        mine, theirs = ours.ask(op="render", **question), peer.ask(**question)
        assert mine["ok"] == theirs["ok"], (i, question, mine, theirs)
        if theirs["ok"]:
            assert mine["text"] == theirs["text"], (i, question, mine, theirs)
            filled += 1
    assert filled > COUNT // 2
