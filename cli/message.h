/* SPDX-License-Identifier: Apache-2.0 */
/* What several verbs do with a message. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "cli.h"

/* The message with recipients and trail; as cli_call(). */
int message_get(const struct cli *c, const char *id, json_t **out);
/*
 * {"messages":[...]}: those that --to, --from, --domain and --since choose, at most --max of them, or `max`; open: only with a recipient that waits.
 * As cli_call().
 */
int message_list(const struct cli *c, bool open, const char *max, json_t **out);

/* Is this a state of a recipient that waits? */
bool message_is_open(const char *state);
/* What a state is printed in; cli_plain() ends it. */
const char *message_colour(const struct cli *c, const char *state);
/* "in 4m 10s", "now" for a time of an answer; out of at least 32 bytes. */
const char *message_until(const json_t *object, const char *name, char *out, size_t size);
/* Of a recipient; "" when nothing is to be waited for. Slot as for cli_member(). */
const char *message_why_it_waits(const json_t *recipient, unsigned slot);
/* "  label        text", nothing where there is no text. */
void message_put_line(const char *label, const char *text);
/* One recipient in full. */
void message_put_recipient(const struct cli *c, const json_t *recipient);

#endif
