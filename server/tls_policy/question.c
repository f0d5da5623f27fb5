/* SPDX-License-Identifier: Apache-2.0 */
#include "question.h"

#include "sigillo/idn.h"
#include "sigillo/ip.h"

#define SMTP_PORT 25

/* What mail's ports are called: Postfix takes a name as well as a number. */
static bool named_port(sgl_view name, uint16_t *port)
{
    static const struct {
        const char *name;
        uint16_t port;
    } known[] = {{"smtp", SMTP_PORT},
                 {"mail", SMTP_PORT},
                 {"submission", 587},
                 {"submissions", 465},
                 {"smtps", 465}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (sgl_view_eq_nocase(name, sgl_view_cstr(known[i].name))) {
            *port = known[i].port;
            return true;
        }
    return false;
}

/* "example.org:2525", "example.org:smtp": the port, where the part behind the last colon is one. */
static bool cut_port(sgl_view *key, uint16_t *port)
{
    size_t at = key->len;
    uint64_t n;

    while (at > 0 && key->ptr[at - 1] != ':')
        at--;
    if (at == 0)
        return true;
    if (sgl_view_u64(sgl_view_from(*key, at), 65535, &n) && n > 0)
        *port = (uint16_t)n;
    else if (!named_port(sgl_view_from(*key, at), port))
        return false;
    *key = sgl_view_sub(*key, 0, at - 1);
    return true;
}

/* A domain, and nothing else: whom a relay in brackets belongs to its owner knows, and a parent (".example.org") speaks for itself only [RFC 8461 s3.4]; no name has such bytes. */
static enum sgl_status read_domain(sgl_view key, struct sgl_arena *arena, struct question *q)
{
    struct sgl_ip ip;
    enum sgl_status st;
    sgl_view ascii;

    if (!cut_port(&key, &q->port) || sgl_ip_parse(key, &ip) == SGL_OK)
        return SGL_OK;
    st = sgl_idn_to_ascii(key, arena, &ascii);
    if (st == SGL_OK)
        st = sgl_name_parse(ascii, SGL_NAME_HOST | SGL_NAME_FINAL_DOT, arena, NULL, &q->domain);
    if (st == SGL_OK && !sgl_name_is_root(q->domain))
        q->kind = QUESTION_DOMAIN;
    return arena->status != SGL_OK || st == SGL_E_NOMEM ? st : SGL_OK;
}

enum sgl_status question_read(sgl_view text, struct sgl_arena *arena, struct question *out)
{
    struct question q = {.kind = QUESTION_OTHER, .port = SMTP_PORT};
    sgl_view key, map = sgl_view_split(text, ' ', &key);

    if (key.ptr == NULL || map.len == 0)
        q.kind = QUESTION_BROKEN;
    else
        SGL_TRY(read_domain(key, arena, &q));
    q.details = sgl_view_eq_nocase(map, SGL_LIT("QUERYwithTLSRPT"));
    *out = q;
    return SGL_OK;
}
