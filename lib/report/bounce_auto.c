/* SPDX-License-Identifier: Apache-2.0 */
/* Machines that answer for people: away, received, "prove that you are human".  None of these is a failure.  [RFC 3834] */
#include "bounce_internal.h"

#include "sigillo/encoded_word.h"

#include "sigillo/banned.h"

static sgl_view value(const struct sgl_bounce_mail *m, const char *name)
{
    const struct sgl_header *f = sgl_headers_first(&m->part[0].headers, sgl_view_cstr(name));

    return f == NULL ? sgl_view_of(NULL, 0) : sgl_view_trim(f->value);
}

static bool any(sgl_view text, const char *const *phrases)
{
    for (size_t i = 0; phrases[i] != NULL; i++)
        if (sgl_bounce_has(text, phrases[i]))
            return true;
    return false;
}

static bool challenge(const struct sgl_bounce_mail *m, sgl_view subject)
{
    static const char *const subjects[] = {"please confirm",
                                           "confirm your",
                                           "verification required",
                                           "verify your",
                                           "awaiting approval",
                                           "(verification)",
                                           NULL};
    static const char *const texts[] = {"waiting list",
                                        "challenge",
                                        "click the link below to verify",
                                        "approve my message",
                                        "prove you are human",
                                        "pre-approved guest",
                                        "to have your message delivered",
                                        NULL};

    return any(subject, subjects) || any(sgl_view_sub(m->notice, 0, 4000), texts);
}

static bool starts(sgl_view subject, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (sgl_view_starts_nocase(subject, sgl_view_cstr(words[i])))
            return true;
    return false;
}

static bool replies(const struct sgl_bounce_mail *m, sgl_view subject)
{
    static const char *const begins[] = {"Automatic reply",
                                         "Auto:",
                                         "Auto reply",
                                         "Auto-reply",
                                         "AutoReply",
                                         "Autoreply",
                                         "Auto response",
                                         "Auto-response",
                                         "Autoresponse",
                                         "Out of office",
                                         "Out of the office",
                                         "Out-of-office",
                                         "Automatische Antwort",
                                         "Abwesen",
                                         "Automatyczna",
                                         "Respuesta autom",
                                         "Risposta autom",
                                         "Away from",
                                         "On vacation",
                                         "Vacation",
                                         NULL};
    sgl_view sent = value(m, "Auto-Submitted"), precedence = value(m, "Precedence");

    return sgl_view_starts_nocase(sent, SGL_LIT("auto-replied")) ||
           value(m, "X-Autoreply").len > 0 || value(m, "X-Autorespond").len > 0 ||
           value(m, "X-Auto-Reply").len > 0 || value(m, "X-Autoresponder").len > 0 ||
           sgl_view_starts_nocase(precedence, SGL_LIT("auto_reply")) || starts(subject, begins) ||
           sgl_bounce_has(subject, "out of office") || sgl_bounce_has(subject, "automatic reply");
}

const char *sgl_bounce_auto_reply(const struct sgl_bounce_mail *m)
{
    sgl_view subject;

    if (sgl_encoded_word_decode(value(m, "Subject"), m->arena, &subject) != SGL_OK)
        return NULL; /* the arena remembers why */
    if (challenge(m, subject))
        return "challenge";
    return replies(m, subject) ? "auto-reply" : NULL;
}
