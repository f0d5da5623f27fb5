/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of everything that a domain's SPF record includes.
 *
 * A pass walks all branches, also behind an answer that is missing, so that the questions of one level travel together; `pending` remembers
 * that something was.  What is said about a record is added on the way and goes with the arena when the pass was in vain.
 */
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "spf_tree_internal.h"

/* What the terms of one record come to. */
struct terms {
    struct sgl_spf_node *node;
    size_t count;
};

static enum sgl_status walk_record(struct spf_walk *w, const struct spf_level *level,
                                   struct terms *out, const char **fault);

/* What is worse hides what is not. */
static void set_fault(struct sgl_spf_node *node, enum sgl_severity severity, const char *fault)
{
    if (node->fault[0] != '\0' && severity < node->severity)
        return;
    node->fault = fault;
    node->severity = severity;
}

static void count_lookup(struct spf_walk *w, struct sgl_spf_node *node)
{
    node->lookups++;
    if (++w->lookups == SPF_LOOKUPS_MAX + 1)
        set_fault(node, SGL_ERROR, "the 11th lookup: receivers stop here");
}

/* ---- asking ------------------------------------------------------------------------------------------------------- */

/* SGL_OK with NULL in *out: missing, not allowed, or nothing is asked at all. */
static enum sgl_status asked(struct spf_walk *w, enum sgl_status st)
{
    if (st == SGL_NEED_DNS) {
        w->pending = true;
        return SGL_OK;
    }
    if (st == SGL_E_LIMIT) { /* the snapshot takes no more: the arena is not used for asking */
        w->cut = w->tree->failed = true;
        return SGL_OK;
    }
    return st;
}

static enum sgl_status ask(struct spf_walk *w, struct sgl_name name, enum sgl_rr type,
                           const struct sgl_dns_answer **out)
{
    *out = NULL;
    return w->dns == NULL ? SGL_OK : asked(w, sgl_dns_get(w->dns, name, type, out));
}

static enum sgl_status ask_record(struct spf_walk *w, struct sgl_name name, struct spf_found *out)
{
    *out = (struct spf_found){0};
    return w->dns == NULL ? SGL_OK : asked(w, sgl_spf_find_record(name, w->dns, out));
}

/* "No such name", or nothing of that type.  [RFC 7208 s4.6.4] */
static bool is_void(const struct sgl_dns_answer *answer)
{
    return answer != NULL &&
           (answer->outcome == SGL_DNS_NXDOMAIN || answer->outcome == SGL_DNS_NODATA);
}

static bool is_error(const struct sgl_dns_answer *answer)
{
    return answer != NULL && sgl_dns_is_error(answer);
}

static enum sgl_status note_failure(struct spf_walk *w, struct sgl_spf_node *node,
                                    const struct sgl_dns_answer *answer)
{
    set_fault(node, SGL_WARNING, "lookup failed");
    return sgl_spf_say_failed(w, answer);
}

/* ---- terms that look at addresses --------------------------------------------------------------------------------- */

/* Both families; *empty: the name has no address at all. */
static enum sgl_status look_host(struct spf_walk *w, struct sgl_spf_node *node,
                                 struct sgl_name host, bool *empty)
{
    const struct sgl_dns_answer *v4, *v6;

    *empty = false;
    SGL_TRY(ask(w, host, SGL_RR_A, &v4));
    SGL_TRY(ask(w, host, SGL_RR_AAAA, &v6));
    node->void_lookups += is_void(v4);
    node->void_lookups6 += is_void(v6);
    *empty = is_void(v4) && is_void(v6);
    if (is_error(v4))
        return note_failure(w, node, v4);
    return is_error(v6) ? note_failure(w, node, v6) : SGL_OK;
}

static enum sgl_status look_a(struct spf_walk *w, const struct spf_level *level,
                              struct sgl_spf_node *node, struct sgl_name host)
{
    bool empty;

    SGL_TRY(look_host(w, node, host, &empty));
    if (!empty)
        return SGL_OK;
    set_fault(node, SGL_WARNING, "no address");
    return sgl_spf_say_void(w, level, node, host, true);
}

