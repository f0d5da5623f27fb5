/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in Authentication-Results when a chain is sealed. */
#include "sigillo/arc.h"

#include "arc_fixture.h"
#include "check.h"
#include "dns_fixture.h"

static const struct {
    const char *name, *fields, *results;
    size_t count;
    bool known;
    enum sgl_arc_result chain;
} arrivals[] = {
    {"no field", "", "", 0, false, SGL_ARC_NONE},
    {"one", "Authentication-Results: me; spf=pass\r\n", "spf=pass", 1, false, SGL_ARC_NONE},
    {"another's is left out", "Authentication-Results: you; spf=pass\r\n", "", 0, false,
     SGL_ARC_NONE},
    {"a name that only begins so is another's", "Authentication-Results: me.too; spf=pass\r\n", "",
     0, false, SGL_ARC_NONE},
    {"all of a kind are combined, first field first [RFC 8617 s4.1.1]",
     "Authentication-Results: me; arc=none\r\nAuthentication-Results: you; spf=fail\r\n"
     "authentication-results:\r\n ME (c) 1;\r\n\tspf=pass (ok; fine)\r\n "
     "smtp.mailfrom=\"a;b\"; "
     "dkim=pass\r\n",
     "arc=none; spf=pass (ok; fine) smtp.mailfrom=\"a;b\"; dkim=pass", 2, true, SGL_ARC_NONE},
    {"none adds nothing",
     "Authentication-Results: me; none (c)\r\nAuthentication-Results: me; dmarc=pass\r\n",
     "dmarc=pass", 2, false, SGL_ARC_NONE},
    {"a field without results", "Authentication-Results: me\r\n", "", 1, false, SGL_ARC_NONE},
    {"empty parts", "Authentication-Results: me;; ;spf=pass;\r\n", "spf=pass", 1, false,
     SGL_ARC_NONE},
    {"the chain passed", "Authentication-Results: me; spf=pass; ARC/1 = pass (i=2)\r\n",
     "spf=pass; ARC/1 = pass (i=2)", 1, true, SGL_ARC_PASS},
    {"the first one counts", "Authentication-Results: me; arc=fail; arc=pass\r\n",
     "arc=fail; arc=pass", 1, true, SGL_ARC_FAIL},
    {"another word is no pass", "Authentication-Results: me; arc=temperror\r\n", "arc=temperror", 1,
     true, SGL_ARC_FAIL},
    {"no word at all, too", "Authentication-Results: me; arc=\r\n", "arc=", 1, true, SGL_ARC_FAIL},
    {"another method", "Authentication-Results: me; arcs=pass; x=arc\r\n", "arcs=pass; x=arc", 1,
     false, SGL_ARC_NONE},
    {"in a comment or in quotes it is nothing",
     "Authentication-Results: me; spf=pass (; arc=pass) reason=\"; arc=pass\"\r\n",
     "spf=pass (; arc=pass) reason=\"; arc=pass\"", 1, false, SGL_ARC_NONE},
    {"a quote that never ends takes its field along",
     "Authentication-Results: me; spf=pass; x=\"\r\nAuthentication-Results: me; dkim=pass\r\n",
     "dkim=pass", 1, false, SGL_ARC_NONE},
    {"so does a comment", "Authentication-Results: me; spf=pass (\r\n", "", 0, false, SGL_ARC_NONE},
    {"a quoted name", "Authentication-Results: \"m\\e\"; spf=pass\r\n", "spf=pass", 1, false,
     SGL_ARC_NONE},
};

static void arrival(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1u << 20);
        struct sgl_headers headers;
        struct sgl_arc_arrival found;

        CHECK_EQ(arrivals[i].name,
                 sgl_headers_parse(sgl_view_cstr(arrivals[i].fields), SGL_HEADERS_STRICT, &arena,
                                   &headers, NULL),
                 SGL_OK);
        CHECK_EQ(arrivals[i].name, sgl_arc_arrival_read(&headers, SGL_LIT("me"), &arena, &found),
                 SGL_OK);
        CHECK_VIEW(arrivals[i].name, found.results, sgl_view_cstr(arrivals[i].results));
        CHECK_EQ(arrivals[i].name, found.fields, arrivals[i].count);
        CHECK_EQ(arrivals[i].name, found.chain_known, arrivals[i].known);
        CHECK_EQ(arrivals[i].name, found.chain, arrivals[i].chain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrival),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
