/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of hostile records, of the old type, of a text; and memory that ends. */
#include "sigillo/spf.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"
#include "spf_tree_fixture.h"

/* Each of many names includes many: without a limit the walk would not end. */
static void a_forest_ends(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);

    (void)state;
    for (int n = 0; n < 20; n++) {
        sgl_buf_addf(&zone, "%s%d.test TXT v=spf1", n == 0 ? "TXT v=spf1 include:n1.test\nn" : "n",
                     n);
        for (int k = 1; k < 20; k++)
            sgl_buf_addf(&zone, " include:n%d.test a:h%d.test", (n + k) % 20, k);
        sgl_buf_addf(&zone, " -all\n");
    }
    for (int driver = 0; driver < DNS_DRIVERS; driver++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
        struct sgl_spf_tree tree;

        sgl_dns_init(&fx.dns, 2048);
        CHECK_EQ("a forest", tree_of(&fx, (enum dns_driver)driver, &arena, &tree), SGL_OK);
        CHECK_TRUE("it says so", sgl_findings_have(&tree.findings, "spf-too-many-lookups"));
        CHECK_TRUE("it ends soon", tree.lookups > 100 && tree.lookups < 1000);
        CHECK_TRUE("every question was worth it", fx.asked < 200);
    }
}

/* A chain of redirects ends at the depth limit, and costs by then more than is allowed. */
static void a_chain_ends(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree;

    (void)state;
    sgl_buf_addf(&zone, "TXT v=spf1 redirect=n0.test\n");
    for (int n = 0; n < 50; n++)
        sgl_buf_addf(&zone, "n%d.test TXT v=spf1 redirect=n%d.test\n", n, n + 1);
    {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));

        CHECK_EQ("a chain", tree_of(&fx, DNS_ALL_AT_ONCE, &arena, &tree), SGL_OK);
        CHECK_EQ("as deep as it may", tree.lookups, SGL_LIMIT_SPF_DEPTH);
        CHECK_TRUE("it says so", sgl_findings_have(&tree.findings, "spf-too-many-lookups"));
    }
}

static void a_small_snapshot_is_said(void **state)
{
    sgl_auto(dns_fixture) fx =
        dns_fixture_init("a.test", "TXT v=spf1 a:b.test a:c.test a:d.test -all");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree;

    (void)state;
    sgl_dns_init(&fx.dns, 4);
    CHECK_EQ("four questions", tree_of(&fx, DNS_ALL_AT_ONCE, &arena, &tree), SGL_OK);
    CHECK_TRUE("the tree is not whole", tree.failed);
    CHECK_TRUE("it says so", sgl_findings_have(&tree.findings, "spf-tree-cut"));
    CHECK_EQ("the terms are there", tree.lookups, 3);
}

/* Bytes that must not reach a terminal are escaped in what is said. */
static void foreign_bytes_are_escaped(void **state)
{
    sgl_auto(dns_fixture) fx =
        dns_fixture_init("a.test", "RAW TXT 0f763d73706631201b5b33316d0007ff");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree;

    (void)state;
    CHECK_EQ("escape codes", tree_of(&fx, DNS_ALL_AT_ONCE, &arena, &tree), SGL_OK);
    CHECK_TRUE("a syntax error", sgl_findings_have(&tree.findings, "spf-syntax"));
    for (const struct sgl_finding *f = tree.findings.first; f != NULL; f = f->next) {
        for (size_t i = 0; i < f->text.len; i++)
            CHECK_TRUE("printable", f->text.ptr[i] >= ' ' && f->text.ptr[i] <= '~');
    }
}

static void the_old_type_is_asked_for_last(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(
        "a.test",
        "TIMEOUT SPF\nTXT v=spf1 include:b.test a -all\nb.test TXT v=spf1 mx ?all\n" A4 A6);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree;

    (void)state;
    while (sgl_spf_tree(fx.name, &fx.dns, &arena, &tree) == SGL_NEED_DNS) {
        const struct sgl_dns_question *q = sgl_dns_next_open(&fx.dns, NULL);

        CHECK_TRUE("alone, when all else is known",
                   q->type != SGL_RR_SPF || sgl_dns_next_open(&fx.dns, q) == NULL);
        dns_fixture_answer(&fx);
    }
    CHECK_TRUE("and without an answer it says nothing", !tree.failed && tree.lookups == 3);
}

static void of_a_text(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(
        "a.test", "TXT v=spf1 +all\nb.test TXT v=spf1 a:x.test ?all\nx.test " A4 "x.test " A6);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree = {.lookups = 99};
    sgl_view text = SGL_LIT("v=spf1 include:b.test -all");

    (void)state;
    CHECK_EQ("without DNS", sgl_spf_tree_text(fx.name, text, NULL, &arena, &tree), SGL_OK);
    CHECK_EQ("a term costs what it costs by itself", tree.lookups, 1);
    CHECK_EQ("nothing is asked", tree.findings.count, 0);
    while (sgl_spf_tree_text(fx.name, text, &fx.dns, &arena, &tree) == SGL_NEED_DNS)
        dns_fixture_answer(&fx);
    CHECK_EQ("with DNS", tree.lookups, 2);
    CHECK_EQ("what is published does not matter", tree.findings.count, 0);
    CHECK_EQ("not a record", sgl_spf_tree_text(fx.name, SGL_LIT("v=spf2"), NULL, &arena, &tree),
             SGL_E_SYNTAX);
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct dns_fixture fx;
        struct sgl_arena arena = SGL_ARENA_INIT(ARENA);
        struct sgl_spf_tree tree = {.lookups = 99};
        enum sgl_status st;

        fail_alloc_off();
        fx = dns_fixture_init("a.test", "TXT v=spf1 include:b.test ptr mx a/8 +all a:c.test\nMX 1 "
                                        "b.test\nb.test TXT v=spf1 redirect=c.test\n" A4);
        fail_alloc_on();
        while ((st = sgl_spf_tree(fx.name, &fx.dns, &arena, &tree)) == SGL_NEED_DNS)
            dns_fixture_answer(&fx);
        CHECK_TRUE("no memory is a status, or an answer that failed",
                   st == SGL_E_NOMEM || (st == SGL_OK && (tree.lookups == 5 || tree.failed)));
        CHECK_TRUE("only when there is none", st == SGL_OK || fail_alloc_hit());
        CHECK_TRUE("out is untouched otherwise", st == SGL_OK || tree.lookups == 99);
        CHECK_TRUE("the arena goes back", st == SGL_OK || arena.used == 0);
        sgl_arena_done(&arena);
        dns_fixture_done(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forest_ends),
        cmocka_unit_test(a_chain_ends),
        cmocka_unit_test(a_small_snapshot_is_said),
        cmocka_unit_test(foreign_bytes_are_escaped),
        cmocka_unit_test(the_old_type_is_asked_for_last),
        cmocka_unit_test(of_a_text),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