/* Always type A, whatever the client.  [RFC 7208 s5.7] */
static enum sgl_status look_exists(struct spf_walk *w, const struct spf_level *level,
                                   struct sgl_spf_node *node, struct sgl_name host)
{
    const struct sgl_dns_answer *v4;

    SGL_TRY(ask(w, host, SGL_RR_A, &v4));
    if (is_error(v4))
        return note_failure(w, node, v4);
    if (!is_void(v4))
        return SGL_OK;
    node->void_lookups++;
    node->void_lookups6++;
    set_fault(node, SGL_WARNING, "no address");
    return sgl_spf_say_void(w, level, node, host, true);
}

/* The RFC counts terms for which questions bring nothing, so an "mx" of three hosts without address is one void lookup.  [RFC 7208 s4.6.4] */
static void count_once(struct sgl_spf_node *node)
{
    node->void_lookups = node->void_lookups > 0;
    node->void_lookups6 = node->void_lookups6 > 0;
}

static enum sgl_status look_exchanges(struct spf_walk *w, const struct spf_level *level,
                                      struct sgl_spf_node *node, const struct sgl_dns_answer *mx)
{
    for (size_t i = 0; i < mx->count && i < SPF_LOOKUPS_MAX; i++) {
        struct sgl_name host = mx->rr[i].mx.host;
        bool empty;

        if (sgl_name_is_root(host)) { /* [RFC 7505 s3] */
            set_fault(node, SGL_WARNING, "null MX: no address");
            SGL_TRY(sgl_spf_say_null_mx(w, level, node));
            continue;
        }
        SGL_TRY(look_host(w, node, host, &empty));
        if (!empty)
            continue;
        set_fault(node, SGL_WARNING, "an exchange has no address");
        SGL_TRY(sgl_spf_say_void(w, level, node, host, false));
    }
    count_once(node);
    return SGL_OK;
}

static enum sgl_status look_mx(struct spf_walk *w, const struct spf_level *level,
                               struct sgl_spf_node *node, struct sgl_name name)
{
    const struct sgl_dns_answer *mx;

    SGL_TRY(ask(w, name, SGL_RR_MX, &mx));
    if (mx == NULL)
        return SGL_OK;
    if (is_error(mx))
        return note_failure(w, node, mx);
    if (is_void(mx)) {
        node->void_lookups++;
        node->void_lookups6++;
        set_fault(node, SGL_WARNING, "no MX record");
        return sgl_spf_say_void(w, level, node, name, true);
    }
    if (mx->count > SPF_LOOKUPS_MAX) { /* [RFC 7208 s4.6.4] */
        set_fault(node, SGL_ERROR, "more than 10 exchanges");
        return sgl_spf_say_many_mx(w, level, node, mx->count);
    }
    return look_exchanges(w, level, node, mx);
}

/* ---- include and redirect ----------------------------------------------------------------------------------------- */

static bool is_loop(const struct spf_level *level, struct sgl_name target)
{
    for (; level != NULL; level = level->above) {
        if (sgl_name_eq(level->name, target))
            return true;
    }
    return false;
}

/* Of the same owner, as far as names can say so. */
static bool is_own(const struct spf_walk *w, struct sgl_name name)
{
    return sgl_name_is_at_or_below(name, w->domain) ||
           (sgl_name_labels(name) > 1 && sgl_name_is_at_or_below(w->domain, name));
}

static enum sgl_status enter_record(struct spf_walk *w, const struct spf_level *level,
                                    struct sgl_spf_node *node, struct sgl_name target,
                                    bool redirect)
{
    struct spf_level below = {.above = level,
                              .name = target,
                              .text = node->record,
                              .depth = level->depth + 1,
                              .included = level->included || !redirect,
                              .own = is_own(w, target)};
    const char *fault = "";
    struct terms terms;

    SGL_TRY(walk_record(w, &below, &terms, &fault));
    if (fault[0] != '\0')
        set_fault(node, SGL_ERROR, fault);
    node->child = terms.node;
    node->children = terms.count;
    for (size_t i = 0; i < terms.count; i++) {
        node->lookups += terms.node[i].lookups;
        node->void_lookups += terms.node[i].void_lookups;
        node->void_lookups6 += terms.node[i].void_lookups6;
    }
    return SGL_OK;
}

