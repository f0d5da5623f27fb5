/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sets are on a message, and do they form a chain?  [RFC 8617 s5.2 steps 1 to 3]
 *
 * Every field of the three names counts: one that cannot be told where it belongs breaks the structure, it is never passed over.
 */
#include "arc_internal.h"

#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/tags.h"

enum part { RESULTS, MESSAGE, SEAL, PARTS, OTHER = PARTS };

struct reader {
    struct sgl_arena *arena;
    struct sgl_arc_set *set; /* in the order of instances */
    size_t sets;
    size_t fields, bytes;
    const char *broken; /* why the structure does not hold; NULL: nothing found yet */
    unsigned at;
};

static void note(struct reader *r, const char *why, unsigned instance)
{
    if (r->broken != NULL)
        return;
    r->broken = why;
    r->at = instance;
}

static enum part part_of(sgl_view name)
{
    if (!sgl_view_starts_nocase(name, SGL_LIT("ARC-")))
        return OTHER;
    if (sgl_view_eq_nocase(name, SGL_LIT("ARC-Authentication-Results")))
        return RESULTS;
    if (sgl_view_eq_nocase(name, SGL_LIT("ARC-Message-Signature")))
        return MESSAGE;
    return sgl_view_eq_nocase(name, SGL_LIT("ARC-Seal")) ? SEAL : OTHER;
}

static size_t count_fields(const struct sgl_headers *headers)
{
    size_t count = 0;

    for (size_t i = 0; i < headers->count; i++)
        count += part_of(headers->field[i].name) != OTHER;
    return count;
}

/* ---- collecting ---------------------------------------------------------------------------------------------------- */

/* The first word of the payload. One that cannot be read is left empty: evidence of nobody. */
static enum sgl_status read_authserv(struct reader *r, struct sgl_arc_set *set)
{
    sgl_view rest = set->payload, id;

    if (sgl_arc_word(&rest, r->arena, &id))
        set->authserv = id;
    return r->arena->status;
}

/*
 * The instance of a signature field: its i= tag, wherever it stands. 0: there is none, or the field is no tag list.  The seal's cv= is taken from the
 * same list, because a chain that ended is known by it even where the rest of the seal cannot be used.
 */
static enum sgl_status tag_instance(struct reader *r, sgl_view value, unsigned *instance,
                                    sgl_view *chain)
{
    struct sgl_arena_mark mark = sgl_arena_mark(r->arena);
    struct sgl_tags tags;
    enum sgl_status status = sgl_tags_parse(value, SGL_TAGS_UTF8, r->arena, &tags, NULL);
    const struct sgl_tag *i, *cv;

    *instance = 0;
    if (status == SGL_E_NOMEM || r->arena->status != SGL_OK)
        return status;
    if (status == SGL_OK) {
        i = sgl_tags_find(&tags, SGL_LIT("i"));
        cv = sgl_tags_find(&tags, SGL_LIT("cv"));
        *instance = i == NULL ? 0 : sgl_arc_instance(i->value);
        *chain = cv == NULL ? sgl_view_of(NULL, 0) : cv->value;
    }
    sgl_arena_rewind(r->arena, mark); /* values are views of the field */
    return SGL_OK;
}

/* Unusable tags are kept with their fault: what follows from it depends on where the set stands. */
static enum sgl_status read_tags(struct reader *r, enum sgl_dkim_kind kind,
                                 const struct sgl_header *field, struct sgl_dkim_tags *out)
{
    enum sgl_status status = sgl_dkim_tags_parse(kind, field->value, r->arena, out, NULL);

    return status == SGL_E_SYNTAX ? SGL_OK : status;
}

/* The set of that instance; a new one takes its place among the others. */
static struct sgl_arc_set *set_of(struct reader *r, unsigned instance)
{
    size_t at = 0;

    while (at < r->sets && r->set[at].instance < instance)
        at++;
    if (at == r->sets || r->set[at].instance != instance) {
        memmove(&r->set[at + 1], &r->set[at], (r->sets - at) * sizeof r->set[0]);
        r->set[at] = (struct sgl_arc_set){.instance = instance};
        r->sets++;
    }
    return &r->set[at];
}

static enum sgl_status take(struct reader *r, enum part part, const struct sgl_header *field)
{
    const struct sgl_header **place[PARTS];
    sgl_view chain = {NULL, 0}, payload = {NULL, 0};
    struct sgl_arc_set *set;
    unsigned instance = 0;

