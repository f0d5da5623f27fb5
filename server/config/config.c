/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libconfuse reads the syntax and calls us for every value while it knows the line; what a value may be stands in config_keys.c.  When all is read, the same table says where
 * each value goes.  The handover is the same text again, flat, with the contents of secret files added; only that form may hold them.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config_internal.h"
#include "config_value.h"
#include "sigillo/ascii.h"

#define MEMORY_MAX   (64u * 1024u * 1024u)
#define HANDOVER_MAX (16u * 1024u * 1024u)

#define POOL_NAME_MAX     64
#define PROFILE_NAME_MAX  64
#define RECEIVER_NAME_MAX 24
#define PAIR_NAME_MAX     64

_Thread_local struct reading *reading;

/* ---- mistakes ---- */

static void note_mistake(const char *file, int line, const char *format, va_list args)
    SGL_PRINTF(3, 0);
static void note_mistake(const char *file, int line, const char *format, va_list args)
{
    int n;

    if (reading->failed)
        return; /* the first one; what follows may be its consequence */
    reading->failed = true;
    n = snprintf(reading->why, reading->why_size, "%s:%d: ", file != NULL ? file : "?", line);
    if (n >= 0 && (size_t)n < reading->why_size)
        vsnprintf(reading->why + n, reading->why_size - (size_t)n, format, args);
}

void mistake(cfg_t *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    /* sections without a title do not know their file */
    note_mistake(at->filename != NULL ? at->filename : reading->root->filename, at->line, format,
                 args);
    va_end(args);
}

/* libconfuse's own words: the option stands in quotes somewhere; it goes in front. */
static void syntax_mistake(cfg_t *cfg, const char *format, va_list args) SGL_PRINTF(2, 0);
static void syntax_mistake(cfg_t *cfg, const char *format, va_list args)
{
    char text[512], key[128] = "syntax";
    const char *open, *close;

    vsnprintf(text, sizeof(text), format, args);
    open = strchr(text, '\'');
    close = open != NULL ? strchr(open + 1, '\'') : NULL;
    if (close != NULL && close - open > 1 && (size_t)(close - open) < sizeof(key))
        snprintf(key, sizeof(key), "%.*s", (int)(close - open - 1), open + 1);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    mistake(cfg, "%s: %s", key, text);
}

const char *key_path(cfg_t *cfg, const struct key *k, char *out, size_t size)
{
    const char *title = cfg_title(cfg);

    if (k->section == IN_ROOT)
        snprintf(out, size, "%s", k->name);
    else if (title != NULL)
        snprintf(out, size, "%s %s: %s", config_section_name[k->section], title, k->name);
    else
        snprintf(out, size, "%s.%s", config_section_name[k->section], k->name);
    return out;
}

/* ---- one value ---- */

static const char *in_range(const struct key *k, uint64_t n)
{
    return n < k->min ? "too small" : k->max > 0 && n > k->max ? "too large" : NULL;
}

int word_index(const char *words, sgl_view text)
{
    sgl_view rest = sgl_view_cstr(words);

    for (int i = 0; rest.ptr != NULL; i++)
        if (sgl_view_eq(sgl_view_split(rest, ' ', &rest), text))
            return i;
    return -1;
}

static const char *file_wrong(const char *path)
{
    int fd;

    if (path[0] != '/')
        return "not an absolute path";
    if (reading->handover)
        return NULL;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return strerror(errno);
    close(fd);
    return NULL;
}

static const char *text_wrong(sgl_view text)
{
    if (text.len == 0)
        return "empty";
    return sgl_ascii_is_printable(text) ? NULL : "holds control or non-ASCII characters";
}

