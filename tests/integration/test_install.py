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


def test_functions_have_manual_pages(installed):
    with open(one(installed, "/man3/sgl_spf_check.3")) as f:
        assert f.read() == ".so man3/sigillo_spf.3\n"
    r = subprocess.run(["man", "-M", os.path.dirname(os.path.dirname(one(installed, "/man3/sgl_spf_check.3"))), "3", "sgl_spf_check"],
                       capture_output=True, text=True)
    assert "sgl_spf_check(const struct sgl_spf_request" in r.stdout, r.stderr


def test_the_unit_starts_the_installed_program(installed):
    with open(one(installed, "/systemd/system/sigillo.service")) as f:
        unit = f.read()
    program = one(installed, "/bin/sigillo")[len(installed[1]):]
    assert re.findall(r"^Exec(?:StartPre|Start)=(\S+) serve", unit, re.M) == [program, program]
    one(installed, "/sysusers.d/sigillo.conf")


# ---- the library, for a stranger's program ----


@pytest.fixture(scope="module")
def pkg_config(installed):
    """pkg-config(ARGUMENT...) -> words, as after an installation below that root."""
    pc = one(installed, "/pkgconfig/sigillo.pc")
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc), PKG_CONFIG_SYSROOT_DIR=installed[1])
    return lambda *words: subprocess.run(["pkg-config", *words], check=True, capture_output=True, text=True, env=env).stdout.split()


STRANGER = """
#include <sigillo/dkim.h>
#include <sigillo/spf.h>
#include <stdio.h>

static void server_close(void) { puts("a name of my own"); } /* no global name of the library is in the way */
void server_reply(void); void server_reply(void) { server_close(); }

int main(void)
{
    struct sgl_crypto *crypto = sgl_crypto_new();
    uint8_t hash[SGL_SHA256_SIZE];

    server_reply();
    if (crypto == NULL || sgl_dkim_body_hash(crypto, SGL_DKIM_RELAXED, SGL_LIT(""), hash) != SGL_OK)
        return 1;
    printf("%02x%02x %s\\n", hash[0], hash[1], sgl_status_name(SGL_NEED_DNS));
    sgl_crypto_free(crypto);
    return 0;
}
"""


def build(folder, words, *, source=STRANGER, compiler="cc", name="stranger.c"):
    (folder / name).write_text(source)
    program = str(folder / "program")
    r = subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-O1", "-o", program, str(folder / name), *words], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return program


def run(program, library_path=""):
    return subprocess.run([program], capture_output=True, text=True, env=dict(os.environ, LD_LIBRARY_PATH=library_path))


def test_a_program_links_with_what_pkg_config_says(installed, pkg_config, tmp_path):
    program = build(tmp_path, pkg_config("--cflags", "--libs", "sigillo"))
    needed = subprocess.run(["objdump", "-p", program], capture_output=True, text=True).stdout
    assert "libsigillo.so.0" in needed and "libcrypto" not in needed and "libpsl" not in needed
    r = run(program, os.path.dirname(one(installed, "/libsigillo.so.0")))
    assert (r.returncode, r.stdout) == (0, "a name of my own\ne3b0 need-dns\n"), r.stderr


def test_a_program_links_with_the_archive(pkg_config, tmp_path):
    words = ["-l:libsigillo.a" if w == "-lsigillo" else w for w in pkg_config("--cflags", "--libs", "sigillo")]
    needs = [w for w in pkg_config("--print-requires-private", "sigillo") if w.startswith("lib")]
    assert needs == ["libcrypto", "libidn2", "libpsl"]
    program = build(tmp_path, words + pkg_config("--libs", *needs))
    assert "libsigillo" not in subprocess.run(["objdump", "-p", program], capture_output=True, text=True).stdout.split("Dynamic Section:")[1]
    r = run(program)
    assert (r.returncode, r.stdout) == (0, "a name of my own\ne3b0 need-dns\n"), r.stderr


def test_every_public_header_is_installed_and_no_other(installed):
    here = set(os.listdir(os.path.join(ROOT, "include", "sigillo"))) - {"banned.h"}
    assert {p.rsplit("/", 1)[1] for p in installed[0] if "/include/" in p} == here
