/* SPDX-License-Identifier: Apache-2.0 */
/* Transit for people: shares, failures, rows, who could be stricter; and as CSV. */
#include <langinfo.h>
#include <string.h>

#include "report_transit.h"

#define TEXT_BYTES  ((size_t)4 << 20)
#define SHARE_CELLS 30
#define SHOWN_MAX   10 /* of each list of who could be stricter */
#define INDENT      6
#define ANYWAY      "DELIVERED ALL THE SAME"

static uint64_t number(const json_t *object, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(object, name));

    return n < 0 ? 0 : (uint64_t)n;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static struct transit_style style_of(const struct cli *c)
{
    return (struct transit_style){strcmp(nl_langinfo(CODESET), "UTF-8") == 0, c->colour};
}

static void print(struct sgl_buf *text)
{
    fwrite(text->data, 1, text->len, stdout);
    sgl_buf_done(text);
}

static void print_head(const struct cli *c, const char *first, const char *second,
                       const char *third)
{
    printf("\n%s%-26s %10s  %8s%s\n", cli_dim(c), first, second, third, cli_plain(c));
}

/* ---- shares ---- */

static void print_mechanisms(const struct cli *c, const json_t *total)
{
    const json_t *mechanisms = json_object_get(total, "mechanisms");
    uint64_t whole = number(total, "delivered");
    struct transit_style style = style_of(c);

    print_head(c, "HOW", "RECIPIENTS", "SHARE");
    for (size_t i = 0; i < TRANSIT_BANDS; i++) {
        uint64_t n = number(mechanisms, transit_band_member[i]);
        size_t cells = whole == 0 ? 0 : (size_t)((double)n * SHARE_CELLS / (double)whole + 0.5);
        struct sgl_buf bar = SGL_BUF_INIT(TEXT_BYTES);
        char share[16];

        transit_mark(&bar, &style, i, n > 0 && cells == 0 ? 1 : cells);
        printf("%-26s %10llu  %8s%s", transit_band_title[i], (unsigned long long)n,
               transit_share(n, whole, share), bar.len > 0 ? "  " : "");
        print(&bar);
        putchar('\n');
    }
}

static void print_versions(const struct cli *c, const json_t *total)
{
    uint64_t whole = number(total, "delivered");
    const json_t *value;
    const char *name;
    char share[16];

    print_head(c, "TLS", "RECIPIENTS", "SHARE");
    json_object_foreach((json_t *)(uintptr_t)json_object_get(total, "versions"), name, value)
    {
        uint64_t n = (uint64_t)json_integer_value(value);

        cli_put(stdout, name);
        printf("%*s %10llu  %8s\n", 26 - (int)strlen(name), "", (unsigned long long)n,
               transit_share(n, whole, share));
    }
}

static void print_causes(const struct cli *c, const json_t *total)
{
    const json_t *causes = json_object_get(total, "causes"), *value;
    const char *name;

    if (json_object_size(causes) == 0) {
        printf("\nTLS failed at nothing that was demanded.\n");
        return;
    }
    print_head(c, "FAILED AT", "ATTEMPTS", ANYWAY);
    json_object_foreach((json_t *)(uintptr_t)causes, name, value)
    {
        cli_put(stdout, name);
        printf("%*s %10llu  %*llu\n", strlen(name) > 26 ? 0 : 26 - (int)strlen(name), "",
               (unsigned long long)number(value, "failed"), (int)strlen(ANYWAY),
               (unsigned long long)number(value, "delivered"));
    }
}

/* ---- rows ---- */

static void print_rows(const struct cli *c, const json_t *answer, const char *name,
                       const char *nameless)
{
    const char *const head[] = {name,       "RECIPIENTS",    "DANE",      "MTA-STS",
                                "VERIFIED", "OPPORTUNISTIC", "PLAINTEXT", "FAILED"};
    struct cli_table t;
    const json_t *row;
    char share[16];
    size_t at;

    cli_table_init(&t, 8, head);
    json_array_foreach(json_object_get(answer, "rows"), at, row)
    {
        const json_t *mechanisms = json_object_get(row, "mechanisms");

        cli_table_add(&t, text_of(row, "name")[0] == '\0' ? nameless : text_of(row, "name"));
        cli_table_add(&t, cli_member(row, "delivered", 0));
        for (size_t i = 0; i < TRANSIT_BANDS; i++)
            cli_table_add(&t, transit_share(number(mechanisms, transit_band_member[i]),
                                            number(row, "delivered"), share));
        cli_table_add(&t, cli_member(row, "failed", 1));
    }
    putchar('\n');
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
    if (json_is_integer(json_object_get(answer, "next")))
        printf("There are more: --top N shows them.\n");
}

