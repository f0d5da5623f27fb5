/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS from a text, for tests of evaluators.  Lines end in "\n":
 *
 *     $SECURE | $INSECURE                        security of the lines below (at first insecure)
 *     [NAME] A|AAAA|NS|MX|TXT|SPF|CNAME|PTR|TLSA DATA   a record; TLSA data is "3 1 1 hex", TXT and SPF data runs to the end of the line
 *     [NAME] RAW TYPE hex                        a record with these bytes, however wrong
 *     [NAME] NODATA|NXDOMAIN|SERVFAIL|TIMEOUT|BOGUS [TYPE]   the outcome, of one type or of all
 *
 * NAME is a whole name; without it the fixture's own one is meant.  Names without a line do not exist, which is as secure as their nearest
 * ancestor's lines.  Aliases are followed; one insecure link makes the result insecure.
 *
 * Three drivers answer what is open: all at once, the oldest question only, the newest only.  The result must not depend on which.
 */
#ifndef TESTS_UNIT_DNS_FIXTURE_H
#define TESTS_UNIT_DNS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sigillo/ascii.h"
#include "sigillo/dns.h"

struct dns_fixture {
    struct sgl_arena names;
    struct sgl_name name;
    const char *zone;
    struct sgl_dns dns;
    size_t asked; /* questions answered so far */
};

enum dns_driver { DNS_ALL_AT_ONCE, DNS_OLDEST_FIRST, DNS_NEWEST_FIRST, DNS_DRIVERS };

static inline struct sgl_name dns_fixture_name(struct dns_fixture *fx, const char *text)
{
    struct sgl_name name = {{NULL, 0}};

    if (sgl_name_parse(sgl_view_cstr(text), SGL_NAME_UNDERSCORE, &fx->names, NULL, &name) != SGL_OK)
        fail_msg("fixture: not a name: %s", text);
    return name;
}

static inline struct dns_fixture dns_fixture_init(const char *name, const char *zone)
{
    struct dns_fixture fx = {.zone = zone};

    sgl_arena_init(&fx.names, 1 << 20);
    fx.name = dns_fixture_name(&fx, name);
    sgl_dns_init(&fx.dns, 0);
    return fx;
}

static inline void dns_fixture_done(struct dns_fixture *fx)
{
    sgl_dns_done(&fx->dns);
    sgl_arena_done(&fx->names);
}

/* A line of the zone, split. */
struct dns_line {
    sgl_view name, verb, data;
    enum sgl_dns_security security;
};

static inline int dns_fixture_type(sgl_view text)
{
    static const enum sgl_rr types[] = {SGL_RR_A,     SGL_RR_AAAA, SGL_RR_NS,
                                        SGL_RR_MX,    SGL_RR_TXT,  SGL_RR_PTR,
                                        SGL_RR_CNAME, SGL_RR_TLSA, SGL_RR_SPF};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (sgl_view_eq(text, sgl_view_cstr(sgl_rr_name(types[i]))))
            return (int)types[i];
    }
    return 0;
}

static inline bool dns_fixture_is_verb(sgl_view text)
{
    static const char *const verbs[] = {"RAW",      "NODATA",  "NXDOMAIN",
                                        "SERVFAIL", "TIMEOUT", "BOGUS"};

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (sgl_view_eq(text, sgl_view_cstr(verbs[i])))
            return true;
    }
    return dns_fixture_type(text) != 0;
}

/* The next line at *rest, or false. */
static inline bool dns_fixture_line(const struct dns_fixture *fx, sgl_view *rest,
                                    enum sgl_dns_security *mode, struct dns_line *out)
{
    while (rest->len > 0) {
        sgl_view line = sgl_view_trim(sgl_view_split(*rest, '\n', rest)), more;

        if (sgl_view_eq(line, SGL_LIT("$SECURE"))) {
            *mode = SGL_DNS_SECURE;
        } else if (sgl_view_eq(line, SGL_LIT("$INSECURE"))) {
            *mode = SGL_DNS_INSECURE;
        } else if (line.len > 0) {
            out->name = sgl_view_split(line, ' ', &more);
            if (dns_fixture_is_verb(out->name)) {
                out->verb = out->name;
                out->name = fx->name.text;
            } else {
                out->verb = sgl_view_split(more, ' ', &more);
            }
            if (!dns_fixture_is_verb(out->verb))
                fail_msg("fixture: what is %.*s?", SGL_FMT(line));
            out->data = sgl_view_trim(more);
            out->security = *mode;
            return true;
        }
    }
    return false;
}

