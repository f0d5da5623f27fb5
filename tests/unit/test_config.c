/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../server/config/config.h"
#include "check.h"

static char folder[] = "/tmp/sigillo-config-XXXXXX";
static char path[64], why[512];

static void put_file(const char *name, const char *text)
{
    char file[128];
    FILE *f;

    snprintf(file, sizeof(file), "%s/%s", folder, name);
    f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct config *load(const char *text)
{
    put_file("c", text);
    why[0] = '\0';
    return config_load(path, why, sizeof(why));
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/c", folder);
    put_file("cert", "CERTIFICATE\n");
    put_file("key", "KEY ${HOME} \"quoted\"\n");
    put_file("password", "s3cret ${x}\\\n");
    put_file("tsig", "c2VjcmV0\n");
    put_file("empty", "");
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

/* ---- what differs ---- */

/* "%c", "%k" and "%p" are files; a hostname comes first. */
static const char *with_paths(const char *text, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "hostname = a.test\n");

    for (; *text != '\0'; text++) {
        if (*text != '%') {
            out[at++] = *text;
            continue;
        }
        text++;
        at += (size_t)snprintf(out + at, size - at, "%s/%s", folder,
                               *text == 'c'   ? "cert"
                               : *text == 'k' ? "key"
                                              : "password");
    }
    out[at] = '\0';
    return out;
}

static void the_difference_is_told(void **state)
{
    static const struct {
        const char *name, *before, *after, *want;
    } rows[] = {
        {"nothing", "", "", ""},
        {"a key of a section", "", "queue { expire = 48h }", "queue.expire 72h -> 48h"},
        {"a key at the top", "", "workers = 3", "workers 0 -> 3"},
        {"the same in other words", "queue { expire = 72h }", "", ""},
        {"two of them", "", "drain_timeout = 5s\nlimits { errors = 3 }",
         "drain_timeout 30s -> 5s; limits.errors 20 -> 3"},
        {"a list", "", "queue { retry = {1m, 2m} }",
         "queue.retry {1m, 5m, 15m, 30m, 1h, 2h, 4h} -> {1m, 2m}"},
        {"one that is set, and one that no longer is", "user = a", "delivery { ca_file = \"%c\" }",
         "user a -> none; delivery.ca_file none -> %c"},
        {"a section that comes", "", "profile small { limits = {\"5 messages/minute\"} }",
         "profile small: added"},
        {"one that goes", "route b { domains = {y.test} }", "", "route b: removed"},
        {"a key of one", "route b { domains = {y.test} }",
         "route b { domains = {y.test} host = h.test port = 25 }",
         "route b: host none -> h.test; route b: port 0 -> 25"},
        {"what a secret file holds is not shown",
         "route b { domains = {\"*\"} host = h.test user = u password_file = \"%p\" }",
         "route b { domains = {\"*\"} host = h.test user = u password_file = \"%k\" }",
         "route b: password_file %p -> %k; route b: password_file has other contents"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char want[512], text[1024];
        struct sgl_buf out = SGL_BUF_INIT(4096);
        struct config *before, *after, *again;

        before = load(with_paths(rows[i].before, text, sizeof(text)));
        after = load(with_paths(rows[i].after, text, sizeof(text)));
        CHECK_TRUE(rows[i].name, before != NULL && after != NULL);
        config_diff(before, after, &out);
        (void)with_paths(rows[i].want, want, sizeof(want));
        CHECK_VIEW(rows[i].name, sgl_buf_view(&out), sgl_view_cstr(strstr(want, "\n") + 1));
        sgl_buf_reset(&out);
        again = config_from_handover(after->handover, path, why, sizeof(why));
        CHECK_TRUE(why, again != NULL);
        config_diff(before, again, &out);
        CHECK_VIEW("the same of what was handed over", sgl_buf_view(&out),
                   sgl_view_cstr(strstr(want, "\n") + 1));
        sgl_buf_done(&out);
        config_unref(before);
        config_unref(after);
        config_unref(again);
    }
}

static void an_empty_file_gives_the_presets(void **state)
{
    struct config *c = load("hostname = a.test\n");

    (void)state;
    CHECK_TRUE(why, c != NULL);
    CHECK_STR("state_dir", c->state_dir, "/var/lib/sigillo");
    CHECK_EQ("no listener", c->listens, 0);
    CHECK_EQ("message_size", c->limits.message_size, 36 * 1024 * 1024);
    CHECK_EQ("idle", c->limits.idle_s, 300);
    CHECK_EQ("port", c->delivery.port, 25);
    CHECK_EQ("ipv6", c->delivery.ipv6, 1);
    CHECK_EQ("loopback", c->delivery.allow_loopback, 0);
    CHECK_EQ("policies of receivers count", c->delivery.mta_sts, 1);
    CHECK_EQ("suppress hard bounces", c->delivery.suppress_s, 14 * 86400);
    CHECK_TRUE("of any spelling", !c->suppress_exact);
    CHECK_TRUE("senders, too", !c->sender_exact);
    CHECK_EQ("retries", c->queue.retries, 7);
    CHECK_EQ("first", c->queue.retry_s[0], 60);
    CHECK_EQ("last", c->queue.retry_s[6], 4 * 3600);
    CHECK_EQ("expire", c->queue.expire_s, 72 * 3600);
    CHECK_EQ("connect", c->delivery.connect_timeout_ms, 30000);
    CHECK_EQ("drain", c->drain_s, 30);
    CHECK_TRUE("verified domains only", c->verification.required);
    CHECK_EQ("grace", c->verification.grace_s, 72 * 3600);
    CHECK_EQ("checks", c->verification.pendings, 7);
    CHECK_TRUE("no managed domains", c->domains.managed_zone == NULL && c->domains.spfs == 0);
    CHECK_EQ("the guard warns", c->guard.action, GUARD_WARN);
    CHECK_EQ("from 80 % on", c->guard.near_percent, 80);
    CHECK_EQ("complaints are told of from 0.1 % on", c->guard.complaints_warn, 10);
    CHECK_EQ("and stop at 0.3 %", c->guard.complaints_stop, 30);
    CHECK_EQ("of a thousand messages", c->guard.complaints_messages, 1000);
    CHECK_TRUE("no user", c->user == NULL);
    CHECK_TRUE("no reports about TLS", c->tls_reports.from == NULL && c->tls_reports.skips == 0);
    CHECK_EQ("within four hours", c->tls_reports.delay_s, 4 * 3600);
    CHECK_EQ("what was seen fades in days", c->reputation.half_life_s, 3 * 86400);
    CHECK_EQ("below a quarter it waits", c->reputation.defer_below, 25);
    CHECK_EQ("below a tenth it goes", c->reputation.refuse_below, 10);
    CHECK_EQ("nobody is exempt", c->reputation.exempts, 0);
    CHECK_TRUE("nor about messages", c->dmarc_reports.from == NULL);
    CHECK_EQ("the same", c->dmarc_reports.delay_s, 4 * 3600);
    config_unref(c);
}

static const char *full_text(void)
{
    static char text[4096];

    snprintf(
        text, sizeof(text),
        "# a comment\nhostname = \"mail.a.test\"\nstate_dir = '/tmp/x y'\nuser = sigillo\n"
        "tls_certificate = \"%s/cert\"\ntls_key = \"%s/key\"\n"
        "listen submission { address = {\"*:587\", \"127.0.0.1:2587\"} tls = starttls\n"
        "  trust = {\"127.0.0.0/8\", \"::1\"} trust_credential = local }\n"
        "listen \"web\" { door = http address = {\"[::1]:8080\"} }\n"
        "resolver { forward = {\"127.0.0.1@5353\", \"::1\"} timeout = 500ms }\n"
        "delivery { ipv6 = no source = {\"192.0.2.7\"} }\n"
        "queue { retry = {1s, 90s} jitter = 0 }\n"
        "domains { spf = {\"ip4:192.0.2.0/24\", \"a:b.test\"} tls_reports = \"mailto:a@b.test\" }\n"
        "verification { required = no pending = {1s} ask = resolver }\n"
        "route partner { domains = {\"partner.test\", \".partner.test\"} host = "
        "\"smtp.partner.test\"\n"
        "  user = \"app\" password_file = \"%s/password\" tls = required }\n"
        "route rest { domains = {\"*\"} tls = opportunistic }\n"
        "profile team { limits = {\"30 messages/minute\", \"licences 100 external "
        "recipients/day\"}\n  recipients_per_message = 20 }\n"
        "profile big { message_size = 64M }\n"
        "tls_reports { from = \"tls@a.test\" contact = \"us@A.test\" delay = 1m skip = {.b.test} "
        "}\n"
        "reputation { half_life = 1d refuse_below = 0 exempt = {192.0.2.0/24} }\n"
        "dmarc_reports { from = \"dmarc@a.test\" organization = us delay = 2m skip = {c.test} }\n"
        "guard { action = stop near = 50 }\nreceiver local { domains = {a.test, b.test} }\n"
        "pool marketing { source = {192.0.2.8, \"2001:db8::8\"} subscriptions = {acme, default} }\n"
        "pool plain { source = {192.0.2.9} hostname = out.example.org }\n"
        "rotation { interval = 30d settle = 5s }\n"
        "dns_update own { zone = a.test server = {\"127.0.0.53@5300\", \"::1\"} key_name = "
        "sigillo_1\n"
        "  secret_file = \"%s/tsig\" ttl = 5m }\n",
        folder, folder, folder, folder);
    return text;
}

static void check_updates(const struct config *c)
{
    CHECK_EQ("zones", c->updates, 1);
    CHECK_STR("its title", c->update[0].name, "own");
    CHECK_STR("zone", c->update[0].zone, "a.test");
    CHECK_EQ("servers", c->update[0].servers, 2);
    CHECK_STR("server", c->update[0].server[0].text, "127.0.0.53:5300");
    CHECK_STR("the next one", c->update[0].server[1].text, "[::1]:53");
    CHECK_STR("key", c->update[0].key_name, "sigillo_1");
    CHECK_STR("the secret without its line end", c->update[0].secret, "c2VjcmV0");
    CHECK_EQ("ttl", c->update[0].ttl_s, 300);
    CHECK_EQ("timeout", c->update[0].timeout_ms, 10000);
    CHECK_EQ("rotation", c->rotation.interval_s, 30 * 86400);
    CHECK_EQ("settle", c->rotation.settle_s, 5);
    CHECK_EQ("silent", c->rotation.silent_s, 86400);
    CHECK_EQ("keep", c->rotation.keep_s, 7 * 86400);
    CHECK_TRUE("not by hand", !c->rotation.by_hand);
}

static void the_old_key_stays_as_long_as_the_queue_waits(void **state)
{
    struct config *c = load("hostname = a.test\nqueue { expire = 10d }\n");

    (void)state;
    CHECK_TRUE(why, c != NULL);
    CHECK_EQ("the preset grows", c->rotation.keep_s, 10 * 86400);
    config_unref(c);
}

static void check_pools(const struct config *c)
{
    const struct config_pool *pool = NULL;

    CHECK_EQ("pools", c->pools, 2);
    CHECK_EQ("addresses", c->pool[0].sources, 2);
    CHECK_STR("of both families", c->pool[0].source[1].text, "2001:db8::8");
    CHECK_TRUE("without a name of its own", c->pool[0].hostname == NULL);
    CHECK_TRUE("found by its name", config_pool_named(c, SGL_LIT("plain")) == &c->pool[1]);
    CHECK_TRUE("and no other", config_pool_named(c, SGL_LIT("pla")) == NULL);
    CHECK_TRUE("of whom it is for", config_pool_for(c, SGL_LIT("acme"), SGL_LIT("plain")) == NULL);
    CHECK_TRUE("its address, spelled otherwise",
               config_pool_address(c, SGL_LIT("acme"), SGL_LIT("2001:DB8:0::8"), &pool) ==
                   &c->pool[0].source[1]);
    CHECK_TRUE("and whose it is", pool == &c->pool[0]);
    CHECK_TRUE("not one of another pool",
               config_pool_address(c, SGL_LIT("acme"), SGL_LIT("192.0.2.9"), &pool) == NULL);
    CHECK_TRUE("nor what is none",
               config_pool_address(c, SGL_LIT("acme"), SGL_LIT("192.0.2.8 "), &pool) == NULL);
    CHECK_TRUE("for those who are named", config_pool_is_for(&c->pool[0], SGL_LIT("acme")) &&
                                              !config_pool_is_for(&c->pool[0], SGL_LIT("other")));
    CHECK_TRUE("else for the first subscription",
               config_pool_is_for(&c->pool[1], SGL_LIT("default")) &&
                   !config_pool_is_for(&c->pool[1], SGL_LIT("acme")));
}

static void check_full(const struct config *c)
{
    char text[64];

    check_updates(c);
    CHECK_STR("hostname", c->hostname, "mail.a.test");
    CHECK_STR("a blank in a path", c->state_dir, "/tmp/x y");
    CHECK_STR("the key's file", c->tls_key_pem, "KEY ${HOME} \"quoted\"\n");
    CHECK_EQ("listeners", c->listens, 2);
    CHECK_STR("their order", c->listen[1].name, "web");
    CHECK_EQ("a star is two", c->listen[0].addresses, 3);
    CHECK_STR("v4", c->listen[0].address[0].text, "0.0.0.0:587");
    CHECK_STR("v6", c->listen[0].address[1].text, "[::]:587");
    CHECK_STR("one more", c->listen[0].address[2].text, "127.0.0.1:2587");
    CHECK_EQ("starttls", c->listen[0].tls, LISTEN_STARTTLS);
    CHECK_EQ("door", c->listen[1].door, DOOR_HTTP);
    CHECK_EQ("networks", c->listen[0].trusts, 2);
    CHECK_EQ("prefix", c->listen[0].trust[0].prefix, 8);
    CHECK_EQ("a whole address", c->listen[0].trust[1].prefix, 128);
    CHECK_STR("credential", c->listen[0].trust_credential, "local");
    CHECK_EQ("forwards", c->resolver.forwards, 2);
    CHECK_STR("with its port", c->resolver.forward[0].text, "127.0.0.1:5353");
    CHECK_STR("with port 53", c->resolver.forward[1].text, "[::1]:53");
    CHECK_EQ("timeout", c->resolver.timeout_ms, 500);
    CHECK_EQ("ipv6", c->delivery.ipv6, 0);
    CHECK_STR("source", c->delivery.source[0].text, "192.0.2.7");
    CHECK_EQ("retries", c->queue.retries, 2);
    CHECK_EQ("second", c->queue.retry_s[1], 90);
    CHECK_EQ("terms", c->domains.spfs, 2);
    CHECK_STR("with their signs", c->domains.spf[0], "ip4:192.0.2.0/24");
    CHECK_STR("reports", c->domains.tls_reports, "mailto:a@b.test");
    CHECK_TRUE("not required", !c->verification.required && c->verification.ask == ASK_RESOLVER);
    CHECK_EQ("pending", c->verification.pending_s[0], 1);
    CHECK_EQ("routes", c->routes, 2);
    CHECK_STR("host", c->route[0].host, "smtp.partner.test");
    CHECK_EQ("a smart host's port", c->route[0].port, 587);
    CHECK_EQ("an MX's port", c->route[1].port, 25);
    CHECK_EQ("tls", c->route[0].tls, ROUTE_TLS_REQUIRED);
    CHECK_STR("the password without its line end", c->route[0].password, "s3cret ${x}\\");
    snprintf(text, sizeof(text), "%s/password", folder);
    CHECK_STR("its file", c->route[0].password_file, text);
    CHECK_STR("the second pattern", c->route[0].domain[1], ".partner.test");
    CHECK_EQ("profiles", c->profiles, 2);
    CHECK_STR("their names", c->profile[0].name, "team");
    CHECK_EQ("limits", c->profile[0].limits, 2);
    CHECK_EQ("what is counted", c->profile[0].limit[1].what, LIMIT_EXTERNAL);
    CHECK_EQ("in which window", c->profile[0].limit[1].window, LIMIT_DAY);
    CHECK_EQ("how many", c->profile[0].limit[1].max, 22059);
    CHECK_EQ("recipients of a message", c->profile[0].recipients_per_message, 20);
    CHECK_EQ("its size", c->profile[1].message_size, 64 << 20);
    CHECK_EQ("no limit at all", c->profile[1].limits, 0);
    CHECK_STR("who reports", c->tls_reports.from, "tls@a.test");
    CHECK_STR("whom to ask", c->tls_reports.contact, "us@A.test");
    CHECK_EQ("when", c->tls_reports.delay_s, 60);
    CHECK_STR("to whom not", c->tls_reports.skip[0], ".b.test");
    CHECK_EQ("what was seen fades in a day", c->reputation.half_life_s, 86400);
    CHECK_EQ("nobody goes", c->reputation.refuse_below, 0);
    CHECK_EQ("one network is exempt", c->reputation.exempts, 1);
    CHECK_EQ("which", c->reputation.exempt[0].prefix, 24);
    CHECK_STR("of messages", c->dmarc_reports.from, "dmarc@a.test");
    CHECK_STR("by name", c->dmarc_reports.organization, "us");
    CHECK_EQ("when", c->dmarc_reports.delay_s, 120);
    CHECK_STR("to whom not", c->dmarc_reports.skip[0], "c.test");
    CHECK_EQ("the guard stops", c->guard.action, GUARD_STOP);
    check_pools(c);
    CHECK_EQ("receivers", c->receivers, 1);
    CHECK_STR("its name", c->receiver[0].name, "local");
    CHECK_STR("the second domain", c->receiver[0].domain[1], "b.test");
    CHECK_EQ("messages", c->receiver[0].messages, 5000);
}

static void every_kind_of_value_arrives(void **state)
{
    struct config *c = load(full_text());

    (void)state;
    CHECK_TRUE(why, c != NULL);
    check_full(c);
    config_unref(config_ref(c));
    config_unref(c);
}

static void a_handover_is_the_same_configuration(void **state)
{
    struct config *c = load(full_text());
    struct config *again;
    char moved[128];

    (void)state;
    CHECK_TRUE(why, c != NULL);
    snprintf(moved, sizeof(moved), "%s/password", folder);
    unlink(moved); /* no file is read */
    again = config_from_handover(c->handover, path, why, sizeof(why));
    put_file("password", "s3cret ${x}\\\n");
    CHECK_TRUE(why, again != NULL);
    check_full(again);
    config_unref(c);
    config_unref(again);
}

static bool only_web(void *ctx, const char *name)
{
    (void)ctx;
    return name != NULL && strcmp(name, "web") == 0;
}

static bool only_the_default(void *ctx, const char *name)
{
    (void)ctx;
    return name == NULL;
}

static struct config *load_pairs(void)
{
    char text[600];

    snprintf(text, sizeof(text),
             "hostname = a.test\ntls_certificate = \"%s/cert\"\ntls_key = \"%s/key\"\n"
             "certificate web { certificate = \"%s/web\" key = \"%s/key\" }\n"
             "certificate mail { certificate = \"%s/mail\" key = \"%s/key\" next_key = "
             "\"%s/password\" }\n",
             folder, folder, folder, folder, folder, folder, folder);
    put_file("web", "WEB\n");
    put_file("mail", "MAIL\n");
    return load(text);
}

static void certificates_are_read_again_by_themselves(void **state)
{
    struct config *c = load_pairs(), *again;
    char gone[128];

    (void)state;
    CHECK_TRUE(why, c != NULL);
    CHECK_EQ("beside the default", c->certificates, 2);
    CHECK_STR("as it was", c->certificate[0].certificate_pem, "WEB\n");
    CHECK_TRUE("without a next key", c->certificate[0].next_key_pem == NULL);
    CHECK_STR("with one", c->certificate[1].next_key_pem, "s3cret ${x}\\\n");
    put_file("web", "NEW\n");
    put_file("mail", "NEW\n");
    again = config_refresh(c, only_web, NULL, why, sizeof(why));
    CHECK_TRUE(why, again != NULL);
    CHECK_STR("read again", again->certificate[0].certificate_pem, "NEW\n");
    CHECK_STR("not this one", again->certificate[1].certificate_pem, "MAIL\n");
    CHECK_STR("nor the default", again->tls_certificate_pem, "CERTIFICATE\n");
    CHECK_STR("the rest stays", again->hostname, "a.test");
    config_unref(again);
    snprintf(gone, sizeof(gone), "%s/web", folder);
    unlink(gone);
    CHECK_TRUE("a file that is gone", config_refresh(c, only_web, NULL, why, sizeof(why)) == NULL);
    again = config_refresh(c, only_the_default, NULL, why, sizeof(why));
    CHECK_TRUE("is of no concern to others", again != NULL);
    config_unref(again);
    config_unref(c);
}

static void an_include_is_relative_to_its_file(void **state)
{
    struct config *c;

    (void)state;
    put_file("more", "limits { recipients = 7 }\n");
    c = load("hostname = a.test\ninclude(\"more\")\ndrain_timeout = 5s\n");
    CHECK_TRUE(why, c != NULL);
    CHECK_EQ("from the other file", c->limits.recipients, 7);
    CHECK_EQ("what follows counts", c->drain_s, 5);
    config_unref(c);
}

static const struct {
    const char *text, *want; /* behind "FILE:" */
} mistakes[] = {
    {"hostname = a.test\nlisen = 3\n", "2: lisen: no such option 'lisen'"},
    {"\n\nlimits {\n  recipients = many\n}\n",
     "4: limits.recipients: \"many\": not a whole number"},
    {"limits { recipients = 0 }\n", "1: limits.recipients: \"0\": too small"},
    {"delivery {\nport = 70000 }\n", "2: delivery.port: \"70000\": too large"},
    {"domains { spf = {\"-all\"} }\n",
     "1: domains.spf: \"-all\": not an SPF term (write ip4:192.0.2.1, ip6:2001:db8::1, a:HOST "
     "or include:NAME)"},
    {"domains { spf = {\"ip4:\"} }\n",
     "1: domains.spf: \"ip4:\": not an SPF term (write ip4:192.0.2.1, ip6:2001:db8::1, a:HOST "
     "or include:NAME)"},
    {"domains { dmarc_reports = \"me@a.test\" }\n",
     "1: domains.dmarc_reports: \"me@a.test\": not an address for reports (write "
     "mailto:reports@example.org)"},
    {"domains { tls_reports = \"mailto:a@b.test,mailto:c@d.test\" }\n",
     "1: domains.tls_reports: \"mailto:a@b.test,mailto:c@d.test\": not an address for reports "
     "(write mailto:reports@example.org)"},
    {"reputation { refuse_below = 30 }\n", "1: reputation.refuse_below: more than defer_below"},
    {"verification { pending = {} }\n", "1: verification.pending: empty"},
    {"verification { ask = me }\n",
     "1: verification.ask: \"me\": not one of these words: authoritative resolver"},
    {"queue { expire = 3 }\n",
     "1: queue.expire: \"3\": not a duration (write 500ms, 30s, 5m, 4h or 3d)"},
    {"queue { retry = {1m, soon} }\n",
     "1: queue.retry: \"soon\": not a duration (write 500ms, 30s, 5m, 4h or 3d)"},
    {"limits { message_size = 36X }\n",
     "1: limits.message_size: \"36X\": not a size (write 500, 64K, 36M or 1G)"},
    {"state_dir = var\n", "1: state_dir: \"var\": not an absolute path"},
    {"tls_key = /nonexistent/key\n", "1: tls_key: \"/nonexistent/key\": No such file or directory"},
    {"listen x {\n address = {\"localhost:25\"}\n}\n",
     "2: listen x: address: \"localhost:25\": not an address (write 192.0.2.1:587 or "
     "[2001:db8::1]:587; names are not looked up)"},
    {"listen x {\n}\n", "2: listen x: address: missing"},
    {"listen x { address = {\"*:25\"} door = inbound tls = implicit }\n",
     "1: listen x: tls: the inbound door has no TLS from the first byte (use starttls)"},
    {"listen x { address = {\"*:25\"} door = inbound trust = {\"10.0.0.0/8\"} }\n",
     "1: listen x: trust: only for the submission door"},
    {"override x { reason = other }\n",
     "1: override x: networks: missing (of whom, or as which of domains, is mail let through?)"},
    {"override x { domains = {\"*\"} }\n",
     "1: override x: domains: \"*\" would let everybody through"},
    {"inbound { trusted_sealers = {\".example.org\"} }\n",
     "1: inbound.trusted_sealers: names of domains, no patterns"},
    {"inbound { recipients = 99 }\n", "1: inbound.recipients: \"99\": too small"},
    {"inbound { dmarc = strict }\n",
     "1: inbound.dmarc: \"strict\": not one of these words: follow quarantine mark"},
    {"listen x { address = {\"*:1\"} door = ftp }\n",
     "1: listen x: door: \"ftp\": not one of these words: submission http inbound"},
    {"listen x { address = {\"*:1\"} door = http tls = starttls }\n",
     "1: listen x: tls: the http door has no STARTTLS (use plain or implicit)"},
    {"hostname = a.test\nlisten x { address = {\"*:1\"} tls = implicit\n}\n",
     "3: listen x: tls: needs tls_certificate and tls_key"},
    {"listen x { address = {\"*:1\"} trust = {\"127.0.0.1\"} }\n",
     "1: listen x: trust_credential: missing (as whom do trusted clients send?)"},
    {"certificate x { key = /dev/null }\n",
     "1: certificate x: certificate: missing (the file with the certificate and its chain)"},
    {"certificate x { certificate = /dev/null }\n",
     "1: certificate x: key: missing (the file with the private key)"},
    {"certificate default { certificate = /dev/null key = /dev/null }\n",
     "1: certificate default: default: the name of the one in tls_certificate"},
    {"tls_reports { from = postmaster }\n",
     "1: tls_reports.from: \"postmaster\": not an address (write reports@example.org)"},
    {"tls_reports { from = \"a..b@c.test\" }\n",
     "1: tls_reports.from: \"a..b@c.test\": not an address (write reports@example.org)"},
    {"tls_reports { contact = \"a@b.test\" }\n", "1: tls_reports.from: missing (contact is given)"},
    {"tls_reports { from = \"a@b.test\" contact = \"a@c.test\" }\n",
     "1: tls_reports.contact: has to be in the domain of from"},
    {"tls_reports { delay = 21h }\n", "1: tls_reports.delay: \"21h\": too large"},
    {"dmarc_reports { from = postmaster }\n",
     "1: dmarc_reports.from: \"postmaster\": not an address (write reports@example.org)"},
    {"dmarc_reports { from = \"a@b.test\" contact = \"a@c.test\" }\n",
     "1: dmarc_reports.contact: has to be in the domain of from"},
    {"dns_update u { zone = a.test server = 192.0.2.53 key_name = k }\n",
     "1: dns_update u: secret_file: missing"},
    {"dns_update u { server = 192.0.2.53 }\n", "1: dns_update u: zone: missing"},
    {"rotation { keep = 1h }\n", "1: rotation.keep: shorter than queue.expire: what waits "
                                 "there was signed with the old key"},
    {"route r { host = h.test }\n", "1: route r: domains: missing"},
    {"route r { domains = {\"*\"} host = h.test user = u }\n",
     "1: route r: password_file: missing (user without it)"},
    {"profile p { limits = {\"30 mails/minute\"} }\n",
     "1: profile p: limits: \"30 mails/minute\": a limit is a number, what is counted "
     "(messages, "
     "recipients, internal recipients, external recipients, bytes), a slash and minute, hour "
     "or "
     "day: \"30 messages/minute\""},
    {"receiver \"a/b\" { domains = {a.test} }\n",
     "1: receiver a/b: a receiver's name has 1 to 24 letters, digits and hyphens"},
    {"receiver a2345678901234567890123456 { domains = {a.test} }\n",
     "1: receiver a2345678901234567890123456: a receiver's name has 1 to 24 letters, digits "
     "and "
     "hyphens"},
    {"receiver other { domains = {a.test} }\n",
     "1: receiver other: other: the name of all receivers that are not named"},
    {"receiver a { }\n", "1: receiver a: domains: missing"},
    {"pool p { source = {192.0.2.1} }\n",
     "1: pool p: a pool's name has 2 to 64 printable characters"},
    {"pool marketing { }\n", "1: pool marketing: source: missing (the addresses to send from)"},
    {"pool marketing { source = {a.test} }\n",
     "1: pool marketing: source: \"a.test\": not an IP address"},
    {"pool marketing { source = {192.0.2.1} subscriptions = {} }\n",
     "1: pool marketing: subscriptions: empty"},
    {"receiver a { domains = {.a.test} }\n",
     "1: receiver a: domains: names of domains, no patterns"},
    {"receiver a { domains = {\"*\"} }\n", "1: receiver a: domains: names of domains, no patterns"},
    {"receiver a { domains = {a} messages = x }\n",
     "1: receiver a: messages: \"x\": not a whole number"},
    {"receiver a { domains = {a.test} }\nreceiver b { domains = {a.test} }\n"
     "receiver c { domains = {a.test} }\nreceiver d { domains = {a.test} }\n"
     "receiver e { domains = {a.test} }\nreceiver f { domains = {a.test} }\n"
     "receiver g { domains = {a.test} }\nreceiver h { domains = {a.test} }\n"
     "receiver i { domains = {a.test} }\n",
     "9: receiver i: more than 8 receivers"},
    {"guard { action = refuse }\n",
     "1: guard.action: \"refuse\": not one of these words: off warn stop"},
    {"guard { near = 101 }\n", "1: guard.near: \"101\": too large"},
    {"guard { complaints_warn = 20 complaints_stop = 10 }\n",
     "1: guard.complaints_stop: less than complaints_warn"},
    {"profile \"\" { }\n", "1: profile : a profile's name has 1 to 64 printable characters"},
    {"hostname = \"a b\"\n", "1: hostname: \"a b\": not a host name (letters, digits, hyphens and "
                             "dots; write xn-- labels for others)"},
    {"hostname = \"\\x1b[2J\"\n", "1: hostname: \"\\x1b[2J\": not a host name (letters, digits, "
                                  "hyphens and dots; write xn-- labels for others)"},
    {"include(\"nowhere\")\n", "1: include: nowhere: No such file or directory"},
    {"tls_key_contents = \"00\"\n", "1: tls_key_contents: no such option 'tls_key_contents'"},
    {"delivery { ipv4 = no ipv6 = no }\n", "1: delivery.ipv6: one of ipv4 and ipv6 must be true"},
    {"limits { memory = 1M }\n", "1: limits.memory: less than limits.message_size"},
};

static void mistakes_name_file_line_and_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        char want[512];

        snprintf(want, sizeof(want), "%s:%s", path, mistakes[i].want);
        CHECK_TRUE(mistakes[i].text, load(mistakes[i].text) == NULL);
        CHECK_STR(mistakes[i].text, why, want);
    }
    CHECK_TRUE("unclosed", load("limits {\nqueue {\n") == NULL);
    CHECK_TRUE(why, strstr(why, ":2: queue: no such option 'queue'") != NULL);
    CHECK_TRUE("two of one name",
               load("listen x { address = {\"*:1\"} }\nlisten x { address = {\"*:2\"} }\n") ==
                   NULL);
    CHECK_TRUE(why, strstr(why, ":2: x: ") != NULL);
    CHECK_TRUE("no file", config_load("/nonexistent/x", why, sizeof(why)) == NULL);
    CHECK_STR("no file", why,
              "/nonexistent/x: there is no such file; sigillo init writes the first one");
}

