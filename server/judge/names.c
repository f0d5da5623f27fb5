/* SPDX-License-Identifier: Apache-2.0 */
/* The words of configuration, logs and reports. */
#include "judge.h"

static bool find(const char *const *word, size_t words, sgl_view name, size_t *at)
{
    for (*at = 0; *at < words; (*at)++)
        if (sgl_view_eq(sgl_view_cstr(word[*at]), name))
            return true;
    return false;
}

static const char *const mode_word[] = {
    [JUDGE_FOLLOW] = "follow", [JUDGE_QUARANTINE] = "quarantine", [JUDGE_MARK] = "mark"};

const char *judge_mode_name(enum judge_mode mode)
{
    return mode_word[mode];
}

bool judge_mode_parse(sgl_view name, enum judge_mode *out)
{
    size_t at;

    if (!find(mode_word, sizeof(mode_word) / sizeof(mode_word[0]), name, &at))
        return false;
    *out = (enum judge_mode)at;
    return true;
}

static const char *const reason_word[] = {[JUDGE_LOCAL_POLICY] = "local_policy",
                                          [JUDGE_MAILING_LIST] = "mailing_list",
                                          [JUDGE_OTHER] = "other",
                                          [JUDGE_POLICY_TEST_MODE] = "policy_test_mode",
                                          [JUDGE_TRUSTED_FORWARDER] = "trusted_forwarder"};

const char *judge_reason_name(enum judge_reason reason)
{
    return reason_word[reason];
}

bool judge_reason_parse(sgl_view name, enum judge_reason *out)
{
    size_t at;

    if (!find(reason_word, sizeof(reason_word) / sizeof(reason_word[0]), name, &at))
        return false;
    *out = (enum judge_reason)at;
    return true;
}

const char *judge_action_name(enum judge_action action)
{
    static const char *const word[] = {[JUDGED_ACCEPT] = "accept",
                                       [JUDGED_QUARANTINE] = "quarantine",
                                       [JUDGED_REJECT] = "reject",
                                       [JUDGED_DEFER] = "defer"};

    return word[action];
}

const char *judge_disposition_name(enum judge_disposition disposition)
{
    static const char *const word[] = {[JUDGE_DISPOSED_NONE] = "none",
                                       [JUDGE_DISPOSED_PASS] = "pass",
                                       [JUDGE_DISPOSED_QUARANTINE] = "quarantine",
                                       [JUDGE_DISPOSED_REJECT] = "reject"};

    return word[disposition];
}