static void print_chart(const struct cli *c, const struct transit_chart *chart)
{
    struct transit_style style = style_of(c);
    struct sgl_buf text = SGL_BUF_INIT(TEXT_BYTES);

    if (chart == NULL || transit_bar_sum(chart->band) + chart->failed == 0)
        return;
    putchar('\n');
    transit_chart_text(&text, chart, &style);
    print(&text);
}

/* ---- who could be stricter ---- */

static void print_more(size_t all)
{
    if (all > SHOWN_MAX)
        printf("  and %zu more: --json has them\n", all - SHOWN_MAX);
}

static void print_troubles(const struct cli *c, const json_t *list, const char *title,
                           const char *of)
{
    const json_t *one, *cause;
    size_t at, n;

    if (json_array_size(list) == 0)
        return;
    printf("\n%s%s%s\n", cli_bold(c), title, cli_plain(c));
    json_array_foreach(list, at, one)
    {
        if (at == SHOWN_MAX)
            break;
        json_array_foreach(json_object_get(one, "causes"), n, cause)
        {
            printf("  ");
            cli_put(stdout, text_of(one, "domain"));
            printf(": ");
            cli_put(stdout, text_of(cause, "cause"));
            printf(", %llu %s\n%*s", (unsigned long long)number(cause, "count"), of, INDENT, "");
            cli_put_folded(stdout, sgl_view_cstr(text_of(cause, "advice")), INDENT);
        }
    }
    print_more(json_array_size(list));
}

static const char *part_title(const char *part)
{
    return strcmp(part, "mta_sts") == 0   ? "MTA-STS"
           : strcmp(part, "tls_rpt") == 0 ? "TLS-RPT"
           : strcmp(part, "tlsa") == 0    ? "TLSA"
                                          : part;
}

/* own: those of this server; else what others run. Returns how many. */
static size_t print_hosts(const json_t *one, bool own)
{
    const json_t *host;
    size_t at, shown = 0;

    json_array_foreach(json_object_get(one, "hosts"), at, host)
    {
        const char *tlsa = text_of(host, "tlsa");

        if (json_is_true(json_object_get(host, "own")) != own)
            continue;
        printf("%s", shown++ > 0 ? ", " : own ? " (" : "\n    ");
        cli_put(stdout, text_of(host, "host"));
        if (strcmp(tlsa, "missing") != 0)
            printf(": %s", strcmp(tlsa, "unsigned") == 0 ? "not signed by DNSSEC"
                                                         : "none that can be used");
    }
    return shown;
}

static void print_parts(const json_t *one)
{
    const json_t *part;
    size_t n;

    json_array_foreach(json_object_get(one, "missing"), n, part)
    {
        printf("%s no ", n == 0 ? " publishes" : ",");
        cli_put(stdout, part_title(json_string_value(part)));
    }
    if (print_hosts(one, true) > 0)
        putchar(')');
}

/* What others run is named apart: nothing of it is the domain's to publish. */
static void print_own(const struct cli *c, const json_t *list)
{
    const json_t *one;
    size_t at, others;

    if (json_array_size(list) == 0)
        return;
    printf("\n%sYour own domains%s\n", cli_bold(c), cli_plain(c));
    json_array_foreach(list, at, one)
    {
        if (at == SHOWN_MAX)
            break;
        printf("  ");
        cli_put(stdout, text_of(one, "domain"));
        print_parts(one);
        others = print_hosts(one, false);
        puts(others > 1    ? ": hosts of others without TLSA records"
             : others == 1 ? ": a host of others without TLSA records"
                           : "");
    }
    print_more(json_array_size(list));
    printf("%*s", INDENT, "");
    cli_put_folded(stdout, sgl_view_cstr(text_of(json_array_get(list, 0), "advice")), INDENT);
}