static void a_mistake_in_an_included_file_names_that_file(void **state)
{
    char want[128];

    (void)state;
    put_file("more", "\nlimits { recipients = x }\n");
    CHECK_TRUE("refused", load("include(\"more\")\n") == NULL);
    snprintf(want, sizeof(want), "%s/more:2: limits.recipients: \"x\": not a whole number", folder);
    CHECK_STR("names it", why, want);
}

static void a_key_without_its_certificate_is_refused(void **state)
{
    char text[256];

    (void)state;
    snprintf(text, sizeof(text), "tls_key = \"%s/key\"\n", folder);
    CHECK_TRUE("refused", load(text) == NULL);
    CHECK_TRUE(why, strstr(why, "tls_certificate: missing (tls_key is given)") != NULL);
    snprintf(text, sizeof(text), "tls_key = \"%s/empty\"\ntls_certificate = \"%s/cert\"", folder,
             folder);
    CHECK_TRUE("an empty key", load(text) == NULL);
    CHECK_TRUE(why, strstr(why, "is empty") != NULL);
}

static char *file_text(const char *name)
{
    char file[1024];
    const char *source = getenv("SIGILLO_SOURCE");
    char *text = calloc(1, 100000);
    FILE *f;

    snprintf(file, sizeof(file), "%s/%s", source != NULL ? source : ".", name);
    f = fopen(file, "r");
    CHECK_TRUE(file, f != NULL);
    CHECK_TRUE(file, fread(text, 1, 99999, f) > 0);
    fclose(f);
    return text;
}

