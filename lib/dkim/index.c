/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signature covers of the header  [RFC 6376 s3.7, s5.4.2].
 *
 * The fields are sorted by name once, so that the instances of a name stand together in the order of the message.  An h= of any length over a header
 * of any size then costs a binary search for each name; without it, thousands of names times thousands of fields would be an attacker's lever.
 * A small table guesses where a name begins, which is nearly always right.  The sort looks at a hash first, so that names are rarely compared; names that were made to collide make it no slower than any sort.
 */
#include "dkim_internal.h"

#include "sigillo/ascii.h"

struct sgl_dkim_place {
    uint32_t hash;
    uint32_t field; /* index in headers */
    uint32_t run;   /* at the first instance of a name: how many there are */
};

static uint32_t hash_of(sgl_view name)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ sgl_ascii_lower(name.ptr[i])) * 16777619u;
    return h;
}

static int compare_names(sgl_view a, sgl_view b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    for (size_t i = 0; i < a.len; i++) {
        int difference = sgl_ascii_lower(a.ptr[i]) - sgl_ascii_lower(b.ptr[i]);

        if (difference != 0)
            return difference;
    }
    return 0;
}

static inline int compare(struct sgl_dkim_index *index, const struct sgl_dkim_place *a,
                          uint32_t hash, sgl_view name)
{
    index->compared++;
    if (a->hash != hash)
        return a->hash < hash ? -1 : 1;
    return compare_names(index->headers->field[a->field].name, name);
}

static bool stands_before(struct sgl_dkim_index *index, const struct sgl_dkim_place *a,
                          const struct sgl_dkim_place *b)
{
    int order = compare(index, a, b->hash, index->headers->field[b->field].name);

    return order < 0 || (order == 0 && a->field < b->field);
}

/* Merges the sorted halves from[low, middle) and from[middle, high). */
static void merge(struct sgl_dkim_index *index, const struct sgl_dkim_place *from, size_t low,
                  size_t middle, size_t high, struct sgl_dkim_place *to)
{
    size_t a = low, b = middle;

    for (size_t i = low; i < high; i++) {
        bool left = b >= high || (a < middle && stands_before(index, &from[a], &from[b]));

        to[i] = left ? from[a++] : from[b++];
    }
}

/* Sorts place with the help of `spare`, of the same size; returns where the result stands. */
static struct sgl_dkim_place *sort(struct sgl_dkim_index *index, struct sgl_dkim_place *place,
                                   struct sgl_dkim_place *spare)
{
    size_t n = index->headers->count;

    for (size_t width = 1; width < n; width *= 2) {
        struct sgl_dkim_place *sorted = spare;

        for (size_t low = 0; low < n; low += 2 * width) {
            size_t middle = low + width < n ? low + width : n;
            size_t high = middle + width < n ? middle + width : n;

            merge(index, place, low, middle, high, sorted);
        }
        spare = place;
        place = sorted;
    }
    return place;
}

static void count_runs(struct sgl_dkim_index *index)
{
    size_t first = 0;

    for (size_t i = 0; i < index->headers->count; i++) {
        struct sgl_dkim_place *p = &index->place[i];

        if (compare(index, &index->place[first], p->hash, index->headers->field[p->field].name) !=
            0)
            first = i;
        index->place[first].run++;
        index->guess[index->place[first].hash % SGL_DKIM_GUESSES] = (uint16_t)(first + 1);
    }
}

enum sgl_status sgl_dkim_index_init(struct sgl_dkim_index *index, const struct sgl_crypto *crypto,
                                    const struct sgl_headers *headers, struct sgl_arena *arena)
{
    struct sgl_dkim_place *place = SGL_NEW_N(arena, headers->count, struct sgl_dkim_place);
    struct sgl_dkim_place *spare = SGL_NEW_N(arena, headers->count, struct sgl_dkim_place);
    size_t *taken = SGL_NEW_N(arena, headers->count, size_t);

    if (place == NULL || spare == NULL || taken == NULL)
        return arena->status;
    *index = (struct sgl_dkim_index){.crypto = crypto, .headers = headers, .arena = arena};
    for (size_t i = 0; i < headers->count; i++)
        place[i] = (struct sgl_dkim_place){hash_of(headers->field[i].name), (uint32_t)i, 0};
    index->place = sort(index, place, spare);
    index->taken = taken;
    count_runs(index);
    return SGL_OK;
}

