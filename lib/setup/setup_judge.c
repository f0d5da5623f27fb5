/* SPDX-License-Identifier: Apache-2.0 */
/* Asking, and saying what was found. */
#include <stdarg.h>
#include <stdio.h>

#include "setup_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"

#define WHY_MAX    1024
#define FOUND_MAX  4096
#define FOUND_EACH 1024

/* ---- asking --------------------------------------------------------------------------------------------------------- */

enum sgl_status sgl_setup_ask(struct setup_work *w, struct sgl_name name, enum sgl_rr type,
                              const struct sgl_dns_answer **out)
{
    enum sgl_status st = sgl_dns_get(w->dns, name, type, out);

    if (st != SGL_E_LIMIT)
        return st;
    *out = NULL;
    return SGL_OK;
}

bool sgl_setup_is_unknown(const struct sgl_dns_answer *answer)
{
    return answer == NULL || sgl_dns_is_error(answer);
}

/* ---- sentences ------------------------------------------------------------------------------------------------------ */

/* Appends to `to`, which has room for `max` and the dots. Gives the new length. */
static size_t put_shown(char *to, size_t len, size_t max, sgl_view bytes)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.ptr[i];
        bool plain = c >= 0x20 && c < 0x7f;

        if (len + (plain ? 1 : 4) > max) {
            memcpy(to + len, "...", 3);
            return len + 3;
        }
        if (plain) {
            to[len++] = (char)c;
        } else {
            const char escaped[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};

            memcpy(to + len, escaped, 4);
            len += 4;
        }
    }
    return len;
}

const char *sgl_setup_show(struct setup_shown *s, sgl_view bytes)
{
    s->text[put_shown(s->text, 0, SETUP_SHOWN, bytes)] = '\0';
    return s->text;
}

enum sgl_status sgl_setup_say(struct setup_work *w, struct sgl_setup_row *row,
                              enum sgl_setup_state state, const char *code, const char *format, ...)
{
    char line[WHY_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    row->state = state;
    row->code = code;
    row->publish = state != SGL_SETUP_UNKNOWN && row->value.len > 0;
    return sgl_arena_dup(w->arena, sgl_view_cstr(line), &row->why);
}

enum sgl_status sgl_setup_say_unknown(struct setup_work *w, struct sgl_setup_row *row,
                                      struct sgl_name name, const struct sgl_dns_answer *answer)
{
    if (answer == NULL)
        return sgl_setup_say(w, row, SGL_SETUP_UNKNOWN, "lookup-failed",
                             "%.*s was not looked up: too many questions about this domain.",
                             SGL_FMT(name.text));
    if (answer->outcome == SGL_DNS_BOGUS)
        return sgl_setup_say(w, row, SGL_SETUP_UNKNOWN, "lookup-failed",
                             "The signatures (DNSSEC) of %.*s are broken (%s): receivers that "
                             "check them see nothing there.",
                             SGL_FMT(name.text), answer->why);
    return sgl_setup_say(w, row, SGL_SETUP_UNKNOWN, "lookup-failed",
                         "The %s lookup of %.*s failed (%s): try again.", sgl_rr_name(answer->type),
                         SGL_FMT(name.text), answer->why);
}

/* Names that are for this one record: an alias that stands there serves nothing else, and may be removed. */
static bool is_for_one_record(enum sgl_setup_purpose purpose)
{
    return purpose == SGL_SETUP_DKIM || purpose == SGL_SETUP_DKIM2 || purpose == SGL_SETUP_DMARC ||
           purpose == SGL_SETUP_MTA_STS || purpose == SGL_SETUP_TLSRPT;
}

/* [RFC 1034 s3.6.2] Beside a CNAME nothing else can stand. */
static enum sgl_status say_alias(struct setup_work *w, struct sgl_setup_row *row,
                                 const struct sgl_dns_answer *answer)
{
    const struct sgl_dns_answer *alias = NULL;

    if (is_for_one_record(row->purpose))
        SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_CNAME, &alias));
    if (!sgl_setup_is_unknown(alias) && alias->count > 0)
        SGL_TRY(sgl_setup_take_found(w, row, alias, NULL));
    SGL_TRY(sgl_setup_text(w, &row->found, "CNAME %.*s", SGL_FMT(answer->canonical.text)));
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "alias",
                         "%.*s is an alias (CNAME) that leads to %.*s, and beside an alias no "
                         "other record can stand: remove it first.",
                         SGL_FMT(row->name.text), SGL_FMT(answer->canonical.text));
}

