/* SPDX-License-Identifier: Apache-2.0 */
/* xtext: printable ASCII, with "+" and two upper-case hexadecimal digits for every other byte.  [RFC 3461 s4] */
#include "sigillo/ascii.h"
#include "sigillo/smtp_command.h"

static int upper_hex(uint8_t c)
{
    return sgl_ascii_is_lower(c) ? -1 : sgl_ascii_hex_value(c);
}

enum sgl_status sgl_smtp_xtext_decode(sgl_view v, struct sgl_buf *out)
{
    size_t len = out->len;

    for (size_t i = 0; i < v.len; i++) {
        uint8_t byte = v.ptr[i];

        if (byte == '+') {
            int high = i + 1 < v.len ? upper_hex(v.ptr[i + 1]) : -1;
            int low = i + 2 < v.len ? upper_hex(v.ptr[i + 2]) : -1;

            byte = (uint8_t)(high * 16 + low);
            if (high < 0 || low < 0 || sgl_ascii_is_control(byte))
                goto broken;
            i += 2;
        } else if (!sgl_ascii_is_visible(byte) || byte == '=') {
            goto broken;
        }
        sgl_buf_add_byte(out, byte);
    }
    return out->status;
broken:
    sgl_buf_truncate(out, len);
    return SGL_E_SYNTAX;
}

void sgl_smtp_xtext_put(struct sgl_buf *out, sgl_view v)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < v.len; i++) {
        uint8_t byte = v.ptr[i];

        if (sgl_ascii_is_visible(byte) && byte != '+' && byte != '=') {
            sgl_buf_add_byte(out, byte);
        } else {
            sgl_buf_add_byte(out, '+');
            sgl_buf_add_byte(out, (uint8_t)digits[byte >> 4]);
            sgl_buf_add_byte(out, (uint8_t)digits[byte & 15]);
        }
    }
}