/* Where the instances of a name begin in `place`; headers->count when there are none. */
static size_t find(struct sgl_dkim_index *index, sgl_view name)
{
    size_t low = 0, high = index->headers->count;
    uint32_t hash = hash_of(name);
    size_t guess = index->guess[hash % SGL_DKIM_GUESSES];

    if (guess == 0)
        return high; /* no name of the header has such a hash */
    if (compare(index, &index->place[guess - 1], hash, name) == 0)
        return guess - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(index, &index->place[middle], hash, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < index->headers->count && compare(index, &index->place[low], hash, name) == 0)
        return low;
    return index->headers->count;
}

const struct sgl_header *sgl_dkim_index_take(struct sgl_dkim_index *index, sgl_view name,
                                             const struct sgl_header *own)
{
    size_t first = find(index, name);

    if (first == index->headers->count)
        return NULL;
    while (index->taken[first] < index->place[first].run) {
        size_t last = first + index->place[first].run - 1;
        const struct sgl_header *field =
            &index->headers->field[index->place[last - index->taken[first]].field];

        index->taken[first]++;
        if (field != own)
            return field;
    }
    return NULL;
}

static enum sgl_status stage_own_field(enum sgl_dkim_canon canon, const struct sgl_header *own,
                                       const struct sgl_dkim_tags *tags, struct sgl_arena *arena,
                                       struct sgl_dkim_stage *stage)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    const uint8_t *end = own->value.ptr + own->value.len;
    size_t head = (size_t)(tags->b_written.ptr - own->raw.ptr);
    const uint8_t *tail = tags->b_written.ptr + tags->b_written.len;
    size_t tail_len = (size_t)(end - tail);
    uint8_t *copy = sgl_arena_alloc(arena, head + tail_len);

    if (copy == NULL)
        return arena->status;
    memcpy(copy, own->raw.ptr, head);
    memcpy(copy + head, tail, tail_len);
    sgl_dkim_stage_field(canon, sgl_view_of(copy, head + tail_len), stage);
    sgl_dkim_stage_flush(stage);
    sgl_arena_rewind(arena, mark);
    return SGL_OK;
}

enum sgl_status sgl_dkim_put_own_field(enum sgl_dkim_canon canon, const struct sgl_header *own,
                                       const struct sgl_dkim_tags *tags, struct sgl_arena *arena,
                                       struct sgl_dkim_sink sink)
{
    uint8_t data[1024];
    struct sgl_dkim_stage stage = {sink, data, 0, sizeof data};

    return stage_own_field(canon, own, tags, arena, &stage);
}

enum sgl_status sgl_dkim_header_digest(struct sgl_dkim_index *index, const struct sgl_header *own,
                                       const struct sgl_dkim_tags *tags,
                                       uint8_t out[SGL_SHA256_SIZE])
{
    sgl_auto(sgl_hash) hash = {0};
    uint8_t data[2048];
    struct sgl_dkim_stage stage = {{sgl_dkim_put_hash, &hash}, data, 0, sizeof data};

    sgl_hash_init(&hash, index->crypto);
    memset(index->taken, 0, index->headers->count * sizeof index->taken[0]);
    for (size_t i = 0; i < tags->signed_names; i++) {
        const struct sgl_header *field = sgl_dkim_index_take(index, tags->signed_name[i], own);

        if (field == NULL)
            continue; /* nothing stands for what is not there  [RFC 6376 s5.4.2] */
        sgl_dkim_stage_field(tags->header_canon, field->raw, &stage);
        if (field->raw.ptr + field->raw.len == field->value.ptr + field->value.len)
            sgl_dkim_stage_put(&stage, SGL_LIT("\r\n")); /* the message ends within its header */
    }
    SGL_TRY(stage_own_field(tags->header_canon, own, tags, index->arena, &stage));
    return sgl_hash_final(&hash, out);
}
