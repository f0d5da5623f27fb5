/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are not finished: what they say, as a JSON document that their door alone understands, and files, which come whole or piece by piece.  Durable, owned by a subscription,
 * and gone when their time is over (swept with each one that is added, and with the trail).  STORE_ACCEPT takes one away in the transaction that makes its message durable.
 */
#ifndef SERVER_STORE_DRAFT_H
#define SERVER_STORE_DRAFT_H

#include "sigillo/arena.h"
#include "store.h"

enum store_draft_verb {
    DRAFT_ADD,    /* with files whose bytes are in their values */
    DRAFT_SET,    /* another value */
    DRAFT_REMOVE, /* with all its files */
    DRAFT_FILE_ADD,
    DRAFT_FILE_PUT, /* bytes behind those that it has */
    DRAFT_FILE_REMOVE,
};

struct store_draft_file {
    uint64_t id, draft;
    sgl_view value;      /* JSON */
    uint64_t size, have; /* bytes that are to come, and that came */
    uint64_t value_len;  /* read: also where the value was not wanted */
    int64_t expires_at;  /* read: of its draft */
};

/* Each makes the version of the draft one greater.  STORE_NOT_FOUND: it is not there (any more), or its time is over; STORE_CONFLICT: see below. */
struct store_draft_op {
    struct store_op op; /* kind STORE_DRAFT */
    enum store_draft_verb verb;
    uint64_t draft;
    sgl_view subscription, mailbox; /* ADD */
    sgl_view value;                 /* ADD, SET */
    uint64_t version;               /* SET: CONFLICT if it has another one; 0: any */
    int64_t now, expires_at;        /* wall seconds; the second: ADD */
    struct store_draft_file *file;  /* ADD: several; FILE_...: one */
    size_t files;
    uint64_t at; /* FILE_PUT: CONFLICT if the file does not have so many bytes */
    sgl_view bytes;
    /* ADD, SET, FILE_ADD: over either of these for the subscription: STORE_CONFLICT and over_limit */
    uint64_t drafts_max, bytes_max;
    bool over_limit;
    uint64_t
        files_max; /* FILE_ADD: more than so many of the draft: STORE_CONFLICT and over_files */
    bool over_files;
};

struct store_draft {
    uint64_t id, version;
    sgl_view subscription, mailbox, value;
    int64_t expires_at;
    struct store_draft_file *file; /* oldest first */
    size_t files;
};
/*
 * On worker threads, as the reads of store.h; what they give lives in the arena. Those whose time is over are not found.  values: those of its files are read, too, which may be as
 * large as a message.
 */
enum store_result store_read_draft(struct store *store, uint64_t id, int64_t now, bool values,
                                   struct sgl_arena *arena, struct store_draft *out);
enum store_result store_read_draft_file(struct store *store, uint64_t id, int64_t now,
                                        struct sgl_arena *arena, struct store_draft_file *out);
/* All bytes that came; CORRUPT if they are not `size`. */
enum store_result store_read_draft_bytes(struct store *store, uint64_t file, uint8_t *to,
                                         uint64_t size);

#endif