/* NULL, or what is wrong with one value of k. */
static const char *value_wrong(const struct key *k, const char *value)
{
    sgl_view text = sgl_view_cstr(value);
    struct config_address address;
    struct config_network network;
    struct limit limit;
    const char *wrong;
    uint64_t n = 0;

    switch (k->kind) {
    case KEY_TEXT:
        return text_wrong(text);
    case KEY_NUMBER:
        wrong = value_number(text, &n);
        return wrong != NULL ? wrong : in_range(k, n);
    case KEY_SIZE:
        wrong = value_size(text, &n);
        return wrong != NULL ? wrong : in_range(k, n);
    case KEY_DURATION:
    case KEY_SECONDS:
        wrong = value_duration_ms(text, &n);
        return wrong != NULL ? wrong : in_range(k, n);
    case KEY_BOOL:
        return value_bool(text, &n);
    case KEY_WORD:
    case KEY_LEVEL:
        return word_index(k->words, text) >= 0 ? NULL : "not one of these words: ";
    case KEY_HOST:
        return value_host(text);
    case KEY_URL:
        return value_url(text);
    case KEY_PATH:
        return value[0] == '/' ? text_wrong(text) : "not an absolute path";
    case KEY_FILE:
    case KEY_SECRET:
        return file_wrong(value);
    case KEY_LISTEN:
        if (sgl_view_starts(text, SGL_LIT("*:")))
            return value_number(sgl_view_from(text, 2), &n) == NULL && n > 0 && n < 65536
                       ? NULL
                       : "not a port (1 to 65535)";
        return value_address(text, 0, &address);
    case KEY_NAMESERVER:
        return value_address(text, 53, &address);
    case KEY_IP:
        return value_ip(text, &address);
    case KEY_NETWORK:
        return value_network(text, &network);
    case KEY_PATTERN:
        return value_domain_pattern(text);
    case KEY_SPF_TERM:
        return value_spf_term(text);
    case KEY_MAILTO:
        return value_mailto(text);
    case KEY_MAILBOX:
        return value_mailbox(text);
    case KEY_LIMIT:
        return limit_parse(text, &limit);
    }
    return NULL;
}

static enum key_section section_of(cfg_t *cfg)
{
    for (int s = IN_LIMITS; s < SECTIONS; s++)
        if (strcmp(cfg_name(cfg), config_section_name[s]) == 0)
            return (enum key_section)s;
    return IN_ROOT;
}

static const struct key *key_of(enum key_section section, const char *name)
{
    for (size_t i = 0; i < config_keys; i++)
        if (config_key[i].section == section && strcmp(config_key[i].name, name) == 0)
            return &config_key[i];
    return NULL;
}

static int check_value(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct key *k = key_of(section_of(cfg), cfg_opt_name(opt));

    for (unsigned i = 0; k != NULL && i < cfg_opt_size(opt); i++) {
        const char *value = cfg_opt_getnstr(opt, i);
        const char *wrong = value != NULL ? value_wrong(k, value) : NULL;
        sgl_auto(sgl_buf) shown = SGL_BUF_INIT(512);
        char path[160];

        if (wrong == NULL)
            continue;
        sgl_buf_add_escaped(&shown, sgl_view_cstr(value), 60);
        mistake(cfg, "%s: \"%.*s\": %s%s", key_path(cfg, k, path, sizeof(path)),
                SGL_FMT(sgl_buf_view(&shown)), wrong, k->words != NULL ? k->words : "");
        return -1;
    }
    return 0;
}

/* ---- a section as a whole ---- */

static const char *listen_wrong(cfg_t *s)
{
    const char *door = cfg_getstr(s, "door"), *tls = cfg_getstr(s, "tls");
    bool trusts = cfg_size(s, "trust") > 0, credential = cfg_getstr(s, "trust_credential") != NULL;

    if (cfg_size(s, "address") == 0)
        return "address: missing";
    if (strcmp(door, "http") == 0 && strcmp(tls, "starttls") == 0)
        return "tls: the http door has no STARTTLS (use plain or implicit)";
    if (strcmp(door, "http") == 0 && trusts)
        return "trust: only for the submission door";
    if (strcmp(door, "inbound") == 0)
        return inbound_listen_wrong(s);
    if (trusts && !credential)
        return "trust_credential: missing (as whom do trusted clients send?)";
    if (!trusts && credential)
        return "trust: missing (trust_credential without trusted networks)";
    return NULL;
}

