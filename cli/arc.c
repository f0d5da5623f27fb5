/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo arc verify | seal */
#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "mailfile.h"
#include "sigillo/arc.h"
#include "sigillo/limits.h"
#include "verbs.h"

#define KEY_MAX    65536
#define ARENA_MAX  ((size_t)16 << 20)
#define FIELDS_MAX ((size_t)1 << 20)

/* A message, what is known of its chain, and what that needs. */
struct work {
    const struct cli *c;
    struct sgl_crypto *crypto;
    struct sgl_private_key *key;
    struct mailfile mail;
    struct sgl_arena arena;
    struct sgl_dkim_hashes hashes;
    size_t body; /* which of them is that of the whole body, relaxed */
    struct lookup lookup;
    bool looking;
    struct sgl_arc arc;
};

static void work_done(struct work *w)
{
    if (w->looking)
        lookup_done(&w->lookup);
    sgl_dkim_hashes_done(&w->hashes);
    sgl_private_key_free(w->key);
    sgl_crypto_free(w->crypto);
    mailfile_done(&w->mail);
    sgl_arena_done(&w->arena);
}

static int no_memory(void)
{
    return cli_error(CLI_UNKNOWN, "memory", "there is none left");
}

/* ---- the chain ----------------------------------------------------------------------------------------------------- */

static bool open_message(struct work *w, unsigned flags, int *status)
{
    sgl_arena_init(&w->arena, ARENA_MAX);
    return mailfile_open(&w->mail, w->c->arguments > 0 ? w->c->argument[0] : NULL, flags, status);
}

static enum sgl_status run_verifier(struct work *w, bool seals_only)
{
    const struct sgl_dkim_verify_options options = {0};
    struct sgl_arc_verifier v;
    enum sgl_status status;
    sgl_view piece;

    sgl_dkim_hashes_init(&w->hashes, w->crypto);
    SGL_TRY(sgl_dkim_hashes_want(&w->hashes, SGL_DKIM_RELAXED, SGL_DKIM_ALL, &w->body));
    SGL_TRY(
        sgl_arc_verifier_init(&v, w->crypto, &options, &w->mail.headers, &w->hashes, &w->arena));
    v.seals_only = seals_only;
    while (mailfile_next(&w->mail, &piece))
        sgl_dkim_hashes_feed(&w->hashes, piece);
    SGL_TRY(sgl_dkim_hashes_finish(&w->hashes));
    while (!w->mail.failed && (status = sgl_arc_verify(&v, &w->lookup.dns, &w->arc)) != SGL_OK) {
        if (status != SGL_NEED_DNS)
            return status;
        lookup_fill(&w->lookup);
    }
    return SGL_OK;
}

/* The state of the chain into w->arc. CLI_YES, or the exit status: the error has been printed. */
static int judge(struct work *w, bool seals_only)
{
    enum sgl_status made;
    int status = CLI_UNKNOWN;

    w->looking = lookup_init(&w->lookup, w->c, SGL_LIMIT_JUDGE_QUESTIONS, &status);
    if (!w->looking)
        return status;
    made = run_verifier(w, seals_only);
    if (w->mail.failed)
        return CLI_USAGE;
    return made == SGL_OK ? CLI_YES : no_memory();
}

/* Did it fail because a key could not be looked up?  For good, says RFC 8617 s5.2.1; but whoever asks wants to know that asking again may help. */
static bool is_unknown(const struct sgl_arc *arc)
{
    for (size_t i = 0; i < arc->sets && arc->result == SGL_ARC_FAIL; i++) {
        if (arc->set[i].seal_result == SGL_DKIM_TEMPERROR ||
            (i + 1 == arc->sets && arc->set[i].message_result == SGL_DKIM_TEMPERROR))
            return true;
    }
    return false;
}

/* "a seal does not hold (instance 2): the key ..." */
static const char *reason(struct work *w)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1024);
    const struct sgl_arc *arc = &w->arc;
    const char *made;

    sgl_buf_add_cstr(&text, arc->reason);
    if (arc->at > 0)
        sgl_buf_addf(&text, " (instance %u)", arc->at);
    if (arc->detail[0] != '\0')
        sgl_buf_addf(&text, ": %s", arc->detail);
    made = sgl_arena_cstr(&w->arena, sgl_buf_view(&text));
    return made == NULL ? arc->reason : made;
}

/* ---- verify -------------------------------------------------------------------------------------------------------- */

