/* SPDX-License-Identifier: Apache-2.0 */
/* The records that a domain publishes: SPF [RFC 7208], DKIM keys [RFC 6376 s3.6], DMARC [RFC 9989]. */
#include <stdio.h>

#include "admin_internal.h"
#include "sigillo/dkim.h"

static struct admin_record *next_record(struct admin_record *record, size_t *count,
                                        const char *purpose)
{
    struct admin_record *r = &record[(*count)++];

    r->purpose = purpose;
    r->type = "TXT";
    r->value = (struct sgl_buf)SGL_BUF_INIT(4096);
    return r;
}

static enum sgl_status put_selector(const struct domain *domain, const struct selector *s,
                                    struct admin_record *record, size_t *count)
{
    struct admin_record *r = next_record(record, count, "dkim");
    enum sgl_dkim_algorithm algorithm =
        s->algorithm == KEYS_ED25519 ? SGL_DKIM_ED25519_SHA256 : SGL_DKIM_RSA_SHA256;

    snprintf(r->name, sizeof(r->name), "%s._domainkey.%s", s->name, domain->name);
    return sgl_dkim_key_record(algorithm, sgl_view_of(s->key->public_key, s->key->public_len),
                               &r->value);
}

enum sgl_status admin_records(const struct domain *domain, const char *hostname,
                              struct admin_record record[RECORDS_MAX], size_t *count)
{
    struct admin_record *r;

    *count = 0;
    r = next_record(record, count, "spf");
    snprintf(r->name, sizeof(r->name), "%s", domain->name);
    sgl_buf_addf(&r->value, "v=spf1 a:%s ~all", hostname);
    for (size_t i = 0; i < domain->selectors && *count < RECORDS_MAX - 1; i++)
        SGL_TRY(put_selector(domain, &domain->selector[i], record, count));
    r = next_record(record, count, "dmarc");
    snprintf(r->name, sizeof(r->name), "_dmarc.%s", domain->name);
    sgl_buf_add_cstr(&r->value, "v=DMARC1; p=none");
    return SGL_OK;
}

void admin_records_done(struct admin_record *record, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sgl_buf_done(&record[i].value);
}
