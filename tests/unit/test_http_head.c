/* SPDX-License-Identifier: Apache-2.0 */
/* What the first bytes of a request tell, and that they tell nothing that is not there. */
#include "../../server/doors/http/http_internal.h"
#include "check.h"

static const struct {
    const char *name, *first, *target;
    uint64_t content;
} rows[] = {
    {"a head", "POST /a/b?c=d HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n", "/a/b", 12},
    {"in any case, with blanks", "PUT /a HTTP/1.1\r\ncontent-LENGTH: \t7 \r\n\r\n", "/a", 7},
    {"with LF alone", "POST /a HTTP/1.0\nContent-Length:3\n\n", "/a", 3},
    {"none is announced", "GET /a HTTP/1.1\r\nHost: h\r\n\r\nContent-Length: 5\r\n", "/a", 0},
    {"chunks", "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "/a", 0},
    {"more than there is", "POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
     "/a", UINT64_MAX},
    {"no number", "POST /a HTTP/1.1\r\nContent-Length: 5x\r\n\r\n", "/a", 0},
    {"a sign", "POST /a HTTP/1.1\r\nContent-Length: -5\r\n\r\n", "/a", 0},
    {"nothing", "POST /a HTTP/1.1\r\nContent-Length:\r\n\r\n", "/a", 0},
    {"a line that is cut", "POST /a HTTP/1.1\r\nContent-Length: 5", "/a", 0},
    {"a request line that is cut", "POST /a HTTP/1.1", NULL, 0},
    {"the middle of something", "x\r\nContent-Length: 99999\r\n", NULL, 0},
    {"another protocol", "POST /a SMTP/1.1\r\nContent-Length: 99999\r\n", NULL, 0},
    {"no bytes", "", NULL, 0},
};

static void heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_head head;

        http_head_read(sgl_view_cstr(rows[i].first), &head);
        CHECK_VIEW(rows[i].name, head.target, sgl_view_cstr(rows[i].target));
        CHECK_TRUE(rows[i].name, head.content == rows[i].content);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(heads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
