/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges a message: SPF, DKIM, ARC, DMARC.
 *
 *     verify_file [IP HELO SENDER] < MESSAGE
 *
 * Prints the Authentication-Results field.  Exit status: 0 when DMARC passes or the message is from somebody who publishes no policy, 1 when it
 * fails or From does not name one domain, 3 when DNS did not answer.
 */
#include <sigillo/unbound.h>
#include <sigillo/verdict.h>
#include <stdio.h>
#include <time.h>

#include "read_all.h"

static int print(const struct sgl_verdict *verdict)
{
    struct sgl_buf field = SGL_BUF_INIT(1 << 16);
    enum sgl_status status = sgl_authres_put(&verdict->results, &field);

    if (status == SGL_OK)
        fwrite(field.data, 1, field.len, stdout);
    sgl_buf_done(&field);
    if (status != SGL_OK || verdict->dmarc.result == SGL_DMARC_TEMPERROR)
        return 3;
    return verdict->dmarc.result == SGL_DMARC_FAIL || verdict->author != SGL_DMARC_AUTHOR_OK;
}

int main(int argc, char **argv)
{
    struct sgl_verdict_request request = {.authserv_id = SGL_LIT("mx.example.org"),
                                          .now = time(NULL)};
    struct sgl_buf message = SGL_BUF_INIT(100 << 20);
    struct sgl_arena arena = SGL_ARENA_INIT(SGL_LIMIT_JUDGE_MEMORY);
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct ub_ctx *resolver = sgl_unbound_new(NULL, NULL);
    struct sgl_dns dns;
    struct sgl_verdict verdict;
    enum sgl_status status = SGL_E_MISUSE;
    int answer = 2;

    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    if (argc == 4) {
        status = sgl_ip_parse(sgl_view_cstr(argv[1]), &request.ip);
        request.helo = sgl_view_cstr(argv[2]);
        request.sender = sgl_view_cstr(argv[3]);
    } else if (argc == 1) {
        status = SGL_OK;
    }
    if (status != SGL_OK || !read_all(NULL, &message))
        fprintf(stderr, "usage: verify_file [IP HELO SENDER] < MESSAGE\n");
    else if ((status = sgl_verdict_of(crypto, &request, sgl_buf_view(&message), sgl_unbound_resolve,
                                      resolver, &dns, &arena, &verdict)) != SGL_OK)
        fprintf(stderr, "verify_file: %s\n", sgl_status_name(status));
    else
        answer = print(&verdict);
    sgl_dns_done(&dns);
    ub_ctx_delete(resolver);
    sgl_crypto_free(crypto);
    sgl_arena_done(&arena);
    sgl_buf_done(&message);
    return answer;
}