/* A name without a record is a permerror for include and for redirect.  [RFC 7208 s5.2, s6.1] */
static enum sgl_status look_record(struct spf_walk *w, const struct spf_level *level,
                                   struct sgl_spf_node *node, struct sgl_name target, bool redirect)
{
    struct spf_found found;

    if (is_loop(level, target)) {
        set_fault(node, SGL_ERROR, "a loop: this record is being read already");
        return sgl_spf_say_loop(w, level, node);
    }
    if (w->lookups > SGL_LIMIT_SPF_TREE_LOOKUPS || level->depth + 1 >= SGL_LIMIT_SPF_DEPTH) {
        set_fault(node, SGL_WARNING, "not entered: far over the limit already");
        return SGL_OK;
    }
    SGL_TRY(ask_record(w, target, &found));
    if (found.answer == NULL)
        return SGL_OK;
    if (is_error(found.answer))
        return note_failure(w, node, found.answer);
    if (found.records == 0) {
        node->void_lookups += is_void(found.answer);
        node->void_lookups6 += is_void(found.answer);
        set_fault(node, SGL_ERROR, "no SPF record there");
        return sgl_spf_say_no_record(w, level, node, &found, redirect);
    }
    if (found.records > 1) {
        set_fault(node, SGL_ERROR, "more than one SPF record there");
        return sgl_spf_say_many(w, node, found.records);
    }
    node->record = found.text;
    return enter_record(w, level, node, target, redirect);
}

/* ---- one term ----------------------------------------------------------------------------------------------------- */

/* The name that a term means; *known false: only a client could say, or no name at all. */
static enum sgl_status find_target(struct spf_walk *w, const struct spf_level *level, sgl_view spec,
                                   struct sgl_spf_node *node, struct sgl_name *out, bool *known)
{
    struct spf_values values = {.domain = level->name.text, .sender_domain = w->domain.text};
    uint32_t letters = sgl_spf_macro_letters(spec);
    enum sgl_status st;

    *known = false;
    if ((letters & SPF_LETTER('p')) != 0) /* costs what "ptr" costs  [RFC 7208 s4.6.4] */
        count_lookup(w, node);
    if ((letters & ~(SPF_LETTER('d') | SPF_LETTER('o'))) != 0) {
        set_fault(node, SGL_INFO, "depends on the client: not looked up");
        return sgl_spf_say_macro(w, node);
    }
    st = sgl_spf_expand_name(spec, &values, w->arena, out);
    if (st == SGL_E_SYNTAX) {
        set_fault(node, SGL_WARNING, "not a possible name");
        return sgl_spf_say_bad_name(w, level, node);
    }
    SGL_TRY(st);
    node->target = out->text;
    *known = true;
    return SGL_OK;
}

static bool costs_lookup(enum sgl_spf_mechanism mechanism)
{
    switch (mechanism) {
    case SGL_SPF_INCLUDE:
    case SGL_SPF_A:
    case SGL_SPF_MX:
    case SGL_SPF_PTR:
    case SGL_SPF_EXISTS:
        return true;
    case SGL_SPF_ALL:
    case SGL_SPF_IP4:
    case SGL_SPF_IP6:
        return false;
    }
    return false;
}

static enum sgl_status look(struct spf_walk *w, const struct spf_level *level,
                            const struct sgl_spf_term *term, struct sgl_spf_node *node,
                            struct sgl_name name)
{
    switch (term->mechanism) {
    case SGL_SPF_INCLUDE:
        return look_record(w, level, node, name, false);
    case SGL_SPF_A:
        return look_a(w, level, node, name);
    case SGL_SPF_MX:
        return look_mx(w, level, node, name);
    case SGL_SPF_EXISTS:
        return look_exists(w, level, node, name);
    case SGL_SPF_PTR: /* the client's name is not known: the term's warning is the linter's */
    case SGL_SPF_ALL:
    case SGL_SPF_IP4:
    case SGL_SPF_IP6:
        return SGL_OK;
    }
    return SGL_OK;
}

