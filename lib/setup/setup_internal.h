/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call: setup_rows.c says what to publish, setup_check.c has the order in which it is compared with what is there; setup_spf.c, setup_dkim.c, setup_dmarc.c,
 * setup_host.c and setup_parked.c judge one kind of record each, setup_elsewhere.c looks where people put records by mistake, setup_coach.c says what DMARC comes to next.
 *
 * Codes of rows:
 *     missing domain-missing lookup-failed alias wildcard doubled-name subdomain-forgotten no-underscore
 *     quoted escaped pasted-name blank-before misspelt final-dot
 *     ownership-other-token
 *     spf-several spf-not-included spf-other-qualifier spf-not-ours, and those of sgl_spf_build()
 *     dkim-several dkim-revoked dkim-truncated dkim-other-key dkim-other-type dkim-restricted dkim-unreadable dkim-other-alias dkim-alias-no-key dkim-testing
 *     dmarc-several dmarc-no-policy dmarc-inherited dmarc-no-reports dmarc-reports-refused dmarc-strict-spf dmarc-broken dmarc-at-domain
 *     mx-other mx-several mta-sts-several mta-sts-broken mta-sts-no-host mta-sts-other-id mta-sts-other-host tls-rpt-several tls-rpt-broken
 *     parked-spf parked-dmarc parked-mx parked-key
 */
#ifndef LIB_SETUP_INTERNAL_H
#define LIB_SETUP_INTERNAL_H

#include "sigillo/setup.h"

struct setup_work {
    const struct sgl_setup_request *request;
    struct sgl_dns *dns; /* NULL: rows only */
    struct sgl_arena *arena;
    struct sgl_setup *s;       /* becomes the result */
    struct sgl_setup_row *row; /* s->row, while it is being written */
    struct sgl_dmarc dmarc;    /* of the domain, once its row has been judged */
    bool domain_missing;       /* DNS does not know the name that could be its zone */
    bool reports_refused;      /* nobody whom its record names takes reports */
};

/* The rows as they are where nothing is published, and s->zone by request and Public Suffix List. */
enum sgl_status sgl_setup_make_rows(struct setup_work *w) SGL_MUST_USE;
/* Sets the relative names for a zone. */
void sgl_setup_set_zone(struct setup_work *w, struct sgl_name zone);
/* The row of this purpose; NULL: there is none. */
struct sgl_setup_row *sgl_setup_row_for(struct setup_work *w, enum sgl_setup_purpose purpose);
/* The selector that a row of DKIM or DKIM2 is for. */
const struct sgl_setup_selector *sgl_setup_selector_of(const struct setup_work *w,
                                                       const struct sgl_setup_row *row);
/* Formats our own words and names into the arena. */
enum sgl_status sgl_setup_text(struct setup_work *w, sgl_view *out, const char *format,
                               ...) SGL_MUST_USE SGL_PRINTF(3, 4);

/* ---- setup_judge.c: saying what was found ---------------------------------------------------------------------------- */

/* sgl_dns_get(), but a snapshot that takes no more questions is a failed lookup: *out is NULL. */
enum sgl_status sgl_setup_ask(struct setup_work *w, struct sgl_name name, enum sgl_rr type,
                              const struct sgl_dns_answer **out) SGL_MUST_USE;
/* Is nothing known by this answer? */
bool sgl_setup_is_unknown(const struct sgl_dns_answer *answer);

#define SETUP_SHOWN 160
struct setup_shown {
    char text[SETUP_SHOWN + 8];
};
/* Foreign bytes for a sentence: printable ASCII, "\xNN" for others, "..." where it is cut. */
const char *sgl_setup_show(struct setup_shown *s, sgl_view bytes);

/* The verdict on a row and its sentence; foreign bytes come through sgl_setup_show(). */
enum sgl_status sgl_setup_say(struct setup_work *w, struct sgl_setup_row *row,
                              enum sgl_setup_state state, const char *code, const char *format,
                              ...) SGL_MUST_USE SGL_PRINTF(5, 6);
/* UNKNOWN, and why. */
enum sgl_status sgl_setup_say_unknown(struct setup_work *w, struct sgl_setup_row *row,
                                      struct sgl_name name,
                                      const struct sgl_dns_answer *answer) SGL_MUST_USE;
