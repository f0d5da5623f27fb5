/* SPDX-License-Identifier: Apache-2.0 */
/* The room, and the life of a request: begun, its name found, transferred, over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "https_internal.h"

static void unlink_(struct https_get *g)
{
    *g->link = g->next;
    if (g->next != NULL)
        g->next->link = g->link;
    g->https->opened--;
}

void https_finish(struct https_get *g, enum https_end end, const char *why)
{
    g->end = end;
    g->ok = end == HTTPS_OK;
    snprintf(g->why, sizeof(g->why), "%s", why);
    unlink_(g);
    https_release(g);
    g->done(g);
}

static void start(struct loop_later *later)
{
    struct https_get *g =
        (struct https_get *)(void *)((char *)later - offsetof(struct https_get, later));

    if (g->https->opened > HTTPS_OPEN_MAX)
        https_finish(g, HTTPS_LOCAL, "too many others are being asked");
    else
        https_find(g);
}

void https_get(struct https *h, struct https_get *g)
{
    g->https = h;
    g->ok = false;
    g->status = 0;
    g->retry_after_s = 0;
    g->type[0] = '\0';
    g->header_size = 0;
    g->no_socket = false;
    g->began_ms = clock_mono_ms();
    if (g->timeout_ms == 0)
        g->timeout_ms = HTTPS_TIMEOUT_MS;
    g->easy = g->resolved = g->header = NULL;
    g->host = NULL;
    g->later = (struct loop_later){.run = start};
    g->body = (struct sgl_buf)SGL_BUF_INIT(g->size_max);
    g->fill = (struct resolver_fill){0};
    sgl_dns_init(&g->dns, 4);
    g->next = h->open;
    g->link = &h->open;
    if (h->open != NULL)
        h->open->link = &g->next;
    h->open = g;
    h->opened++;
    loop_later(h->loop, &g->later);
}

bool https_reconfigure(struct https *h, const struct https_config *config)
{
    char *ca_file = strdup(config->ca_file);

    if (ca_file == NULL)
        return false;
    free(h->ca_file);
    h->ca_file = ca_file;
    h->reach = config->reach;
    return true;
}

struct https *https_new(struct loop *loop, struct resolver *resolver,
                        const struct https_config *config)
{
    struct https *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return NULL;
    h->loop = loop;
    h->resolver = resolver;
    if (https_reconfigure(h, config) && https_prepare(h))
        return h;
    https_free(h);
    return NULL;
}

void https_free(struct https *h)
{
    if (h == NULL)
        return;
    while (h->open != NULL) {
        struct https_get *g = h->open;

        unlink_(g);
        resolver_cancel(&g->fill);
        loop_later_cancel(&g->later);
        https_release(g);
        sgl_buf_done(&g->body);
    }
    curl_multi_cleanup(h->multi);
    if (h->timer != NULL)
        event_free(h->timer);
    free(h->ca_file);
    free(h);
}
