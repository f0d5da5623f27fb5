/* SPDX-License-Identifier: Apache-2.0 */
/* libconfuse reads the syntax; what a key may hold, and where it goes, is a table. */
#include "settings.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataset.h"
#include "sigillo/ascii.h"
#include "sigillo/dns_name.h"
#include "sigillo/header.h"

enum kind { TEXT, PATH, DATASET, NAME, NAMES, TEXTS, FIELDS, FLAG, COUNT, DURATION, WORD, LEVEL };
enum section { ROOT, SEAL, RESOLVER };

struct setting {
    enum section section;
    const char *name;
    enum kind kind;
    const char *preset;
    const char *words; /* WORD: in the order of the enum */
    size_t offset, count;
    uint64_t min, max; /* COUNT; of a DURATION ms */
};
#define AT(field)    offsetof(struct milter_settings, field)
#define MANY(field)  AT(field), AT(field##s)
#define DAY_MS       UINT64_C(86400000)
#define SETTINGS_MAX 64

static const struct setting setting[] = {
    {ROOT, "socket", TEXT, NULL, NULL, AT(socket), 0, 0, 0},
    {ROOT, "socket_mode", TEXT, "0660", NULL, 0, 0, 0, 0},
    {ROOT, "socket_group", TEXT, NULL, NULL, AT(socket_group), 0, 0, 0},
    {ROOT, "user", TEXT, NULL, NULL, AT(user), 0, 0, 0},
    {ROOT, "authserv_id", NAME, NULL, NULL, AT(authserv_id), 0, 0, 0},
    {ROOT, "trusted_authserv", NAMES, "{}", NULL, MANY(trusted_authserv), 0, 0},
    {ROOT, "mode", TEXTS, "{sign, verify}", NULL, 0, 0, 0, 0},
    {ROOT, "key_table", DATASET, NULL, NULL, AT(key_table), 0, 0, 0},
    {ROOT, "signing_table", DATASET, NULL, NULL, AT(signing_table), 0, 0, 0},
    {ROOT, "multiple_signatures", FLAG, "false", NULL, AT(multiple), 0, 0, 0},
    {ROOT, "domain", NAMES, "{}", NULL, MANY(domain), 0, 0},
    {ROOT, "selector", NAME, NULL, NULL, AT(selector), 0, 0, 0},
    {ROOT, "key_file", PATH, NULL, NULL, AT(key_file), 0, 0, 0},
    {ROOT, "subdomains", FLAG, "false", NULL, AT(subdomains), 0, 0, 0},
    {ROOT, "require_safe_keys", FLAG, "true", NULL, AT(require_safe_keys), 0, 0, 0},
    {ROOT, "internal_hosts", DATASET, "127.0.0.1, ::1", NULL, AT(internal_hosts), 0, 0, 0},
    {ROOT, "external_ignore", DATASET, NULL, NULL, AT(external_ignore), 0, 0, 0},
    {ROOT, "ignore_hosts", DATASET, NULL, NULL, AT(ignore_hosts), 0, 0, 0},
    {ROOT, "ignore_from", NAMES, "{}", NULL, MANY(ignore_from), 0, 0},
    {ROOT, "peers", DATASET, NULL, NULL, AT(peers), 0, 0, 0},
    {ROOT, "originating_daemons", TEXTS, "{ORIGINATING}", NULL, MANY(originating), 0, 0},
    {ROOT, "canonicalization", TEXT, "relaxed/relaxed", NULL, 0, 0, 0, 0},
    {ROOT, "sign_headers", FIELDS, "{}", NULL, MANY(sign_header), 0, 0},
    {ROOT, "oversign_headers", FIELDS, "{}", NULL, MANY(oversign), 0, 0},
    {ROOT, "signature_expire", DURATION, "0", NULL, AT(signature_expire_ms), 0, 0, 3660 * DAY_MS},
    {ROOT, "min_key_bits", COUNT, "1024", NULL, AT(min_key_bits), 0, 1024, 4096},
    {ROOT, "dmarc", WORD, "follow", "follow quarantine mark", AT(dmarc), 0, 0, 0},
    {ROOT, "quarantine", WORD, "header", "header hold", AT(quarantine), 0, 0, 0},
    {ROOT, "spf", WORD, "on", "on off reject", AT(spf), 0, 0, 0},
    {ROOT, "on_error", WORD, "tempfail", "tempfail accept", AT(on_error), 0, 0, 0},
    {ROOT, "trusted_sealers", NAMES, "{}", NULL, MANY(trusted_sealer), 0, 0},
    {ROOT, "dns_timeout", DURATION, "20s", NULL, AT(dns_timeout_ms), 0, 1000, 200000},
    {ROOT, "drain", DURATION, "10s", NULL, AT(drain_ms), 0, 0, 600000},
    {ROOT, "log_level", LEVEL, "info", "debug info warn error", AT(log_level), 0, 0, 0},
    {ROOT, "metrics", TEXT, NULL, NULL, 0, 0, 0, 0},
    {SEAL, "domain", NAME, NULL, NULL, AT(seal_domain), 0, 0, 0},
    {SEAL, "selector", NAME, NULL, NULL, AT(seal_selector), 0, 0, 0},
    {SEAL, "key_file", PATH, NULL, NULL, AT(seal_key_file), 0, 0, 0},
    {RESOLVER, "forward", TEXTS, "{}", NULL, MANY(forward), 0, 0},
    {RESOLVER, "trust_anchor", PATH, NULL, NULL, AT(trust_anchor), 0, 0, 0},
    {RESOLVER, "root_hints", PATH, NULL, NULL, AT(root_hints), 0, 0, 0},
};
#define SETTINGS (sizeof setting / sizeof setting[0])
static const char *const section_name[] = {"", "arc_seal", "resolver"};

