// SPDX-License-Identifier: Apache-2.0
// The library as a C++ program sees it: all public headers in one file, and calls that return values, fill structs, take callbacks
// and hand over memory.  Linked with libsigillo.so, so that only what is exported can be used.
#include "all_headers.h"

#include <cstdio>
#include <string>

namespace {

int failures;

void check(bool ok, const char *rule)
{
    if (!ok) {
        std::fprintf(stderr, "FAILED: %s\n", rule);
        failures++;
    }
}

std::string text_of(sgl_view v)
{
    return std::string(reinterpret_cast<const char *>(v.ptr), v.len);
}

void a_literal_is_a_view()
{
    static const sgl_view fixed = SGL_LIT_INIT("example.org");

    check(sgl_view_eq_nocase(SGL_LIT("EXAMPLE.ORG"), fixed), "literals are views");
    check(std::string(sgl_status_name(sgl_join(SGL_OK, SGL_NEED_DNS))) == sgl_status_name(SGL_NEED_DNS), "a status has a name");
}

void a_buffer_frees_itself()
{
    sgl_auto(sgl_buf) buf = SGL_BUF_INIT(100);

    sgl_base64_encode(&buf, SGL_LIT("any bytes"));
    check(buf.status == SGL_OK && text_of(sgl_buf_view(&buf)) == "YW55IGJ5dGVz", "a buffer is written and read");
}

void an_arena_holds_what_was_found()
{
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_headers headers;
    sgl_view message = SGL_LIT("From: a@example.org\r\nSubject: hello\r\n\r\nbody\r\n");

    check(sgl_headers_parse(message, SGL_HEADERS_STRICT, &arena, &headers, nullptr) == SGL_OK, "a header is read");
    check(headers.count == 2 && text_of(headers.field[1].name) == "Subject", "its fields can be walked");
    sgl_arena_done(&arena);
}

void canonical_bytes_go_to_a_callback()
{
    std::string out;
    struct sgl_dkim_sink sink = {[](void *ctx, sgl_view bytes) { *static_cast<std::string *>(ctx) += text_of(bytes); }, &out};

    sgl_dkim_canon_field(SGL_DKIM_RELAXED, SGL_LIT("SUBJECT :  a \t b \r\n"), sink);
    check(out == "subject:a b\r\n", "a lambda without captures is a sink");
}

void an_evaluator_asks_for_dns()
{
    struct sgl_dns dns;
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_name name;
    enum sgl_nullmx found = SGL_NULLMX_ABSENT;
    sgl_view null_mx = sgl_view_of("\0\0\0", 3);
    struct sgl_dns_raw raw = {};

    sgl_dns_init(&dns, 0);
    check(sgl_name_parse(SGL_LIT("example.org"), SGL_NAME_HOST, &arena, nullptr, &name) == SGL_OK, "a name is read");
    check(sgl_nullmx_check(name, &dns, &found) == SGL_NEED_DNS && sgl_dns_open(&dns) == 1, "what is missing becomes a question");
    raw.name = name;
    raw.type = SGL_RR_MX;
    raw.outcome = SGL_DNS_OK;
    raw.rdata = &null_mx;
    raw.rdatas = 1;
    check(sgl_dns_add_answer(&dns, &raw) == SGL_OK, "it is answered");
    check(sgl_nullmx_check(name, &dns, &found) == SGL_OK && found == SGL_NULLMX_PRESENT, "and the second call decides");
    sgl_dns_done(&dns);
    sgl_arena_done(&arena);
}

} // namespace

int main()
{
    a_literal_is_a_view();
    a_buffer_frees_itself();
    an_arena_holds_what_was_found();
    canonical_bytes_go_to_a_callback();
    an_evaluator_asks_for_dns();
    return failures == 0 ? 0 : 1;
}