static json_t *set_json(const struct sgl_arc_set *set)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:s, s:s, s:i, s:o}", "instance",
                     (int)set->instance, "domain", cli_json_text(set->seal_tags.domain), "selector",
                     cli_json_text(set->seal_tags.selector), "algorithm",
                     cli_json_text(set->seal_tags.algorithm), "chain", cli_json_text(set->chain),
                     "seal", sgl_dkim_result_name(set->seal_result), "message",
                     sgl_dkim_result_name(set->message_result), "key_bits", (int)set->seal_bits,
                     "authserv_id", cli_json_text(set->authserv));
}

static json_t *arc_json(struct work *w)
{
    json_t *sets = json_array();

    for (size_t i = 0; i < w->arc.sets; i++)
        json_array_append_new(sets, set_json(&w->arc.set[i]));
    return json_pack("{s:s, s:i, s:o, s:s}", "result", sgl_arc_result_name(w->arc.result),
                     "oldest_pass", (int)w->arc.oldest_pass, "sets", sets, "reason", reason(w));
}

static const char *cell(struct work *w, sgl_view text)
{
    const char *made = sgl_arena_cstr(&w->arena, text);

    return made == NULL ? "" : made;
}

/* What a check of a signature gave: "-" where the verdict did not need it. */
static const char *tried(enum sgl_dkim_result result)
{
    return result == SGL_DKIM_NONE ? "-" : sgl_dkim_result_name(result);
}

static void print_sets(struct work *w)
{
    static const char *const head[] = {"SET",  "SEALED BY", "SELECTOR",
                                       "SEAL", "MESSAGE",   "RESULTS OF"};
    struct cli_table table;

    cli_table_init(&table, sizeof head / sizeof head[0], head);
    for (size_t i = 0; i < w->arc.sets; i++) {
        const struct sgl_arc_set *set = &w->arc.set[i];
        char number[16];

        snprintf(number, sizeof number, "%u", set->instance);
        cli_table_add(&table, number);
        cli_table_add(&table, cell(w, set->seal_tags.domain));
        cli_table_add(&table, cell(w, set->seal_tags.selector));
        cli_table_add(&table, tried(set->seal_result));
        cli_table_add(&table, tried(set->message_result));
        cli_table_add(&table, cell(w, set->authserv));
    }
    cli_table_print(w->c, &table, stdout);
    cli_table_done(&table);
}

static void print_verdict(struct work *w)
{
    const struct cli *c = w->c;
    const struct sgl_arc *arc = &w->arc;
    const char *colour = arc->result == SGL_ARC_PASS   ? cli_green(c)
                         : arc->result == SGL_ARC_FAIL ? cli_red(c)
                                                       : "";

    printf("%sarc=%s%s", colour, sgl_arc_result_name(arc->result), cli_plain(c));
    switch (arc->result) {
    case SGL_ARC_NONE:
        puts("  the message has no chain");
        return;
    case SGL_ARC_FAIL:
        printf("  %s\n", reason(w));
        break;
    case SGL_ARC_PASS:
        if (arc->oldest_pass == 0)
            puts("  nothing was changed since the first set");
        else
            printf("  the message was last changed before set %u\n", arc->oldest_pass);
        break;
    }
    if (arc->sets > 0) {
        putchar('\n');
        print_sets(w);
    }
}

static int verify(struct work *w)
{
    int status = CLI_USAGE;

    if (!open_message(w, MAILFILE_BARE, &status))
        return status;
    status = judge(w, false);
    if (status != CLI_YES)
        return status;
    if (w->c->json) {
        status = cli_print_json(arc_json(w));
        if (status != CLI_YES)
            return status;
    } else {
        print_verdict(w);
    }
    if (is_unknown(&w->arc))
        return CLI_UNKNOWN;
    return w->arc.result == SGL_ARC_PASS ? CLI_YES : CLI_NO;
}

static int verify_run(struct cli *c)
{
    struct work w = {.c = c, .crypto = sgl_crypto_new()};
    int status = w.crypto == NULL ? no_memory() : verify(&w);

    work_done(&w);
    return status;
}

const struct cli_verb verb_arc_verify = {
    .name = "arc verify",
    .arguments = "[FILE]",
    .summary = "tells the state of a message's ARC chain",
    .arguments_max = 1,
    .run = verify_run,
    .more =
        "Without FILE, or with -, the message is read from standard input. Exit status 0: the "
        "chain "
        "passes; 1: it\nfails, or there is none; 3: it fails because a key could not be looked up.",
    .needs = CLI_DNS};

/* ---- seal ---------------------------------------------------------------------------------------------------------- */

#define NAMES_MAX 64

/* What the options say. */
struct order {
    struct sgl_arc_sealer sealer;
    sgl_view name[NAMES_MAX];
};

