/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mark.  Each part has a weight: MX 10, SPF 20, DKIM 20, DMARC 30, MTA-STS 10, DANE 10, TLS-RPT 5; BIMI has none.  Good gives all of it,
 * weak 60 percent, bad and absent nothing.  What is unknown or does not apply is left out of the sum on both sides; so is the absence of one of
 * MTA-STS and DANE where the other one is good, because either protects.  100 points are all.
 *
 * A from 90, B from 75, C from 60, D from 40, else F; with an error in MX, SPF, DKIM or DMARC not better than C.
 */
#include "sigillo/banned.h"
#include "survey_internal.h"

#define WEAK_PERCENT 60

static const unsigned weight[SGL_SURVEY_PARTS] = {
    [SGL_SURVEY_MX] = 10,    [SGL_SURVEY_SPF] = 20,  [SGL_SURVEY_DKIM] = 20,
    [SGL_SURVEY_DMARC] = 30, [SGL_SURVEY_DANE] = 10, [SGL_SURVEY_MTA_STS] = 10,
    [SGL_SURVEY_TLSRPT] = 5,
};

/* Hundredths of the weight; -1: left out. */
static int share(enum sgl_survey_state state)
{
    switch (state) {
    case SGL_SURVEY_GOOD:
        return 100;
    case SGL_SURVEY_WEAK:
        return WEAK_PERCENT;
    case SGL_SURVEY_BAD:
    case SGL_SURVEY_ABSENT:
        return 0;
    case SGL_SURVEY_UNKNOWN:
    case SGL_SURVEY_APART:
        return -1;
    }
    return -1;
}

/* Is this the absence of one where the other one protects? */
static bool other_protects(const struct sgl_survey *s, size_t part)
{
    enum sgl_survey_state state = s->part[part].state;

    if (state != SGL_SURVEY_ABSENT)
        return false;
    if (part == SGL_SURVEY_DANE)
        return s->part[SGL_SURVEY_MTA_STS].state == SGL_SURVEY_GOOD;
    return part == SGL_SURVEY_MTA_STS && s->part[SGL_SURVEY_DANE].state == SGL_SURVEY_GOOD;
}

static char letter(unsigned points)
{
    return points >= 90 ? 'A' : points >= 75 ? 'B' : points >= 60 ? 'C' : points >= 40 ? 'D' : 'F';
}

void sgl_survey_mark(struct sgl_survey *s)
{
    static const enum sgl_survey_part vital[] = {SGL_SURVEY_MX, SGL_SURVEY_SPF, SGL_SURVEY_DKIM,
                                                 SGL_SURVEY_DMARC};
    unsigned points = 0, most = 0;

    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        struct sgl_survey_judged *p = &s->part[i];
        int part = other_protects(s, i) ? -1 : share(p->state);

        if (part < 0)
            continue;
        p->points_max = weight[i];
        p->points = weight[i] * (unsigned)part / 100;
        points += p->points;
        most += p->points_max;
    }
    s->points = most == 0 ? 0 : (100 * points + most / 2) / most;
    s->mark = most == 0 ? '-' : letter(s->points);
    for (size_t i = 0; i < sizeof vital / sizeof vital[0]; i++) {
        if (s->part[vital[i]].findings.errors > 0 && (s->mark == 'A' || s->mark == 'B'))
            s->mark = 'C';
    }
}

/* ---- bulk senders ---- */

const char *sgl_survey_met_name(enum sgl_survey_met met)
{
    switch (met) {
    case SGL_SURVEY_MET:
        return "met";
    case SGL_SURVEY_NOT_MET:
        return "not met";
    case SGL_SURVEY_NOT_SEEN:
        return "not seen";
    case SGL_SURVEY_NOT_DNS:
        return "cannot be told from DNS";
    }
    return "?";
}

static enum sgl_survey_met by_state(const struct sgl_survey_judged *part)
{
    switch (part->state) {
    case SGL_SURVEY_GOOD:
    case SGL_SURVEY_WEAK:
        return SGL_SURVEY_MET;
    case SGL_SURVEY_BAD:
    case SGL_SURVEY_ABSENT:
        return SGL_SURVEY_NOT_MET;
    case SGL_SURVEY_UNKNOWN:
    case SGL_SURVEY_APART:
        return SGL_SURVEY_NOT_SEEN;
    }
    return SGL_SURVEY_NOT_SEEN;
}

/* A key that signs. */
static enum sgl_survey_met dkim_met(const struct sgl_survey *s)
{
    for (size_t i = 0; i < s->keys; i++) {
        if (!s->key[i].revoked && !s->key[i].broken)
            return SGL_SURVEY_MET;
    }
    return s->part[SGL_SURVEY_DKIM].state == SGL_SURVEY_UNKNOWN ? SGL_SURVEY_NOT_SEEN
                                                                : SGL_SURVEY_NOT_MET;
}

static enum sgl_survey_met key_size_met(const struct sgl_survey *s)
{
    enum sgl_survey_met met = dkim_met(s);

    for (size_t i = 0; met == SGL_SURVEY_MET && i < s->keys; i++) {
        const struct sgl_survey_key *k = &s->key[i];

        if (k->type == SGL_KEY_RSA && !k->revoked && k->bits > 0 && k->bits < SGL_RSA_BITS_MIN)
            return SGL_SURVEY_NOT_MET;
    }
    return met;
}

static enum sgl_survey_met dmarc_met(const struct sgl_survey *s)
{
    if (s->part[SGL_SURVEY_DMARC].failed)
        return SGL_SURVEY_NOT_SEEN;
    return s->dmarc.record.len > 0 && s->dmarc.parsed.has_p ? SGL_SURVEY_MET : SGL_SURVEY_NOT_MET;
}

void sgl_survey_rules(struct sgl_survey *s)
{
    const struct sgl_survey_rule rules[SGL_SURVEY_RULES] = {
        {"Google, Yahoo, Microsoft", "SPF is published and can be evaluated",
         by_state(&s->part[SGL_SURVEY_SPF])},
        {"Google, Yahoo, Microsoft", "a DKIM key is published", dkim_met(s)},
        {"Google", "RSA keys of DKIM have 1024 bits at least", key_size_met(s)},
        {"Google, Yahoo, Microsoft", "DMARC is published, with p=none at least", dmarc_met(s)},
        {"Google, Yahoo, Microsoft", "the domain takes mail, so that replies arrive",
         by_state(&s->part[SGL_SURVEY_MX]) == SGL_SURVEY_MET && !sgl_survey_takes_mail(s)
             ? SGL_SURVEY_NOT_MET
             : by_state(&s->part[SGL_SURVEY_MX])},
        {"Google, Yahoo, Microsoft", "the domain in From passes SPF or DKIM itself",
         SGL_SURVEY_NOT_DNS},
        {"Google, Yahoo", "sending addresses have a name that leads back to them",
         SGL_SURVEY_NOT_DNS},
        {"Google", "mail is sent over TLS", SGL_SURVEY_NOT_DNS},
        {"Google, Yahoo", "advertising can be unsubscribed from with one click",
         SGL_SURVEY_NOT_DNS},
        {"Google, Yahoo", "fewer than 3 of 1000 messages are reported as spam", SGL_SURVEY_NOT_DNS},
    };

    memcpy(s->rule, rules, sizeof rules);
}