/* The example with its commented-out settings switched on: a line "#key = value" is a setting, "# text" is not. */
static void the_packaged_example_is_good(void **state)
{
    char *text = file_text("packaging/sigillo.conf");
    struct config *c = load(text);

    (void)state;
    CHECK_TRUE(why, c != NULL);
    CHECK_EQ("it listens on", c->listens, 3);
    config_unref(c);
    free(text);
}

static void look_up(void *ctx, const char *key, const char *preset)
{
    char quoted[100];
    const char *name = strrchr(key, '.');

    (void)preset;
    snprintf(quoted, sizeof(quoted), "`%s`", name != NULL ? name + 1 : key);
    CHECK_TRUE(key, strstr(ctx, quoted) != NULL);
}

static void every_key_is_documented(void **state)
{
    char *text = file_text("docs/configuration.md");

    (void)state;
    config_each_key(look_up, text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_presets),
        cmocka_unit_test(the_difference_is_told),
        cmocka_unit_test(every_kind_of_value_arrives),
        cmocka_unit_test(the_old_key_stays_as_long_as_the_queue_waits),
        cmocka_unit_test(a_handover_is_the_same_configuration),
        cmocka_unit_test(certificates_are_read_again_by_themselves),
        cmocka_unit_test(an_include_is_relative_to_its_file),
        cmocka_unit_test(mistakes_name_file_line_and_key),
        cmocka_unit_test(a_mistake_in_an_included_file_names_that_file),
        cmocka_unit_test(a_key_without_its_certificate_is_refused),
        cmocka_unit_test(the_packaged_example_is_good),
        cmocka_unit_test(every_key_is_documented),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
