/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture: a stacked bar for each day, an axis, a legend with shares.  Colours can be told apart without seeing all of them, and hold on white and on black; which of both it is says
 * the reader's own setting.
 */
#include <stdio.h>

#include "sigillo/view.h"
#include "transit_chart.h"

#define WIDTH       960
#define HEIGHT      440
#define LEFT        64
#define RIGHT       24
#define TOP         108
#define BOTTOM      60
#define PLOT_WIDTH  (WIDTH - LEFT - RIGHT)
#define PLOT_HEIGHT (HEIGHT - TOP - BOTTOM)
#define BAR_MAX     56   /* pixels: one day alone is no wall */
#define BAND_MIN    2.0  /* what is not nothing can be seen */
#define LABEL_WIDTH 48.0 /* of "11-23", with air */
#define TICKS       8

static const char style[] =
    "<style>\n"
    ".back{fill:#ffffff}.text{fill:#1c2430}.dim{fill:#5a6572}.grid{stroke:#d9dee4}"
    ".axis{stroke:#5a6572}\n"
    ".b0{fill:#00875a}.b1{fill:#0b66c3}.b2{fill:#5ab4e6}.b3{fill:#e69f00}.b4{fill:#d1433a}\n"
    "text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;font-size:13px}\n"
    ".head{font-size:18px;font-weight:600}\n"
    "@media (prefers-color-scheme:dark){.back{fill:#12161c}.text{fill:#e6eaf0}.dim{fill:#9aa5b1}"
    ".grid{stroke:#2b333d}.axis{stroke:#9aa5b1}.b0{fill:#21a676}.b1{fill:#3d8fe8}}\n"
    "</style>\n";

static void put_text(struct sgl_buf *out, sgl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];

        if (byte == '<')
            sgl_buf_add_cstr(out, "&lt;");
        else if (byte == '>')
            sgl_buf_add_cstr(out, "&gt;");
        else if (byte == '&')
            sgl_buf_add_cstr(out, "&amp;");
        else if (byte < 0x20 || byte == 0x7f) /* XML has no way to say them */
            sgl_buf_add_byte(out, ' ');
        else
            sgl_buf_add_byte(out, byte);
    }
}

static void put_counts(struct sgl_buf *out, const uint64_t band[TRANSIT_BANDS], uint64_t failed)
{
    size_t told = 0;

    for (size_t i = 0; i < TRANSIT_BANDS; i++)
        if (band[i] > 0)
            sgl_buf_addf(out, "%s%llu by %s", told++ == 0 ? "" : ", ", (unsigned long long)band[i],
                         transit_band_title[i]);
    if (told == 0)
        sgl_buf_add_cstr(out, "nothing delivered");
    if (failed > 0)
        sgl_buf_addf(out, "; %llu attempts failed", (unsigned long long)failed);
}

static void put_plural(struct sgl_buf *out, uint64_t n, const char *one, const char *many)
{
    sgl_buf_addf(out, "%llu %s", (unsigned long long)n, n == 1 ? one : many);
}

static void put_head(struct sgl_buf *out, const struct transit_chart *c, sgl_view about)
{
    sgl_buf_addf(out,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                 "height=\"%d\" role=\"img\" aria-labelledby=\"title desc\">\n"
                 "<title id=\"title\">Mail in transit, %s to %s</title>\n<desc id=\"desc\">",
                 WIDTH, HEIGHT, WIDTH, HEIGHT, c->from, c->to);
    put_counts(out, c->band, c->failed);
    sgl_buf_addf(out,
                 "</desc>\n%s<rect class=\"back\" width=\"%d\" height=\"%d\"/>\n"
                 "<text class=\"text head\" x=\"%d\" y=\"34\">Mail in transit",
                 style, WIDTH, HEIGHT, LEFT);
    if (about.len > 0) {
        sgl_buf_add_cstr(out, ": ");
        put_text(out, about);
    }
    sgl_buf_addf(out, "</text>\n<text class=\"dim\" x=\"%d\" y=\"56\">", LEFT);
    if (c->bars == 1 && c->days == 1)
        sgl_buf_addf(out, "%s: ", c->to);
    else
        sgl_buf_addf(out, "%s to %s: ", c->from, c->to);
    put_plural(out, transit_bar_sum(c->band), "recipient", "recipients");
    if (c->failed > 0) {
        sgl_buf_add_cstr(out, ", ");
        put_plural(out, c->failed, "attempt failed at TLS", "attempts failed at TLS");
    }
    if (c->days > 1)
        sgl_buf_addf(out, "; %u days a bar", c->days);
    sgl_buf_add_cstr(out, "</text>\n");
}

/* About so many pixels, in the fonts that are likely. */
static double width_of(const char *text)
{
    double width = 0;

    for (; *text != '\0'; text++)
        width += *text == '%' ? 12 : *text >= 'A' && *text <= 'Z' ? 9.2 : *text == ' ' ? 4.2 : 7.4;
    return width;
}

