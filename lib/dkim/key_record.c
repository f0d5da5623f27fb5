/* SPDX-License-Identifier: Apache-2.0 */
#include "dkim_internal.h"

#include "sigillo/base64.h"

const char *sgl_dkim_algorithm_name(enum sgl_dkim_algorithm algorithm)
{
    switch (algorithm) {
    case SGL_DKIM_RSA_SHA256:
        return "rsa-sha256";
    case SGL_DKIM_ED25519_SHA256:
        return "ed25519-sha256";
    }
    return "";
}

static const char *key_type(enum sgl_dkim_algorithm algorithm)
{
    switch (algorithm) {
    case SGL_DKIM_RSA_SHA256:
        return "rsa";
    case SGL_DKIM_ED25519_SHA256:
        return "ed25519";
    }
    return "";
}

enum sgl_status sgl_dkim_key_record(enum sgl_dkim_algorithm algorithm, sgl_view public_key,
                                    struct sgl_buf *out)
{
    sgl_buf_add(out, SGL_LIT("v=DKIM1; k="));
    sgl_buf_add_cstr(out, key_type(algorithm));
    sgl_buf_add(out, SGL_LIT("; p="));
    sgl_base64_encode(out, public_key);
    return out->status;
}
