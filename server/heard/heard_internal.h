/* SPDX-License-Identifier: Apache-2.0 */
/* Records summed up by source and result, in memory that has an end. */
#ifndef SERVER_HEARD_HEARD_INTERNAL_H
#define SERVER_HEARD_HEARD_INTERNAL_H

#include "heard.h"

struct heard_sums;
struct heard_sums *heard_sums_new(uint64_t salt); /* NULL: out of memory */
void heard_sums_free(struct heard_sums *sums);    /* NULL accepted */
/* false: out of memory. Sources that have no room are counted without a name. */
bool heard_sums_add(struct heard_sums *sums, const struct sgl_dmarc_report_record *r);
/* Where it is looked for first. */
size_t heard_sums_slot(const struct heard_sums *sums, const struct dmarc_source *row);
const struct dmarc_source *heard_sums_all(struct heard_sums *sums, size_t *count);

/* A copy that can be shown: at most 255 bytes, control characters and broken UTF-8 become "?"; domains in lower case. An empty view when the arena is full. */
sgl_view heard_text(struct sgl_arena *arena, sgl_view text);
sgl_view heard_domain(struct sgl_arena *arena, sgl_view text);

#endif