static enum sgl_status walk_mechanism(struct spf_walk *w, const struct spf_level *level,
                                      const struct sgl_spf_term *term, struct sgl_spf_node *node)
{
    struct sgl_name name = level->name;
    bool known = true;

    sgl_spf_lint_mark(level, term, node);
    if (term->mechanism == SGL_SPF_IP4 && term->qualifier == SGL_SPF_PASS)
        w->addresses += UINT64_C(1) << (32 - term->network.bits);
    if (!costs_lookup(term->mechanism))
        return SGL_OK;
    count_lookup(w, node);
    if (term->domain.len > 0)
        SGL_TRY(find_target(w, level, term->domain, node, &name, &known));
    if (!known)
        return SGL_OK;
    node->target = name.text;
    return look(w, level, term, node, name);
}

static enum sgl_status walk_redirect(struct spf_walk *w, const struct spf_level *level,
                                     sgl_view spec, struct sgl_spf_node *node)
{
    struct sgl_name name;
    bool known;

    count_lookup(w, node);
    SGL_TRY(find_target(w, level, spec, node, &name, &known));
    return known ? look_record(w, level, node, name, true) : SGL_OK;
}

/* ---- one record --------------------------------------------------------------------------------------------------- */

static enum sgl_status make_nodes(struct spf_walk *w, const struct spf_level *level,
                                  struct terms *out)
{
    struct spf_draft draft;

    SGL_TRY(sgl_spf_draft_read(level->text, 0, w->arena, &draft));
    out->node = SGL_NEW_N(w->arena, draft.count, struct sgl_spf_node);
    if (out->node == NULL)
        return w->arena->status;
    for (size_t i = 0; i < draft.count; i++)
        out->node[i] = (struct sgl_spf_node){.text = draft.term[i], .fault = ""};
    out->count = draft.count;
    w->nodes += draft.count;
    return SGL_OK;
}

/* A record that cannot be read: its terms are shown, none is walked. */
static enum sgl_status show_broken(struct spf_walk *w, const struct spf_level *level,
                                   const struct sgl_diag *diag, struct terms *out)
{
    for (size_t i = 0; i < out->count; i++) {
        sgl_view text = out->node[i].text;
        size_t start = (size_t)(text.ptr - level->text.ptr);

        if (diag->off >= start && diag->off - start < text.len)
            set_fault(&out->node[i], SGL_ERROR, diag->what);
        else
            out->node[i].ignored = true;
    }
    return sgl_spf_say_syntax(w, level, diag);
}

/* In the order of evaluation: mechanisms up to the first "all"; a redirect last, and only when there is no "all".  [RFC 7208 s5.1, s6.1] */
static enum sgl_status walk_terms(struct spf_walk *w, const struct spf_level *level,
                                  const struct sgl_spf_record *record, struct terms *out)
{
    struct sgl_spf_node *redirect = NULL;
    size_t next = 0;
    bool all = false;

    for (size_t i = 0; i < out->count; i++) {
        struct sgl_spf_node *node = &out->node[i];
        const struct sgl_spf_term *term = next < record->count ? &record->term[next] : NULL;

        if (term == NULL || term->text.ptr != node->text.ptr) { /* a modifier */
            if (record->redirect.ptr == node->text.ptr + SGL_LIT("redirect=").len)
                redirect = node;
            continue;
        }
        next++;
        node->ignored = all;
        if (!all)
            SGL_TRY(walk_mechanism(w, level, term, node));
        all = all || term->mechanism == SGL_SPF_ALL;
    }
    if (redirect == NULL)
        return SGL_OK;
    redirect->ignored = all;
    return all ? SGL_OK : walk_redirect(w, level, record->redirect, redirect);
}

