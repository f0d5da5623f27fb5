/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/metrics/metrics.h"
#include "check.h"

static struct metric by_smtp = METRIC_COUNTER("t_accepted_total", "Accepted", "door=\"smtp\"");
static struct metric other = METRIC_GAUGE("t_depth", "Depth", NULL);
static struct metric by_http = METRIC_COUNTER("t_accepted_total", "Accepted", "door=\"http\"");
static struct metric asked = METRIC_GAUGE("t_asked", "Asked", NULL);
static struct metric took = METRIC_HISTOGRAM("t_seconds", "Took", "door=\"smtp\"");

static int64_t answer(void *ctx)
{
    return *(int *)ctx;
}

static void the_text_is_what_prometheus_reads(void **state)
{
    int forty_two = 42;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(65536);
    const char *text, *ours;

    (void)state;
    metrics_register(&by_smtp);
    metrics_register(&other);
    metrics_register(&by_http);
    metrics_register(&by_http);
    metrics_register_read(&asked, answer, &forty_two);
    metrics_register(&took);
    metric_add(&by_smtp, 2);
    metric_add(&by_smtp, 1);
    metric_add(&by_http, 7);
    metric_set(&other, -5);
    metric_observe_us(&took, 100);
    metric_observe_us(&took, 101);
    metric_observe_us(&took, 70000000);
    metrics_put(&out);
    CHECK_EQ("it fits", out.status, SGL_OK);
    text = sgl_cstr(&out);
    CHECK_TRUE("the process's own first", strstr(text, "process_resident_memory_bytes ") != NULL);
    ours = strstr(text, "# HELP t_accepted_total");
    CHECK_TRUE("ours behind them", ours != NULL);
    CHECK_TRUE("series of one name together",
               strncmp(ours,
                       "# HELP t_accepted_total Accepted\n# TYPE t_accepted_total counter\n"
                       "t_accepted_total{door=\"smtp\"} 3\nt_accepted_total{door=\"http\"} 7\n"
                       "# HELP t_depth Depth\n# TYPE t_depth gauge\nt_depth -5\n"
                       "# HELP t_asked Asked\n# TYPE t_asked gauge\nt_asked 42\n",
                       200) == 0);
    CHECK_TRUE("a bound belongs to its bucket",
               strstr(text, "t_seconds_bucket{door=\"smtp\",le=\"0.000100\"} 1\n") != NULL);
    CHECK_TRUE("buckets add up",
               strstr(text, "t_seconds_bucket{door=\"smtp\",le=\"60.000000\"} 2\n") != NULL);
    CHECK_TRUE("all", strstr(text, "t_seconds_bucket{door=\"smtp\",le=\"+Inf\"} 3\n") != NULL);
    CHECK_TRUE("sum", strstr(text, "t_seconds_sum{door=\"smtp\"} 70.000201\n") != NULL);
    CHECK_TRUE("count", strstr(text, "t_seconds_count{door=\"smtp\"} 3\n") != NULL);
    metrics_unregister(&took);
    metrics_unregister(&asked);
    sgl_buf_reset(&out);
    metrics_put(&out);
    CHECK_TRUE("taken out", strstr(sgl_cstr(&out), "t_asked") == NULL);
    metrics_register(&asked);
    metrics_unregister(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_what_prometheus_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