    if (part == RESULTS)
        instance = sgl_arc_results_instance(field->value, &payload);
    else
        SGL_TRY(tag_instance(r, field->value, &instance, &chain));
    if (instance == 0) {
        note(r, "an ARC field without a proper instance", 0);
        return SGL_OK;
    }
    set = set_of(r, instance);
    place[RESULTS] = &set->results;
    place[MESSAGE] = &set->message;
    place[SEAL] = &set->seal;
    if (*place[part] != NULL) {
        note(r, "two ARC fields of one name and instance", instance);
        return SGL_OK;
    }
    *place[part] = field;
    if (part == RESULTS) {
        set->payload = payload;
        return read_authserv(r, set);
    }
    if (part == SEAL)
        set->chain = chain;
    return part == SEAL ? read_tags(r, SGL_DKIM_ARC_SEAL, field, &set->seal_tags)
                        : read_tags(r, SGL_DKIM_ARC_MESSAGE, field, &set->message_tags);
}

static enum sgl_status collect(struct reader *r, const struct sgl_headers *headers)
{
    size_t room = r->fields < SGL_LIMIT_ARC_SETS ? r->fields : SGL_LIMIT_ARC_SETS;

    r->set = SGL_NEW_N(r->arena, room, struct sgl_arc_set);
    if (r->set == NULL)
        return r->arena->status;
    for (size_t i = 0; i < headers->count; i++) {
        enum part part = part_of(headers->field[i].name);

        if (part == OTHER)
            continue;
        r->bytes += headers->field[i].raw.len;
        /* Whoever writes more than a chain may hold gets no more work from us. */
        if (r->fields > PARTS * SGL_LIMIT_ARC_SETS || r->bytes > SGL_LIMIT_ARC_BYTES) {
            r->broken = "more ARC fields than a message may have";
            r->at = 0;
            return SGL_OK;
        }
        SGL_TRY(take(r, part, &headers->field[i]));
    }
    return SGL_OK;
}

/* ---- judging ------------------------------------------------------------------------------------------------------- */

/* [RFC 8617 s5.2 step 3] */
static void check_sets(struct reader *r)
{
    for (size_t i = 0; i < r->sets; i++) {
        const struct sgl_arc_set *set = &r->set[i];

        if (set->instance != i + 1)
            note(r, "an instance is missing", (unsigned)i + 1);
        if (set->results == NULL || set->message == NULL || set->seal == NULL)
            note(r, "a set is not complete", set->instance);
        else if (!sgl_view_eq_nocase(set->chain, i == 0 ? SGL_LIT("none") : SGL_LIT("pass")))
            note(r, "a seal states what cannot stand in its place", set->instance);
        else if (set->seal_tags.fault != SGL_DKIM_FAULT_NONE)
            note(r, "a seal that cannot be used", set->instance);
    }
}

static void judge(struct reader *r, struct sgl_arc *arc)
{
    arc->set = r->set;
    arc->sets = r->sets;
    for (size_t i = 0; i < r->sets; i++) {
        if (r->set[i].seal != NULL)
            arc->chain = r->set[i].chain;
    }
    check_sets(r);
    if (sgl_view_eq_nocase(arc->chain, SGL_LIT("fail"))) { /* step 2 comes first */
        arc->result = SGL_ARC_FAIL;
        arc->reason = "the newest seal says that the chain is broken";
        arc->at = r->set[r->sets - 1].instance;
    } else if (r->broken != NULL) {
        arc->result = SGL_ARC_FAIL;
        arc->reason = r->broken;
        arc->at = r->at;
    } else {
        arc->result = SGL_ARC_PASS;
        arc->sound = true;
    }
}

enum sgl_status sgl_arc_read(const struct sgl_headers *headers, struct sgl_arena *arena,
                             struct sgl_arc *out, struct sgl_arc_set **sets)
{
    struct sgl_arc arc = {.result = SGL_ARC_NONE, .reason = "", .detail = ""};
    struct reader r = {.arena = arena, .fields = count_fields(headers)};

    if (r.fields > 0) {
        SGL_TRY(collect(&r, headers));
        judge(&r, &arc);
    }
    *out = arc;
    *sets = r.set;
    return SGL_OK;
}
