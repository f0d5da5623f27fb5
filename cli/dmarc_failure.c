/* SPDX-License-Identifier: Apache-2.0 */
#include "dmarc_failure.h"

#include "sigillo/arf.h"

#define MEMORY ((size_t)16 << 20)

static json_t *told(sgl_view text)
{
    return text.len == 0 ? json_null() : cli_json_text(text);
}

static json_t *ip_json(const struct sgl_ip *ip)
{
    char text[SGL_IP_TEXT_SIZE];

    return ip->version == 0 ? json_null() : cli_json_text(sgl_ip_text(ip, text));
}

/* A field of the message that failed. */
static json_t *field_json(const struct sgl_arf *arf, sgl_view name, struct sgl_arena *arena)
{
    const struct sgl_header *field = sgl_headers_first(&arf->header, name);
    sgl_view value = {NULL, 0};

    if (field == NULL || sgl_header_unfold(field->value, arena, &value) != SGL_OK)
        return json_null();
    return told(value);
}

static json_t *failure_json(const struct sgl_arf *arf, struct sgl_arena *arena)
{
    sgl_view domain = arf->reported_domains > 0 ? arf->reported_domain[0] : SGL_LIT("");

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
        "domain", told(domain), "failed", told(arf->auth_failure), "aligned",
        told(arf->identity_alignment), "delivered", told(arf->delivery_result), "source_ip",
        ip_json(&arf->source), "arrived", cli_json_date(arf->arrival), "envelope_from",
        told(arf->original_mail_from), "dkim_domain", told(arf->dkim_domain), "dkim_selector",
        told(arf->dkim_selector), "spf_record", told(arf->spf_dns), "authentication_results",
        told(arf->authentication_results), "reporter",
        told(arf->reporting_mta.len > 0 ? arf->reporting_mta : arf->user_agent), "from",
        field_json(arf, SGL_LIT("From"), arena), "to", field_json(arf, SGL_LIT("To"), arena),
        "subject", field_json(arf, SGL_LIT("Subject"), arena), "message_id", told(arf->message_id),
        "incidents", (json_int_t)arf->incidents);
}

json_t *dmarc_failure_json(sgl_view message)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(MEMORY);
    struct sgl_arf arf;

    if (sgl_arf_parse(message, &arena, &arf, NULL) != SGL_OK || arf.type != SGL_ARF_AUTH_FAILURE)
        return NULL;
    return failure_json(&arf, &arena);
}

static void put_line(const json_t *failure, const char *title, const char *member)
{
    const char *text = cli_member(failure, member, 0);

    if (text[0] == '\0')
        return;
    printf("  %-15s ", title);
    cli_put(stdout, text);
    putchar('\n');
}

void dmarc_failure_print(const struct cli *c, const json_t *failure)
{
    const char *domain = cli_member(failure, "domain", 1);

    fputs(cli_bold(c), stdout);
    cli_put(stdout, domain[0] == '\0' ? "a domain that it does not name" : domain);
    printf("%s: a message that was not authenticated\n", cli_plain(c));
    put_line(failure, "failed", "failed");
    put_line(failure, "aligned", "aligned");
    put_line(failure, "source", "source_ip");
    put_line(failure, "arrived", "arrived");
    put_line(failure, "envelope from", "envelope_from");
    put_line(failure, "from", "from");
    put_line(failure, "subject", "subject");
    put_line(failure, "message id", "message_id");
    put_line(failure, "signed by", "dkim_domain");
    put_line(failure, "selector", "dkim_selector");
    put_line(failure, "SPF record", "spf_record");
    put_line(failure, "results", "authentication_results");
    put_line(failure, "delivered", "delivered");
    put_line(failure, "reported by", "reporter");
    putchar('\n');
}
