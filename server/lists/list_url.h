/* SPDX-License-Identifier: Apache-2.0 */
/* Where links lead: public_url, with its own host or another one. */
#ifndef SERVER_LISTS_LIST_URL_H
#define SERVER_LISTS_LIST_URL_H

#include "sigillo/buf.h"

#define LIST_HOST_SIZE 254

/* The host of "https://HOST:PORT/PATH" when it is a name, in lower case; "": it is an address, or the URL is another. */
void list_url_host(sgl_view url, char out[LIST_HOST_SIZE]);
/* Appends the URL; host: in the place of its own one, where it has a name. NULL: its own. */
void list_url_put(sgl_view url, const char *host, struct sgl_buf *out);

#endif
