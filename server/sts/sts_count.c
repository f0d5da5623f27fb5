/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted. */
#include "sts_internal.h"

#define FETCHES      "sigillo_mta_sts_fetches_total"
#define FETCHES_HELP "Policies of other domains asked for, by how that ended"

static struct metric fetched = METRIC_COUNTER(FETCHES, FETCHES_HELP, "result=\"ok\"");
static struct metric invalid = METRIC_COUNTER(FETCHES, FETCHES_HELP, "result=\"invalid\"");
static struct metric certificate = METRIC_COUNTER(FETCHES, FETCHES_HELP, "result=\"certificate\"");
static struct metric failed = METRIC_COUNTER(FETCHES, FETCHES_HELP, "result=\"failed\"");
static struct metric unknown = METRIC_COUNTER(
    "sigillo_mta_sts_unknown_total",
    "Deliveries put off because it was not known whether their domain has a policy", NULL);

void count_register(void)
{
    metrics_register(&fetched);
    metrics_register(&invalid);
    metrics_register(&certificate);
    metrics_register(&failed);
    metrics_register(&unknown);
}

void count_fetch(enum sgl_tls_result trouble)
{
    if (trouble == SGL_TLS_OK)
        metric_add(&fetched, 1);
    else if (trouble == SGL_TLS_STS_POLICY_INVALID)
        metric_add(&invalid, 1);
    else if (trouble == SGL_TLS_STS_WEBPKI_INVALID)
        metric_add(&certificate, 1);
    else
        metric_add(&failed, 1);
}

void count_unknown(void)
{
    metric_add(&unknown, 1);
}