static inline size_t dns_fixture_put_name(uint8_t *to, sgl_view name)
{
    size_t len = 0;

    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    while (name.len > 0) {
        sgl_view label = sgl_view_split(name, '.', &name);

        to[len++] = (uint8_t)label.len;
        memcpy(to + len, label.ptr, label.len);
        len += label.len;
    }
    to[len++] = 0;
    return len;
}

static inline size_t dns_fixture_put_hex(uint8_t *to, sgl_view hex)
{
    size_t len = 0;

    for (size_t i = 0; i + 1 < hex.len; i += 2)
        to[len++] =
            (uint8_t)(sgl_ascii_hex_value(hex.ptr[i]) << 4 | sgl_ascii_hex_value(hex.ptr[i + 1]));
    return len;
}

static inline unsigned dns_fixture_number(sgl_view *rest)
{
    uint64_t n = 0;

    if (!sgl_view_u64(sgl_view_split(*rest, ' ', rest), 65535, &n))
        fail_msg("fixture: a number is missing");
    return (unsigned)n;
}

/* Wire form of one record's data into `to` (8 KiB). */
static inline size_t dns_fixture_rdata(uint8_t *to, int type, sgl_view data)
{
    struct sgl_ip ip = {0, {0}};
    unsigned n;
    size_t len = 0;

    switch (type) {
    case SGL_RR_A:
    case SGL_RR_AAAA:
        if (sgl_ip_parse(data, &ip) != SGL_OK)
            fail_msg("fixture: not an address: %.*s", SGL_FMT(data));
        len = type == SGL_RR_A ? 4 : 16;
        memcpy(to, ip.bytes, len);
        return len;
    case SGL_RR_MX:
        n = dns_fixture_number(&data);
        to[0] = (uint8_t)(n >> 8);
        to[1] = (uint8_t)n;
        return 2 + dns_fixture_put_name(to + 2, data);
    case SGL_RR_TLSA:
        for (size_t i = 0; i < 3; i++)
            to[i] = (uint8_t)dns_fixture_number(&data);
        return 3 + dns_fixture_put_hex(to + 3, data);
    case SGL_RR_TXT:
    case SGL_RR_SPF:
        for (size_t i = 0; i < data.len;) {
            size_t part = data.len - i > 255 ? 255 : data.len - i;

            to[len++] = (uint8_t)part;
            memcpy(to + len, data.ptr + i, part);
            len += part;
            i += part;
        }
        return len;
    default:
        return dns_fixture_put_name(to, data);
    }
}

/* What one name says about one type, without following aliases. */
struct dns_found {
    struct sgl_dns_raw raw;
    sgl_view alias;
    bool name_exists;
    size_t nearest; /* length of the nearest name above or at it that has lines, plus one */
    enum sgl_dns_security nearest_security;
};

static inline void dns_fixture_outcome(struct dns_found *found, const struct dns_line *line)
{
    static const struct {
        const char *verb;
        enum sgl_dns_outcome outcome;
        const char *why;
    } outcomes[] = {{"NODATA", SGL_DNS_NODATA, ""},
                    {"NXDOMAIN", SGL_DNS_NXDOMAIN, ""},
                    {"SERVFAIL", SGL_DNS_FAILED, "SERVFAIL"},
                    {"TIMEOUT", SGL_DNS_FAILED, "timeout"},
                    {"BOGUS", SGL_DNS_BOGUS, "signature expired"}};

    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (sgl_view_eq(line->verb, sgl_view_cstr(outcomes[i].verb))) {
            found->raw.outcome = outcomes[i].outcome;
            found->raw.why = sgl_view_cstr(outcomes[i].why);
            found->raw.security = line->security;
        }
    }
}

