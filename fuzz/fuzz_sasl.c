/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a client sends, nobody is let in who does not exist. */
#include <stdlib.h>

#include "sigillo/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scram(const struct sgl_crypto *crypto, sgl_view first, sgl_view final)
{
    struct sgl_scram_secret secret = {
        .salt = SGL_LIT_INIT("salt"), .iterations = 4096, .known = false};
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    struct sgl_scram_server s;

    sgl_scram_server_init(&s);
    if (sgl_scram_server_first(&s, first) == SGL_SASL_CHECK &&
        sgl_scram_server_secret(&s, &secret, SGL_LIT("123456789012345678"), &out) ==
            SGL_SASL_CHALLENGE) {
        sgl_buf_reset(&out);
        if (sgl_scram_server_final(&s, crypto, final, &out) == SGL_SASL_OK || out.len != 0)
            abort();
    }
    sgl_scram_server_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    struct sgl_sasl_login l;
    sgl_view rest, first = sgl_view_split(sgl_view_of(data, size), '\n', &rest), as, user, password;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (sgl_sasl_plain_parse(sgl_view_of(data, size), &as, &user, &password) == SGL_OK &&
        as.len + user.len + password.len + 2 != size)
        abort();
    sgl_sasl_login_init(&l);
    (void)!(sgl_sasl_login_step(&l, size % 2 == 0, first, &out) ==
            sgl_sasl_login_step(&l, true, rest, &out));
    sgl_sasl_login_done(&l);
    scram(crypto, first, rest);
    return 0;
}
