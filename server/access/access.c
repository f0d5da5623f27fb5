/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

/* The first row whose `all` are facts and whose `none` are not. */
static const struct {
    unsigned all, none;
    enum access_rule rule;
    bool granted;
} rows[] = {
    {ACCESS_UNSURE, 0, ACCESS_RULE_UNAVAILABLE, false},
    {ACCESS_REMOVED, 0, ACCESS_RULE_REMOVED, false},
    {ACCESS_NO_SCOPE, 0, ACCESS_RULE_NO_SCOPE, false},
    {ACCESS_FOREIGN, 0, ACCESS_RULE_FOREIGN, false},
    {ACCESS_DISGUISED, 0, ACCESS_RULE_DISGUISED, false},
    {ACCESS_GROUP_GONE, 0, ACCESS_RULE_GROUP_GONE, false},
    {ACCESS_DENIED, 0, ACCESS_RULE_DENY, false},
    {ACCESS_DOUBTFUL, ACCESS_NAMED, ACCESS_RULE_DOUBTFUL, false},
    {ACCESS_ALLOWED, 0, ACCESS_RULE_ALLOW, true},
    {ACCESS_CONFINED, 0, ACCESS_RULE_NOT_ALLOWED, false},
    {0, ACCESS_OWN_DOMAIN, ACCESS_RULE_NOT_OWN_DOMAIN, false},
    {ACCESS_HAS_SENDERS | ACCESS_IS_SENDER, 0, ACCESS_RULE_OWN_SENDER, true},
    {ACCESS_HAS_SENDERS, 0, ACCESS_RULE_NOT_OWN_SENDER, false},
    {ACCESS_DOMAIN_LISTS | ACCESS_IS_LISTED, 0, ACCESS_RULE_DOMAIN_SENDER, true},
    {ACCESS_DOMAIN_LISTS, 0, ACCESS_RULE_NOT_DOMAIN_SENDER, false},
    {ACCESS_OWN_DOMAIN, 0, ACCESS_RULE_OWN_DOMAIN, true},
};

enum access_rule access_judge(unsigned facts, bool *granted)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if ((facts & rows[i].all) == rows[i].all && (facts & rows[i].none) == 0) {
            *granted = rows[i].granted;
            return rows[i].rule;
        }
    *granted = false;
    return ACCESS_RULE_UNAVAILABLE;
}

static const struct {
    const char *name, *text;
} rule_words[ACCESS_RULES] = {
    [ACCESS_RULE_UNAVAILABLE] = {"unavailable", "the policies cannot be read at the moment"},
    [ACCESS_RULE_REMOVED] = {"identity-removed", "the identity was removed"},
    [ACCESS_RULE_NO_SCOPE] = {"scope-missing",
                              "its scopes are listed, and mail.send is not one of them"},
    [ACCESS_RULE_FOREIGN] = {"no-such-domain",
                             "its subscription has no such domain; sigillo domain add adds one"},
    [ACCESS_RULE_DISGUISED] = {"encoded-word", "the local part looks like an encoded word"},
    [ACCESS_RULE_GROUP_GONE] = {"group-missing", "a policy names a group that is not there"},
    [ACCESS_RULE_DENY] = {"deny-policy", "a policy denies it"},
    [ACCESS_RULE_DOUBTFUL] = {"look-alike", "addresses are denied to it, and this one is not "
                                            "ASCII and not listed itself"},
    [ACCESS_RULE_ALLOW] = {"allow-policy", "a policy allows it"},
    [ACCESS_RULE_NOT_ALLOWED] = {"not-in-allowed-group",
                                 "it has allow policies, and none of them names this address"},
    [ACCESS_RULE_NOT_OWN_DOMAIN] = {"not-own-domain", "the domain is not one of its own"},
    [ACCESS_RULE_OWN_SENDER] = {"own-sender", "it is one of its senders"},
    [ACCESS_RULE_NOT_OWN_SENDER] = {"not-own-sender", "the address is not one of its senders"},
    [ACCESS_RULE_DOMAIN_SENDER] = {"domain-sender", "it is a sender of its domain"},
    [ACCESS_RULE_NOT_DOMAIN_SENDER] = {"not-domain-sender",
                                       "the address is not one of the domain's senders"},
    [ACCESS_RULE_OWN_DOMAIN] = {"own-domain", "no policy; any address of its domains"},
};

const char *access_rule_name(enum access_rule rule)
{
    return rule_words[rule].name;
}

const char *access_rule_text(enum access_rule rule)
{
    return rule_words[rule].text;
}
