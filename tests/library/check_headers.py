#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header by itself, without a warning: as C17, C11 and C++17.

    check_headers.py SOURCE -- CC... [-- CXX...]
"""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
import contracts  # noqa: E402

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-"]


def complaints(compiler, language, source, lines):
    command = [*compiler, "-x", language[0], f"-std={language[1]}", f"-I{source}/include", *STRICT]
    r = subprocess.run(command, input="".join(lines) + "struct not_empty;\n", capture_output=True, text=True)
    return r.stderr if r.returncode else ""


def main():
    source, compilers, now = sys.argv[1], [], None
    for word in sys.argv[2:]:
        if word == "--":
            now = []
            compilers.append(now)
        else:
            now.append(word)
    languages = [(compilers[0], ("c", "c11")), (compilers[0], ("c", "c17"))] + [(c, ("c++", "c++17")) for c in compilers[1:2]]
    lines = [f'#include "sigillo/{h.name}"\n' for h in contracts.public_headers(source)]
    faults = 0
    for compiler, language in languages:
        alone = [[line] for line in lines] if language[1] != "c11" else []
        for unit in [lines, *alone]:
            said = complaints(compiler, language, source, unit)
            if said:
                faults += 1
                print(f"{language[1]}: {unit[0].strip() if len(unit) == 1 else 'all headers'}\n{said}")
    print(f"headers: {faults} faults" if faults else f"headers: {len(lines)}, each by itself, in {', '.join(l[1] for _, l in languages)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
