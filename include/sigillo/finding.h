/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with something that a domain publishes, what follows from it, and what would mend it: the linters of records collect these.
 */
#ifndef SIGILLO_FINDING_H
#define SIGILLO_FINDING_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_severity {
    SGL_INFO,    /* worth knowing */
    SGL_WARNING, /* works, but not as its owner would want it */
    SGL_ERROR,   /* receivers will treat it as broken */
};
/* "info", "warning", "error". */
SGL_API const char *sgl_severity_name(enum sgl_severity severity);

struct sgl_finding {
    const char *code; /* stable, for scripts: "spf-too-many-lookups" */
    enum sgl_severity severity;
    /* One plain sentence: what, and its consequence. Foreign bytes in it are escaped: it is printable ASCII */
    sgl_view text;
    sgl_view mend;    /* what to do, or the record to publish; may be empty */
    const char *rule; /* "RFC 7208 s4.6.4"; may be NULL */
    const struct sgl_finding *next;
};

/* In the order they were found. Lives in its arena; zeroed is empty. */
struct sgl_findings {
    const struct sgl_finding *first;
    struct sgl_finding *last;
    size_t count;            /* in the list */
    size_t errors, warnings; /* found, also where the list is full */
    bool full;               /* more than SGL_LIMIT_FINDINGS were found; the rest is left out */
};

/*
 * Adds one: code, severity and rule of `what`; its text and mend are not looked at.  text and mend are formatted like printf and copied, bytes that are not printable ASCII become "\xNN".  mend may be NULL.
 * SGL_E_NOMEM or SGL_E_LIMIT from the arena: nothing was added.
 */
SGL_API enum sgl_status sgl_finding_add(struct sgl_findings *list, struct sgl_arena *arena,
                                        const struct sgl_finding *what, const char *mend,
                                        const char *text, ...) SGL_MUST_USE SGL_PRINTF(5, 6);
/* Is one with this code there? */
SGL_API bool sgl_findings_have(const struct sgl_findings *list, const char *code);

#ifdef __cplusplus
}
#endif
#endif