static void put_legend(struct sgl_buf *out, const struct transit_chart *c)
{
    uint64_t sum = transit_bar_sum(c->band);
    double x = LEFT;

    for (size_t i = 0; i < TRANSIT_BANDS; i++) {
        char share[16];
        const char *percent = transit_share(c->band[i], sum, share);
        char text[64];

        snprintf(text, sizeof(text), "%s %s", transit_band_title[i], percent);
        sgl_buf_addf(out,
                     "<rect class=\"b%zu\" x=\"%.1f\" y=\"73\" width=\"12\" height=\"12\" "
                     "rx=\"2\"/><text class=\"text\" x=\"%.1f\" y=\"84\">",
                     i, x, x + 18);
        put_text(out, sgl_view_cstr(text));
        sgl_buf_add_cstr(out, "</text>\n");
        x += 18 + width_of(text) + 18;
    }
}

/* ---- the axis ---- */

/* 1, 2 or 5 times a power of ten, so that TICKS of them reach the largest bar. */
static uint64_t step_of(uint64_t largest)
{
    static const unsigned lead[] = {1, 2, 5};

    for (uint64_t power = 1;; power *= 10) {
        for (size_t i = 0; i < 3; i++)
            if (largest / TICKS < power * lead[i] || power > UINT64_MAX / 100)
                return power * lead[i];
    }
}

static void put_number(struct sgl_buf *out, uint64_t n, uint64_t step)
{
    if (step >= 1000000 && n > 0)
        sgl_buf_addf(out, "%llu M", (unsigned long long)(n / 1000000));
    else if (step >= 2000 && n > 0)
        sgl_buf_addf(out, "%llu k", (unsigned long long)(n / 1000));
    else
        sgl_buf_addf(out, "%llu", (unsigned long long)n);
}

static void put_axis(struct sgl_buf *out, uint64_t step, uint64_t top)
{
    for (uint64_t n = 0; n <= top; n += step) {
        double y = TOP + PLOT_HEIGHT - (double)n * PLOT_HEIGHT / (double)top;

        sgl_buf_addf(out,
                     "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                     "<text class=\"dim\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
                     n == 0 ? "axis" : "grid", LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 4.5);
        put_number(out, n, step);
        sgl_buf_add_cstr(out, "</text>\n");
    }
    sgl_buf_addf(out,
                 "<text class=\"dim\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">day (UTC)</text>\n",
                 LEFT + PLOT_WIDTH / 2, HEIGHT - 14);
}

/* ---- the bars ---- */

/* Pixels of each; what is little is lifted to BAND_MIN at the cost of the largest. */
static void heights(const uint64_t band[TRANSIT_BANDS], uint64_t top, double out[TRANSIT_BANDS])
{
    double lifted = 0;
    size_t most = 0;

    for (size_t i = 0; i < TRANSIT_BANDS; i++) {
        out[i] = (double)band[i] * PLOT_HEIGHT / (double)top;
        if (band[i] > 0 && out[i] < BAND_MIN) {
            lifted += BAND_MIN - out[i];
            out[i] = BAND_MIN;
        }
        most = out[i] > out[most] ? i : most;
    }
    if (out[most] > lifted + BAND_MIN)
        out[most] -= lifted;
}

static void put_bar(struct sgl_buf *out, const struct transit_bar *bar, double x, double width,
                    uint64_t top)
{
    double height[TRANSIT_BANDS], y = TOP + PLOT_HEIGHT;

    if (transit_bar_sum(bar->band) + bar->failed == 0)
        return;
    heights(bar->band, top, height);
    sgl_buf_addf(out, "<g><title>%s: ", bar->day);
    put_counts(out, bar->band, bar->failed);
    sgl_buf_add_cstr(out, "</title>");
    for (size_t i = 0; i < TRANSIT_BANDS; i++) {
        if (bar->band[i] == 0)
            continue;
        y -= height[i];
        sgl_buf_addf(out,
                     "<rect class=\"b%zu\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
                     i, x, y, width, height[i]);
    }
    sgl_buf_add_cstr(out, "</g>\n");
}

static void put_bars(struct sgl_buf *out, const struct transit_chart *c, uint64_t top)
{
    double slot = (double)PLOT_WIDTH / (double)c->bars;
    double width = slot * 0.72 < BAR_MAX ? slot * 0.72 : BAR_MAX;
    size_t every = (size_t)(LABEL_WIDTH / slot) + 1;

    for (size_t i = 0; i < c->bars; i++) {
        double middle = LEFT + slot * ((double)i + 0.5);

        put_bar(out, &c->bar[i], middle - width / 2, width, top);
        if ((c->bars - 1 - i) % every == 0) /* counted from the last: today has its name */
            sgl_buf_addf(
                out, "<text class=\"dim\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                middle, TOP + PLOT_HEIGHT + 20, c->bar[i].day + 5);
    }
}

void transit_svg(struct sgl_buf *out, const struct transit_chart *c, sgl_view about)
{
    uint64_t largest = 0, step, top;

    for (size_t i = 0; i < c->bars; i++) {
        uint64_t sum = transit_bar_sum(c->bar[i].band);

        largest = sum > largest ? sum : largest;
    }
    step = step_of(largest);
    top = (largest / step + (largest % step != 0 || largest == 0)) * step;
    put_head(out, c, about);
    put_legend(out, c);
    put_axis(out, step, top);
    put_bars(out, c, top);
    if (largest == 0)
        sgl_buf_addf(out,
                     "<text class=\"dim\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">Nothing was "
                     "delivered in this time.</text>\n",
                     LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT / 2);
    sgl_buf_add_cstr(out, "</svg>\n");
}