static enum sgl_status walk_record(struct spf_walk *w, const struct spf_level *level,
                                   struct terms *out, const char **fault)
{
    struct sgl_spf_record record;
    struct sgl_diag diag = {0};
    enum sgl_status st;

    *out = (struct terms){0};
    st = sgl_spf_parse(level->text, w->arena, &record, &diag);
    if (st == SGL_E_NOMEM || (st == SGL_E_LIMIT && w->arena->status != SGL_OK))
        return st;
    if (st == SGL_E_LIMIT || w->nodes > SGL_LIMIT_SPF_TREE_NODES) {
        *fault = "the record is too long";
        return st == SGL_OK ? SGL_OK : sgl_spf_say_syntax(w, level, &diag);
    }
    SGL_TRY(make_nodes(w, level, out));
    if (st != SGL_OK) {
        *fault = "the record cannot be read";
        return show_broken(w, level, &diag, out);
    }
    SGL_TRY(sgl_spf_lint_record(w, level, &record));
    return walk_terms(w, level, &record, out);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

static enum sgl_status walk_first(struct spf_walk *w)
{
    struct spf_level level = {.name = w->domain, .text = w->tree->record, .own = true};
    const char *fault = "";
    struct terms terms;

    SGL_TRY(walk_record(w, &level, &terms, &fault));
    w->tree->node = terms.node;
    w->tree->nodes = terms.count;
    for (size_t i = 0; i < terms.count; i++) {
        w->tree->lookups += terms.node[i].lookups;
        w->tree->void_lookups += terms.node[i].void_lookups;
        w->tree->void_lookups6 += terms.node[i].void_lookups6;
    }
    return SGL_OK;
}

/*
 * The old type is asked for when all else is known: servers that drop questions of a type that they do not know must not use up the time of the
 * others.
 */
static enum sgl_status walk_domain(struct spf_walk *w)
{
    const struct sgl_dns_answer *old_type;
    struct spf_found found;

    SGL_TRY(ask_record(w, w->domain, &found));
    if (found.answer == NULL)
        return SGL_OK;
    if (is_error(found.answer))
        return sgl_spf_say_failed(w, found.answer);
    w->tree->records = found.records;
    if (found.records == 1) {
        w->tree->record = found.text;
        SGL_TRY(walk_first(w));
    }
    if (w->pending)
        return SGL_OK;
    SGL_TRY(ask(w, w->domain, SGL_RR_SPF, &old_type));
    if (w->pending)
        return SGL_OK;
    return found.records == 1 ? sgl_spf_say_answer(w, &found, old_type)
                              : sgl_spf_say_domain(w, &found, old_type);
}

/* Runs a pass: `walk`, then the totals when nothing was missing. */
static enum sgl_status run(struct spf_walk *w, enum sgl_status (*walk)(struct spf_walk *w),
                           struct sgl_spf_tree *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(w->arena);
    enum sgl_status st = walk(w);

    if (st == SGL_OK && w->pending)
        st = SGL_NEED_DNS;
    if (st == SGL_OK)
        st = sgl_spf_say_totals(w);
    if (st == SGL_OK)
        *out = *w->tree;
    else
        sgl_arena_rewind(w->arena, mark);
    return st;
}

enum sgl_status sgl_spf_tree(struct sgl_name domain, struct sgl_dns *dns, struct sgl_arena *arena,
                             struct sgl_spf_tree *out)
{
    struct sgl_spf_tree tree = {.domain = domain};
    struct spf_walk w = {.domain = domain, .dns = dns, .arena = arena, .tree = &tree};

    return dns == NULL ? SGL_E_MISUSE : run(&w, walk_domain, out);
}

enum sgl_status sgl_spf_tree_text(struct sgl_name domain, sgl_view record, struct sgl_dns *dns,
                                  struct sgl_arena *arena, struct sgl_spf_tree *out)
{
    struct sgl_spf_tree tree = {.domain = domain, .record = record, .records = 1};
    struct spf_walk w = {.domain = domain, .dns = dns, .arena = arena, .tree = &tree};

    return sgl_spf_is_record(record) ? run(&w, walk_first, out) : SGL_E_SYNTAX;
}
