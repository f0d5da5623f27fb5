/* SPDX-License-Identifier: Apache-2.0 */
/* Whose word counts: a chain that passes proves who handled a message, and anybody can seal. */
#include "arc_internal.h"

#include "sigillo/banned.h"

static bool is_trusted(const struct sgl_arc_set *set, const struct sgl_arc_trust *trust)
{
    for (size_t i = 0; i < trust->sealers; i++) {
        if (sgl_view_eq_nocase(set->seal_tags.domain, trust->sealer[i]))
            return true;
    }
    return false;
}

bool sgl_arc_trusted(const struct sgl_arc *arc, const struct sgl_arc_trust *trust,
                     const struct sgl_arc_set **out)
{
    size_t first = arc->sets;

    if (arc->result != SGL_ARC_PASS)
        return false;
    /* From the newest downwards: a stranger in between could have written all that is older. */
    while (first > 0 && is_trusted(&arc->set[first - 1], trust))
        first--;
    if (first == arc->sets)
        return false;
    *out = &arc->set[first];
    return true;
}
