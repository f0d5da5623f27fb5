/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and tokens that are wrong, counted by what they say they are (the id of a key, the application of a token) and by the address that they came from.  After ten of them in a
 * minute the next is not looked at before that minute is over.  Who guesses from elsewhere keeps nobody out.
 */
#ifndef SERVER_DOORS_HTTP_GUESS_H
#define SERVER_DOORS_HTTP_GUESS_H

#include "../../tokens/attempts.h"
#include "http.h"

#define GUESS_NAME_SIZE  GUID_TEXT_SIZE
#define GUESS_KEY_ID_LEN 12
#define GUESS_SIGNED     "signed" /* stands for a signature whose key is not named */

/* By what this bearer is counted: "" for all that says nothing of itself, or nothing that could be true. */
void guess_name(sgl_view bearer, char out[GUESS_NAME_SIZE]);
/* Bearers are counted there from now on; *attempts is borrowed for the shell's life, and shared by the shells. */
void guess_use(struct http *http, struct attempts *attempts);

#endif
