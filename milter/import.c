/* SPDX-License-Identifier: Apache-2.0 */
#include "import_internal.h"

#include "sigillo/ascii.h"

/* ---- reading: "Key value", "#" begins a comment ------------------------------------------------------------------------- */

static enum sgl_status read_file(const struct import_source *from, struct sgl_arena *arena,
                                 struct import_file *out, struct import_fault *fault)
{
    struct dataset_fault wrong = {0};
    struct dataset set;
    enum sgl_status status;

    *out = (struct import_file){.name = from->file};
    if (from->file == NULL)
        return SGL_OK;
    status = dataset_read(DATASET_FILE, from->text, arena, &set, &wrong);
    for (size_t i = 0; status == SGL_OK && i < set.rows; i++) {
        if (set.row[i].value.len > 0)
            continue;
        wrong = (struct dataset_fault){set.row[i].line, "a key without a value"};
        status = SGL_E_SYNTAX;
    }
    if (status != SGL_OK) {
        *fault = (struct import_fault){from->file, wrong.line, wrong.why};
        return status;
    }
    out->line = SGL_NEW_N(arena, set.rows, struct import_line);
    if (out->line == NULL)
        return arena->status;
    for (size_t i = 0; i < set.rows; i++)
        out->line[i] =
            (struct import_line){set.row[i].key, set.row[i].value, set.row[i].line, false};
    out->lines = set.rows;
    return SGL_OK;
}

const struct import_line *import_find(struct import_file *f, const char *key)
{
    struct import_line *found = NULL;

    for (size_t i = 0; i < f->lines; i++) {
        if (!sgl_view_eq_nocase(f->line[i].key, sgl_view_cstr(key)))
            continue;
        f->line[i].used = true;
        found = &f->line[i];
    }
    return found;
}