/* One reading. libconfuse gives its callbacks no argument. */
struct reading {
    cfg_opt_t opt[3][SETTINGS_MAX];
    size_t opts[3];
    const char *path;
    bool failed;
    char *why;
    size_t why_size;
    struct sgl_arena *arena;
};
static _Thread_local struct reading *reading;

/* ---- mistakes --------------------------------------------------------------------------------------------------------- */

static void note(int line, const char *format, va_list args) SGL_PRINTF(2, 0);
static void note(int line, const char *format, va_list args)
{
    int n;

    if (reading->failed)
        return; /* the first one */
    reading->failed = true;
    n = snprintf(reading->why, reading->why_size, "%s:%d: ", reading->path, line);
    if (n >= 0 && (size_t)n < reading->why_size)
        vsnprintf(reading->why + n, reading->why_size - (size_t)n, format, args);
}

static void mistake(cfg_t *cfg, const char *format, ...) SGL_PRINTF(2, 3);
static void mistake(cfg_t *cfg, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(cfg->line, format, args);
    va_end(args);
}

static void syntax_mistake(cfg_t *cfg, const char *format, va_list args) SGL_PRINTF(2, 0);
static void syntax_mistake(cfg_t *cfg, const char *format, va_list args)
{
    char text[400];

    vsnprintf(text, sizeof text, format, args);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    mistake(cfg, "syntax: %s", text);
}

/* ---- one value -------------------------------------------------------------------------------------------------------- */

static int word_of(const char *words, sgl_view text)
{
    sgl_view rest = sgl_view_cstr(words);

    for (int i = 0; rest.ptr != NULL; i++)
        if (sgl_view_eq(sgl_view_split(rest, ' ', &rest), text))
            return i;
    return -1;
}

static const char *in_range(const struct setting *s, uint64_t n)
{
    return n < s->min ? "too small" : s->max > 0 && n > s->max ? "too large" : NULL;
}

static const char *text_wrong(sgl_view text)
{
    if (text.len == 0)
        return "empty";
    return sgl_ascii_is_printable(text) ? NULL : "holds control or non-ASCII characters";
}

static const char *dataset_wrong(sgl_view text)
{
    struct dataset_name name = dataset_name(text);

    if (name.kind == DATASET_FOREIGN)
        return "a database: only lists, file: and refile: are read";
    if (name.kind != DATASET_LIST && (name.rest.len == 0 || name.rest.ptr[0] != '/'))
        return "not an absolute path";
    return text_wrong(text);
}

