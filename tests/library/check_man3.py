#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages of section 3: man has nothing to complain about, whatis can read them, and every exported function has one.

    check_man3.py LIST FOLDER PAGE...      FOLDER: what tools/man3.py made; PAGE: written by hand
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
import abi  # noqa: E402

SKIPPED = 77
NARROW = 80


def output(*command, **more):
    r = subprocess.run(command, capture_output=True, text=True, errors="replace", env=dict(os.environ, MANWIDTH=str(NARROW), LC_ALL="C.UTF-8"), **more)
    return r.stdout, r.stderr


def faults_of(page):
    text, said = output("man", "--warnings=all", "-P", "cat", "-l", str(page))
    faults = [f"{page.name}: {line}" for line in said.splitlines()]
    faults += [f"{page.name}: wider than {NARROW} columns: {line.strip()}" for line in text.splitlines() if len(line) > NARROW]
    faults += [f"{page.name}: quotes of a heading are lost: {line}" for line in text.splitlines() if re.match(r" {3}\S.*\"\"$", line)]
    whatis, _ = output("lexgrog", str(page))
    if f'"{page.stem} - ' not in whatis:
        faults.append(f"{page.name}: whatis cannot read it")
    return faults


def main():
    if not shutil.which("man") or not shutil.which("lexgrog") or not shutil.which("groff"):
        print("man3: skipped: no man-db or no groff here")
        return SKIPPED
    folder = pathlib.Path(sys.argv[2])
    made = {page.stem: page for page in folder.iterdir()}
    whole = [page for page in made.values() if not page.read_text().startswith(".so ")]
    faults = [f for page in whole + [pathlib.Path(p) for p in sys.argv[3:]] for f in faults_of(page)]
    for name in sorted(n for names in abi.read_list(sys.argv[1]).values() for n in names):
        lead = made[name].read_text().split() if name in made else []
        if len(lead) != 2 or not (folder.parent / lead[1]).exists() and pathlib.Path(lead[1]).name not in os.listdir(folder):
            faults.append(f"{name}: no page")
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"man3: {len(faults)} faults" if faults else f"man3: {len(whole)} pages of headers, {len(made) - len(whole)} of functions")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
