# SPDX-License-Identifier: Apache-2.0
"""What `make install` puts below a folder, and programs of strangers that are built against it."""
import os
import subprocess


class Installed:
    """files: all paths below the folder. pkg_config(WORD...) -> words, as if the folder were the root."""

    def __init__(self, folder, build):
        self.folder = folder
        r = subprocess.run(["meson", "install", "-C", build, "--no-rebuild"], capture_output=True, text=True,
                           env=dict(os.environ, DESTDIR=folder))
        assert r.returncode == 0, r.stdout + r.stderr
        self.files = {os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names}

    def one(self, ending):
        """The path of the one file whose name ends so."""
        found = [path for path in self.files if path.endswith(ending)]
        assert len(found) == 1, (ending, found)
        return os.path.join(self.folder, found[0])

    def pkg_config(self, *words):
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(self.one("/pkgconfig/sigillo.pc")), PKG_CONFIG_SYSROOT_DIR=self.folder)
        return subprocess.run(["pkg-config", *words], check=True, capture_output=True, text=True, env=env).stdout.split()

    def run(self, program, *arguments, **more):
        """Runs a program that needs libsigillo.so.0."""
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(self.one("/libsigillo.so.0")))
        return subprocess.run([program, *arguments], capture_output=True, env=env, timeout=60, **more)


def compile_program(source, program, *words):
    r = subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-O1", "-o", str(program), str(source), *words], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return str(program)
