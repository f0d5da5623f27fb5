/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the token endpoint  [RFC 6749 s5.2], with the numbers that programs search for in their text. */
#include <stdio.h>
#include <time.h>

#include "oauth_internal.h"

#define ABOUT_MAX 100

struct row {
    int status;
    const char *error;
    long code;        /* AADSTS... */
    const char *text; /* {}: what it is about, where it says so */
};

static const struct row rows[] = {
    [OAUTH_FIELD_MISSING] = {400, "invalid_request", 900144,
                             "The request body must contain the following parameter: '{}'."},
    [OAUTH_FIELD_TWICE] = {400, "invalid_request", 9000411,
                           "The request is not properly formatted. The parameter '{}' is there "
                           "more than once."},
    [OAUTH_FORM_BROKEN] = {400, "invalid_request", 90013,
                           "The request cannot be read. Look at the encoding of '{}'."},
    [OAUTH_GRANT_TYPE] = {400, "unsupported_grant_type", 70003,
                          "The grant type '{}' is not supported; client_credentials is."},
    [OAUTH_SCOPE] = {400, "invalid_scope", 70011,
                     "The scope '{}' is not valid. It has the form RESOURCE/.default, for a "
                     "resource that is known here."},
    [OAUTH_TENANT] = {400, "invalid_request", 90002,
                      "Tenant '{}' not found. It is the name of a subscription, or its GUID."},
    [OAUTH_METADATA_TENANT] = {400, "invalid_tenant", 90002,
                               "Tenant '{}' not found. It is the name of a subscription, or its "
                               "GUID."},
    [OAUTH_CLIENT_UNKNOWN] = {400, "unauthorized_client", 700016,
                              "Application with identifier '{}' was not found in this tenant."},
    [OAUTH_SECRET_WRONG] = {401, "invalid_client", 7000215,
                            "Invalid client secret provided. Ensure the secret being sent in the "
                            "request is the client secret value, not the client secret ID, for a "
                            "secret of application '{}'."},
    [OAUTH_SECRET_EXPIRED] = {401, "invalid_client", 7000222,
                              "The provided client secret of application '{}' has expired. Make "
                              "another with: sigillo app secret NAME."},
    [OAUTH_NO_PROOF] = {401, "invalid_client", 7000218,
                        "The request body must contain the following parameter: "
                        "'client_assertion' or 'client_secret'."},
    [OAUTH_ASSERTION_TYPE] = {400, "invalid_request", 900144,
                              "With 'client_assertion' the parameter 'client_assertion_type' must "
                              "be '" ASSERTION_TYPE "'."},
    [OAUTH_ASSERTION_BROKEN] = {401, "invalid_client", 50027,
                                "The client assertion is no JSON Web Token signed with RS256, "
                                "PS256 or ES256."},
    [OAUTH_ASSERTION_ISSUER] = {401, "invalid_client", 700211,
                                "Application '{}' does not trust the issuer of this assertion. "
                                "Add it with: sigillo app federate NAME."},
    [OAUTH_ASSERTION_SUBJECT] = {401, "invalid_client", 700213,
                                 "Application '{}' trusts the issuer of this assertion, but not "
                                 "its subject."},
    [OAUTH_ASSERTION_AUDIENCE] = {401, "invalid_client", 700212,
                                  "Application '{}' trusts the issuer and the subject of this "
                                  "assertion, but not its audience."},
    [OAUTH_ASSERTION_TIME] = {401, "invalid_client", 700024,
                              "The client assertion has expired, is not valid yet, or would be "
                              "valid for more than a day."},
    [OAUTH_ASSERTION_SIGNATURE] = {401, "invalid_client", 700027,
                                   "The client assertion is not signed by a key that its issuer "
                                   "publishes."},
    [OAUTH_ASSERTION_SEEN] = {401, "invalid_client", 7000214,
                              "The client assertion was used before; each is good for one token."},
    [OAUTH_ASSERTION_UNAVAILABLE] = {503, "temporarily_unavailable", 90033,
                                     "The issuer of the client assertion cannot be asked for its "
                                     "keys now; try again soon."},
    [OAUTH_TLS] = {400, "invalid_request", 90013,
                   "Secrets are taken over TLS only, or from this machine itself."},
    [OAUTH_TOO_MANY] = {429, "temporarily_unavailable", 90055,
                        "Too many wrong secrets for this application came from your address."},
    [OAUTH_UNAVAILABLE] = {503, "temporarily_unavailable", 90033,
                           "No token can be signed now; try again soon."},
};

/* As the client named its request, so that both logs can be laid side by side; else one of our own. */
static void correlation(struct http_request *r, char out[GUID_TEXT_SIZE])
{
    sgl_view id = http_header(r, "client-request-id");

    if (id.ptr == NULL)
        id = http_query(r, "client-request-id");
    if (!guid_take(id, out))
        guid_random(out);
}

static void timestamp(char out[32])
{
    time_t now = (time_t)clock_now_s();
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M:%SZ", &tm);
}

static json_t *document(struct http_request *r, const struct row *row, const char *text)
{
    char trace[GUID_TEXT_SIZE], same[GUID_TEXT_SIZE], when[32], description[600];

    guid_random(trace);
    correlation(r, same);
    timestamp(when);
    snprintf(description, sizeof(description),
             "AADSTS%ld: %s Trace ID: %s Correlation ID: %s Timestamp: %s", row->code, text, trace,
             same, when);
    return json_pack("{s:s, s:s, s:[I], s:s, s:s, s:s}", "error", row->error, "error_description",
                     description, "error_codes", (json_int_t)row->code, "timestamp", when,
                     "trace_id", trace, "correlation_id", same);
}

/* For JSON and for eyes: what is no ASCII becomes a question mark. */
static sgl_view shown(sgl_view about, char out[ABOUT_MAX])
{
    size_t len = about.len < ABOUT_MAX ? about.len : ABOUT_MAX;

    for (size_t i = 0; i < len; i++)
        out[i] = about.ptr[i] >= ' ' && about.ptr[i] < 0x7f ? (char)about.ptr[i] : '?';
    return sgl_view_of(out, len);
}

void oauth_refuse(struct http_request *r, enum oauth_error error, sgl_view about)
{
    const struct row *row = &rows[error];
    char text[400], printable[ABOUT_MAX];
    sgl_view name = shown(about, printable), whole = sgl_view_cstr(row->text);
    size_t at = sgl_view_find_view(whole, SGL_LIT("{}"));

    snprintf(text, sizeof(text), "%.*s%.*s%.*s", (int)at, row->text,
             at < whole.len ? (int)name.len : 0, (const char *)name.ptr, (int)(whole.len - at),
             row->text + at + (at < whole.len ? 2 : 0));
    /* [RFC 6749 s5.2]: who came with an Authorization field is told which kind is wanted */
    if (row->status == 401)
        http_reply_header(r, "WWW-Authenticate", SGL_LIT("Basic realm=\"sigillo\""));
    http_reply_header(r, "Pragma", SGL_LIT("no-cache"));
    http_reply_json(r, row->status, document(r, row, text));
}

void oauth_refuse_until(struct http_request *r, enum oauth_error error, unsigned seconds)
{
    char after[16];

    snprintf(after, sizeof(after), "%u", seconds);
    http_reply_header(r, "Retry-After", sgl_view_cstr(after));
    oauth_refuse(r, error, SGL_LIT(""));
}
