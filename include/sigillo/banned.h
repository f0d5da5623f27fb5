/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that do not belong into code which reads foreign bytes become compile errors: parsers that skip blanks and take
 * signs, copies without a size, rules that depend on the locale.  Include it after all
 * system headers; those that declare the banned functions are included here, so that their order does not matter.
 */
#ifndef SIGILLO_BANNED_H
#define SIGILLO_BANNED_H

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef alloca
#undef sprintf
#undef vsprintf
#undef isalnum
#undef isalpha
#undef isblank
#undef iscntrl
#undef isdigit
#undef isgraph
#undef islower
#undef isprint
#undef ispunct
#undef isspace
#undef isupper
#undef isxdigit
#undef tolower
#undef toupper

#pragma GCC poison strtol strtoul strtoll strtoull strtod strtof strtold strtoimax strtoumax
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison sscanf vsscanf fscanf scanf
#pragma GCC poison strtok strtok_r strsep
#pragma GCC poison strncpy strncat stpncpy
#pragma GCC poison sprintf vsprintf strcpy strcat stpcpy gets
#pragma GCC poison isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace \
    isupper isxdigit
#pragma GCC poison tolower toupper
#pragma GCC poison alloca

#endif