static int take_names(const char *text, struct order *out)
{
    sgl_view rest = sgl_view_cstr(text);

    while (rest.ptr != NULL) {
        if (out->sealer.signed_names == NAMES_MAX)
            return cli_error(CLI_USAGE, "--headers", "at most %d names can be given", NAMES_MAX);
        out->name[out->sealer.signed_names++] = sgl_view_trim(sgl_view_split(rest, ':', &rest));
    }
    out->sealer.signed_name = out->name;
    return CLI_YES;
}

static int take_order(const struct cli *c, struct order *out)
{
    static const char *const needed[] = {"--domain", "--selector", "--key", "--authserv-id"};
    const char *names = cli_text(c, "--headers");
    int status;

    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (cli_text(c, needed[i]) == NULL)
            return cli_error(CLI_USAGE, needed[i], "it is needed");
    }
    out->sealer.domain = sgl_view_cstr(cli_text(c, "--domain"));
    out->sealer.selector = sgl_view_cstr(cli_text(c, "--selector"));
    out->sealer.authserv_id = sgl_view_cstr(cli_text(c, "--authserv-id"));
    if (!lookup_now(c, &out->sealer.now, &status))
        return status;
    return names == NULL ? CLI_YES : take_names(names, out);
}

static int read_key(struct work *w, struct order *order)
{
    sgl_auto(sgl_buf) pem = SGL_BUF_INIT(KEY_MAX);
    enum sgl_status status;

    if (!cli_read_file("--key", cli_text(w->c, "--key"), KEY_MAX, &pem))
        return CLI_USAGE;
    status = sgl_private_key_import(w->crypto, sgl_buf_view(&pem), &w->key);
    sgl_wipe(pem.data, pem.len);
    if (status == SGL_E_NOMEM)
        return no_memory();
    if (status != SGL_OK)
        return cli_error(CLI_USAGE, "--key",
                         "%s holds no private key that can sign: PEM or DER, RSA of 1024 to 4096 "
                         "bits or Ed25519, "
                         "without a passphrase",
                         cli_text(w->c, "--key"));
    order->sealer.algorithm =
        sgl_private_key_type(w->key) == SGL_KEY_RSA ? SGL_DKIM_RSA_SHA256 : SGL_DKIM_ED25519_SHA256;
    return CLI_YES;
}

/*
 * The chain as it arrived.  Where this hand wrote then that it passed, the message may have been changed since: its seals alone are checked again.  A word of ours that it
 * failed is not outdone by what can be seen now; one that there was none is, by a set that was added here since.  The results get an arc= where they have none.
 */
static int judge_arrival(struct work *w, struct order *order)
{
    struct sgl_arc_arrival arrival;
    sgl_auto(sgl_buf) results = SGL_BUF_INIT(SGL_LIMIT_AUTHRES_FIELD);
    int status;

    if (sgl_arc_arrival_read(&w->mail.headers, order->sealer.authserv_id, &w->arena, &arrival) !=
        SGL_OK)
        return cli_error(CLI_USAGE, "--authserv-id", "the results under this name are too long");
    status = judge(w, arrival.chain_known && arrival.chain == SGL_ARC_PASS);
    if (status != CLI_YES)
        return status;
    order->sealer.chain = w->arc.result;
    if (arrival.chain_known && arrival.chain == SGL_ARC_FAIL && w->arc.result == SGL_ARC_PASS)
        order->sealer.chain = SGL_ARC_FAIL;
    order->sealer.results = arrival.results;
    if (!arrival.chain_known) {
        sgl_buf_addf(&results, "arc=%s%s", sgl_arc_result_name(order->sealer.chain),
                     arrival.results.len == 0 ? "" : "; ");
        sgl_buf_add(&results, arrival.results);
        if (results.status != SGL_OK ||
            sgl_arena_dup(&w->arena, sgl_buf_view(&results), &order->sealer.results) != SGL_OK)
            return no_memory();
    }
    return CLI_YES;
}

static int refuse(enum sgl_status status, const struct sgl_diag *diag)
{
    sgl_auto(sgl_buf) near = SGL_BUF_INIT(1024);
    const char *text;

    if (status == SGL_E_NOMEM)
        return no_memory();
    if (diag->what == NULL)
        return cli_error(CLI_USAGE, "arc seal", "the message's header is too large to be sealed");
    sgl_buf_add_escaped(&near, sgl_view_of(diag->near, diag->near_len), diag->near_len);
    text = sgl_cstr(&near);
    return cli_error(CLI_USAGE, "arc seal", "%s%s%s", diag->what,
                     text == NULL || text[0] == '\0' ? "" : ": ", text == NULL ? "" : text);
}

