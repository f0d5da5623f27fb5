/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a bearer writes an access key: "sk_ID_SECRET", or "SG.ID.SECRET", as programs for SendGrid expect it.  Ids and secrets have neither a dot nor, in an id, "_"; and no token
 * of an application begins so: that is base64url of "{".
 */
#ifndef SERVER_DIRECTORY_KEY_FORM_H
#define SERVER_DIRECTORY_KEY_FORM_H

#include "sigillo/view.h"

/* By SMTP the key is the password of this name, whoever's it is. */
#define KEY_FORM_USER SGL_LIT("apikey")

static inline bool key_form_is(sgl_view bearer)
{
    return sgl_view_starts(bearer, SGL_LIT("sk_")) || sgl_view_starts(bearer, SGL_LIT("SG."));
}

/* Its parts; a secret that is not there has no ptr. false: it is written in neither way. */
static inline bool key_form_split(sgl_view bearer, sgl_view *id, sgl_view *secret)
{
    if (!key_form_is(bearer))
        return false;
    *id = sgl_view_split(sgl_view_from(bearer, 3), bearer.ptr[2], secret);
    return true;
}

#endif
