#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The binary interface of libsigillo: lib/libsigillo.symbols lists, by version, every function that the shared library exports.

    tools/abi.py map LIST                       prints the linker's version script
    tools/abi.py check LIST SOURCE LIBRARY.so [ARCHIVE.a]
                                                the headers, the list and the library name the same functions; the archive brings no name
                                                into a program that does not begin with sgl_
    tools/abi.py update LIST SOURCE             adds what the headers declare to the newest version; says what is gone

A function stays in the version in which it came.  One that goes, or changes its arguments, needs a new soname (docs/library.md).
"""
import re
import subprocess
import sys

import contracts

HEAD = "# What libsigillo.so exports, by the version in which it came; tools/abi.py checks it and makes the linker's script from it.\n"


def read_list(path):
    """{version: [names]}, in the order of the file."""
    versions, names = {}, None
    with open(path) as f:
        for number, line in enumerate(f, 1):
            line = line.split("#")[0].strip()
            if re.fullmatch(r"SIGILLO_\d+\.\d+", line):
                names = versions.setdefault(line, [])
            elif re.fullmatch(r"sgl_\w+", line) and names is not None:
                names.append(line)
            elif line:
                sys.exit(f"{path}:{number}: neither a version nor a function below one")
    return versions


def version_script(versions):
    before, out = "", []
    for number, (version, names) in enumerate(versions.items()):
        rest = "" if number else "local:\n    *;\n"
        out.append(f"{version} {{\nglobal:\n" + "".join(f"    {n};\n" for n in names) + rest + f"}}{before};\n")
        before = " " + version
    return "\n".join(out)


def exported_by(library):
    """{name: version} of a shared library, version nodes themselves left out."""
    lines = subprocess.run(["nm", "-D", "--defined-only", "--", library], check=True, capture_output=True, text=True).stdout.splitlines()
    names = [line.split()[2] for line in lines if line.split()[1] != "A"]
    return dict((name.replace("@@", "@").split("@") + [""])[:2] for name in names)


def soname(library):
    text = subprocess.run(["objdump", "-p", library], check=True, capture_output=True, text=True).stdout
    found = re.search(r"SONAME\s+(\S+)", text)
    return found[1] if found else ""


def archive_faults(archive):
    lines = subprocess.run(["nm", "--defined-only", "--extern-only", "--", archive], check=True, capture_output=True, text=True).stdout.splitlines()
    names = {line.split()[2] for line in lines if len(line.split()) == 3}
    foreign = sorted(n for n in names if not re.match(r"sgl_|__(asan|odr_asan|ubsan|sancov|gcov)|_?_llvm", n))
    return [f"{n}: in the archive, without sgl_ in front" for n in foreign]


def check(path, source, library, *archives):
    versions = read_list(path)
    listed = {name: version for version, names in versions.items() for name in names}
    declared, made = contracts.exported(source), exported_by(library)
    faults = [f"{n}: stands twice in the list" for n in sorted(listed) if sum(v.count(n) for v in versions.values()) > 1]
    faults += [f"{n}: SGL_API in a header, not in the list (tools/abi.py update)" for n in sorted(declared - set(listed))]
    faults += [f"{n}: in the list, in no header" for n in sorted(set(listed) - declared)]
    faults += [f"{n}: in the list, not exported" for n in sorted(set(listed) - set(made))]
    faults += [f"{n}: exported, not in the list" for n in sorted(set(made) - set(listed))]
    faults += [f"{n}: exported as {made[n]}, listed in {listed[n]}" for n in sorted(set(made) & set(listed)) if made[n] != listed[n]]
    faults += [f for a in archives for f in archive_faults(a)]
    if not re.fullmatch(r"libsigillo\.so\.\d+", soname(library)):
        faults.append(f"soname is {soname(library) or 'missing'}")
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"abi: {len(faults)} faults" if faults else f"abi: {len(made)} functions, as promised, in {soname(library)}")
    return 1 if faults else 0


def update(path, source):
    versions = read_list(path)
    newest, declared = list(versions)[-1], contracts.exported(source)
    listed = {name for names in versions.values() for name in names}
    versions[newest] = sorted(set(versions[newest]) | (declared - listed))
    with open(path, "w") as f:
        f.write(HEAD + "".join(f"\n{version}\n" + "".join(f"{n}\n" for n in names) for version, names in versions.items()))
    gone = sorted(listed - declared)
    print(f"abi: {len(declared - listed)} added to {newest}" + "".join(f"\n{n}: no header declares it any more" for n in gone))
    return 1 if gone else 0


def main(argv):
    if len(argv) == 2 and argv[0] == "map":
        print(version_script(read_list(argv[1])), end="")
        return 0
    if len(argv) >= 4 and argv[0] == "check":
        return check(*argv[1:])
    if len(argv) == 3 and argv[0] == "update":
        return update(*argv[1:])
    print(__doc__.split("\n\n")[1], file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