static void print_stricter(const struct cli *c, const json_t *stricter)
{
    const json_t *failing = json_object_get(stricter, "failing");
    const json_t *testing = json_object_get(stricter, "testing");
    const json_t *own = json_object_get(stricter, "own");

    printf("\n%sWHO COULD BE STRICTER%s\n", cli_dim(c), cli_plain(c));
    if (json_array_size(failing) + json_array_size(testing) + json_array_size(own) == 0)
        printf("Nobody: no policy failed, and your own domains publish theirs.\n");
    else if (json_array_size(failing) + json_array_size(testing) > 0)
        printf("sigillo tls check DOMAIN shows a destination host by host.\n");
    print_troubles(c, failing, "Destinations that get no mail, because TLS fails", "attempts");
    print_troubles(c, testing, "Destinations that get mail, though something of their policy fails",
                   "recipients");
    print_own(c, own);
}

/* ---- all of it ---- */

static void print_title(const struct cli *c, const json_t *answer)
{
    const json_t *total = json_object_get(answer, "total");
    uint64_t n = number(total, "delivered"), failed = number(total, "failed");

    printf("%sMail in transit%s from ", cli_bold(c), cli_plain(c));
    cli_put(stdout, text_of(answer, "from"));
    printf(" to ");
    cli_put(stdout, text_of(answer, "to"));
    printf(": %llu recipient%s, %llu attempt%s failed at TLS\n", (unsigned long long)n,
           n == 1 ? "" : "s", (unsigned long long)failed, failed == 1 ? "" : "s");
}

void transit_print(const struct cli *c, const json_t *answer, enum transit_sums by,
                   const struct transit_chart *chart)
{
    static const char *const head[TRANSIT_SUMS] = {[TRANSIT_DAYS] = "DAY",
                                                   [TRANSIT_DOMAINS] = "DESTINATION",
                                                   [TRANSIT_SENDERS] = "SENDER",
                                                   [TRANSIT_SUBSCRIPTIONS] = "SUBSCRIPTION"};
    const json_t *total = json_object_get(answer, "total");

    print_title(c, answer);
    if (by == TRANSIT_OVERVIEW || by == TRANSIT_BY_MECHANISM)
        print_mechanisms(c, total);
    if (by == TRANSIT_OVERVIEW || by == TRANSIT_BY_VERSION)
        print_versions(c, total);
    if (by == TRANSIT_OVERVIEW || by == TRANSIT_BY_CAUSE)
        print_causes(c, total);
    if (head[by] != NULL)
        print_rows(c, answer, head[by], by == TRANSIT_DOMAINS ? "(of old days)" : "(none)");
    print_chart(c, chart);
    if (by == TRANSIT_OVERVIEW)
        print_stricter(c, json_object_get(answer, "stricter"));
}

/* ---- CSV ---- */

static void put_count(struct sgl_buf *out, const json_t *object, const char *name, const char *end)
{
    sgl_buf_addf(out, "%llu%s", (unsigned long long)number(object, name), end);
}

static void put_row(struct sgl_buf *out, const json_t *row, enum transit_sums by)
{
    const json_t *mechanisms = json_object_get(row, "mechanisms");
    const json_t *versions = json_object_get(row, "versions");

    transit_csv_put(out, sgl_view_cstr(text_of(row, "name")), ",");
    if (by > TRANSIT_SUBSCRIPTIONS) {
        put_count(out, row, "delivered", by == TRANSIT_BY_CAUSE ? "," : "\r\n");
        if (by == TRANSIT_BY_CAUSE)
            put_count(out, row, "failed", "\r\n");
        return;
    }
    put_count(out, row, "delivered", ",");
    put_count(out, row, "failed", ",");
    for (size_t i = 0; i < TRANSIT_BANDS; i++)
        put_count(out, mechanisms, transit_band_member[i], ",");
    put_count(out, versions, "TLSv1.3", ",");
    put_count(out, versions, "TLSv1.2", "\r\n");
}

void transit_print_csv(const json_t *answer, enum transit_sums by)
{
    struct sgl_buf out = SGL_BUF_INIT(TEXT_BYTES);
    const json_t *row;
    size_t at;

    transit_csv_put(&out, sgl_view_cstr(text_of(answer, "by")), ",delivered");
    if (by <= TRANSIT_SUBSCRIPTIONS)
        sgl_buf_add_cstr(&out, ",failed,dane,mta-sts,verified,encrypted,plain,TLSv1.3,TLSv1.2");
    else if (by == TRANSIT_BY_CAUSE)
        sgl_buf_add_cstr(&out, ",failed");
    sgl_buf_add_cstr(&out, "\r\n");
    json_array_foreach(json_object_get(answer, "rows"), at, row)
    {
        put_row(&out, row, by);
    }
    print(&out);
}
