# SPDX-License-Identifier: Apache-2.0
"""`make install`: what the README and the unit file rely on is there, and runs from there."""
import os
import re
import subprocess

import pytest

from world.daemon import PROGRAM, ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("root"))
    r = subprocess.run(["meson", "install", "-C", os.path.dirname(PROGRAM), "--no-rebuild"], capture_output=True, text=True,
                       env=dict(os.environ, DESTDIR=folder))
    assert r.returncode == 0, r.stdout + r.stderr
    return {os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names}, folder


def one(installed, ending):
    found = [path for path in installed[0] if path.endswith(ending)]
    assert len(found) == 1, (ending, found)
    return os.path.join(installed[1], found[0])


def test_the_program_runs_from_where_it_was_put(installed):
    r = subprocess.run([one(installed, "/bin/sigillo"), "--version"], capture_output=True, text=True)
    assert r.returncode == 0 and r.stdout.startswith("sigillo ")


def test_every_man_page_and_completion_is_there(installed):
    for page in os.listdir(os.path.join(ROOT, "man")):
        one(installed, "/man%s/%s" % (page[-1], page))
    for name in ("bash-completion/completions/sigillo", "site-functions/_sigillo", "vendor_completions.d/sigillo.fish"):
        one(installed, name)


def test_the_unit_starts_the_installed_program(installed):
    with open(one(installed, "/systemd/system/sigillo.service")) as f:
        unit = f.read()
    program = one(installed, "/bin/sigillo")[len(installed[1]):]
    assert re.findall(r"^Exec(?:StartPre|Start)=(\S+) serve", unit, re.M) == [program, program]
    one(installed, "/sysusers.d/sigillo.conf")
