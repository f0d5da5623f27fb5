#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/abi.py says what is wrong with a list that does not fit the library.

    abi_notices.py LIST SOURCE LIBRARY.so
"""
import contextlib
import io
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
import abi  # noqa: E402

CASES = [  # what is done to the list, what must be said
    ("sgl_spf_check\n", "", "sgl_spf_check: SGL_API in a header, not in the list"),
    ("sgl_spf_check\n", "sgl_spf_check\nsgl_spf_chuck\n", "sgl_spf_chuck: in the list, in no header"),
    ("sgl_spf_check\n", "sgl_spf_check\nsgl_spf_chuck\n", "sgl_spf_chuck: in the list, not exported"),
    ("sgl_spf_check\n", "sgl_spf_check\nsgl_spf_check\n", "sgl_spf_check: stands twice in the list"),
    ("sgl_spf_check\n", "", "sgl_spf_check: exported, not in the list"),
    ("sgl_view_trim\n", "\nSIGILLO_0.2\nsgl_view_trim\n", "sgl_view_trim: exported as SIGILLO_0.1, listed in SIGILLO_0.2"),
]


def said(text, source, library):
    with tempfile.NamedTemporaryFile("w", suffix=".symbols") as f:
        f.write(text)
        f.flush()
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = abi.check(f.name, source, library)
    return status, out.getvalue()


def main():
    text, (source, library) = pathlib.Path(sys.argv[1]).read_text(), sys.argv[2:4]
    faults = 0
    for old, new, want in CASES:
        status, got = said(text.replace("\n" + old, "\n" + new, 1), source, library)
        if status != 1 or want not in got:
            faults += 1
            print(f"want: {want}\ngot:  {got.strip()}")
    script = abi.version_script({"SIGILLO_0.1": ["sgl_a"], "SIGILLO_0.2": ["sgl_b"]})
    if "".join(script.split()) != "SIGILLO_0.1{global:sgl_a;local:*;};SIGILLO_0.2{global:sgl_b;}SIGILLO_0.1;":
        faults += 1
        print(script)
    print(f"abi_notices: {len(CASES) + 1} cases, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
