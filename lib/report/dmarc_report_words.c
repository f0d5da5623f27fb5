/* SPDX-License-Identifier: Apache-2.0 */
/* The words, numbers and times of aggregate reports: as the RFC has them, and as senders write them.  [RFC 9990 s3.1.1] */
#include "dmarc_report_internal.h"
#include "sigillo/date.h"

#include "sigillo/banned.h"

#define COUNT_MAX         ((uint64_t)1 << 40) /* messages of one record: nobody has as many in a day */
#define TIME_MAX          ((uint64_t)253402300799) /* the end of the year 9999 */
#define MILLISECONDS_FROM ((uint64_t)100000000000) /* as seconds it would be the year 5138 */

struct word {
    const char *text;
    int value;
    bool old; /* not in RFC 9990, and not in RFC 7489 */
};

static const char *name_of(const struct word *word, int value)
{
    for (; word->text != NULL; word++)
        if (word->value == value)
            return word->text;
    return "";
}

/* "pass (2048 bits)" is pass. */
static sgl_view first_word(sgl_view text)
{
    size_t n = 0;

    while (n < text.len && text.ptr[n] > ' ' && text.ptr[n] != '(')
        n++;
    return sgl_view_sub(text, 0, n);
}

static int value_of(const struct word *word, sgl_view text, bool *odd)
{
    sgl_view first = first_word(text);

    if (text.len == 0)
        return 0;
    for (; word->text != NULL; word++)
        if (sgl_view_eq_nocase(first, sgl_view_cstr(word->text))) {
            *odd |= word->old;
            return word->value;
        }
    *odd = true;
    return 0;
}

static const struct word dispositions[] = {{"none", SGL_DMARC_DISPOSITION_NONE, false},
                                           {"pass", SGL_DMARC_DISPOSITION_PASS, false},
                                           {"quarantine", SGL_DMARC_DISPOSITION_QUARANTINE, false},
                                           {"reject", SGL_DMARC_DISPOSITION_REJECT, false},
                                           {"quarantined", SGL_DMARC_DISPOSITION_QUARANTINE, true},
                                           {"rejected", SGL_DMARC_DISPOSITION_REJECT, true},
                                           {NULL, 0, false}};

const char *sgl_dmarc_disposition_name(enum sgl_dmarc_disposition disposition)
{
    return name_of(dispositions, (int)disposition);
}

enum sgl_dmarc_disposition sgl_dmarc_read_disposition(sgl_view text, bool *odd)
{
    return (enum sgl_dmarc_disposition)value_of(dispositions, text, odd);
}

static const struct word raws[] = {
    {"none", SGL_DMARC_RAW_NONE, false},           {"pass", SGL_DMARC_RAW_PASS, false},
    {"fail", SGL_DMARC_RAW_FAIL, false},           {"softfail", SGL_DMARC_RAW_SOFTFAIL, false},
    {"policy", SGL_DMARC_RAW_POLICY, false},       {"neutral", SGL_DMARC_RAW_NEUTRAL, false},
    {"temperror", SGL_DMARC_RAW_TEMPERROR, false}, {"permerror", SGL_DMARC_RAW_PERMERROR, false},
    {"hardfail", SGL_DMARC_RAW_FAIL, true},        {"invalid", SGL_DMARC_RAW_FAIL, true},
    {"error", SGL_DMARC_RAW_TEMPERROR, true},      {"tempfail", SGL_DMARC_RAW_TEMPERROR, true},
    {"temperr", SGL_DMARC_RAW_TEMPERROR, true},    {"timeout", SGL_DMARC_RAW_TEMPERROR, true},
    {"unknown", SGL_DMARC_RAW_PERMERROR, true},    {"permfail", SGL_DMARC_RAW_PERMERROR, true},
    {"permerr", SGL_DMARC_RAW_PERMERROR, true},    {NULL, 0, false}};

const char *sgl_dmarc_raw_name(enum sgl_dmarc_raw result)
{
    return name_of(raws, (int)result);
}

enum sgl_dmarc_raw sgl_dmarc_read_raw(sgl_view text, bool *odd)
{
    return (enum sgl_dmarc_raw)value_of(raws, text, odd);
}

const char *sgl_dmarc_aligned_name(enum sgl_dmarc_aligned aligned)
{
    static const char *const name[] = {"", "pass", "fail"};

    return name[aligned];
}

