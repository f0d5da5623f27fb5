# SPDX-License-Identifier: Apache-2.0
"""`make install`: what the README and the unit file rely on is there, and runs from there."""
import os
import re
import subprocess

from installed import compile_program
from world.daemon import ROOT


def test_the_program_runs_from_where_it_was_put(installed):
    r = subprocess.run([installed.one("/bin/sigillo"), "--version"], capture_output=True, text=True)
    assert r.returncode == 0 and r.stdout.startswith("sigillo ")


def test_every_man_page_and_completion_is_there(installed):
    for page in os.listdir(os.path.join(ROOT, "man")):
        installed.one("/man%s/%s" % (page[-1], page))
    for name in ("bash-completion/completions/sigillo", "site-functions/_sigillo", "vendor_completions.d/sigillo.fish"):
        installed.one(name)


def test_functions_have_manual_pages(installed):
    with open(installed.one("/man3/sgl_spf_check.3")) as f:
        assert f.read() == ".so man3/sigillo_spf.3\n"
    r = subprocess.run(["man", "-M", os.path.dirname(os.path.dirname(installed.one("/man3/sgl_spf_check.3"))), "3", "sgl_spf_check"],
                       capture_output=True, text=True)
    assert "sgl_spf_check(const struct sgl_spf_request" in r.stdout, r.stderr


def test_the_overviews_name_every_public_header():
    with open(os.path.join(ROOT, "docs", "library.md")) as f:
        page = f.read()
    with open(os.path.join(ROOT, "man", "libsigillo.3")) as f:
        manual = f.read()
    for name in sorted(set(os.listdir(os.path.join(ROOT, "include", "sigillo"))) - {"banned.h"}):
        assert "`%s`" % name in page, name
        assert "sigillo_%s\\fR(3)" % name[:-2] in manual, name


def test_the_unit_starts_the_installed_program(installed):
    with open(installed.one("/systemd/system/sigillo.service")) as f:
        unit = f.read()
    program = installed.one("/bin/sigillo")[len(installed.folder):]
    assert re.findall(r"^Exec(?:StartPre|Start)=(\S+) serve", unit, re.M) == [program, program]
    installed.one("/sysusers.d/sigillo.conf")


# ---- the library, for a stranger's program ----


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


SAYS = b"a name of my own\ne3b0 need-dns\n"


def stranger(folder, *words):
    (folder / "stranger.c").write_text(STRANGER)
    return compile_program(folder / "stranger.c", folder / "stranger", *words)


def test_a_program_links_with_what_pkg_config_says(installed, tmp_path):
    program = stranger(tmp_path, *installed.pkg_config("--cflags", "--libs", "sigillo"))
    needed = subprocess.run(["objdump", "-p", program], capture_output=True, text=True).stdout
    assert "libsigillo.so.0" in needed and "libcrypto" not in needed and "libpsl" not in needed
    r = installed.run(program)
    assert (r.returncode, r.stdout) == (0, SAYS), r.stderr


def test_a_program_links_with_the_archive(installed, tmp_path):
    words = ["-l:libsigillo.a" if w == "-lsigillo" else w for w in installed.pkg_config("--cflags", "--libs", "sigillo")]
    needs = [w for w in installed.pkg_config("--print-requires-private", "sigillo") if w[0].isalpha()]
    assert needs == ["libcrypto", "libidn2", "libpsl", "expat"]
    program = stranger(tmp_path, *words, *installed.pkg_config("--libs", *needs))
    assert "libsigillo" not in subprocess.run(["objdump", "-p", program], capture_output=True, text=True).stdout.split("Dynamic Section:")[1]
    r = subprocess.run([program], capture_output=True)
    assert (r.returncode, r.stdout) == (0, SAYS), r.stderr


def test_every_public_header_is_installed_and_no_other(installed):
    here = set(os.listdir(os.path.join(ROOT, "include", "sigillo"))) - {"banned.h"}
    assert {p.rsplit("/", 1)[1] for p in installed.files if "/include/" in p} == here
