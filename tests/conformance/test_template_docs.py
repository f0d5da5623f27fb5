# SPDX-License-Identifier: Apache-2.0
"""docs/templates.md: what stands there as filled in is what comes out."""
import json
import re

import pytest

import line_tool

PAGE = (line_tool.SOURCE / "docs" / "templates.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```handlebars\n(.*?)```\n```json\n(.*?)```\n```text\n(.*?)```", PAGE, re.S)


@pytest.fixture(scope="module")
def ours():
    t = line_tool.LineTool("template_tool")
    yield t
    t.close()


def test_the_page_has_an_example_of_each_helper():
    text = "".join(t for t, _, _ in EXAMPLES)
    for helper in ("#if", "else if", "#unless", "#each", "#with", "#equals", "#greaterThan", "lessThan", "and", "length", "insert", "formatDate", "@root", "@key"):
        assert helper in text, helper
    assert len(EXAMPLES) == PAGE.count("```handlebars")


@pytest.mark.parametrize("template, data, want", EXAMPLES)
def test_examples_come_out_as_the_page_says(ours, template, data, want):
    answer = ours.ask(op="render", text=template, data=json.loads(data), html=True)
    assert answer == {"ok": True, "text": want}