static const char *value_wrong(const struct setting *s, sgl_view text)
{
    const char *wrong = NULL;
    uint64_t n = 0;

    switch (s->kind) {
    case TEXT:
    case TEXTS:
        return text_wrong(text);
    case PATH:
        return text.len > 0 && text.ptr[0] == '/' ? text_wrong(text) : "not an absolute path";
    case DATASET:
        return dataset_wrong(text);
    case NAME:
    case NAMES:
        return sgl_name_ok(text, SGL_NAME_UNDERSCORE) ? NULL : "not a domain name";
    case FIELDS:
        return sgl_header_name_ok(text) ? NULL : "not the name of a header field";
    case FLAG:
        return value_bool(text, &n);
    case COUNT:
        wrong = value_number(text, &n);
        return wrong != NULL ? wrong : in_range(s, n);
    case DURATION:
        wrong = value_duration_ms(text, &n);
        return wrong != NULL ? wrong : in_range(s, n);
    case WORD:
    case LEVEL:
        return word_of(s->words, text) >= 0 ? NULL : "not one of these words: ";
    }
    return wrong;
}

static const struct setting *setting_of(cfg_t *cfg, const char *name)
{
    enum section in = strcmp(cfg_name(cfg), "arc_seal") == 0   ? SEAL
                      : strcmp(cfg_name(cfg), "resolver") == 0 ? RESOLVER
                                                               : ROOT;

    for (size_t i = 0; i < SETTINGS; i++)
        if (setting[i].section == in && strcmp(setting[i].name, name) == 0)
            return &setting[i];
    return NULL;
}

static int check_value(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct setting *s = setting_of(cfg, cfg_opt_name(opt));

    for (unsigned i = 0; s != NULL && i < cfg_opt_size(opt); i++) {
        const char *value = cfg_opt_getnstr(opt, i);
        const char *wrong = value != NULL ? value_wrong(s, sgl_view_cstr(value)) : NULL;
        sgl_auto(sgl_buf) shown = SGL_BUF_INIT(512);

        if (wrong == NULL)
            continue;
        sgl_buf_add_escaped(&shown, sgl_view_cstr(value), 60);
        mistake(cfg, "%s%s%s: \"%.*s\": %s%s", section_name[s->section],
                s->section == ROOT ? "" : ".", s->name, SGL_FMT(sgl_buf_view(&shown)), wrong,
                s->words != NULL ? s->words : "");
        return -1;
    }
    return 0;
}

/* ---- into the struct -------------------------------------------------------------------------------------------------- */

static const char *keep(const char *text)
{
    const char *kept = text == NULL ? NULL : sgl_arena_cstr(reading->arena, sgl_view_cstr(text));

    return kept;
}

static void store_list(cfg_t *cfg, const struct setting *s, struct milter_settings *out)
{
    size_t n = cfg_size(cfg, s->name);
    const char **list = SGL_NEW_N(reading->arena, n, const char *);

    for (size_t i = 0; list != NULL && i < n; i++)
        list[i] = keep(cfg_getnstr(cfg, s->name, (unsigned)i));
    memcpy((char *)out + s->offset, &list, sizeof list);
    memcpy((char *)out + s->count, &n, sizeof n);
}

static void store_value(cfg_t *cfg, const struct setting *s, struct milter_settings *out)
{
    const char *text = cfg_getstr(cfg, s->name), *kept;
    char *at = (char *)out + s->offset;
    uint64_t n = 0;

    switch (s->kind) {
    case NAMES:
    case TEXTS:
    case FIELDS:
        store_list(cfg, s, out);
        return;
    case TEXT:
    case PATH:
    case DATASET:
    case NAME:
    case LEVEL:
        kept = keep(text);
        memcpy(at, &kept, sizeof kept);
        return;
    case FLAG:
        if (value_bool(sgl_view_cstr(text), &n) == NULL)
            *(bool *)at = n != 0;
        return;
    case COUNT:
        if (value_number(sgl_view_cstr(text), &n) == NULL)
            memcpy(at, &n, sizeof n);
        return;
    case DURATION:
        if (value_duration_ms(sgl_view_cstr(text), &n) == NULL)
            memcpy(at, &n, sizeof n);
        return;
    case WORD:
        n = (uint64_t)word_of(s->words, sgl_view_cstr(text));
        *(unsigned *)at = (unsigned)n;
        return;
    }
}

/* "relaxed/simple"; one word alone is the header's, and the body is simple then [RFC 6376 s3.5]. */
static void store_canonicalization(cfg_t *cfg, struct milter_settings *out)
{
    sgl_view body,
        header = sgl_view_split(sgl_view_cstr(cfg_getstr(cfg, "canonicalization")), '/', &body);
    const char *const words = "relaxed simple";

    if (body.ptr == NULL)
        body = SGL_LIT("simple");
    if (word_of(words, header) < 0 || word_of(words, body) < 0) {
        mistake(cfg, "canonicalization: must be relaxed or simple, for the header and for the "
                     "body: relaxed/relaxed");
        return;
    }
    out->header_simple = word_of(words, header) == 1;
    out->body_simple = word_of(words, body) == 1;
}

