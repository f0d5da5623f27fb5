/* SPDX-License-Identifier: Apache-2.0 */
/* Reply codes and status codes in text of any kind. */
#include "bounce_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/smtp_reply.h"

#include "sigillo/banned.h"

bool sgl_bounce_status_vague(sgl_view status)
{
    return status.len == 0 || sgl_view_ends(status, SGL_LIT(".0.0"));
}

/* Part of a word, of a number or of an address of the Internet. */
static bool inside(sgl_view text, size_t at)
{
    return at > 0 && (sgl_ascii_is_alnum(text.ptr[at - 1]) || text.ptr[at - 1] == '.');
}

static size_t status_at(sgl_view text, size_t at)
{
    struct sgl_smtp_enhanced e;
    size_t end = at;

    if (inside(text, at) || !sgl_ascii_is_digit(text.ptr[at]))
        return 0;
    while (end < text.len && (sgl_ascii_is_digit(text.ptr[end]) || text.ptr[end] == '.'))
        end++;
    if (end < text.len && sgl_ascii_is_alpha(text.ptr[end]))
        return 0;
    if (text.ptr[end - 1] == '.') /* the end of a sentence */
        end--;
    return end == at ? 0 : sgl_smtp_enhanced_parse(sgl_view_sub(text, at, end - at), &e);
}

/* "550" as a word of its own; 0: none is here. */
static uint16_t code_at(sgl_view text, size_t at)
{
    sgl_view v = sgl_view_from(text, at);

    if (v.len < 3 || inside(text, at) || v.ptr[0] < '4' || v.ptr[0] > '5' || v.ptr[1] > '7' ||
        !sgl_ascii_is_digit(v.ptr[1]) || !sgl_ascii_is_digit(v.ptr[2]))
        return 0;
    if (at > 0 && (text.ptr[at - 1] == '=' || text.ptr[at - 1] == '/' || text.ptr[at - 1] == '['))
        return 0;
    if (v.len > 3 && sgl_view_find(SGL_LIT(" -\t\r\n:>,;"), v.ptr[3]) == 9)
        return 0;
    return (uint16_t)((v.ptr[0] - '0') * 100 + (v.ptr[1] - '0') * 10 + (v.ptr[2] - '0'));
}

/* A status behind a code of its class: "550 5.1.1", "550-5.1.1", "550-'5.7.1". */
static sgl_view status_behind(sgl_view text, size_t at)
{
    for (size_t i = at + 3; i < text.len && i < at + 7; i++) {
        size_t n = status_at(text, i);

        if (n > 0)
            return text.ptr[i] == text.ptr[at] ? sgl_view_sub(text, i, n) : sgl_view_of(NULL, 0);
        if (sgl_ascii_is_alnum(text.ptr[i]))
            break;
    }
    return sgl_view_of(NULL, 0);
}

struct sgl_bounce_codes sgl_bounce_codes_of(sgl_view text)
{
    struct sgl_bounce_codes out = {{NULL, 0}, 0};
    bool together = false;

    for (size_t i = 0; i < text.len; i++) {
        uint16_t code = code_at(text, i);
        size_t n = status_at(text, i);

        if (code != 0) {
            sgl_view status = status_behind(text, i);

            if (status.len > 0 && (!together || sgl_bounce_status_vague(out.status))) {
                out = (struct sgl_bounce_codes){status, code};
                together = true;
            } else if (out.code == 0) {
                out.code = code;
            }
        } else if (n > 0 && !together && sgl_bounce_status_vague(out.status)) {
            out.status = sgl_view_sub(text, i, n);
        }
    }
    return out;
}
