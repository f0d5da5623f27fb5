/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a click: List-Unsubscribe=One-Click, as a form in either of its types  [RFC 8058 s3.2]. */
#ifndef SERVER_LISTS_LIST_FORM_H
#define SERVER_LISTS_LIST_FORM_H

#include <stdbool.h>

#include "sigillo/view.h"

#define LIST_FORM_MAX 4096

enum list_form { LIST_FORM_CLICK, LIST_FORM_OTHER, LIST_FORM_TYPE, LIST_FORM_TOO_LONG };
/* type: the Content-Type field. OTHER: a form that does not say it; TYPE: no form. */
enum list_form list_form_read(sgl_view type, sgl_view body);

#endif
