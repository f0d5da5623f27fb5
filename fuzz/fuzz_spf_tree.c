/* SPDX-License-Identifier: Apache-2.0 */
/* The tree over answers that an enemy chose: it ends, it adds up, asking again changes nothing, and a mended record can be read. */
#include "answers.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One answer: a line "how text"; how is outcome and shape, the text goes into one record as it is. */
static void answer(struct sgl_dns *dns, const struct sgl_dns_question *q, void *from)
{
    sgl_view *in = from, line = sgl_view_split(*in, '\n', in), rdata[3];
    size_t how = line.len == 0 ? 1 : line.ptr[0];
    uint8_t text[256];
    const struct sgl_dns_raw raw = {.name = q->name,
                                    .type = q->type,
                                    .outcome = (enum sgl_dns_outcome)(how % 5),
                                    .rdata = rdata,
                                    .rdatas = how >> 5 & 3};

    line = sgl_view_sub(line, 1, 255);
    rdata[0] = txt_rdata(line, text);
    rdata[1] = line;
    rdata[2] = SGL_LIT("\013v=spf1 -all");
    put_answer(dns, &raw);
}

static unsigned sum(const struct sgl_spf_node *node, size_t count)
{
    unsigned lookups = 0;

    for (size_t i = 0; i < count; i++) {
        if (node[i].ignored && (node[i].lookups > 0 || node[i].children > 0))
            abort();
        if (node[i].lookups < sum(node[i].child, node[i].children) || node[i].fault == NULL)
            abort();
        lookups += node[i].lookups;
    }
    return lookups;
}

static void check_findings(const struct sgl_spf_tree *tree, struct sgl_arena *arena)
{
    struct sgl_spf_record record;

    for (const struct sgl_finding *f = tree->findings.first; f != NULL; f = f->next) {
        if (!sgl_ascii_is_printable(f->text) || !sgl_ascii_is_printable(f->mend))
            abort();
        if (sgl_view_starts(f->mend, SGL_LIT("v=spf1")) && tree->records == 1 &&
            !sgl_findings_have(&tree->findings, "spf-syntax") &&
            sgl_spf_parse(f->mend, arena, &record, NULL) == SGL_E_SYNTAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(16 << 20);
    sgl_auto(sgl_dns) dns = {0};
    sgl_view in = sgl_view_of(data, size);
    struct sgl_spf_tree tree = {.lookups = 99}, again;
    struct sgl_name domain;
    enum sgl_status st;
    int passes = 0;

    sgl_dns_init(&dns, 500);
    if (sgl_name_parse(SGL_LIT("a.test"), 0, &arena, NULL, &domain) != SGL_OK)
        return 0;
    while ((st = sgl_spf_tree(domain, &dns, &arena, &tree)) == SGL_NEED_DNS) {
        if (++passes > 500 || tree.lookups != 99)
            abort();
        answer_open(&dns, answer, &in, false);
    }
    if (st != SGL_OK)
        return 0;
    if (sum(tree.node, tree.nodes) != tree.lookups || tree.findings.count > SGL_LIMIT_FINDINGS)
        abort();
    check_findings(&tree, &arena);
    if (sgl_spf_tree(domain, &dns, &arena, &again) != SGL_OK || again.lookups != tree.lookups ||
        again.void_lookups != tree.void_lookups || again.findings.count != tree.findings.count)
        abort();
    return 0;
}
