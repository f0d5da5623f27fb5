/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody wrote above the original that his program quoted. Pure. */
#ifndef SERVER_WEBHOOK_REPLY_H
#define SERVER_WEBHOOK_REPLY_H

#include "sigillo/view.h"

/*
 * text: UTF-8, lines end in LF.  A view of its beginning, without blanks at its end; of all of it where nothing shows surely where the original begins: an answer between quoted
 * lines, or below them, is kept whole.  Time: linear.
 */
sgl_view reply_of(sgl_view text);

#endif
