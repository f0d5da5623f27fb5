/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer over HTTPS means for a message. Pure. */
#ifndef SERVER_WEBHOOK_ANSWER_H
#define SERVER_WEBHOOK_ANSWER_H

#include "../delivery/delivery.h"
#include "../https/https.h"

#define ANSWER_SAID_SIZE 192

/* said: where the words go that *out points to. */
void answer_of(const struct https_get *g, int64_t now_s, char said[ANSWER_SAID_SIZE],
               struct delivery_receipt *out);

#endif
