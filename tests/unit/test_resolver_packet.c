/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/resolver/packet.h"
#include "check.h"
#include "dns_packet_fixture.h"

static struct sgl_arena arena;

static enum sgl_status read_packet(const struct answer_bytes *p, enum sgl_rr type,
                                   struct sgl_dns_raw *out)
{
    memset(out, 0, sizeof(*out));
    out->type = type;
    return packet_read(sgl_view_of(p->bytes, p->len), type, &arena, out);
}

static void records_of_the_name_and_type_are_taken(void **state)
{
    struct answer_bytes p;
    struct sgl_dns_raw raw;
    size_t at;

    (void)state;
    put_header(&p, 0, "A.test", 15, 4);
    put_mx(&p, "a.test", 10, "MX1.a.test");
    put_mx(&p, "other.test", 5, "evil.test");
    put_a(&p, "a.test", 0x7f000001);
    at = put_record(&p, "a.test", 15, 60); /* with a pointer to the name in the question */
    put16(&p, 20);
    put16(&p, 0xc00c);
    put_rdata_end(&p, at);
    CHECK_EQ("read", read_packet(&p, SGL_RR_MX, &raw), SGL_OK);
    CHECK_EQ("ok", raw.outcome, SGL_DNS_OK);
    CHECK_EQ("only those", raw.rdatas, 2);
    CHECK_VIEW("lower case", raw.rdata[0], SGL_LIT("\0\x0a\3mx1\1a\4test\0"));
    CHECK_VIEW("uncompressed", raw.rdata[1], SGL_LIT("\0\x14\1a\4test\0"));
    CHECK_EQ("the least ttl", raw.ttl_s, 60);
    CHECK_EQ("no alias", raw.canonical.len, 0);
}

static void an_alias_chain_is_followed(void **state)
{
    struct answer_bytes p;
    struct sgl_dns_raw raw;

    (void)state;
    put_header(&p, 0, "a.test", 1, 3);
    put_cname(&p, "b.test", "c.test", 30);
    put_a(&p, "c.test", 0x7f000001);
    put_cname(&p, "a.test", "b.test", 500);
    CHECK_EQ("read", read_packet(&p, SGL_RR_A, &raw), SGL_OK);
    CHECK_EQ("ok", raw.outcome, SGL_DNS_OK);
    CHECK_VIEW("where it led", raw.canonical, SGL_LIT("c.test."));
    CHECK_EQ("the least ttl of the chain", raw.ttl_s, 30);
    CHECK_EQ("asked for itself it is a record", read_packet(&p, SGL_RR_CNAME, &raw), SGL_OK);
    CHECK_VIEW("of the first name", raw.rdata[0], SGL_LIT("\1b\4test\0"));

    put_header(&p, 3, "a.test", 1, 1);
    put_cname(&p, "a.test", "b.test", 500);
    CHECK_EQ("read", read_packet(&p, SGL_RR_A, &raw), SGL_OK);
    CHECK_EQ("an alias to nowhere", raw.outcome, SGL_DNS_NXDOMAIN);
    CHECK_VIEW("says where", raw.canonical, SGL_LIT("b.test."));

    put_header(&p, 0, "a.test", 1, 2);
    put_cname(&p, "a.test", "b.test", 500);
    put_cname(&p, "b.test", "a.test", 500);
    CHECK_EQ("read", read_packet(&p, SGL_RR_A, &raw), SGL_OK);
    CHECK_EQ("a circle fails", raw.outcome, SGL_DNS_FAILED);
    CHECK_VIEW("with its reason", raw.why, SGL_LIT("alias chain too long"));
}

static void outcomes(void **state)
{
    struct answer_bytes p;
    struct sgl_dns_raw raw;
    size_t at;

    (void)state;
    put_header(&p, 0, "a.test", 15, 0);
    CHECK_EQ("read", read_packet(&p, SGL_RR_MX, &raw), SGL_OK);
    CHECK_EQ("no records", raw.outcome, SGL_DNS_NODATA);
    put_header(&p, 3, "a.test", 15, 0);
    CHECK_EQ("read", read_packet(&p, SGL_RR_MX, &raw), SGL_OK);
    CHECK_EQ("no name", raw.outcome, SGL_DNS_NXDOMAIN);
    put_header(&p, 2, "a.test", 15, 0);
    CHECK_EQ("read", read_packet(&p, SGL_RR_MX, &raw), SGL_OK);
    CHECK_EQ("failed", raw.outcome, SGL_DNS_FAILED);

    put_header(&p, 0, "a.test", SGL_RR_NS, 1);
    at = put_record(&p, "a.test", SGL_RR_NS, 500);
    put8(&p, 2);
    put8(&p, 'n');
    put8(&p, 's');
    put16(&p, 0xc00c); /* a pointer to the question's name */
    put_rdata_end(&p, at);
    CHECK_EQ("read", read_packet(&p, SGL_RR_NS, &raw), SGL_OK);
    CHECK_VIEW("a name server's name is written out", raw.rdata[0], SGL_LIT("\2ns\1a\4test\0"));
}

static void broken_packets_are_refused(void **state)
{
    struct answer_bytes p;
    struct sgl_dns_raw raw;
    size_t whole;

    (void)state;
    put_header(&p, 0, "a.test", 1, 2);
    put_cname(&p, "a.test", "b.test", 500);
    put_a(&p, "b.test", 0x7f000001);
    whole = p.len;
    for (p.len = 0; p.len < whole; p.len++) {
        enum sgl_status st = read_packet(&p, SGL_RR_A, &raw);

        CHECK_TRUE("cut short it is refused or failed",
                   st == SGL_E_SYNTAX || (st == SGL_OK && raw.outcome == SGL_DNS_FAILED));
    }
    put_header(&p, 0, "a.test", 1, 1);
    put16(&p, 0xc000 | (unsigned)p.len); /* a pointer to itself */
    put16(&p, 1);
    put16(&p, 1);
    put32(&p, 5);
    put16(&p, 0);
    CHECK_EQ("a pointer that leads nowhere", read_packet(&p, SGL_RR_CNAME, &raw), SGL_E_SYNTAX);
}

static int set_up(void **state)
{
    (void)state;
    sgl_arena_init(&arena, 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sgl_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_the_name_and_type_are_taken),
        cmocka_unit_test(an_alias_chain_is_followed),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(broken_packets_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
