/* SPDX-License-Identifier: Apache-2.0 */
#include "arc.h"

#include "sigillo/limits.h"

#define ARENA_MAX ((size_t)16 << 20)

void arc_work_done(struct arc_work *w)
{
    if (w->looking)
        lookup_done(&w->lookup);
    sgl_dkim_hashes_done(&w->hashes);
    sgl_private_key_free(w->key);
    sgl_crypto_free(w->crypto);
    mailfile_done(&w->mail);
    sgl_arena_done(&w->arena);
}

int arc_no_memory(void)
{
    return cli_error(CLI_UNKNOWN, "memory", "there is none left");
}

bool arc_open(struct arc_work *w, unsigned flags, int *status)
{
    sgl_arena_init(&w->arena, ARENA_MAX);
    return mailfile_open(&w->mail, w->c->arguments > 0 ? w->c->argument[0] : NULL, flags, status);
}

static enum sgl_status run_verifier(struct arc_work *w, bool seals_only)
{
    const struct sgl_dkim_verify_options options = {0};
    struct sgl_arc_verifier v;
    enum sgl_status status;
    sgl_view piece;

    sgl_dkim_hashes_init(&w->hashes, w->crypto);
    SGL_TRY(sgl_dkim_hashes_want(&w->hashes, SGL_DKIM_RELAXED, SGL_DKIM_ALL, &w->body));
    SGL_TRY(
        sgl_arc_verifier_init(&v, w->crypto, &options, &w->mail.headers, &w->hashes, &w->arena));
    v.seals_only = seals_only;
    while (mailfile_next(&w->mail, &piece))
        sgl_dkim_hashes_feed(&w->hashes, piece);
    SGL_TRY(sgl_dkim_hashes_finish(&w->hashes));
    while (!w->mail.failed && (status = sgl_arc_verify(&v, &w->lookup.dns, &w->arc)) != SGL_OK) {
        if (status != SGL_NEED_DNS)
            return status;
        lookup_fill(&w->lookup);
    }
    return SGL_OK;
}

int arc_judge(struct arc_work *w, bool seals_only)
{
    enum sgl_status made;
    int status = CLI_UNKNOWN;

    w->looking = lookup_init(&w->lookup, w->c, SGL_LIMIT_JUDGE_QUESTIONS, &status);
    if (!w->looking)
        return status;
    made = run_verifier(w, seals_only);
    if (w->mail.failed)
        return CLI_USAGE;
    return made == SGL_OK ? CLI_YES : arc_no_memory();
}

bool arc_is_unknown(const struct sgl_arc *arc)
{
    for (size_t i = 0; i < arc->sets && arc->result == SGL_ARC_FAIL; i++) {
        if (arc->set[i].seal_result == SGL_DKIM_TEMPERROR ||
            (i + 1 == arc->sets && arc->set[i].message_result == SGL_DKIM_TEMPERROR))
            return true;
    }
    return false;
}

const char *arc_reason(struct arc_work *w)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1024);
    const struct sgl_arc *arc = &w->arc;
    const char *made;

    sgl_buf_add_cstr(&text, arc->reason);
    if (arc->at > 0)
        sgl_buf_addf(&text, " (instance %u)", arc->at);
    if (arc->detail[0] != '\0')
        sgl_buf_addf(&text, ": %s", arc->detail);
    made = sgl_arena_cstr(&w->arena, sgl_buf_view(&text));
    return made == NULL ? arc->reason : made;
}
