/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo subscription add | list */
#include "noun.h"
#include "verbs.h"

#define SUBSCRIPTIONS "/admin/v1/subscriptions"

static void say_added(const struct cli *c, const json_t *answer)
{
    (void)c;
    printf("subscription %s is added\n", cli_member(answer, "name", 0));
}

static int subscription_add_run(struct cli *c)
{
    return cli_noun_add(c, SUBSCRIPTIONS, json_pack("{s:s}", "name", c->argument[0]), say_added);
}
const struct cli_verb verb_subscription_add = {
    "subscription add", "NAME", "adds a tenant", NULL, 1, 1, subscription_add_run, NULL};

static int subscription_list_run(struct cli *c)
{
    static const struct cli_column column[] = {{"SUBSCRIPTION", "name", NULL},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, SUBSCRIPTIONS, "subscriptions", column, 2);
}
const struct cli_verb verb_subscription_list = {
    "subscription list", "", "lists the tenants", NULL, 0, 0, subscription_list_run, NULL};