static const char *route_wrong(cfg_t *s)
{
    const char *host = cfg_getstr(s, "host"), *tls = cfg_getstr(s, "tls");
    bool user = cfg_getstr(s, "user") != NULL, password = cfg_getstr(s, "password_file") != NULL;

    if (cfg_size(s, "domains") == 0)
        return "domains: missing";
    if (user && host == NULL)
        return "host: missing (user needs a smart host)";
    if (user != password)
        return user ? "password_file: missing (user without it)"
                    : "user: missing (password_file without it)";
    if (user && (strcmp(tls, "none") == 0 || strcmp(tls, "opportunistic") == 0))
        return "tls: a password needs verified or required";
    return NULL;
}

static const char *profile_wrong(cfg_t *s)
{
    const char *name = cfg_title(s);

    if (strlen(name) > PROFILE_NAME_MAX || text_wrong(sgl_view_cstr(name)) != NULL)
        return "a profile's name has 1 to 64 printable characters";
    return cfg_size(s, "limits") > LIMITS_OF_PROFILE ? "limits: more than 15" : NULL;
}

static const char *update_wrong(cfg_t *s)
{
    const char *key = cfg_getstr(s, "key_name");

    if (cfg_getstr(s, "zone") == NULL)
        return "zone: missing";
    if (cfg_getstr(s, "server") == NULL)
        return "server: missing (the address of the zone's primary server)";
    if (key == NULL)
        return "key_name: missing (of the TSIG key, as the server knows it)";
    if (value_key_name(sgl_view_cstr(key)) != NULL)
        return "key_name: a name of letters, digits, hyphens, underscores and dots";
    return cfg_getstr(s, "secret_file") == NULL ? "secret_file: missing" : NULL;
}

/* Its name goes into names that are stored, of which a slash is the end. */
static const char *receiver_wrong(cfg_t *s)
{
    sgl_view name = sgl_view_cstr(cfg_title(s));
    bool fine = name.len > 0 && name.len <= RECEIVER_NAME_MAX;

    for (size_t i = 0; i < name.len; i++)
        fine = fine && (sgl_ascii_is_alnum(name.ptr[i]) || name.ptr[i] == '-');
    if (!fine)
        return "a receiver's name has 1 to 24 letters, digits and hyphens";
    if (sgl_view_eq(name, SGL_LIT("other")))
        return "other: the name of all receivers that are not named";
    if (cfg_size(s, "domains") == 0)
        return "domains: missing";
    for (unsigned i = 0; i < cfg_size(s, "domains"); i++)
        if (strpbrk(cfg_getnstr(s, "domains", i), "*") != NULL ||
            cfg_getnstr(s, "domains", i)[0] == '.')
            return "domains: names of domains, no patterns";
    return NULL;
}

/* The length is what ip_pool_name may have. */
static const char *pool_wrong(cfg_t *s)
{
    sgl_view name = sgl_view_cstr(cfg_title(s));

    if (name.len < 2 || name.len > POOL_NAME_MAX || text_wrong(name) != NULL)
        return "a pool's name has 2 to 64 printable characters";
    if (cfg_size(s, "source") == 0)
        return "source: missing (the addresses to send from)";
    return cfg_size(s, "subscriptions") == 0 ? "subscriptions: empty" : NULL;
}

/* "default" is what tls_certificate is called. */
static const char *certificate_wrong(cfg_t *s)
{
    sgl_view name = sgl_view_cstr(cfg_title(s));

    if (name.len == 0 || name.len > PAIR_NAME_MAX || text_wrong(name) != NULL)
        return "a certificate's name has 1 to 64 printable characters";
    if (sgl_view_eq(name, SGL_LIT("default")))
        return "default: the name of the one in tls_certificate";
    if (cfg_getstr(s, "certificate") == NULL)
        return "certificate: missing (the file with the certificate and its chain)";
    return cfg_getstr(s, "key") == NULL ? "key: missing (the file with the private key)" : NULL;
}

static const char *section_wrong(const char *name, cfg_t *s)
{
    if (strcmp(name, "receiver") == 0)
        return receiver_wrong(s);
    if (strcmp(name, "pool") == 0)
        return pool_wrong(s);
    if (strcmp(name, "certificate") == 0)
        return certificate_wrong(s);
    if (strcmp(name, "listen") == 0)
        return listen_wrong(s);
    if (strcmp(name, "route") == 0)
        return route_wrong(s);
    if (strcmp(name, "override") == 0)
        return override_wrong(s);
    return strcmp(name, "dns_update") == 0 ? update_wrong(s) : profile_wrong(s);
}

