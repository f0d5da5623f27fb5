/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the admin API by libcurl, over the unix socket or HTTPS. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define ANSWER_MAX (256u * 1024u * 1024u)

/* Where an answer goes: a good one to a file as it comes, if there is one; else all of it is gathered. */
struct answer {
    CURL *curl;
    struct sgl_buf text;
    FILE *to;
};

static size_t collect(char *bytes, size_t size, size_t count, void *ctx)
{
    struct answer *a = ctx;
    long status = 0;

    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
    if (a->to != NULL && status >= 200 && status < 300)
        return fwrite(bytes, 1, size * count, a->to);
    sgl_buf_add(&a->text, sgl_view_of(bytes, size * count));
    return a->text.status == SGL_OK ? size * count : 0;
}

/* Where and how; false: said. */
static bool set_target(const struct cli *c, CURL *curl, const char *path, char *url,
                       size_t url_size, struct curl_slist **headers)
{
    char *bearer = NULL; /* a token is longer than a key, by much */
    bool tls = strncmp(c->server, "https://", 8) == 0;

    if (strncmp(c->server, "unix:", 5) == 0) {
        snprintf(url, url_size, "http://localhost%s", path);
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->server + 5);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        return true;
    }
    if (!tls) {
        cli_error(CLI_USAGE, "--server", "must be unix:PATH or https://HOST[:PORT]");
        return false;
    }
    if (c->token == NULL || c->token[0] == '\0') {
        cli_error(CLI_USAGE, "SIGILLO_TOKEN", "an access key or a token is needed in it for %s",
                  c->server);
        return false;
    }
    snprintf(url, url_size, "%.*s%s",
             (int)(strlen(c->server) - (c->server[strlen(c->server) - 1] == '/')), c->server, path);
    if (asprintf(&bearer, "Authorization: Bearer %s", c->token) < 0) {
        cli_error(CLI_UNKNOWN, "SIGILLO_TOKEN", "out of memory");
        return false;
    }
    *headers = curl_slist_append(*headers, bearer);
    free(bearer);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    if (getenv("SIGILLO_CA") != NULL && getenv("SIGILLO_CA")[0] != '\0')
        curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("SIGILLO_CA"));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    return true;
}

static int say_problem(const struct cli *c, long status, const json_t *answer)
{
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    const char *field = json_string_value(json_object_get(answer, "field"));
    const char *title = json_string_value(json_object_get(answer, "title"));
    int exit_status = status == 400 || status == 422 ? CLI_USAGE
                      : status >= 500                ? CLI_UNKNOWN
                                                     : CLI_NO;

    return cli_error(exit_status, field != NULL ? field : c->verb->name, "%s",
                     detail != NULL  ? detail
                     : title != NULL ? title
                                     : "the server gave an answer that is not understood");
}

static int finish(const struct cli *c, const struct answer *a, CURLcode code, const char *error,
                  json_t **out)
{
    json_t *answer;
    long status = 0;

    if (code == CURLE_COULDNT_CONNECT && strncmp(c->server, "unix:", 5) == 0)
        return cli_error(
            CLI_UNKNOWN, c->server,
            "no server answers there; is `sigillo serve` running, and may you use its socket?");
    if (code != CURLE_OK)
        return cli_error(CLI_UNKNOWN, c->server, "%s",
                         error[0] != '\0' ? error : curl_easy_strerror(code));
    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
    if (a->to != NULL && status >= 200 && status < 300)
        return CLI_YES;
    answer = json_loadb((const char *)a->text.data, a->text.len, JSON_DISABLE_EOF_CHECK, NULL);
    if (status >= 200 && status < 300 && answer != NULL) {
        *out = answer;
        return CLI_YES;
    }
    status = say_problem(c, status, answer);
    json_decref(answer);
    return (int)status;
}

/* A call with all that goes out; `a` says where the answer goes. */
static int call(const struct cli *c, const char *method, const char *path, const char *content_type,
                sgl_view bytes, struct answer *a, json_t **out)
{
    struct curl_slist *headers = NULL;
    char error[CURL_ERROR_SIZE] = "", type[128];
    CURL *curl = a->curl = curl_easy_init();
    size_t url_size = strlen(path) + strlen(c->server) + 64;
    char *url = malloc(url_size);
    int status = CLI_USAGE;

    if (curl == NULL || url == NULL) {
        free(url);
        return cli_error(CLI_UNKNOWN, "memory", "there is none left");
    }
    snprintf(type, sizeof(type), "Content-Type: %s", content_type);
    if (set_target(c, curl, path, url, url_size, &headers)) {
        headers = curl_slist_append(headers, type);
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_NOPROXY, strncmp(c->server, "unix:", 5) == 0 ? "*" : "");
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
        if (a->to == NULL) {
            curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
        } else {
            curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
            curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
        }
        if (bytes.len > 0 || strcmp(method, "POST") == 0) {
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                             bytes.len == 0 ? "" : (const char *)bytes.ptr);
            curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes.len);
        }
        status = finish(c, a, curl_easy_perform(curl), error, out);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(url);
    return status;
}

int cli_call_bytes(const struct cli *c, const char *method, const char *path,
                   const char *content_type, sgl_view bytes, json_t **out)
{
    struct answer a = {.text = SGL_BUF_INIT(ANSWER_MAX)};
    int status = call(c, method, path, content_type, bytes, &a, out);

    sgl_buf_done(&a.text);
    return status;
}

int cli_call_to(const struct cli *c, const char *path, FILE *to)
{
    struct answer a = {.text = SGL_BUF_INIT(ANSWER_MAX), .to = to};
    int status = call(c, "GET", path, "text/csv", SGL_LIT(""), &a, NULL);

    sgl_buf_done(&a.text);
    return status;
}

int cli_call(const struct cli *c, const char *method, const char *path, json_t *body, json_t **out)
{
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    int status;

    json_decref(body);
    status = cli_call_bytes(c, method, path, "application/json", sgl_view_cstr(text), out);
    free(text);
    return status;
}

char *cli_path(const char *prefix, const char *segment, const char *suffix)
{
    CURL *curl = curl_easy_init();
    char *escaped = curl == NULL ? NULL : curl_easy_escape(curl, segment, 0);
    size_t size = escaped == NULL ? 0 : strlen(prefix) + strlen(escaped) + strlen(suffix) + 1;
    char *path = escaped == NULL ? NULL : malloc(size);

    if (path == NULL)
        exit(cli_error(CLI_UNKNOWN, "memory", "there is none left"));
    snprintf(path, size, "%s%s%s", prefix, escaped, suffix);
    curl_free(escaped);
    curl_easy_cleanup(curl);
    return path;
}

void cli_add_query(struct sgl_buf *path, const char *name, const char *value)
{
    char *part = value == NULL ? NULL : cli_path("=", value, "");
    bool first = sgl_view_find(sgl_buf_view(path), '?') == path->len;

    if (part != NULL)
        sgl_buf_addf(path, "%s%s%s", first ? "?" : "&", name, part);
    free(part);
}
