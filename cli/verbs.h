/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the table of verbs; each is defined in the file of its name. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli.h"

extern const struct cli_verb verb_route_add, verb_route_list, verb_route_show, verb_route_set,
    verb_route_remove, verb_route_test;
extern const struct cli_verb verb_init, verb_serve, verb_status, verb_subscription_add,
    verb_subscription_list, verb_subscription_show, verb_subscription_set, verb_profile_list,
    verb_report_usage, verb_report_audit, verb_report_guard, verb_report_transit,
    verb_report_reputation, verb_reputation_forget, verb_domain_add, verb_domain_list,
    verb_domain_show, verb_domain_records, verb_domain_verify, verb_domain_coach, verb_domain_park,
    verb_domain_set, verb_domain_publish, verb_domain_rotate, verb_domain_mta_sts,
    verb_domain_remove, verb_credential_add, verb_credential_list, verb_credential_set,
    verb_credential_remove, verb_key_add, verb_key_list, verb_key_show, verb_key_rotate,
    verb_key_set, verb_key_remove, verb_send, verb_queue_list, verb_queue_show, verb_queue_retry,
    verb_queue_cancel, verb_queue_hold, verb_queue_release, verb_trace;

extern const struct cli_verb verb_suppression_add, verb_suppression_list, verb_suppression_remove,
    verb_suppression_import, verb_suppression_export;

extern const struct cli_verb verb_local_add, verb_local_list, verb_local_show, verb_local_set,
    verb_local_remove;
extern const struct cli_verb verb_app_add, verb_app_list, verb_app_show, verb_app_set,
    verb_app_secret, verb_app_federate, verb_app_remove;
extern const struct cli_verb verb_account_add, verb_account_list, verb_account_show,
    verb_account_set, verb_account_remove;
extern const struct cli_verb verb_sender_add, verb_sender_list, verb_sender_remove, verb_group_add,
    verb_group_list, verb_group_show, verb_group_set, verb_group_remove, verb_policy_add,
    verb_policy_list, verb_policy_remove, verb_policy_test;

extern const struct cli_verb verb_tls_records;

/* Without a server. */
extern const struct cli_verb verb_spf_check, verb_spf_tree, verb_spf_build, verb_verify;
extern const struct cli_verb verb_dkim_keygen, verb_dkim_sign, verb_dkim_verify, verb_arc_verify,
    verb_arc_seal;
extern const struct cli_verb verb_check, verb_tls_check, verb_tls_next_key, verb_tls_policy;
extern const struct cli_verb verb_milter, verb_milter_import;
extern const struct cli_verb verb_dmarc_check, verb_dmarc_report, verb_dmarc_sent, verb_dmarc_take,
    verb_report_dmarc;
extern const struct cli_verb verb_advise;

extern const struct cli_verb verb_bounce_parse;

extern const struct cli_verb verb_tlsrpt_report, verb_tlsrpt_sent, verb_tlsrpt_take,
    verb_report_tls;

#endif
