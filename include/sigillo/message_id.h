/* SPDX-License-Identifier: Apache-2.0 */
/* Message-ID, Content-ID and their references. [RFC 5322 s3.6.4] */
#ifndef SIGILLO_MESSAGE_ID_H
#define SIGILLO_MESSAGE_ID_H

#include "sigillo/buf.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes "<time.random@domain>": the time in base 32, the 16 random bytes too. domain: lower-case A-labels; anything else sets buf->status to SGL_E_SYNTAX. */
SGL_API void sgl_message_id_put(struct sgl_buf *buf, sgl_time time, const uint8_t random[16],
                                sgl_view domain);

/*
 * The one msg-id in this value: "<left@right>" with its brackets, comments and blanks around it cut.
 * Returns SGL_OK (out is a view into value), SGL_E_SYNTAX, or SGL_E_LIMIT over SGL_LIMIT_MESSAGE_ID.
 */
SGL_API enum sgl_status sgl_message_id_parse(sgl_view value, sgl_view *out,
                                             struct sgl_diag *diag) SGL_MUST_USE;

/*
 * The next msg-id of References or In-Reply-To, and what follows it. SGL_OK with an empty *out at the end.
 * rest may be &value's own variable.
 */
SGL_API enum sgl_status sgl_message_id_next(sgl_view value, sgl_view *out, sgl_view *rest,
                                            struct sgl_diag *diag) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