bool import_flag(struct import_file *f, const char *key, bool otherwise)
{
    const struct import_line *l = import_find(f, key);
    uint8_t c = l == NULL ? 0 : sgl_ascii_lower(l->value.ptr[0]);

    return l == NULL ? otherwise : c == 't' || c == 'y' || c == '1';
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

void import_note(struct importing *i, const struct import_file *f, const struct import_line *l,
                 const char *why, sgl_view value)
{
    struct import_note *grown;

    if (i->notes == i->room && i->status == SGL_OK) {
        grown = SGL_NEW_N(i->arena, i->room * 2 + 32, struct import_note);
        if (grown == NULL) {
            i->status = i->arena->status;
            return;
        }
        if (i->notes > 0)
            memcpy(grown, i->note, i->notes * sizeof *grown);
        i->note = grown;
        i->room = i->room * 2 + 32;
    }
    if (i->status == SGL_OK)
        i->note[i->notes++] = (struct import_note){f->name, l->line, l->key, why, value};
}

static void put_quoted(struct sgl_buf *out, sgl_view value)
{
    sgl_buf_add_byte(out, '"');
    for (size_t n = 0; n < value.len; n++) {
        if (value.ptr[n] == '"' || value.ptr[n] == '\\' || value.ptr[n] == '$')
            sgl_buf_add_byte(out, '\\');
        sgl_buf_add_byte(out, value.ptr[n]);
    }
    sgl_buf_add_byte(out, '"');
}

void import_put(struct importing *i, const char *key, sgl_view value)
{
    sgl_buf_addf(i->out, "%s = ", key);
    put_quoted(i->out, value);
    sgl_buf_add_byte(i->out, '\n');
}

void import_put_list(struct importing *i, const char *key, sgl_view items)
{
    bool first = true;

    sgl_buf_addf(i->out, "%s = {", key);
    while (items.ptr != NULL) {
        sgl_view item = sgl_view_trim(sgl_view_split(items, ',', &items));

        if (item.len == 0)
            continue;
        sgl_buf_add_cstr(i->out, first ? "" : ", ");
        put_quoted(i->out, item);
        first = false;
    }
    sgl_buf_add_cstr(i->out, "}\n");
}

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

static void take_dataset(struct importing *i, struct import_file *f, const struct import_line *l,
                         const struct import_row *row)
{
    struct dataset_name name = dataset_name(l->value);
    bool list = name.kind == DATASET_LIST;

    if (name.kind == DATASET_FOREIGN)
        import_note(i, f, l, "a database: write its rows to a file", l->value);
    else if (row->kind == IMPORT_LIST && !list)
        import_note(i, f, l, "only a list can be taken over here: write its rows into the list",
                    l->value);
    else if (!list && (name.rest.len == 0 || name.rest.ptr[0] != '/'))
        import_note(i, f, l, "not an absolute path", l->value);
    else if (row->kind == IMPORT_LIST)
        import_put_list(i, row->ours, name.rest);
    else
        import_put(i, row->ours, l->value);
}

static void take_seconds(struct importing *i, struct import_file *f, const struct import_line *l,
                         const char *ours)
{
    uint64_t n;

    if (sgl_view_u64(l->value, 1000000000, &n))
        sgl_buf_addf(i->out, "%s = %llus\n", ours, (unsigned long long)n);
    else
        import_note(i, f, l, "not a number of seconds", l->value);
}

void import_rows(struct importing *i, struct import_file *f, const struct import_row *row,
                 size_t rows)
{
    for (size_t n = 0; n < rows; n++) {
        const struct import_line *l = import_find(f, row[n].key);

        if (l == NULL)
            continue;
        switch (row[n].kind) {
        case IMPORT_TEXT:
            import_put(i, row[n].ours, l->value);
            break;
        case IMPORT_DATASET:
        case IMPORT_LIST:
            take_dataset(i, f, l, &row[n]);
            break;
        case IMPORT_FLAG:
            sgl_buf_addf(i->out, "%s = %s\n", row[n].ours,
                         import_flag(f, row[n].key, false) ? "true" : "false");
            break;
        case IMPORT_SECONDS:
            take_seconds(i, f, l, row[n].ours);
            break;
        case IMPORT_NOT:
            import_note(i, f, l, row[n].ours, sgl_view_of(NULL, 0));
            break;
        }
    }
}

static void note_unknown(struct importing *i, const struct import_file *f)
{
    for (size_t n = 0; n < f->lines; n++)
        if (!f->line[n].used)
            import_note(i, f, &f->line[n], "there is nothing like it here", sgl_view_of(NULL, 0));
}

/* ---- the process -------------------------------------------------------------------------------------------------------- */

/* "007" becomes 0660. */
static void take_umask(struct importing *i, struct import_file *f)
{
    const struct import_line *l = import_find(f, "UMask");
    unsigned mask = 0;

    for (size_t n = 0; l != NULL && n < l->value.len; n++) {
        if (l->value.ptr[n] < '0' || l->value.ptr[n] > '7' || mask > 077) {
            import_note(i, f, l, "not a mask of three octal digits", l->value);
            return;
        }
        mask = mask * 8 + (unsigned)(l->value.ptr[n] - '0');
    }
    if (l != NULL)
        sgl_buf_addf(i->out, "socket_mode = \"0%03o\"\n", 0666 & ~mask);
}

void import_process(struct importing *i, struct import_file *f)
{
    const struct import_line *l = import_find(f, "Socket");
    sgl_view group;

    if (l != NULL && sgl_view_starts_nocase(l->value, SGL_LIT("inet")) &&
        sgl_view_find(l->value, '@') == l->value.len)
        import_note(i, f, l, "open to every host: write inet:PORT@HOST into socket", l->value);
    else if (l != NULL)
        import_put(i, "socket", l->value);
    l = import_find(f, "UserID");
    if (l != NULL) {
        import_put(i, "user", sgl_view_split(l->value, ':', &group));
        if (group.len > 0)
            import_put(i, "socket_group", group);
    }
    take_umask(i, f);
    l = import_find(f, "AuthservID");
    if (l != NULL && !sgl_view_eq_nocase(l->value, SGL_LIT("HOSTNAME")))
        import_put(i, "authserv_id", l->value);
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------- */

static int by_place(const struct import_note *a, const struct import_note *b)
{
    return a->file != b->file ? 0 : a->line < b->line ? -1 : a->line > b->line;
}

/* In the order of the lines; there are few. */
static void sort_notes(struct importing *i)
{
    for (size_t n = 1; n < i->notes; n++)
        for (size_t k = n; k > 0 && by_place(&i->note[k], &i->note[k - 1]) < 0; k--) {
            struct import_note swap = i->note[k];

            i->note[k] = i->note[k - 1];
            i->note[k - 1] = swap;
        }
}

enum sgl_status import_make(const struct import_source *opendkim,
                            const struct import_source *opendmarc, struct sgl_arena *arena,
                            struct sgl_buf *out, struct import_notes *notes,
                            struct import_fault *fault)
{
    struct importing i = {.arena = arena, .out = out};
    struct import_file dkim, dmarc;
    size_t begin = out->len;

    SGL_TRY(read_file(opendkim, arena, &dkim, fault));
    SGL_TRY(read_file(opendmarc, arena, &dmarc, fault));
    sgl_buf_addf(out, "# From %s%s%s.\n", dkim.name != NULL ? dkim.name : "",
                 dkim.name != NULL && dmarc.name != NULL ? " and " : "",
                 dmarc.name != NULL ? dmarc.name : "");
    import_process(&i, dkim.name != NULL ? &dkim : &dmarc);
    import_opendkim(&i, &dkim);
    import_opendmarc(&i, &dmarc, &dkim);
    note_unknown(&i, &dkim);
    note_unknown(&i, &dmarc);
    sort_notes(&i);
    if (i.status == SGL_OK)
        i.status = out->status;
    if (i.status != SGL_OK) {
        sgl_buf_truncate(out, begin);
        return i.status;
    }
    *notes = (struct import_notes){i.note, i.notes};
    return SGL_OK;
}