static enum sgl_status sign(struct work *w, const struct order *order,
                            struct sgl_arc_pending *pending, struct sgl_buf *out,
                            struct sgl_diag *diag)
{
    uint8_t signature[SGL_SIGNATURE_MAX];
    size_t len;

    SGL_TRY(sgl_arc_seal_message(w->crypto, &order->sealer, &w->mail.headers,
                                 w->hashes.want[w->body].digest, &w->arc, &w->arena, pending,
                                 diag));
    if (pending->nothing)
        return SGL_OK;
    SGL_TRY(sgl_private_key_sign(w->crypto, w->key, pending->digest, signature, &len));
    SGL_TRY(sgl_arc_seal_chain(w->crypto, sgl_view_of(signature, len), &w->arena, pending));
    SGL_TRY(sgl_private_key_sign(w->crypto, w->key, pending->digest, signature, &len));
    return sgl_arc_seal_finish(pending, sgl_view_of(signature, len), out);
}

static json_t *seal_json(const struct sgl_arc_pending *pending, const struct sgl_buf *fields)
{
    return json_pack("{s:b, s:i, s:s, s:o}", "sealed", !pending->nothing, "instance",
                     (int)pending->instance, "chain", sgl_arc_result_name(pending->chain), "fields",
                     cli_json_text(sgl_buf_view(fields)));
}

static int print_sealed(struct work *w, const struct sgl_arc_pending *pending,
                        const struct sgl_buf *fields)
{
    if (w->c->json) {
        int status = cli_print_json(seal_json(pending, fields));

        if (status != CLI_YES)
            return status;
    } else {
        mailfile_put_fields(&w->mail, sgl_buf_view(fields), stdout);
        if (!mailfile_copy(&w->mail, stdout))
            return CLI_USAGE;
        if (fflush(stdout) != 0 || ferror(stdout))
            return cli_error(CLI_UNKNOWN, "standard output", "it cannot be written: %m");
    }
    if (pending->nothing)
        return cli_error(CLI_NO, "arc seal", "nothing was added: %s",
                         w->arc.sets >= SGL_LIMIT_ARC_SETS ||
                                 w->arc.set[w->arc.sets - 1].instance >= SGL_LIMIT_ARC_SETS
                             ? "the chain has all the sets that it can have"
                             : "the chain is broken, and its newest seal says so");
    return CLI_YES;
}

static int seal(struct work *w)
{
    struct order order = {.sealer = {.signed_names = 0}};
    struct sgl_arc_pending pending = {.nothing = true};
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(FIELDS_MAX);
    struct sgl_diag diag = {0};
    enum sgl_status made;
    int status = take_order(w->c, &order);

    if (status == CLI_YES)
        status = read_key(w, &order);
    if (status != CLI_YES || !open_message(w, MAILFILE_TWICE, &status))
        return status;
    status = judge_arrival(w, &order);
    if (status != CLI_YES)
        return status;
    if (is_unknown(&w->arc))
        return cli_error(CLI_UNKNOWN, "arc seal", "the chain cannot be checked now: %s", reason(w));
    made = sign(w, &order, &pending, &fields, &diag);
    return made == SGL_OK ? print_sealed(w, &pending, &fields) : refuse(made, &diag);
}

static int seal_run(struct cli *c)
{
    struct work w = {.c = c, .crypto = sgl_crypto_new()};
    int status = w.crypto == NULL ? no_memory() : seal(&w);

    work_done(&w);
    return status;
}

static const struct cli_option seal_options[] = {
    {"--domain", "D", "whose seal it is (d=)", false},
    {"--selector", "S", "the key's name below _domainkey (s=)", false},
    {"--key", "FILE", "the private key: PEM or DER, RSA or Ed25519", false},
    {"--authserv-id", "NAME", "under which Authentication-Results the findings on arrival stand",
     false},
    {"--headers", "A:B:C", "the fields that the message signature covers (default: our choice)",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_arc_seal = {
    .name = "arc seal",
    .arguments = "[FILE]",
    .summary = "prints the message with one more ARC set",
    .option = seal_options,
    .arguments_max = 1,
    .run = seal_run,
    .more = "The set holds the results of all Authentication-Results fields of the message that "
            "bear NAME. The state of "
            "the\nchain is checked; where one of these fields says arc=pass the message may have "
            "been changed here "
            "since, and only\nthe older seals are checked again.",
    .needs = CLI_DNS};
