/* SPDX-License-Identifier: Apache-2.0 */
/* Names that no two things share, as services write them: "f47ac10b-58cc-4372-a567-0e02b2c3d479"  [RFC 9562 s4]. */
#ifndef SERVER_DIRECTORY_GUID_H
#define SERVER_DIRECTORY_GUID_H

#include <stdbool.h>

#include "sigillo/view.h"

#define GUID_TEXT_SIZE 37

void guid_random(char out[GUID_TEXT_SIZE]); /* version 4; libsodium must have been started */
/* The same for the same text, always and everywhere: version 8, from its SHA-256  [RFC 9562 s5.8]. */
void guid_of(sgl_view text, char out[GUID_TEXT_SIZE]);
/* Is it written as one?  In lower case, as both of the above write it, then goes to out. */
bool guid_take(sgl_view text, char out[GUID_TEXT_SIZE]);

#endif