/* Some write here what DKIM or SPF said by itself: whatever is not pass did not pass. */
enum sgl_dmarc_aligned sgl_dmarc_read_aligned(sgl_view text, bool *odd)
{
    switch (sgl_dmarc_read_raw(text, odd)) {
    case SGL_DMARC_RAW_UNKNOWN:
        return SGL_DMARC_ALIGNED_UNKNOWN;
    case SGL_DMARC_RAW_PASS:
        return SGL_DMARC_ALIGNED_PASS;
    case SGL_DMARC_RAW_NONE:
    case SGL_DMARC_RAW_SOFTFAIL:
    case SGL_DMARC_RAW_POLICY:
    case SGL_DMARC_RAW_NEUTRAL:
    case SGL_DMARC_RAW_TEMPERROR:
    case SGL_DMARC_RAW_PERMERROR:
        *odd = true;
        break;
    case SGL_DMARC_RAW_FAIL:
        break;
    }
    return SGL_DMARC_ALIGNED_FAIL;
}

static const struct word overrides[] = {
    {"local_policy", SGL_DMARC_OVERRIDE_LOCAL_POLICY, false},
    {"mailing_list", SGL_DMARC_OVERRIDE_MAILING_LIST, false},
    {"other", SGL_DMARC_OVERRIDE_OTHER, false},
    {"policy_test_mode", SGL_DMARC_OVERRIDE_POLICY_TEST_MODE, false},
    {"trusted_forwarder", SGL_DMARC_OVERRIDE_TRUSTED_FORWARDER, false},
    {"forwarded", SGL_DMARC_OVERRIDE_FORWARDED, false},
    {"sampled_out", SGL_DMARC_OVERRIDE_SAMPLED_OUT, false},
    {NULL, 0, false}};

const char *sgl_dmarc_override_name(enum sgl_dmarc_override reason)
{
    return name_of(overrides, (int)reason);
}

enum sgl_dmarc_override sgl_dmarc_read_override(sgl_view text, bool *odd)
{
    return (enum sgl_dmarc_override)value_of(overrides, text, odd);
}

static const struct word discoveries[] = {{"psl", SGL_DMARC_DISCOVERY_PSL, false},
                                          {"treewalk", SGL_DMARC_DISCOVERY_TREEWALK, false},
                                          {NULL, 0, false}};

const char *sgl_dmarc_discovery_name(enum sgl_dmarc_discovery method)
{
    return name_of(discoveries, (int)method);
}

enum sgl_dmarc_discovery sgl_dmarc_read_discovery(sgl_view text, bool *odd)
{
    return (enum sgl_dmarc_discovery)value_of(discoveries, text, odd);
}

enum sgl_dmarc_mode sgl_dmarc_read_mode(sgl_view text, bool *odd)
{
    static const struct word modes[] = {{"r", SGL_DMARC_MODE_RELAXED, false},
                                        {"s", SGL_DMARC_MODE_STRICT, false},
                                        {"relaxed", SGL_DMARC_MODE_RELAXED, true},
                                        {"strict", SGL_DMARC_MODE_STRICT, true},
                                        {NULL, 0, false}};

    return (enum sgl_dmarc_mode)value_of(modes, text, odd);
}

enum sgl_dmarc_testing sgl_dmarc_read_testing(sgl_view text, bool *odd)
{
    static const struct word answers[] = {
        {"n", SGL_DMARC_TESTING_NO, false}, {"y", SGL_DMARC_TESTING_YES, false}, {NULL, 0, false}};

    return (enum sgl_dmarc_testing)value_of(answers, text, odd);
}

enum sgl_dmarc_scope sgl_dmarc_read_scope(sgl_view text, bool *odd)
{
    static const struct word scopes[] = {{"mfrom", SGL_DMARC_SCOPE_MFROM, false},
                                         {"helo", SGL_DMARC_SCOPE_HELO, false},
                                         {NULL, 0, false}};

    return (enum sgl_dmarc_scope)value_of(scopes, text, odd);
}

/* ---- numbers ---- */

/* "192.0.2.1", and in brackets, and with the word that literals of SMTP have. */
struct sgl_ip sgl_dmarc_read_ip(sgl_view text, bool *odd)
{
    struct sgl_ip ip = {.version = 0};
    sgl_view inner = text;

