/* SPDX-License-Identifier: Apache-2.0 */
/* The door for mail that arrives, and what it lets through. */
#include <stdio.h>
#include <string.h>

#include "config_internal.h"
#include "sigillo/ascii.h"

#define OVERRIDE_NAME_MAX 64

const char *inbound_listen_wrong(cfg_t *listen)
{
    if (cfg_size(listen, "trust") > 0 || cfg_getstr(listen, "trust_credential") != NULL)
        return "trust: only for the submission door";
    if (strcmp(cfg_getstr(listen, "tls"), "implicit") == 0)
        return "tls: the inbound door has no TLS from the first byte (use starttls)";
    return NULL;
}

/* Names and comments stand in logs and in the reports to others. */
const char *override_wrong(cfg_t *override)
{
    sgl_view name = sgl_view_cstr(cfg_title(override));
    const char *comment = cfg_getstr(override, "comment");

    if (name.len == 0 || name.len > OVERRIDE_NAME_MAX || !sgl_ascii_is_printable(name))
        return "an override's name has 1 to 64 printable characters";
    if (cfg_size(override, "networks") == 0 && cfg_size(override, "domains") == 0)
        return "networks: missing (of whom, or as which of domains, is mail let through?)";
    for (unsigned i = 0; i < cfg_size(override, "domains"); i++)
        if (strcmp(cfg_getnstr(override, "domains", i), "*") == 0)
            return "domains: \"*\" would let everybody through";
    if (comment != NULL && strlen(comment) > 160)
        return "comment: more than 160 characters";
    return NULL;
}

void store_overrides(cfg_t *cfg, struct config *c)
{
    c->overrides = cfg_size(cfg, "override");
    if (c->overrides > CONFIG_OVERRIDES_MAX)
        mistake(cfg_getnsec(cfg, "override", CONFIG_OVERRIDES_MAX), "override: more than 256");
    for (size_t i = 0; i < c->inbound.trusted_sealers; i++)
        if (c->inbound.trusted_sealer[i][0] == '.' || c->inbound.trusted_sealer[i][0] == '*')
            mistake(cfg_getsec(cfg, "inbound"),
                    "inbound.trusted_sealers: names of domains, no patterns");
    c->override = SGL_NEW_N(&c->memory->arena, c->overrides, struct config_override);
    for (size_t i = 0; c->override != NULL && i < c->overrides; i++) {
        cfg_t *s = cfg_getnsec(cfg, "override", (unsigned)i);

        c->override[i].name = keep_text(cfg_title(s));
        store_section(s, IN_OVERRIDE, &c->override[i]);
    }
}
