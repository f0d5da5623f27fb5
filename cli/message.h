/* SPDX-License-Identifier: Apache-2.0 */
/* What several verbs do with a message. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "cli.h"

/* The message with recipients and trail; as cli_call(). */
int message_get(const struct cli *c, const char *id, json_t **out);
/* One recipient in full. */
void message_put_recipient(const struct cli *c, const json_t *recipient);

#endif
