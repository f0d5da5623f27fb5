/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for table tests: the row's name is a sentence that states the rule; a failure says "got, want". */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "sigillo/view.h"

/* Integers and enums. */
#define CHECK_EQ(name, got, want)                                                                  \
    do {                                                                                           \
        intmax_t check_got_ = (intmax_t)(got), check_want_ = (intmax_t)(want);                     \
        if (check_got_ != check_want_)                                                             \
            fail_msg("%s: %s: got %" PRIdMAX ", want %" PRIdMAX, (name), #got, check_got_,         \
                     check_want_);                                                                 \
    } while (0)

#define CHECK_TRUE(name, cond)                                                                     \
    do {                                                                                           \
        if (!(cond))                                                                               \
            fail_msg("%s: not true: %s", (name), #cond);                                           \
    } while (0)

/* Views; want may be made with sgl_view_cstr(). */
#define CHECK_VIEW(name, got, want)                                                                \
    do {                                                                                           \
        sgl_view check_got_ = (got), check_want_ = (want);                                         \
        if (!sgl_view_eq(check_got_, check_want_))                                                 \
            fail_msg("%s: %s: got \"%.*s\", want \"%.*s\"", (name), #got, SGL_FMT(check_got_),     \
                     SGL_FMT(check_want_));                                                        \
    } while (0)

#define CHECK_STR(name, got, want) CHECK_VIEW(name, sgl_view_cstr(got), sgl_view_cstr(want))

#endif
