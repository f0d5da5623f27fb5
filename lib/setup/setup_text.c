/* SPDX-License-Identifier: Apache-2.0 */
/* The words for purposes, states and steps; a TXT text as a zone file has it. */
#include "sigillo/setup.h"

#include "sigillo/banned.h"

#define STRING_MAX 255 /* [RFC 1035 s3.3] */

static const char *const purposes[SGL_SETUP_PURPOSES] = {
    [SGL_SETUP_OWNERSHIP] = "ownership",
    [SGL_SETUP_SPF] = "spf",
    [SGL_SETUP_DKIM] = "dkim",
    [SGL_SETUP_DKIM2] = "dkim2",
    [SGL_SETUP_DMARC] = "dmarc",
    [SGL_SETUP_RETURN_MX] = "return-mx",
    [SGL_SETUP_RETURN_SPF] = "return-spf",
    [SGL_SETUP_MTA_STS] = "mta-sts",
    [SGL_SETUP_MTA_STS_HOST] = "mta-sts-host",
    [SGL_SETUP_TLSRPT] = "tls-rpt",
    [SGL_SETUP_NULL_MX] = "null-mx",
};

const char *sgl_setup_purpose_name(enum sgl_setup_purpose purpose)
{
    return (size_t)purpose < SGL_SETUP_PURPOSES ? purposes[purpose] : "?";
}

bool sgl_setup_purpose_parse(sgl_view text, enum sgl_setup_purpose *out)
{
    for (size_t i = 0; i < SGL_SETUP_PURPOSES; i++) {
        if (sgl_view_eq(text, sgl_view_cstr(purposes[i]))) {
            *out = (enum sgl_setup_purpose)i;
            return true;
        }
    }
    return false;
}

const char *sgl_setup_state_name(enum sgl_setup_state state)
{
    switch (state) {
    case SGL_SETUP_UNCHECKED:
        return "unchecked";
    case SGL_SETUP_MISSING:
        return "missing";
    case SGL_SETUP_WRONG:
        return "wrong";
    case SGL_SETUP_PRESENT:
        return "present";
    case SGL_SETUP_UNKNOWN:
        return "unknown";
    }
    return "?";
}

const char *sgl_setup_step_name(enum sgl_setup_step step)
{
    switch (step) {
    case SGL_SETUP_STEP_UNKNOWN:
        return "unknown";
    case SGL_SETUP_STEP_PUBLISH:
        return "publish";
    case SGL_SETUP_STEP_REPORTS:
        return "reports";
    case SGL_SETUP_STEP_MEND:
        return "mend";
    case SGL_SETUP_STEP_WAIT:
        return "wait";
    case SGL_SETUP_STEP_QUARANTINE:
        return "quarantine";
    case SGL_SETUP_STEP_REJECT:
        return "reject";
    case SGL_SETUP_STEP_DONE:
        return "done";
    }
    return "?";
}

static void put_string(sgl_view part, struct sgl_buf *out)
{
    sgl_buf_add_byte(out, '"');
    for (size_t i = 0; i < part.len; i++) {
        uint8_t c = part.ptr[i];

        if (c == '"' || c == '\\')
            sgl_buf_add_byte(out, '\\');
        if (c < 0x20 || c >= 0x7f)
            sgl_buf_addf(out, "\\%03u", c);
        else
            sgl_buf_add_byte(out, c);
    }
    sgl_buf_add_byte(out, '"');
}

void sgl_setup_put_txt(sgl_view text, struct sgl_buf *out)
{
    do {
        put_string(sgl_view_sub(text, 0, STRING_MAX), out);
        text = sgl_view_from(text, STRING_MAX);
        if (text.len > 0)
            sgl_buf_add_byte(out, ' ');
    } while (text.len > 0);
}
