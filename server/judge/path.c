/* SPDX-License-Identifier: Apache-2.0 */
/* By which way a message says that it came.  Anybody can write such a field: it lowers a refusal to a quarantine, and nothing else. */
#include "judge.h"
#include "sigillo/header.h"

static bool is_one_of(const sgl_view *name, size_t names, sgl_view field)
{
    for (size_t i = 0; i < names; i++)
        if (sgl_view_eq_nocase(name[i], field))
            return true;
    return false;
}

static bool is_list(const struct sgl_header *f)
{
    static const sgl_view name[] = {SGL_LIT_INIT("List-Id"), SGL_LIT_INIT("List-Post"),
                                    SGL_LIT_INIT("Mailing-List")};

    if (sgl_view_eq_nocase(f->name, SGL_LIT("Precedence")))
        return sgl_view_eq_nocase(sgl_view_trim(f->value), SGL_LIT("list"));
    return is_one_of(name, sizeof(name) / sizeof(name[0]), f->name);
}

static bool is_relay(const struct sgl_header *f)
{
    static const sgl_view name[] = {SGL_LIT_INIT("Delivered-To"), SGL_LIT_INIT("X-Forwarded-To"),
                                    SGL_LIT_INIT("X-Forwarded-For"), SGL_LIT_INIT("ARC-Seal")};

    return sgl_view_starts_nocase(f->name, SGL_LIT("Resent-")) ||
           is_one_of(name, sizeof(name) / sizeof(name[0]), f->name);
}

enum judge_path judge_path_of(const struct sgl_headers *headers)
{
    enum judge_path path = JUDGE_PATH_DIRECT;

    for (size_t i = 0; i < headers->count; i++) {
        if (is_list(&headers->field[i]))
            return JUDGE_PATH_LIST;
        if (is_relay(&headers->field[i]))
            path = JUDGE_PATH_RELAYED;
    }
    return path;
}
