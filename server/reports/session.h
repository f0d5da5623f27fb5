/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REPORTS_SESSION_H
#define SERVER_REPORTS_SESSION_H

#include "../delivery/delivery.h"
#include "../store/tlsrpt.h"
#include "tally.h"

#define SESSION_STRINGS_MAX ((size_t)16 << 10) /* of one policy; what is longer is cut at a line */

struct session_text { /* what the count's views point into */
    char domain[256], sending[SGL_IP_TEXT_SIZE], receiving[SGL_IP_TEXT_SIZE], reason[256];
    struct sgl_buf strings, mx;
};
/* What is counted of this session; day and due_at are the caller's. false: nothing. The text is done() in either case. */
bool session_read(const struct delivery_session *s, struct session_text *text,
                  struct tlsrpt_count *out);
/* The same for the tally. */
void session_count(const struct tlsrpt_count *c, struct tally_count *out);
extern const struct tally_form session_form;
void session_text_done(struct session_text *text);

#endif
