/* SPDX-License-Identifier: Apache-2.0 */
/* One reading of a configuration: config.c (syntax, mistakes, checks), config_store.c (values into the struct, handover). */
#ifndef SERVER_CONFIG_CONFIG_INTERNAL_H
#define SERVER_CONFIG_CONFIG_INTERNAL_H

#include <confuse.h>
#include <stdatomic.h>

#include "config_keys.h"
#include "sigillo/arena.h"
#include "sigillo/buf.h"

#define CONTENTS "_contents" /* "tls_key_contents": in a handover only */

struct config_memory {
    struct sgl_arena arena;
    _Atomic unsigned refs;
};

/* One reading. libconfuse gives its callbacks no argument, hence the thread-local pointer to it. */
struct reading {
    cfg_opt_t opt[SECTIONS][64];
    size_t opts[SECTIONS];
    char names[40][40]; /* of the contents keys */
    size_t contents;
    bool handover;
    bool (*wanted)(void *ctx, const char *name); /* config_refresh() */
    void *wanted_ctx;
    bool failed;
    char *why;
    size_t why_size;
    char *tls_needed; /* "FILE:LINE: listen x", the first one that needs a certificate */
    cfg_t *root;
    struct config *config;
    struct sgl_buf flat;
};
extern _Thread_local struct reading *reading;

/* The first mistake is kept: "FILE:LINE: ..." */
void mistake(cfg_t *at, const char *format, ...) SGL_PRINTF(2, 3);
/* "limits.memory", "listen web: address" */
const char *key_path(cfg_t *cfg, const struct key *k, char *out, size_t size);
/* The place of `text` among words separated by blanks, or -1. */
int word_index(const char *words, sgl_view text);
/* A section into the struct that its keys are of. */
void store_section(cfg_t *cfg, enum key_section section, void *base);
const char *keep_text(const char *text);
/* config_inbound.c */
const char *inbound_listen_wrong(cfg_t *listen); /* NULL, or what is wrong */
const char *override_wrong(cfg_t *override);
void store_overrides(cfg_t *cfg, struct config *c);
/* Everything into `c`, checked as a whole; mistakes are noted. */
void config_store(cfg_t *cfg, struct config *c);

#endif
