/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "cli.h"

/* --password-stdin: the first line of standard input becomes the member "password"; false: said. */
bool cli_password_read(json_t *body);

#endif
