/* SPDX-License-Identifier: Apache-2.0 */
#include "compose.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

#define ARENA_MAX ((size_t)16 << 20)
#define DAY_S     86400

static void hash_view(crypto_generichash_state *state, sgl_view v)
{
    crypto_generichash_update(state, v.ptr, v.len);
}

/*
 * The same whenever it is made of the same day, and another one of another server of the same submitter: a receiver tells repetitions by it.  [RFC 8460 s5.1, s5.3; RFC 9990 s3.5.1, s3.5.2]
 */
static void name_it(struct compose *c)
{
    unsigned char hash[16];
    time_t at = (time_t)(c->day * DAY_S);
    crypto_generichash_state state;
    struct tm tm;

    crypto_generichash_init(&state, NULL, 0, sizeof(hash));
    hash_view(&state, c->domain);
    hash_view(&state, SGL_LIT("@"));
    hash_view(&state, c->contact);
    hash_view(&state, SGL_LIT("@"));
    hash_view(&state, c->hostname);
    crypto_generichash_final(&state, hash, sizeof(hash));
    for (size_t i = 0; i < 8; i++)
        snprintf(c->unique + 2 * i, 3, "%02x", hash[i]);
    gmtime_r(&at, &tm);
    snprintf(c->date, sizeof(c->date), "%04u%02u%02u", (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100);
}

void compose_begin(struct compose *c)
{
    sgl_arena_init(&c->arena, ARENA_MAX);
    sgl_buf_init(&c->gzip, COMPOSE_TEXT_MAX);
    name_it(c);
}

void compose_done(struct compose *c)
{
    sgl_arena_done(&c->arena);
    sgl_buf_done(&c->gzip);
}
