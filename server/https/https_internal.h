/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: https.c (life of a request), https_address.c (where it goes), https_transfer.c (libcurl). */
#ifndef SERVER_HTTPS_HTTPS_INTERNAL_H
#define SERVER_HTTPS_HTTPS_INTERNAL_H

#include <curl/curl.h>

#include "https.h"

struct https {
    struct loop *loop;
    struct resolver *resolver;
    char *ca_file;
    enum https_reach reach;
    CURLM *multi;
    struct event *timer;
    struct https_get *open;
    size_t opened;
};

/* ---- https.c ---- */

/* It is over. why: printable; "" with HTTPS_OK. */
void https_finish(struct https_get *g, enum https_end end, const char *why);

/* ---- https_address.c ---- */

/* Reads where it goes and looks that up; then https_transfer() or https_finish(). */
void https_find(struct https_get *g);
/* An address instead of a name. */
bool https_is_literal(const struct https_get *g, struct sgl_ip *ip);

/* ---- https_transfer.c ---- */

bool https_prepare(struct https *h); /* the room's own part of libcurl */
void https_transfer(struct https_get *g);
void https_release(struct https_get *g);

#endif
