/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical header fields  [RFC 6376 s3.4.1, s3.4.2]. */
#include "dkim_internal.h"

#include "sigillo/ascii.h"

/* Lower-cases up to the colon and puts it; returns where the value begins. */
static size_t put_name(struct sgl_dkim_stage *stage, sgl_view raw)
{
    size_t colon = sgl_view_find(raw, ':');
    size_t len = sgl_view_trim(sgl_view_sub(raw, 0, colon)).len;

    for (size_t at = 0; at < len;) {
        uint8_t lower[64];
        size_t n = len - at < sizeof lower ? len - at : sizeof lower;

        for (size_t i = 0; i < n; i++)
            lower[i] = sgl_ascii_lower(raw.ptr[at + i]);
        sgl_dkim_stage_put(stage, sgl_view_of(lower, n));
        at += n;
    }
    sgl_dkim_stage_put(stage, SGL_LIT(":"));
    return colon == raw.len ? colon : colon + 1;
}

static bool is_data(sgl_view v, size_t i)
{
    if (sgl_dkim_is_blank(v.ptr[i]))
        return false;
    return v.ptr[i] != '\r' || i + 1 >= v.len || v.ptr[i + 1] != '\n';
}

/* How many bytes from `at` on are data: most are above SP, and eight of them are looked at together. */
static size_t data_length(sgl_view v, size_t at)
{
    const uint64_t ones = UINT64_MAX / 255;
    size_t i = at;

    while (i < v.len) {
        uint64_t word;

        if (v.len - i >= sizeof word) {
            memcpy(&word, v.ptr + i, sizeof word);
            if (((word - ones * (' ' + 1)) & ~word & (ones * 0x80)) == 0) {
                i += sizeof word;
                continue;
            }
        }
        if (v.ptr[i] <= ' ' && !is_data(v, i))
            break;
        i++;
    }
    return i - at;
}

/* Line ends vanish, runs of blanks become one SP, none at either end. */
static void put_value(struct sgl_dkim_stage *stage, sgl_view value)
{
    bool blank = false, any = false;
    size_t i = 0;

    while (i < value.len) {
        size_t start = i;

        if (!is_data(value, i)) {
            bool line_end = value.ptr[i] == '\r';

            blank = blank || !line_end;
            i += line_end ? 2 : 1;
            continue;
        }
        i += data_length(value, i);
        if (blank && any)
            sgl_dkim_stage_put(stage, SGL_LIT(" "));
        sgl_dkim_stage_put(stage, sgl_view_sub(value, start, i - start));
        blank = false;
        any = true;
    }
}

void sgl_dkim_stage_field(enum sgl_dkim_canon canon, sgl_view raw, struct sgl_dkim_stage *stage)
{
    if (canon == SGL_DKIM_SIMPLE) {
        sgl_dkim_stage_put(stage, raw);
        return;
    }
    put_value(stage, sgl_view_from(raw, put_name(stage, raw)));
    if (sgl_view_ends(raw, SGL_LIT("\r\n")))
        sgl_dkim_stage_put(stage, SGL_LIT("\r\n"));
}

void sgl_dkim_canon_field(enum sgl_dkim_canon canon, sgl_view raw, struct sgl_dkim_sink sink)
{
    uint8_t data[1024];
    struct sgl_dkim_stage stage = {sink, data, 0, sizeof data};

    sgl_dkim_stage_field(canon, raw, &stage);
    sgl_dkim_stage_flush(&stage);
}