static void store_mode(cfg_t *cfg, struct milter_settings *out)
{
    for (unsigned i = 0; i < cfg_size(cfg, "mode"); i++) {
        sgl_view word = sgl_view_cstr(cfg_getnstr(cfg, "mode", i));

        if (sgl_view_eq(word, SGL_LIT("sign")))
            out->signs = true;
        else if (sgl_view_eq(word, SGL_LIT("verify")))
            out->verifies = true;
        else
            mistake(cfg, "mode: sign, verify or both: {sign, verify}");
    }
    if (!out->signs && !out->verifies)
        mistake(cfg, "mode: sign, verify or both: {sign, verify}");
}

static void store_numbers(cfg_t *cfg, struct milter_settings *out)
{
    const char *metrics = cfg_getstr(cfg, "metrics"), *wrong,
               *mode = cfg_getstr(cfg, "socket_mode");
    unsigned bits = 0;

    for (const char *c = mode; *c != '\0'; c++) {
        if (*c < '0' || *c > '7' || bits > 077) {
            mistake(cfg, "socket_mode: not a mode: four octal digits, as 0660");
            return;
        }
        bits = bits * 8 + (unsigned)(*c - '0');
    }
    out->socket_mode = bits;
    wrong = metrics == NULL ? NULL : value_address(sgl_view_cstr(metrics), 0, &out->metrics);
    out->has_metrics = metrics != NULL;
    if (wrong != NULL)
        mistake(cfg, "metrics: \"%.60s\": %s", metrics, wrong);
}

/* ---- what several keys must agree on ---------------------------------------------------------------------------------- */

static bool socket_good(sgl_view where)
{
    sgl_view rest, port;
    uint64_t n = 0;

    if (sgl_view_starts(where, SGL_LIT("unix:/")) || sgl_view_starts(where, SGL_LIT("local:/")))
        return where.len < 100;
    if (!sgl_view_starts(where, SGL_LIT("inet:")) && !sgl_view_starts(where, SGL_LIT("inet6:")))
        return false;
    rest = sgl_view_from(where, sgl_view_find(where, ':') + 1);
    port = sgl_view_split(rest, '@', &rest);
    /* Without a host it would be open to everybody, who could say to be of this machine, and be signed for. */
    return sgl_view_u64(port, 65535, &n) && n > 0 && rest.len > 0;
}

static void check_signing(cfg_t *cfg, const struct milter_settings *s)
{
    bool tables = s->key_table != NULL || s->signing_table != NULL;
    bool one = s->domains > 0 || s->selector != NULL || s->key_file != NULL;

    if (!s->signs)
        return;
    if (tables && one)
        mistake(cfg, "key_table: either tables, or domain, selector and key_file");
    else if (tables && (s->key_table == NULL || s->signing_table == NULL))
        mistake(cfg, "%s: missing (%s is given)",
                s->key_table == NULL ? "key_table" : "signing_table",
                s->key_table == NULL ? "signing_table" : "key_table");
    else if (!tables && (s->domains == 0 || s->selector == NULL || s->key_file == NULL))
        mistake(cfg, "mode: to sign, key_table and signing_table are needed, or domain, selector "
                     "and key_file");
    else if (s->oversigns > 0 && s->sign_headers == 0)
        mistake(cfg, "oversign_headers: needs sign_headers (without both, all fields that matter "
                     "are signed, and oversigned)");
}

