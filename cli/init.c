/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigillo init: the first steps on a new machine, before there is a server to talk to.  It writes a configuration, makes the state folder and puts the first subscription,
 * access key and credential into the store directly.  What exists is never overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netdb.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../server/directory/directory.h"
#include "next.h"
#include "verbs.h"

#define CONFIG_DEFAULT "/etc/sigillo/sigillo.conf"
#define STATE_DEFAULT  "/var/lib/sigillo"
#define SOCKET_DEFAULT "/run/sigillo/admin.sock"

struct plan {
    const char *config, *state, *socket, *hostname, *user, *certificate, *key;
    char store[4096]; /* the service's own folder, below `state` */
    char host[256];
    uid_t uid;
    gid_t gid;
    bool root;
    char access_key[128], key_id[32], password[128];
};

/* ---- checks: all of them before anything is written ---- */

static bool plan_user(const struct cli *c, struct plan *p)
{
    const struct passwd *pw;

    p->root = geteuid() == 0;
    p->uid = geteuid();
    p->gid = getegid();
    p->user = cli_text(c, "--user");
    if (p->user == NULL && p->root)
        p->user = "sigillo";
    if (p->user == NULL)
        return true;
    pw = getpwnam(p->user);
    if (pw == NULL) {
        cli_error(CLI_USAGE, "--user",
                  "there is no user %s; make one: useradd --system --home-dir " STATE_DEFAULT
                  " --shell /usr/sbin/nologin %s",
                  p->user, p->user);
        return false;
    }
    p->uid = pw->pw_uid;
    p->gid = pw->pw_gid;
    return true;
}

static const char *text_or(const struct cli *c, const char *option, const char *preset)
{
    const char *text = cli_text(c, option);

    return text != NULL ? text : preset;
}

/* A value that stands in quotes in the configuration. */
static bool quotable(const char *option, const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == '"' || *at == '\\' || *at == '$') {
            cli_error(CLI_USAGE, option,
                      "it has a character that cannot stand in the configuration");
            return false;
        }
    return true;
}

static bool make_plan(const struct cli *c, struct plan *p)
{
    p->config = text_or(c, "--config", CONFIG_DEFAULT);
    p->state = text_or(c, "--state-dir", STATE_DEFAULT);
    snprintf(p->store, sizeof(p->store), "%s/store", p->state);
    p->socket = text_or(c, "--admin-socket", SOCKET_DEFAULT);
    p->certificate = cli_text(c, "--certificate");
    p->key = cli_text(c, "--key");
    if (gethostname(p->host, sizeof(p->host) - 1) != 0)
        snprintf(p->host, sizeof(p->host), "localhost");
    p->hostname = text_or(c, "--hostname", p->host);
    if ((p->certificate == NULL) != (p->key == NULL)) {
        cli_error(CLI_USAGE, p->key == NULL ? "--key" : "--certificate",
                  "certificate and key belong together");
        return false;
    }
    if (!quotable("--config", p->config) || !quotable("--state-dir", p->state) ||
        !quotable("--admin-socket", p->socket) || !quotable("--hostname", p->hostname) ||
        (p->key != NULL &&
         (!quotable("--certificate", p->certificate) || !quotable("--key", p->key))))
        return false;
    if (p->state[0] != '/' || p->socket[0] != '/') {
        cli_error(CLI_USAGE, p->state[0] != '/' ? "--state-dir" : "--admin-socket",
                  "must be a path from /");
        return false;
    }
    return plan_user(c, p);
}

/* CLI_NO when something is there already. */
static int check_free(const struct plan *p)
{
    char path[sizeof(p->store) + 16];

    if (access(p->config, F_OK) == 0)
        return cli_error(
            CLI_NO, p->config,
            "it exists already, and is not overwritten; to run it: sigillo serve --config %s; for "
            "another server: --config, --state-dir and --admin-socket",
            p->config);
    snprintf(path, sizeof(path), "%s/sigillo.db", p->store);
    if (access(path, F_OK) == 0)
        return cli_error(CLI_NO, p->state,
                         "there is a store already, and it is not touched; for another server, "
                         "name another --state-dir");
    return CLI_YES;
}

/* ---- writing ---- */