enum sgl_status sgl_setup_say_missing(struct setup_work *w, struct sgl_setup_row *row,
                                      const struct sgl_dns_answer *answer)
{
    if (answer->aliased)
        return say_alias(w, row, answer);
    if (answer->outcome == SGL_DNS_NXDOMAIN && w->domain_missing && !w->s->zone_known &&
        sgl_name_eq(row->name, w->s->domain))
        return sgl_setup_say(w, row, SGL_SETUP_MISSING, "domain-missing",
                             "DNS knows no %.*s: is it registered, and do its name servers answer "
                             "for it?",
                             SGL_FMT(w->s->zone.text));
    return sgl_setup_say(w, row, SGL_SETUP_MISSING, "missing",
                         "There is no such %s record at %.*s yet.", sgl_rr_name(row->type),
                         SGL_FMT(row->name.text));
}

void sgl_setup_is_present(struct sgl_setup_row *row, sgl_view value)
{
    row->state = SGL_SETUP_PRESENT;
    if (sgl_ascii_is_printable(value))
        row->value = value;
    row->publish = false;
    row->old_count = 0;
}

/* ---- what is there -------------------------------------------------------------------------------------------------- */

static bool counts(const struct sgl_dns_answer *answer, size_t i, setup_is_fn *is)
{
    return is == NULL || is(answer->rr[i].txt);
}

size_t sgl_setup_count(const struct sgl_dns_answer *answer, setup_is_fn *is)
{
    size_t count = 0;

    for (size_t i = 0; i < answer->count; i++)
        count += counts(answer, i, is);
    return count;
}

sgl_view sgl_setup_first(const struct sgl_dns_answer *answer, setup_is_fn *is)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (counts(answer, i, is))
            return answer->rr[i].txt;
    }
    return sgl_view_of(NULL, 0);
}

/* One record as a row's value is written. */
static enum sgl_status value_of(struct setup_work *w, const struct sgl_dns_answer *answer, size_t i,
                                sgl_view *out)
{
    const struct sgl_dns_rr *rr = &answer->rr[i];

    if (answer->type == SGL_RR_MX)
        return sgl_setup_text(w, out, "%u %.*s.", rr->mx.preference, SGL_FMT(rr->mx.host.text));
    if (answer->type == SGL_RR_CNAME)
        return sgl_setup_text(w, out, "%.*s.", SGL_FMT(rr->name.text));
    *out = rr->txt;
    return SGL_OK;
}

enum sgl_status sgl_setup_take_found(struct setup_work *w, struct sgl_setup_row *row,
                                     const struct sgl_dns_answer *answer, setup_is_fn *is)
{
    struct sgl_setup_old *old = SGL_NEW_N(w->arena, answer->count, struct sgl_setup_old);
    char found[FOUND_MAX + 8];
    size_t len = 0, count = 0;

    if (old == NULL)
        return w->arena->status;
    for (size_t i = 0; i < answer->count; i++) {
        if (!counts(answer, i, is))
            continue;
        old[count].type = answer->type;
        SGL_TRY(value_of(w, answer, i, &old[count].value));
        if (count > 0 && len < FOUND_MAX - 8)
            len = put_shown(found, len, FOUND_MAX, SGL_LIT(" | "));
        if (len < FOUND_MAX - 8)
            len = put_shown(found, len, len + FOUND_EACH < FOUND_MAX ? len + FOUND_EACH : FOUND_MAX,
                            old[count].value);
        count++;
    }
    /* What an alias leads to stands in another zone. */
    row->old = answer->aliased ? NULL : old;
    row->old_count = answer->aliased ? 0 : count;
    return sgl_arena_dup(w->arena, sgl_view_of(found, len), &row->found);
}

