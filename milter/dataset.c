/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset.h"

#include "sigillo/ascii.h"

struct dataset_name dataset_name(sgl_view text)
{
    static const struct {
        const char *prefix;
        enum dataset_kind kind;
    } known[] = {
        {"file:", DATASET_FILE},      {"refile:", DATASET_PATTERNS},  {"csl:", DATASET_LIST},
        {"db:", DATASET_FOREIGN},     {"bdb:", DATASET_FOREIGN},      {"dsn:", DATASET_FOREIGN},
        {"ldap:", DATASET_FOREIGN},   {"ldaps:", DATASET_FOREIGN},    {"ldapi:", DATASET_FOREIGN},
        {"lua:", DATASET_FOREIGN},    {"memcache:", DATASET_FOREIGN}, {"mdb:", DATASET_FOREIGN},
        {"erlang:", DATASET_FOREIGN}, {"odbx:", DATASET_FOREIGN},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        sgl_view prefix = sgl_view_cstr(known[i].prefix);

        if (sgl_view_starts_nocase(text, prefix))
            return (struct dataset_name){known[i].kind, sgl_view_from(text, prefix.len)};
    }
    if (sgl_view_ends_nocase(text, SGL_LIT(".db")))
        return (struct dataset_name){DATASET_FOREIGN, text};
    if (text.len > 0 && text.ptr[0] == '/')
        return (struct dataset_name){DATASET_FILE, text};
    return (struct dataset_name){DATASET_LIST, text};
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool line_is_text(sgl_view line)
{
    for (size_t i = 0; i < line.len; i++)
        if (sgl_ascii_is_control(line.ptr[i]) && line.ptr[i] != '\t')
            return false;
    return true;
}

/* "key value with blanks" */
static struct dataset_row row_of_line(sgl_view line, unsigned number)
{
    size_t end = 0;

    while (end < line.len && !is_blank(line.ptr[end]))
        end++;
    return (struct dataset_row){sgl_view_sub(line, 0, end), sgl_view_trim(sgl_view_from(line, end)),
                                number};
}

/* "x=y" */
static struct dataset_row row_of_item(sgl_view item, unsigned number)
{
    size_t at = sgl_view_find(item, '=');

    return (struct dataset_row){sgl_view_trim(sgl_view_sub(item, 0, at)),
                                sgl_view_trim(sgl_view_from(item, at + 1)), number};
}

static size_t count_of(sgl_view text, uint8_t separator)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == separator;
    return n;
}

enum sgl_status dataset_read(enum dataset_kind kind, sgl_view text, struct sgl_arena *arena,
                             struct dataset *out, struct dataset_fault *fault)
{
    bool list = kind == DATASET_LIST;
    uint8_t separator = list ? ',' : '\n';
    size_t most = count_of(text, separator), rows = 0;
    struct dataset_row *row;
    unsigned number = 0;
    sgl_view rest = text;

    if (most > 4 * (size_t)DATASET_ROWS_MAX)
        return SGL_E_LIMIT;
    row = SGL_NEW_N(arena, most, struct dataset_row);
    if (row == NULL)
        return arena->status;
    while (rest.ptr != NULL) {
        sgl_view line = sgl_view_split(rest, separator, &rest);

        number++;
        if (!list)
            line = sgl_view_sub(line, 0, sgl_view_find(line, '#'));
        line = sgl_view_trim(line);
        if (line.len == 0)
            continue;
        if (!line_is_text(line)) {
            *fault = (struct dataset_fault){number, "holds control characters"};
            return SGL_E_SYNTAX;
        }
        row[rows++] = list ? row_of_item(line, number) : row_of_line(line, number);
    }
    if (rows > DATASET_ROWS_MAX)
        return SGL_E_LIMIT;
    *out = (struct dataset){kind, row, rows};
    return SGL_OK;
}

sgl_view dataset_field(sgl_view value, sgl_view *rest)
{
    return sgl_view_trim(sgl_view_split(value, ':', rest));
}

bool dataset_match(sgl_view pattern, sgl_view text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len &&
                   sgl_ascii_lower(pattern.ptr[p]) == sgl_ascii_lower(text.ptr[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) { /* the last star takes one byte more */
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}
