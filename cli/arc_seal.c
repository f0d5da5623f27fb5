/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo arc seal */
#include "arc.h"
#include "sigillo/limits.h"
#include "signing_key.h"
#include "verbs.h"

#define FIELDS_MAX ((size_t)1 << 20)
#define NAMES_MAX  64

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

/*
 * The chain as it arrived.  Where this hand wrote then that it passed, the message may have been changed since: its seals alone are checked again.  A word of ours that it
 * failed is not outdone by what can be seen now; one that there was none is, by a set that was added here since.  The results get an arc= where they have none.
 */
static int judge_arrival(struct arc_work *w, struct order *order)
{
    struct sgl_arc_arrival arrival;
    sgl_auto(sgl_buf) results = SGL_BUF_INIT(SGL_LIMIT_AUTHRES_FIELD);
    int status;

    if (sgl_arc_arrival_read(&w->mail.headers, order->sealer.authserv_id, &w->arena, &arrival) !=
        SGL_OK)
        return cli_error(CLI_USAGE, "--authserv-id", "the results under this name are too long");
    status = arc_judge(w, arrival.chain_known && arrival.chain == SGL_ARC_PASS);
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
            return arc_no_memory();
    }
    return CLI_YES;
}

static int refuse(enum sgl_status status, const struct sgl_diag *diag)
{
    sgl_auto(sgl_buf) near = SGL_BUF_INIT(1024);
    const char *text;

    if (status == SGL_E_NOMEM)
        return arc_no_memory();
    if (diag->what == NULL)
        return cli_error(CLI_USAGE, "arc seal", "the message's header is too large to be sealed");
    sgl_buf_add_escaped(&near, sgl_view_of(diag->near, diag->near_len), diag->near_len);
    text = sgl_cstr(&near);
    return cli_error(CLI_USAGE, "arc seal", "%s%s%s", diag->what,
                     text == NULL || text[0] == '\0' ? "" : ": ", text == NULL ? "" : text);
}

static enum sgl_status sign(struct arc_work *w, const struct order *order,
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

static int print_sealed(struct arc_work *w, const struct sgl_arc_pending *pending,
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

static int seal(struct arc_work *w)
{
    struct order order = {.sealer = {.signed_names = 0}};
    struct sgl_arc_pending pending = {.nothing = true};
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(FIELDS_MAX);
    struct sgl_diag diag = {0};
    enum sgl_status made;
    int status = take_order(w->c, &order);

    if (status != CLI_YES ||
        !signing_key_read(w->crypto, cli_text(w->c, "--key"), &w->key, &order.sealer.algorithm,
                          &status) ||
        !arc_open(w, MAILFILE_TWICE, &status))
        return status;
    status = judge_arrival(w, &order);
    if (status != CLI_YES)
        return status;
    if (arc_is_unknown(&w->arc))
        return cli_error(CLI_UNKNOWN, "arc seal", "the chain cannot be checked now: %s",
                         arc_reason(w));
    made = sign(w, &order, &pending, &fields, &diag);
    return made == SGL_OK ? print_sealed(w, &pending, &fields) : refuse(made, &diag);
}

static int seal_run(struct cli *c)
{
    struct arc_work w = {.c = c, .crypto = sgl_crypto_new()};
    int status = w.crypto == NULL ? arc_no_memory() : seal(&w);

    arc_work_done(&w);
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