static void put_config(const struct plan *p, struct sgl_buf *out)
{
    sgl_buf_addf(out, "# Written by `sigillo init`. Every key: sigillo.conf(5). A running server "
                      "reads it again on SIGHUP.\n\n");
    sgl_buf_addf(out, "hostname = \"%s\"\nstate_dir = \"%s\"\nadmin_socket = \"%s\"\n", p->hostname,
                 p->state, p->socket);
    if (p->user != NULL)
        sgl_buf_addf(out, "user = \"%s\"\n", p->user);
    if (p->certificate != NULL)
        sgl_buf_addf(out,
                     "\ntls_certificate = \"%s\"\ntls_key = \"%s\"\n\n"
                     "# Applications that send by SMTP, with a user name and password.\n"
                     "listen submission {\n    address = {\"*:%d\"}\n    tls = starttls\n}\n"
                     "listen submissions {\n    address = {\"*:%d\"}\n    tls = implicit\n}\n",
                     p->certificate, p->key, p->root ? 587 : 2587, p->root ? 465 : 2465);
    sgl_buf_addf(
        out,
        "\n# Programs on this machine, without a password: they send as the credential \"local\".\n"
        "listen local {\n    address = {\"127.0.0.1:2525\"}\n    trust = {\"127.0.0.0/8\"}\n    "
        "trust_credential = \"local\"\n}\n"
        "\n# Applications that send by HTTP, with an access key.\n"
        "listen api {\n    door = http\n    address = {\"127.0.0.1:8080\"}\n}\n");
}

static bool make_folder(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return true;
    cli_error(CLI_USAGE, path, "the folder cannot be made: %s", strerror(errno));
    return false;
}

static bool make_parent(const char *path)
{
    char parent[4096];
    char *slash;

    snprintf(parent, sizeof(parent), "%s", path);
    slash = strrchr(parent, '/');
    if (slash == NULL || slash == parent)
        return true;
    *slash = '\0';
    return make_folder(parent, 0755);
}

