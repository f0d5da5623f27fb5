/* SPDX-License-Identifier: Apache-2.0 */
/* Large bodies as files: STATE/spool/<2 hex>/<id>.  A file is whole and durable before its row commits. */
#ifndef SERVER_STORE_SPOOL_H
#define SERVER_STORE_SPOOL_H

#include "store.h"

struct spool;

/* Opens or makes FOLDER/spool. NULL with a sentence in `why`. */
struct spool *spool_open(const char *folder, char *why, size_t why_size);
void spool_close(struct spool *s); /* NULL accepted */
/* STORE_OK when file and folder are on stable storage. Blocks. */
enum store_result spool_write(struct spool *s, uint64_t id, const struct body *b);
enum store_result spool_read(struct spool *s, uint64_t id, size_t header_len, struct body **out);
void spool_remove(struct spool *s, uint64_t id);
/* Removes every file for which keep() is false, counts them. */
size_t spool_sweep(struct spool *s, bool (*keep)(void *ctx, uint64_t id), void *ctx);

#endif