/* MISSING: nothing is there; or an alias stands in the way. */
enum sgl_status sgl_setup_say_missing(struct setup_work *w, struct sgl_setup_row *row,
                                      const struct sgl_dns_answer *answer) SGL_MUST_USE;
/* PRESENT; value is what stands there, which need not be published. */
void sgl_setup_is_present(struct sgl_setup_row *row, sgl_view value);

/* Which TXT records of an answer count. */
typedef bool setup_is_fn(sgl_view txt);
size_t sgl_setup_count(const struct sgl_dns_answer *answer, setup_is_fn *is);
/* The first one; ptr NULL: none. */
sgl_view sgl_setup_first(const struct sgl_dns_answer *answer, setup_is_fn *is);
/* They become row->found and row->old. NULL: all. */
enum sgl_status sgl_setup_take_found(struct setup_work *w, struct sgl_setup_row *row,
                                     const struct sgl_dns_answer *answer,
                                     setup_is_fn *is) SGL_MUST_USE;
/*
 * A TXT that was meant to be the record, as `word` in it tells, but does not begin as one: WRONG, and the slip is named.  *out false: there is none.
 */
enum sgl_status sgl_setup_near_miss(struct setup_work *w, struct sgl_setup_row *row,
                                    const struct sgl_dns_answer *answer, sgl_view word,
                                    bool *out) SGL_MUST_USE;
/* "mail.example.net.example.org": the zone was added to a name without its final dot. */
bool sgl_setup_lacks_dot(const struct setup_work *w, struct sgl_name found, struct sgl_name wanted);
enum sgl_status sgl_setup_say_lacks_dot(struct setup_work *w, struct sgl_setup_row *row,
                                        struct sgl_name found, struct sgl_name wanted) SGL_MUST_USE;
bool sgl_setup_holds(sgl_view text, sgl_view word); /* without regard to case */

/* ---- one kind each: the state of a row ------------------------------------------------------------------------------- */

enum sgl_status sgl_setup_judge_ownership(struct setup_work *w,
                                          struct sgl_setup_row *row) SGL_MUST_USE;
enum sgl_status sgl_setup_judge_spf(struct setup_work *w, struct sgl_setup_row *row) SGL_MUST_USE;
enum sgl_status sgl_setup_judge_dkim(struct setup_work *w, struct sgl_setup_row *row) SGL_MUST_USE;
enum sgl_status sgl_setup_judge_dmarc(struct setup_work *w, struct sgl_setup_row *row) SGL_MUST_USE;
enum sgl_status sgl_setup_judge_mx(struct setup_work *w, struct sgl_setup_row *row) SGL_MUST_USE;
enum sgl_status sgl_setup_judge_mta_sts(struct setup_work *w,
                                        struct sgl_setup_row *row) SGL_MUST_USE;
enum sgl_status sgl_setup_judge_sts_host(struct setup_work *w,
                                         struct sgl_setup_row *row) SGL_MUST_USE;
enum sgl_status sgl_setup_judge_tlsrpt(struct setup_work *w,
                                       struct sgl_setup_row *row) SGL_MUST_USE;
enum sgl_status sgl_setup_judge_parked(struct setup_work *w,
                                       struct sgl_setup_row *row) SGL_MUST_USE;

/* ---- around them ----------------------------------------------------------------------------------------------------- */

/*
 * The label that nobody publishes: what it answers is a wildcard's.
 */
#define SETUP_NO_SUCH "sigillo-no-such-name"
/* A row that is not right, because a wildcard answered at its name: then nothing is there, and its value is `fresh`. */
enum sgl_status sgl_setup_look_for_wildcard(struct setup_work *w, struct sgl_setup_row *row,
                                            sgl_view fresh) SGL_MUST_USE;
/* A row that is missing, because its record stands at a name close by: WRONG. */
enum sgl_status sgl_setup_look_elsewhere(struct setup_work *w,
                                         struct sgl_setup_row *row) SGL_MUST_USE;
/* The key of a selector, in whatever spelling. */
enum sgl_status sgl_setup_is_key(struct setup_work *w, const struct sgl_setup_selector *s,
                                 sgl_view txt, bool *out) SGL_MUST_USE;

enum sgl_status sgl_setup_coach(struct setup_work *w) SGL_MUST_USE;

#endif