/* ---- slips ---------------------------------------------------------------------------------------------------------- */

bool sgl_setup_holds(sgl_view text, sgl_view word)
{
    for (size_t i = 0; i < text.len; i++) {
        if (sgl_view_starts_nocase(sgl_view_from(text, i), word))
            return true;
    }
    return false;
}

struct slip {
    const char *code, *text;
};

/* What people do with the value on its way into a form. */
static struct slip name_slip(sgl_view text, sgl_view word)
{
    sgl_view begun = sgl_view_trim(text);

    if (sgl_view_find(text, '"') < text.len)
        return (struct slip){"quoted", "has quotation marks inside: the form adds them by itself, "
                                       "enter the text without them"};
    if (sgl_view_find(text, '\\') < text.len)
        return (struct slip){"escaped", "has backslashes inside: they belong into zone files, "
                                        "enter the text without them"};
    if (begun.len < text.len && sgl_view_starts_nocase(begun, word))
        return (struct slip){"blank-before", "begins or ends with a blank: enter it without"};
    if (!sgl_view_starts_nocase(text, word) && sgl_setup_holds(text, SGL_LIT("TXT ")))
        return (struct slip){"pasted-name", "has the name or the type of the record in front: "
                                            "enter the value only"};
    return (struct slip){"misspelt", "does not begin as the record does: receivers pass it over"};
}

enum sgl_status sgl_setup_near_miss(struct setup_work *w, struct sgl_setup_row *row,
                                    const struct sgl_dns_answer *answer, sgl_view word, bool *out)
{
    struct setup_shown shown;
    struct slip slip;

    *out = false;
    for (size_t i = 0; i < answer->count && !*out; i++) {
        sgl_view txt = answer->rr[i].txt;

        if (!sgl_setup_holds(txt, word))
            continue;
        *out = true;
        slip = name_slip(txt, word);
        row->old = SGL_NEW(w->arena, struct sgl_setup_old);
        if (row->old == NULL)
            return w->arena->status;
        *(struct sgl_setup_old *)row->old = (struct sgl_setup_old){SGL_RR_TXT, txt};
        row->old_count = 1;
        SGL_TRY(sgl_setup_text(w, &row->found, "%s", sgl_setup_show(&shown, txt)));
        SGL_TRY(sgl_setup_say(w, row, SGL_SETUP_WRONG, slip.code, "The text at %.*s %s.",
                              SGL_FMT(row->name.text), slip.text));
    }
    return SGL_OK;
}

/* ---- the final dot -------------------------------------------------------------------------------------------------- */

/* "mail.example.net.example.org": the zone was added to a name without its final dot. */
bool sgl_setup_lacks_dot(const struct setup_work *w, struct sgl_name found, struct sgl_name wanted)
{
    sgl_view rest = found.text;

    return !sgl_name_is_root(w->s->zone) && rest.len > wanted.text.len &&
           sgl_view_starts(rest, wanted.text) && rest.ptr[wanted.text.len] == '.' &&
           (sgl_view_eq(sgl_view_from(rest, wanted.text.len + 1), w->s->zone.text) ||
            sgl_view_eq(sgl_view_from(rest, wanted.text.len + 1), w->s->domain.text));
}

enum sgl_status sgl_setup_say_lacks_dot(struct setup_work *w, struct sgl_setup_row *row,
                                        struct sgl_name found, struct sgl_name wanted)
{
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, "final-dot",
                         "The record leads to %.*s: its host lacks the dot at the end, so that "
                         "the zone was added; write \"%.*s.\".",
                         SGL_FMT(found.text), SGL_FMT(wanted.text));
}