static int check_section(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *s = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    bool listens = strcmp(cfg_opt_name(opt), "listen") == 0;
    const char *wrong = section_wrong(cfg_opt_name(opt), s);

    if (wrong == NULL && strcmp(cfg_opt_name(opt), "receiver") == 0 &&
        cfg_opt_size(opt) > CONFIG_RECEIVERS_MAX)
        wrong = "more than 8 receivers";
    if (wrong != NULL) {
        mistake(s, "%s %s: %s", cfg_opt_name(opt), cfg_title(s), wrong);
        return -1;
    }
    if (listens && reading->tls_needed == NULL && strcmp(cfg_getstr(s, "tls"), "plain") != 0 &&
        asprintf(&reading->tls_needed, "%s:%d: listen %s", s->filename, s->line, cfg_title(s)) < 0)
        reading->tls_needed = NULL;
    (void)cfg;
    return 0;
}

/* include("more.conf"): relative to the file that says it. */
static int include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
    char path[4096];
    const char *slash = cfg->filename != NULL ? strrchr(cfg->filename, '/') : NULL;
    const char *one[1] = {path};
    int n;

    if (argc != 1) {
        mistake(cfg, "include: wants one file name");
        return -1;
    }
    n = argv[0][0] == '/' || slash == NULL
            ? snprintf(path, sizeof(path), "%s", argv[0])
            : snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - cfg->filename), cfg->filename,
                       argv[0]);
    if (n < 0 || (size_t)n >= sizeof(path) || access(path, R_OK) != 0) {
        mistake(cfg, "include: %s: %s", argv[0], strerror(errno));
        return -1;
    }
    return cfg_include(cfg, opt, 1, one);
}

/* ---- the options for libconfuse ---- */

static void add_option(struct reading *r, enum key_section s, cfg_opt_t opt)
{
    assert(r->opts[s] < sizeof(r->opt[s]) / sizeof(r->opt[s][0]));
    r->opt[s][r->opts[s]++] = opt;
}

static void add_key(struct reading *r, const struct key *k)
{
    /* libconfuse copies the pointers of a static table; these live as long as `r` */
    cfg_opt_t one = CFG_STR(k->name, k->preset, CFGF_NONE);
    cfg_opt_t many = CFG_STR_LIST(k->name, (char *)(uintptr_t)k->preset, CFGF_NONE);
    char *name = r->names[r->contents];

    add_option(r, k->section, k->count != 0 ? many : one);
    if (k->kind != KEY_SECRET || !r->handover)
        return;
    snprintf(name, sizeof(r->names[0]), "%s" CONTENTS, k->name);
    r->contents++;
    add_option(r, k->section, (cfg_opt_t)CFG_STR(name, NULL, CFGF_NONE));
}

static cfg_t *make_parser(struct reading *r)
{
    cfg_t *cfg;

    for (size_t i = 0; i < config_keys; i++)
        add_key(r, &config_key[i]);
    for (int s = IN_LIMITS; s < SECTIONS; s++) {
        cfg_flag_t many =
            s >= IN_LISTEN ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE;

        add_option(r, (enum key_section)s, (cfg_opt_t)CFG_END());
        add_option(r, IN_ROOT, (cfg_opt_t)CFG_SEC(config_section_name[s], r->opt[s], many));
    }
    add_option(r, IN_ROOT, (cfg_opt_t)CFG_FUNC("include", include));
    add_option(r, IN_ROOT, (cfg_opt_t)CFG_END());
    cfg = cfg_init(r->opt[IN_ROOT], CFGF_NONE);
    if (cfg == NULL)
        return NULL;
    r->root = cfg;
    cfg_set_error_function(cfg, syntax_mistake);
    for (size_t i = 0; i < config_keys; i++) {
        char path[80];
        const struct key *k = &config_key[i];

        snprintf(path, sizeof(path), "%s%s%s", config_section_name[k->section],
                 k->section == IN_ROOT ? "" : "|", k->name);
        cfg_set_validate_func(cfg, path, check_value);
    }
    for (int s = IN_LISTEN; s < SECTIONS; s++)
        cfg_set_validate_func(cfg, config_section_name[s], check_section);
    return cfg;
}