    if (sgl_view_starts(inner, SGL_LIT("[")) && sgl_view_ends(inner, SGL_LIT("]")))
        inner = sgl_view_trim(sgl_view_sub(inner, 1, inner.len - 2));
    if (sgl_view_starts_nocase(inner, SGL_LIT("IPv6:")))
        inner = sgl_view_from(inner, 5);
    if (sgl_ip_parse(inner, &ip) != SGL_OK) {
        *odd = true;
        return ip;
    }
    return sgl_ip_unmap(&ip);
}

uint64_t sgl_dmarc_read_count(sgl_view text, bool *odd)
{
    uint64_t count = 0;

    if (!sgl_view_u64(text, COUNT_MAX, &count) || count == 0)
        *odd = true;
    return count;
}

/* "2018-10-01 00:00:00" and "2018-10-01T00:00:00" are taken for UTC. */
static bool read_date(sgl_view text, sgl_time *out)
{
    sgl_auto(sgl_buf) made = SGL_BUF_INIT(64);
    struct sgl_date date;

    sgl_buf_add(&made, sgl_view_sub(text, 0, 40));
    if (made.status == SGL_OK && made.len > 10 && made.data[10] == ' ')
        made.data[10] = 'T';
    if (sgl_date_parse_internet(sgl_buf_view(&made), out, NULL) == SGL_OK)
        return true;
    sgl_buf_add_byte(&made, 'Z');
    if (sgl_date_parse_internet(sgl_buf_view(&made), out, NULL) == SGL_OK)
        return true;
    if (sgl_date_parse(text, &date, NULL) != SGL_OK)
        return false;
    *out = date.time;
    return true;
}

sgl_time sgl_dmarc_read_time(sgl_view text, bool *odd)
{
    size_t dot = sgl_view_find(text, '.');
    sgl_time date = 0;
    uint64_t n, fraction;

    if (sgl_view_u64(text, MILLISECONDS_FROM, &n))
        return (sgl_time)n;
    *odd |= text.len > 0;
    if (sgl_view_u64(text, TIME_MAX * 1000, &n))
        return (sgl_time)(n / 1000);
    if (dot < text.len && sgl_view_u64(sgl_view_from(text, dot + 1), UINT64_MAX, &fraction) &&
        sgl_view_u64(sgl_view_sub(text, 0, dot), MILLISECONDS_FROM, &n))
        return (sgl_time)n;
    return read_date(text, &date) && date > 0 ? date : 0;
}

const char *sgl_dmarc_report_problem_text(enum sgl_dmarc_report_problem problem)
{
    static const char *const text[SGL_DMARC_REPORT_PROBLEMS] = {
        [SGL_DMARC_REPORT_CUT] = "it breaks off; what stood before that is shown",
        [SGL_DMARC_REPORT_NO_ORG] = "it does not say who made it (org_name)",
        [SGL_DMARC_REPORT_NO_EMAIL] = "it has no address of who made it (email)",
        [SGL_DMARC_REPORT_NO_ID] = "it has no report_id",
        [SGL_DMARC_REPORT_NO_DATES] = "it does not say which time it covers (date_range)",
        [SGL_DMARC_REPORT_NO_DOMAIN] = "it does not say which domain it is about",
        [SGL_DMARC_REPORT_DATE] = "a time is not in whole seconds since 1970",
        [SGL_DMARC_REPORT_RANGE] = "the time that it covers is no day or week",
        [SGL_DMARC_REPORT_EMPTY] = "it has no records",
        [SGL_DMARC_REPORT_POLICY] = "the policy that it found is incomplete or has strange words",
        [SGL_DMARC_REPORT_IP] = "a record has no address that can be read",
        [SGL_DMARC_REPORT_COUNT] = "a record has no number of messages, or 0",
        [SGL_DMARC_REPORT_NO_FROM] = "a record does not say which domain stood in From",
        [SGL_DMARC_REPORT_WORD] = "a result is a word that no RFC has",
        [SGL_DMARC_REPORT_MANY] = "a record has more results than are kept",
        [SGL_DMARC_REPORT_NAME] = "an element has a name that no RFC has, or another's place",
    };

    return problem < SGL_DMARC_REPORT_PROBLEMS ? text[problem] : "";
}