static inline void dns_fixture_look(struct dns_fixture *fx, sgl_view name, enum sgl_rr type,
                                    sgl_view *rdata, struct dns_found *found)
{
    sgl_view rest = sgl_view_cstr(fx->zone);
    enum sgl_dns_security mode = SGL_DNS_INSECURE;
    struct dns_line line;
    struct dns_line told = {.verb = {NULL, 0}};

    while (dns_fixture_line(fx, &rest, &mode, &line)) {
        sgl_view wanted = line.data;
        int line_type = dns_fixture_type(line.verb);
        bool above = sgl_view_ends(name, line.name);

        if (above && line.name.len + 1 > found->nearest) {
            found->nearest = line.name.len + 1;
            found->nearest_security = line.security;
        }
        if (!sgl_view_eq(name, line.name))
            continue;
        found->name_exists = true;
        if (sgl_view_eq(line.verb, SGL_LIT("RAW"))) {
            line_type = dns_fixture_type(sgl_view_split(line.data, ' ', &wanted));
        } else if (line_type == 0) {
            if (line.data.len == 0 || dns_fixture_type(line.data) == (int)type)
                told = line;
            continue;
        }
        if (line_type == SGL_RR_CNAME && type != SGL_RR_CNAME) {
            found->alias = line.data;
            found->raw.security = line.security;
        } else if (line_type == (int)type) {
            uint8_t wire[8192];
            size_t len = sgl_view_eq(line.verb, SGL_LIT("RAW"))
                             ? dns_fixture_put_hex(wire, wanted)
                             : dns_fixture_rdata(wire, line_type, line.data);

            if (sgl_arena_dup(&fx->names, sgl_view_of(wire, len), &rdata[found->raw.rdatas]) !=
                SGL_OK)
                fail_msg("fixture: no memory");
            found->raw.rdatas++;
            found->raw.outcome = SGL_DNS_OK;
            found->raw.security = line.security;
        }
    }
    if (told.verb.len > 0) { /* an outcome that is told outranks records */
        found->raw.rdatas = 0;
        found->alias = sgl_view_of(NULL, 0);
        dns_fixture_outcome(found, &told);
    } else if (found->raw.rdatas == 0 && found->alias.len == 0) {
        found->raw.outcome = found->name_exists ? SGL_DNS_NODATA : SGL_DNS_NXDOMAIN;
        found->raw.security = found->nearest_security;
    }
}

static inline void dns_fixture_answer_question(struct dns_fixture *fx,
                                               const struct sgl_dns_question *q)
{
    static sgl_view rdata[1024];
    struct dns_found found = {0};
    sgl_view name = q->name.text;
    bool secure = true;

    for (int links = 0; links <= 10; links++) {
        found = (struct dns_found){0};
        dns_fixture_look(fx, name, q->type, rdata, &found);
        secure = secure && found.raw.security == SGL_DNS_SECURE;
        if (found.alias.len == 0 ||
            sgl_dns_is_error(&(struct sgl_dns_answer){.outcome = found.raw.outcome}))
            break;
        name = found.alias;
        if (name.ptr[name.len - 1] == '.')
            name.len--;
    }
    found.raw.name = q->name;
    found.raw.type = q->type;
    found.raw.rdata = rdata;
    found.raw.ttl_s = 300;
    found.raw.canonical = sgl_view_eq(name, q->name.text) ? sgl_view_of(NULL, 0) : name;
    found.raw.security = secure ? SGL_DNS_SECURE : SGL_DNS_INSECURE;
    if (sgl_dns_add_answer(&fx->dns, &found.raw) != SGL_OK)
        sgl_dns_fail(&fx->dns, q->name, q->type, "the answer does not fit");
    fx->asked++;
}

/* Answers what is open, the driver's way. A pending pass without a question is the evaluator's bug. */
static inline void dns_fixture_step(struct dns_fixture *fx, enum dns_driver driver)
{
    const struct sgl_dns_question *q = sgl_dns_next_open(&fx->dns, NULL), *newest = NULL;

    if (q == NULL)
        fail_msg("an evaluator wants answers but has no open question");
    if (driver == DNS_OLDEST_FIRST) {
        dns_fixture_answer_question(fx, q);
        return;
    }
    for (; q != NULL; q = sgl_dns_next_open(&fx->dns, q)) {
        if (driver == DNS_ALL_AT_ONCE)
            dns_fixture_answer_question(fx, q);
        newest = q;
    }
    if (driver == DNS_NEWEST_FIRST)
        dns_fixture_answer_question(fx, newest);
}

static inline void dns_fixture_answer(struct dns_fixture *fx)
{
    dns_fixture_step(fx, DNS_ALL_AT_ONCE);
}

#endif