/* ---- life ---- */

static struct config *new_config(const char *path)
{
    struct config_memory *m = calloc(1, sizeof(*m));
    struct config *c = NULL;

    if (m == NULL)
        return NULL;
    sgl_arena_init(&m->arena, MEMORY_MAX);
    c = SGL_NEW(&m->arena, struct config);
    if (c == NULL) {
        free(m);
        return NULL;
    }
    atomic_init(&m->refs, 1);
    c->memory = m;
    c->path = sgl_arena_cstr(&m->arena, sgl_view_cstr(path));
    return c;
}

struct source {
    const char *path;
    const char *text; /* NULL: the file at path */
    bool (*wanted)(void *ctx, const char *name);
    void *wanted_ctx;
};

static struct config *load(const struct source *from, char *why, size_t why_size)
{
    const char *path = from->path, *text = from->text;
    struct reading *r = calloc(1, sizeof(*r));
    struct config *c = new_config(path);
    cfg_t *cfg = NULL;
    int result;

    snprintf(why, why_size, "%s: out of memory", path);
    if (r == NULL || c == NULL) {
        free(r);
        config_unref(c);
        return NULL;
    }
    reading = r;
    r->handover = text != NULL;
    r->wanted = from->wanted;
    r->wanted_ctx = from->wanted_ctx;
    r->why = why;
    r->why_size = why_size;
    r->config = c;
    sgl_buf_init(&r->flat, HANDOVER_MAX);
    cfg = make_parser(r);
    r->failed = cfg == NULL;
    if (cfg != NULL) {
        result = text != NULL ? cfg_parse_buf(cfg, text) : cfg_parse(cfg, path);
        if (result == CFG_FILE_ERROR) {
            r->failed = true;
            snprintf(why, why_size, "%s: %s", path,
                     errno == ENOENT ? "there is no such file; sigillo init writes the first one"
                                     : strerror(errno));
        } else if (result != CFG_SUCCESS) {
            mistake(cfg, "syntax: not understood");
        }
        if (!r->failed)
            config_store(cfg, c);
        cfg_free(cfg);
    }
    if (r->failed) {
        config_unref(c);
        c = NULL;
    }
    if (r->flat.data != NULL)
        explicit_bzero(r->flat.data, r->flat.cap);
    sgl_buf_done(&r->flat);
    free(r->tls_needed);
    free(r);
    reading = NULL;
    return c;
}

struct config *config_load(const char *path, char *why, size_t why_size)
{
    return load(&(struct source){.path = path}, why, why_size);
}

static struct config *from_handover(sgl_view handover, struct source *from, char *why,
                                    size_t why_size)
{
    char *text = malloc(handover.len + 1);
    struct config *c;

    if (text == NULL) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    memcpy(text, handover.ptr, handover.len);
    text[handover.len] = '\0';
    from->text = text;
    c = load(from, why, why_size);
    explicit_bzero(text, handover.len);
    free(text);
    return c;
}

struct config *config_from_handover(sgl_view handover, const char *path, char *why, size_t why_size)
{
    return from_handover(handover, &(struct source){.path = path}, why, why_size);
}

struct config *config_refresh(const struct config *c, bool (*wanted)(void *ctx, const char *name),
                              void *ctx, char *why, size_t why_size)
{
    struct source from = {.path = c->path, .wanted = wanted, .wanted_ctx = ctx};

    return from_handover(c->handover, &from, why, why_size);
}

struct config *config_ref(struct config *c)
{
    atomic_fetch_add_explicit(&c->memory->refs, 1, memory_order_relaxed);
    return c;
}

void config_unref(struct config *c)
{
    struct config_memory *m = c != NULL ? c->memory : NULL;

    if (m == NULL || atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    sgl_arena_done(&m->arena);
    free(m);
}

void config_each_key(void (*each)(void *ctx, const char *key, const char *preset), void *ctx)
{
    for (size_t i = 0; i < config_keys; i++) {
        const struct key *k = &config_key[i];
        char name[80];

        snprintf(name, sizeof(name), "%s%s%s", config_section_name[k->section],
                 k->section == IN_ROOT ? "" : ".", k->name);
        each(ctx, name, k->preset);
    }
}
