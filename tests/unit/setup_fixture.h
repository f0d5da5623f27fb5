/* SPDX-License-Identifier: Apache-2.0 */
/* A request that has every row. */
#ifndef TESTS_UNIT_SETUP_FIXTURE_H
#define TESTS_UNIT_SETUP_FIXTURE_H

#include <stdio.h>

#include "check.h"
#include "sigillo/setup.h"

#define ED25519_TEXT "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static const uint8_t setup_key[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const sgl_view setup_term = SGL_LIT_INIT("a:mail.host.test");

struct setup_fixture {
    struct sgl_arena names, arena;
    struct sgl_setup_selector selector[2];
    struct sgl_setup_request request;
};

/* "": the root. */
static inline struct sgl_name setup_fixture_name(struct setup_fixture *fx, const char *text)
{
    struct sgl_name name = {{NULL, 0}};

    if (text[0] != '\0' &&
        sgl_name_parse(sgl_view_cstr(text), SGL_NAME_UNDERSCORE, &fx->names, NULL, &name) != SGL_OK)
        fail_msg("fixture: not a name: %s", text);
    return name;
}

static inline struct setup_fixture setup_fixture_init(const char *domain)
{
    struct setup_fixture fx = {.request = {.token = SGL_LIT("abc"),
                                           .spf_term = &setup_term,
                                           .spf_terms = 1,
                                           .selectors = 2,
                                           .sts_id = SGL_LIT("20260101"),
                                           .tlsrpt = true}};
    char bounce[300];

    sgl_arena_init(&fx.names, 1 << 22);
    sgl_arena_init(&fx.arena, 1 << 22);
    fx.selector[0] = (struct sgl_setup_selector){.name = SGL_LIT("s1"),
                                                 .algorithm = SGL_DKIM_ED25519_SHA256,
                                                 .public_key = sgl_view_of(setup_key, 32),
                                                 .signs = true};
    fx.selector[1] = (struct sgl_setup_selector){
        .name = SGL_LIT("s2"), .alias = setup_fixture_name(&fx, "s2.keys.host.test")};
    fx.request.domain = setup_fixture_name(&fx, domain);
    snprintf(bounce, sizeof bounce, "bounce.%s", domain);
    if (sgl_name_ok(sgl_view_cstr(bounce), 0))
        fx.request.return_path = setup_fixture_name(&fx, bounce);
    fx.request.return_mx = setup_fixture_name(&fx, "mail.host.test");
    fx.request.sts_host = fx.request.return_mx;
    return fx;
}

/* The fixture was returned by value: its selectors are where it is now. */
static inline const struct sgl_setup_request *setup_fixture_request(struct setup_fixture *fx)
{
    fx->request.selector = fx->selector;
    return &fx->request;
}

static inline void setup_fixture_done(struct setup_fixture *fx)
{
    sgl_arena_done(&fx->names);
    sgl_arena_done(&fx->arena);
}

#endif
