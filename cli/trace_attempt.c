/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt of a message's trail, for people: where it went, what TLS was demanded and got, and what was said. */
#include "trace_attempt.h"

#include <stdio.h>
#include <string.h>

#define MARGIN         "\n                            "
#define SHA256_SHOWN   16 /* --json has all of it */
#define MEMBER(d, n)   json_string_value(json_object_get(d, n))
#define IS(d, n, word) (MEMBER(d, n) != NULL && strcmp(MEMBER(d, n), word) == 0)

static void put_line(const char *label, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    printf(MARGIN "%s ", label);
    cli_put(stdout, text);
}

static void put_why(const char *between, const char *text)
{
    if (text == NULL)
        return;
    printf("%s", between);
    cli_put(stdout, text);
}

/* ---- what was demanded, and what came of it ---- */

static bool is_proved(const json_t *d)
{
    return MEMBER(d, "proved") != NULL && !IS(d, "proved", "nobody");
}

static void put_dane(const json_t *d)
{
    if (IS(d, "proved", "dane-ee") || IS(d, "proved", "dane-ta")) {
        printf("DANE verified: matched ");
        cli_put(stdout, MEMBER(d, "matched") != NULL ? MEMBER(d, "matched") : "");
        printf(IS(d, "proved", "dane-ee") ? ", the server's own certificate"
                                          : ", an authority of the certificate");
        if (IS(json_object_get(d, "dnssec"), "mx", "insecure"))
            printf("; the MX records are not signed");
    } else if (IS(d, "demand", "encrypted")) {
        printf("DANE: no TLSA record can be used, so TLS with whoever answers");
    } else {
        printf("DANE: required, and not met");
    }
}

/* A route, the message or its domain. */
static void put_demand(const json_t *d)
{
    if (IS(d, "failure", "demand-not-met"))
        printf("verified TLS: demanded, and not met");
    else if (IS(d, "demand", "encrypted"))
        printf(MEMBER(d, "tls") != NULL ? "TLS: demanded, with whoever answers"
                                        : "TLS: demanded, and not met");
    else
        printf(is_proved(d) ? "verified TLS: demanded, and the certificate proves the host"
                            : "verified TLS: demanded, and not met");
}

/* A policy that counted. */
static void put_sts(const json_t *d)
{
    const json_t *policy = json_object_get(d, "mta_sts");

    if (IS(d, "failure", "sts-unknown"))
        printf("MTA-STS: it was not known whether there is a policy");
    else if (IS(policy, "result", "sts-mx-mismatch"))
        printf("MTA-STS (enforce): the policy does not list the host");
    else
        printf(is_proved(d)
                   ? "MTA-STS (enforce): the policy lists the host, and the certificate proves it"
                   : "MTA-STS (enforce): not met");
    put_why(", id ", MEMBER(policy, "id"));
}

/* One that did not: it is only tested, DANE decided, or it could not be fetched. */
static void put_sts_beside(const json_t *d)
{
    const json_t *policy = json_object_get(d, "mta_sts");

    if (policy == NULL || IS(d, "policy", "mta-sts"))
        return;
    printf(MARGIN "MTA-STS");
    if (MEMBER(policy, "mode") == NULL)
        printf(": no policy could be fetched");
    else
        printf(" (%s)", IS(policy, "mode", "enforce") ? "enforce" : "testing");
    put_why(": ", MEMBER(policy, "result"));
    if (MEMBER(policy, "result") == NULL)
        printf(": met");
}

static void put_opportunistic(const json_t *d)
{
    if (MEMBER(d, "tls") == NULL)
        return;
    printf(MARGIN "opportunistic TLS: nobody demands more");
    put_why("; DANE: ", MEMBER(d, "dane"));
    if (is_proved(d))
        printf("; the certificate is good all the same");
}

static void put_policy(const json_t *d)
{
    if (IS(d, "policy", "dane")) {
        printf(MARGIN);
        put_dane(d);
    } else if (IS(d, "policy", "demand")) {
        printf(MARGIN);
        put_demand(d);
    } else if (IS(d, "policy", "mta-sts")) {
        printf(MARGIN);
        put_sts(d);
    } else {
        put_opportunistic(d);
    }
    put_sts_beside(d);
    if (MEMBER(d, "asked") != NULL)
        printf(MARGIN "the message asks for %s",
               IS(d, "asked", "optional") ? "delivery even without TLS (TLS-Required: No)"
                                          : "verified TLS");
    if (IS(d, "requiretls", "honoured"))
        printf(MARGIN "REQUIRETLS: asked, and honoured by the server");
    else if (MEMBER(d, "requiretls") != NULL)
        printf(MARGIN "REQUIRETLS: asked");
}

/* ---- what was got ---- */

static void put_certificate(const json_t *d)
{
    const json_t *c = json_object_get(d, "certificate"), *name;
    const char *sha256 = MEMBER(c, "sha256");
    size_t at;

    if (sha256 == NULL)
        return;
    printf(MARGIN "certificate ");
    json_array_foreach(json_object_get(c, "names"), at, name)
    {
        printf(at == 0 ? "" : ", ");
        cli_put(stdout, json_string_value(name));
    }
    if (json_array_size(json_object_get(c, "names")) == 0)
        printf("without a DNS name");
    if (json_object_get(c, "more_names") != NULL)
        printf(" and %s more", cli_member(c, "more_names", 0));
    printf(", sha256 ");
    for (at = 0; at < SHA256_SHOWN && sha256[at] != '\0'; at++)
        putchar(sha256[at] > ' ' && sha256[at] < 0x7f ? sha256[at] : '?');
    printf("...");
    put_why("; it proves nobody: ", MEMBER(d, "unproved"));
}

static const char *why_no_tls(const json_t *d)
{
    if (MEMBER(d, "tls_why") != NULL)
        return MEMBER(d, "tls_why");
    if (IS(d, "failure", "tls") || IS(d, "failure", "tls-verify"))
        return "it ended in the handshake";
    return "the connection did not get that far";
}

static void put_tls(const json_t *d)
{
    if (MEMBER(d, "tls") == NULL) {
        put_line("no TLS:", why_no_tls(d));
        put_why(": ", MEMBER(d, "tls_error"));
        return;
    }
    put_line(MEMBER(d, "tls"), MEMBER(d, "cipher"));
    put_why(", ", MEMBER(d, "group"));
    if (json_is_true(json_object_get(d, "resumed")))
        printf(", session resumed");
    if (json_is_true(json_object_get(d, "reused")))
        printf(", connection used again");
}

void trace_put_attempt(const json_t *d)
{
    if (MEMBER(d, "host") != NULL) {
        put_line("MX", MEMBER(d, "host"));
        if (MEMBER(d, "address") != NULL) {
            printf(" [");
            cli_put(stdout, MEMBER(d, "address"));
            printf("]:%s", cli_member(d, "port", 0));
        }
        put_tls(d);
        put_policy(d);
        put_certificate(d);
    }
    put_line("failure:", MEMBER(d, "failure"));
    put_line("at:", MEMBER(d, "stage"));
    put_line("answer:", MEMBER(d, "reply"));
    if (cli_member(d, "ms", 0)[0] != '\0')
        printf(MARGIN "took %s ms", cli_member(d, "ms", 0));
    if (json_is_true(json_object_get(d, "possibly_repeated")))
        printf(MARGIN "possibly repeated");
}