static void check_whole(cfg_t *cfg, struct milter_settings *s)
{
    char host[256] = "";
    bool from = s->sign_headers == 0;

    for (size_t i = 0; i < s->sign_headers; i++) {
        sgl_view name = sgl_view_cstr(s->sign_header[i]);

        from = from || sgl_view_eq_nocase(name, SGL_LIT("From"));
        if (sgl_view_eq_nocase(name, SGL_LIT("DKIM-Signature")))
            mistake(cfg, "sign_headers: DKIM-Signature can't be among them");
    }
    if (!from)
        mistake(cfg, "sign_headers: From must be among them");
    if (s->socket == NULL)
        mistake(cfg, "socket: missing");
    else if (!socket_good(sgl_view_cstr(s->socket)))
        mistake(cfg, "socket: not inet:PORT@HOST or unix:/PATH");
    if (s->authserv_id == NULL && gethostname(host, sizeof host - 1) == 0 &&
        sgl_name_ok(sgl_view_cstr(host), SGL_NAME_UNDERSCORE))
        s->authserv_id = keep(host);
    if (s->authserv_id == NULL)
        mistake(cfg, "authserv_id: missing, and the machine has no name that could be used");
    check_signing(cfg, s);
    if (s->seals && !s->verifies)
        mistake(cfg, "arc_seal: only where mail is verified");
    if (s->seals &&
        (s->seal_domain == NULL || s->seal_selector == NULL || s->seal_key_file == NULL))
        mistake(cfg, "arc_seal: domain, selector and key_file are needed");
}

/* ---- the options for libconfuse --------------------------------------------------------------------------------------- */

static bool is_list(enum kind kind)
{
    return kind == NAMES || kind == TEXTS || kind == FIELDS;
}

static void add(struct reading *r, enum section s, cfg_opt_t opt)
{
    r->opt[s][r->opts[s]++] = opt;
}

static cfg_t *make_parser(struct reading *r)
{
    cfg_t *cfg;

    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *s = &setting[i];
        cfg_opt_t one = CFG_STR(s->name, s->preset, CFGF_NONE);
        cfg_opt_t many = CFG_STR_LIST(s->name, (char *)(uintptr_t)s->preset, CFGF_NONE);

        add(r, s->section, is_list(s->kind) ? many : one);
    }
    for (int s = SEAL; s <= RESOLVER; s++) {
        cfg_flag_t flags = s == SEAL ? CFGF_NODEFAULT : CFGF_NONE;

        add(r, (enum section)s, (cfg_opt_t)CFG_END());
        add(r, ROOT, (cfg_opt_t)CFG_SEC(section_name[s], r->opt[s], flags));
    }
    add(r, ROOT, (cfg_opt_t)CFG_END());
    cfg = cfg_init(r->opt[ROOT], CFGF_NONE);
    if (cfg == NULL)
        return NULL;
    cfg_set_error_function(cfg, syntax_mistake);
    for (size_t i = 0; i < SETTINGS; i++) {
        char name[80];

        snprintf(name, sizeof name, "%s%s%s", section_name[setting[i].section],
                 setting[i].section == ROOT ? "" : "|", setting[i].name);
        cfg_set_validate_func(cfg, name, check_value);
    }
    return cfg;
}

static void store(cfg_t *cfg, struct milter_settings *out)
{
    out->seals = cfg_size(cfg, "arc_seal") > 0;
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *s = &setting[i];
        cfg_t *in = cfg;

        if (s->section != ROOT)
            in = cfg_size(cfg, section_name[s->section]) > 0
                     ? cfg_getsec(cfg, section_name[s->section])
                     : NULL;

        if (in != NULL && s->offset != 0)
            store_value(in, s, out);
    }
    store_canonicalization(cfg, out);
    store_mode(cfg, out);
    store_numbers(cfg, out);
    check_whole(cfg, out);
}

static struct milter_settings *read_text(struct reading *r, const char *text)
{
    struct milter_settings *out = SGL_NEW(r->arena, struct milter_settings);
    cfg_t *cfg = out == NULL ? NULL : make_parser(r);

    if (cfg == NULL) {
        snprintf(r->why, r->why_size, "%s: out of memory", r->path);
        return NULL;
    }
    out->path = keep(r->path);
    if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
        mistake(cfg, "syntax: not understood");
    if (!r->failed)
        store(cfg, out);
    cfg_free(cfg);
    if (!r->failed && r->arena->status != SGL_OK) {
        r->failed = true;
        snprintf(r->why, r->why_size, "%s: out of memory", r->path);
    }
    return r->failed ? NULL : out;
}

const struct milter_settings *settings_read(const char *path, const char *text,
                                            struct sgl_arena *arena, char *why, size_t why_size)
{
    struct reading *r = calloc(1, sizeof *r);
    const struct milter_settings *out = NULL;

    if (r == NULL) {
        snprintf(why, why_size, "%s: out of memory", path);
        return NULL;
    }
    *r = (struct reading){.path = path, .why = why, .why_size = why_size, .arena = arena};
    reading = r;
    out = read_text(r, text);
    reading = NULL;
    free(r);
    return out;
}