static bool write_config(const struct plan *p)
{
    struct sgl_buf text = SGL_BUF_INIT(65536);
    int fd;
    bool fine;

    put_config(p, &text);
    if (!make_parent(p->config)) {
        sgl_buf_done(&text);
        return false;
    }
    fd = open(p->config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    fine = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    if (!fine)
        cli_error(CLI_USAGE, p->config, "it cannot be written: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    sgl_buf_done(&text);
    return fine;
}

/* ---- the first nouns ---- */

struct changes {
    sem_t done;
};

static void change_done(struct directory_change *c)
{
    sem_post(c->ctx);
}

static bool change(struct directory *d, struct loop *loop, sem_t *done, struct directory_change *c)
{
    c->loop = loop;
    c->done = change_done;
    c->ctx = done;
    directory_change(d, c);
    sem_wait(done);
    if (c->result == DIRECTORY_OK)
        return true;
    cli_error(CLI_UNKNOWN, c->field[0] == '\0' ? "init" : c->field, "%s", c->why);
    return false;
}

static bool add_nouns(struct plan *p, struct directory *d, struct loop *loop)
{
    struct directory_change key = {.noun = DIRECTORY_KEY,
                                   .verb = DIRECTORY_ADD,
                                   .name = SGL_LIT("first"),
                                   .domain = {SGL_LIT("*")},
                                   .domains = 1};
    struct directory_change local = {.noun = DIRECTORY_CREDENTIAL,
                                     .verb = DIRECTORY_ADD,
                                     .name = SGL_LIT("local"),
                                     .domain = {SGL_LIT("*")},
                                     .domains = 1};
    sem_t done;
    bool fine;

    sem_init(&done, 0, 0);
    fine = change(d, loop, &done, &key) && change(d, loop, &done, &local);
    sem_destroy(&done);
    snprintf(p->access_key, sizeof(p->access_key), "%s", key.secret);
    snprintf(p->key_id, sizeof(p->key_id), "%s", key.id);
    snprintf(p->password, sizeof(p->password), "%s", local.secret);
    return fine;
}

static bool fill_store(struct plan *p)
{
    struct store_config config = {
        .folder = p->store, .inline_max = 128 * 1024, .group_max = 64, .waiting_max = 100};
    char why[512] = "out of memory";
    struct loop *loop = loop_new("init");
    struct workers *workers = workers_new("init", 1, 10);
    struct store *store = store_open(&config, why, sizeof(why));
    struct directory *d = store == NULL || loop == NULL || workers == NULL
                              ? NULL
                              : directory_open(store, NULL, workers, loop, why, sizeof(why));
    bool fine = d != NULL && loop_start(loop);

    if (fine) {
        fine = add_nouns(p, d, loop);
        workers_free(workers);
        store_close(store);
        loop_stop(loop);
        loop_join(loop);
    } else {
        cli_error(CLI_UNKNOWN, p->state, "%s", why);
    }
    directory_free(d);
    return fine;
}

static uid_t owner_uid;
static gid_t owner_gid;

static int give_away(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return lchown(path, owner_uid, owner_gid);
}

/* Root made the files; the service's user needs them. */
static bool give_state(const struct plan *p)
{
    owner_uid = p->uid;
    owner_gid = p->gid;
    if (!p->root || nftw(p->store, give_away, 16, FTW_PHYS) == 0)
        return true;
    cli_error(CLI_UNKNOWN, p->store, "it cannot be given to user %s: %s", p->user, strerror(errno));
    return false;
}

/* ---- telling ---- */

static int tell(const struct cli *c, const struct plan *p)
{
    if (c->json)
        return cli_print_json(json_pack(
            "{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "config", p->config, "state_dir",
            p->state, "admin_socket", p->socket, "subscription", "default", "key", "id", p->key_id,
            "key", p->access_key, "credential", "name", "local", "password", p->password));
    printf("Written:       %s\nState folder:  %s\nSubscription:  default\n\n", p->config, p->state);
    printf("Access key for HTTP (shown this once):\n  %s\n\n", p->access_key);
    printf("SMTP credential (shown this once), also used without a password by programs on this "
           "machine at 127.0.0.1:2525:\n"
           "  user local, password %s\n\n",
           p->password);
    printf("Both may send as every domain of the subscription.\n");
    cli_next_head(c);
    cli_next(
        "runs the server, in a terminal of its own; with systemd: systemctl enable --now sigillo",
        "sigillo serve --config %s", p->config);
    if (strcmp(p->socket, SOCKET_DEFAULT) != 0)
        cli_next("in the other terminals: where the server listens to this program",
                 "export SIGILLO_SERVER=unix:%s", p->socket);
    cli_next("prints the DNS records to publish, and what comes then; take a domain of yours",
             "sigillo domain add example.org");
    cli_next("says at any time how it stands, and what is to be done next", "sigillo status");
    if (strchr(p->hostname, '.') == NULL)
        printf("\nThe server calls itself \"%s\"; other servers expect a full name whose address "
               "leads back to it: set hostname "
               "in the configuration.\n",
               p->hostname);
    if (p->certificate == NULL)
        printf("\nSMTP from other machines needs a certificate: set tls_certificate and tls_key, "
               "and a listen section with tls = starttls; see sigillo.conf(5).\n");
    return CLI_YES;
}

static int init_run(struct cli *c)
{
    struct plan p = {0};
    int status;

    if (!make_plan(c, &p))
        return CLI_USAGE;
    status = check_free(&p);
    if (status != CLI_YES)
        return status;
    /* the master key lies beside the store, where the service's user can't reach it */
    if (!make_parent(p.state) || !make_folder(p.state, 0711) || !make_folder(p.store, 0700))
        return CLI_USAGE;
    if (!fill_store(&p) || !give_state(&p))
        return CLI_UNKNOWN;
    if (!write_config(&p))
        return CLI_USAGE;
    return tell(c, &p);
}

static const struct cli_option options[] = {
    {"--config", "FILE", "where to write the configuration (default " CONFIG_DEFAULT ")", false},
    {"--state-dir", "FOLDER", "where queue and keys will live (default " STATE_DEFAULT ")", false},
    {"--admin-socket", "PATH",
     "where the server will listen to this program (default " SOCKET_DEFAULT ")", false},
    {"--hostname", "NAME", "the server's name in greetings and reports (default: the machine's)",
     false},
    {"--user", "NAME", "whom the server becomes (default for root: sigillo)", false},
    {"--certificate", "FILE", "PEM file for TLS: opens ports 587 and 465", false},
    {"--key", "FILE", "its private key", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_init = {
    "init",   "",   "first steps: writes a configuration, the first access key and credential",
    options,  0,    0,
    init_run, NULL, CLI_OFFLINE};
