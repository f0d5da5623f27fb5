/* SPDX-License-Identifier: Apache-2.0 */
#include "signing_key.h"

#include <fcntl.h>
#include <unistd.h>

#define KEY_MAX ((size_t)64 * 1024)

bool signing_key_read(const struct sgl_crypto *crypto, const char *path,
                      struct sgl_private_key **out, enum sgl_dkim_algorithm *algorithm, int *status)
{
    struct sgl_buf pem = SGL_BUF_INIT(KEY_MAX);
    bool there = cli_read_file("--key", path, KEY_MAX, &pem);
    enum sgl_status made =
        there ? sgl_private_key_import(crypto, sgl_buf_view(&pem), out) : SGL_E_SYNTAX;

    *status = CLI_USAGE;
    if (made == SGL_E_NOMEM)
        *status = cli_error(CLI_UNKNOWN, "memory", "there is none left");
    else if (there && made != SGL_OK)
        cli_error(CLI_USAGE, "--key",
                  "%s holds no private key that can sign: PEM or DER, RSA of 1024 to 4096 bits or "
                  "Ed25519, without a passphrase",
                  path);
    if (pem.data != NULL)
        sgl_wipe(pem.data, pem.cap);
    sgl_buf_done(&pem);
    if (made == SGL_OK)
        *algorithm = sgl_private_key_type(*out) == SGL_KEY_RSA ? SGL_DKIM_RSA_SHA256
                                                               : SGL_DKIM_ED25519_SHA256;
    return made == SGL_OK;
}

/* ---- written ---- */

static bool write_all(int fd, sgl_view bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n <= 0)
            return false;
        bytes = sgl_view_from(bytes, (size_t)n);
    }
    return fsync(fd) == 0;
}

/* A key that is lost cannot be had again: a file that is there is never written to, not even through a link. */
int signing_key_write(const char *path, sgl_view pem)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good;

    if (fd < 0)
        return cli_error(CLI_USAGE, "--out", "%s cannot be made: %m", path);
    good = write_all(fd, pem);
    if (close(fd) == 0 && good)
        return CLI_YES;
    cli_error(CLI_UNKNOWN, "--out", "%s cannot be written: %m", path);
    unlink(path);
    return CLI_UNKNOWN;
}
