/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain park */
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "next.h"
#include "verbs.h"

static json_t *park_body(const struct cli *c, const char *name)
{
    const char *subscription = cli_text(c, "--subscription");
    json_t *body = json_pack("{s:s, s:s}", "name", name, "kind", "parked");

    if (body != NULL && subscription != NULL)
        json_object_set_new(body, "subscription", json_string(subscription));
    return body;
}

/* Is it among those that are here? */
static bool is_here(const json_t *list, const char *name)
{
    const json_t *domain;
    size_t at, len = strlen(name);

    len -= len > 0 && name[len - 1] == '.';
    json_array_foreach(json_object_get(list, "domains"), at, domain)
    {
        if (sgl_view_eq_nocase(sgl_view_of(name, len),
                               sgl_view_cstr(cli_member(domain, "name", 0))))
            return true;
    }
    return false;
}

/* One that is here is parked, one that is not is added so. */
static int park(struct cli *c, const json_t *list, const char *name, json_t **answer)
{
    json_t *body = park_body(c, name);
    char *path;
    int status;

    if (body == NULL)
        return cli_error(CLI_USAGE, name, "this is not UTF-8");
    if (!is_here(list, name))
        return cli_call(c, "POST", DOMAINS, body, answer);
    json_decref(body);
    path = cli_path(DOMAINS "/", name, "");
    status = cli_call(c, "PATCH", path, json_pack("{s:s}", "kind", "parked"), answer);
    free(path);
    return status;
}

static int park_run(struct cli *c)
{
    json_t *all, *list;
    int worst = cli_call(c, "GET", DOMAINS, NULL, &list);

    if (worst != CLI_YES)
        return worst;
    all = json_array();

    for (size_t i = 0; i < c->arguments; i++) {
        json_t *answer;
        int status = park(c, list, c->argument[i], &answer);

        worst = status > worst ? status : worst;
        if (status != CLI_YES)
            continue;
        if (!c->json) {
            printf("%s%s is parked. Publish these records, so that nobody believes mail from "
                   "it:\n\n",
                   i == 0 ? "" : "\n", cli_member(answer, "name", 0));
            domain_print_records(c, json_object_get(answer, "records"));
        }
        json_array_append_new(all, answer);
    }
    json_decref(list);
    if (!c->json && json_array_size(all) > 0) {
        cli_next_head(c);
        cli_next("when they are published: looks for them at the domain's own name servers",
                 "sigillo domain verify %s --wait", cli_member(json_array_get(all, 0), "name", 0));
    }
    if (c->json)
        cli_print_json(json_pack("{s:o}", "domains", all));
    else
        json_decref(all);
    return worst;
}

static const struct cli_option park_options[] = {
    {"--subscription", "NAME", "whose domains they are, when they are new (default: default)",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_park = {
    "domain park", "DOMAIN...", "says that no mail comes from these domains", park_options, 1, 1000,
    park_run,      NULL};
