/* SPDX-License-Identifier: Apache-2.0 */
/* The date-time of RFC 5322 s3.3 and its obsolete forms s4.3. */
#ifndef SIGILLO_DATE_H
#define SIGILLO_DATE_H

#include "sigillo/buf.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes "Sun, 22 Nov 2026 12:09:03 +0000". Years 1900 to 9999; times outside are clamped. */
SGL_API void sgl_date_put(struct sgl_buf *buf, sgl_time time);

/* Writes "2026-11-22T12:09:03Z", the date-time of RFC 3339 s5.6, clamped alike. */
SGL_API void sgl_date_put_internet(struct sgl_buf *buf, sgl_time time);

struct sgl_date {
    sgl_time time;      /* UTC */
    int16_t offset_min; /* minutes east of UTC as written */
};
/*
 * Reads a Date value: optional day of the week (must be the right one), comments, two and three digit years, named
 * zones (unknown ones count as UTC), seconds optional, 60 for a leap second.
 * Returns SGL_OK or SGL_E_SYNTAX; diag may be NULL.
 */
SGL_API enum sgl_status sgl_date_parse(sgl_view text, struct sgl_date *out,
                                       struct sgl_diag *diag) SGL_MUST_USE;
/*
 * Reads "2026-11-22T12:09:03Z" [RFC 3339 s5.6]: fractions of a second are passed over, an offset counts, 24:00:00 is the end of the day, and a leap second the one before.
 * Years 1900 to 9999.  Returns SGL_OK or SGL_E_SYNTAX; diag may be NULL.
 */
SGL_API enum sgl_status sgl_date_parse_internet(sgl_view text, sgl_time *out,
                                                struct sgl_diag *diag) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
