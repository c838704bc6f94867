/* test_plot.c - scripts, gnuplot's SVG as part of a page, gnuplot as a process. */
#include "support/support.h"

#include <math.h>

#include "base/mem.h"
#include "report/plot.h"

static const double xs[] = {1, 2, 3}, ys[] = {4, NAN, 2};
static const char *const hovers[] = {"one <b>", "two & \"2\"", "three"};
static const char hostile[] = "it's `date` \"x\" <script>\nset output";

/* Bars, then points that answer hovering, then columns that do. */
static ofr_plot sample(ofr_plot_series *series)
{
    series[0] = (ofr_plot_series){.name = hostile,
                                  .style = OFR_PLOT_BARS,
                                  .colour = 2,
                                  .n = 3,
                                  .x = xs,
                                  .y = ys,
                                  .next = &series[1]};
    series[1] = (ofr_plot_series){.name = "points",
                                  .style = OFR_PLOT_POINTS,
                                  .colour = 3,
                                  .shape = OFR_PLOT_FILLED + 3,
                                  .n = 3,
                                  .x = xs,
                                  .y = ys,
                                  .hover = hovers};
    return (ofr_plot){.key = "k",
                      .title = "Title",
                      .x_label = "x",
                      .y_label = "y (%)",
                      .x_from = NAN,
                      .x_to = NAN,
                      .y_from = 0,
                      .y_to = NAN,
                      .whole_x = true,
                      .series = series,
                      .n_columns = 3,
                      .column_x = xs,
                      .column_text = hovers};
}

static bool has(const ofr_buf *text, const char *part)
{
    return memmem(text->p, text->n, part, strlen(part)) != NULL;
}

static void test_script(void **state)
{
    (void)state;
    ofr_plot_series series[2];
    ofr_plot plot = sample(series);
    ofr_buf script;
    ofr_buf_init(&script);
    ofr_plot_script(&script, &plot, OFR_PLOT_SVG);
    assert_false(script.failed);
    /* Numbers only: no name, no hovering text, whatever is in it. */
    assert_false(has(&script, "date"));
    assert_false(has(&script, "script>"));
    assert_false(has(&script, "one"));
    assert_true(has(&script, "set xrange [0.5:3.5]\n"));
    assert_true(has(&script, "set yrange [0:4.24]\n")); /* 6 % of 0..4 above */
    assert_true(has(&script, "set xtics 1\n"));
    assert_true(has(&script, "$s0 << EOD\n1 4 0 1048576\n2 NaN 0 1048576\n"));
    assert_true(
        has(&script, "$s1 << EOD\n1 4 0 1048576\n2 NaN 0 1048577\n3 2 0 1048578\n"));
    assert_true(has(&script, "$columns << EOD\n1 65536\n2 65537\n3 65538\nEOD\n"));
    assert_true(has(&script, "with boxxyerror lc rgb \"#000102\" notitle"));

    ofr_buf_clear(&script);
    ofr_plot_script(&script, &plot, OFR_PLOT_PNG);
    assert_true(has(&script, "set terminal pngcairo "));
    assert_true(has(&script, " title 'it''s `date` \"x\" <script> set output'"));
    assert_false(has(&script, "\nset output"));
    ofr_buf_free(&script);
}

/* Shapes and dashes in pictures, legends and the definitions that legends refer to. */
static void test_looks(void **state)
{
    (void)state;
    static const int types[OFR_PLOT_SHAPES] = {7, 5, 9, 13, 11, 6, 4, 8, 12, 10, 1, 2};
    ofr_plot_series series[2];
    ofr_plot plot = sample(series);
    ofr_buf script, legend, shapes;
    char text[64];
    ofr_buf_init(&script);
    ofr_buf_init(&legend);
    ofr_buf_init(&shapes);
    ofr_plot_svg_shapes(&shapes);
    for (int shape = 0; shape < OFR_PLOT_SHAPES; shape++) {
        series[1].shape = shape;
        ofr_buf_clear(&script);
        ofr_plot_script(&script, &plot, OFR_PLOT_PNG);
        snprintf(text, sizeof text, " with points pt %d ps ", types[shape]);
        assert_true(has(&script, text));
        ofr_buf_clear(&legend);
        ofr_plot_legend(&legend, &plot);
        snprintf(text, sizeof text, "href=\"#p%d\"", types[shape] - 1);
        assert_true(has(&legend, text));
        snprintf(text, sizeof text, " id=\"p%d\"", types[shape] - 1);
        assert_true(has(&shapes, text));
    }
    assert_false(has(&script, " dt "));
    series[0].style = OFR_PLOT_LINE;
    series[0].dotted = true;
    ofr_plot_script(&script, &plot, OFR_PLOT_SVG);
    ofr_plot_legend(&legend, &plot);
    assert_true(has(&script, " with lines lw 2 dt (9,3,2,3) "));
    assert_true(has(&legend, " stroke-dasharray="));
    ofr_buf_free(&script);
    ofr_buf_free(&legend);
    ofr_buf_free(&shapes);
}

static void test_ranges(void **state)
{
    (void)state;
    static const double x[] = {10, 20}, flat[] = {3, 3}, none[] = {NAN, INFINITY};
    ofr_plot_series line = {.style = OFR_PLOT_LINE, .n = 2, .x = x, .y = flat};
    ofr_plot plot = {.x_label = "",
                     .y_label = "",
                     .x_from = NAN,
                     .x_to = NAN,
                     .y_from = NAN,
                     .y_to = NAN,
                     .series = &line};
    ofr_buf script;
    ofr_buf_init(&script);
    ofr_plot_script(&script, &plot, OFR_PLOT_SVG);
    support_close_one("x_from", plot.x_from, 9.6, 1e-12);
    support_close_one("x_to", plot.x_to, 20.4, 1e-12);
    support_close_one("y_from", plot.y_from, 2.85, 1e-12);
    support_close_one("y_to", plot.y_to, 3.15, 1e-12);
    line.y = none;
    plot.y_from = plot.y_to = NAN;
    ofr_plot_script(&script, &plot, OFR_PLOT_SVG);
    assert_true(plot.y_to > plot.y_from);
    ofr_buf_free(&script);
}

/* What gnuplot 5.4 writes, shortened. */
static const char drawn[] =
    "<?xml version=\"1.0\"?>\n<svg viewBox=\"0 0 440 280\" "
    "xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">\n"
    "<title>Gnuplot</title>\n<desc>Produced by GNUPLOT</desc>\n"
    "<rect x=\"0\" y=\"0\" width=\"440\" height=\"280\" fill=\"none\"/>\n"
    "<g id=\"gnuplot_canvas\">\n<defs><circle id='gpDot' r='0.5'/></defs>\n"
    "<g fill=\"none\" color=\"white\" stroke=\"currentColor\">\n</g>\n"
    "<g fill=\"none\" color=\"black\" stroke-width=\"1.00\">\n"
    "\t<path stroke='rgb(  0,   0,   1)' class=\"gridline\"  d='M1,2 L3,4  '/></g>\n"
    "<g transform=\"translate(5,6)\" stroke=\"none\" fill=\"rgb(0,0,2)\" "
    "font-family=\"sans-serif\" text-anchor=\"end\">"
    "<text><tspan font-family=\"sans-serif\" > 0.5</tspan></text></g>\n"
    "<g id=\"x_plot_1\" ><title>name</title>\n"
    "<polygon fill = 'rgb(  0,   1,   2)' points = '1,1 2,2 '/>\n"
    "<polygon fill = 'rgb(  1,   0,   1)' points = '3,3 4,4 '/>\n"
    "<polygon fill = 'rgb(  1,   0,   3)' points = '5,5 6,6 '/>\n" /* no such column */
    "<use xlink:href='#gpPt12' transform='translate(7,8) scale(2)' "
    "color='rgb(  0,   1,   3)'/>\n"
    "<use xlink:href='#gpPt6' transform='translate(7,8) scale(5)' "
    "color='rgb( 16,   0,   0)'/>\n"
    "<path stroke='rgb(  0,  17,  44)' stroke-dasharray=' 5,8'  d='M9,9 '/>\n"
    "<path stroke='black' d='M0,0 '/>\n</g>\n</g>\n</svg>\n";

static void test_svg(void **state)
{
    (void)state;
    ofr_plot_series series[2];
    ofr_plot plot = sample(series);
    ofr_buf in, out;
    ofr_buf_init(&in);
    ofr_buf_init(&out);
    ofr_buf_adds(&in, drawn);
    ofr_plot_svg(&out, &in, &plot);
    assert_string_equal(
        out.p,
        "<svg class=\"plot\" viewBox=\"0 0 440 280\" role=\"img\" aria-label=\"Title\">\n"
        "<g><g stroke-width=\"1.00\"><path class=\"grid\" d=\"M1,2 L3,4\"/></g>\n"
        "<g transform=\"translate(5,6)\" class=\"label\" text-anchor=\"end\">"
        "<text>0.5</text></g>\n"
        "<g><polygon class=\"f2\" points=\"1,1 2,2\"/>"
        "<polygon class=\"hit\" points=\"3,3 4,4\"><title>two &amp; &quot;2&quot;</title>"
        "</polygon>"
        "<polygon class=\"hit\" points=\"5,5 6,6\"/>"
        "<use href=\"#p12\" transform=\"translate(7,8) scale(2)\" class=\"f3\"/>"
        "<use href=\"#p6\" transform=\"translate(7,8) scale(5)\" class=\"hit dot\">"
        "<title>one &lt;b&gt;</title></use>"
        "<path class=\"kr\" style=\"--hue:256\" stroke-dasharray=\"5,8\" d=\"M9,9\"/>"
        "<path d=\"M0,0\"/></g>\n</g>\n</svg>\n");

    /* Cut anywhere, it still is an element with an end. */
    for (size_t n = 0; n < sizeof drawn - 1; n++) {
        in.n = n;
        ofr_buf_clear(&out);
        ofr_plot_svg(&out, &in, &plot);
        assert_string_equal(out.p + out.n - 7, "</svg>\n");
    }
    ofr_buf_free(&in);
    ofr_buf_free(&out);
}

static void test_legend(void **state)
{
    (void)state;
    static const ofr_plot_band bands[] = {
        {0, 1, 1, "a phase"}, {1, 2, 1, "a phase"}, {2, 3, 2, NULL}};
    ofr_plot_series series[2];
    ofr_plot plot = sample(series);
    ofr_buf out;
    plot.bands = bands;
    plot.n_bands = 3;
    ofr_buf_init(&out);
    ofr_plot_legend(&out, &plot);
    assert_true(
        has(&out, "it&#39;s `date` &quot;x&quot; &lt;script&gt; set output</li>"));
    assert_true(has(&out, "class=\"f3\"/></svg>points</li>"));
    assert_true(has(&out, "class=\"band1\"/></svg>a phase</li></ul>"));
    assert_false(has(&out, "band2"));
    ofr_buf_free(&out);
}

static void test_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a&b<c>d\"e'f", "a&amp;b&lt;c&gt;d&quot;e&#39;f"},
        {"tab\tline\nreturn\r", "tab line return "},
        {"\x01\x1b\x7f", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc2\x85", "\xef\xbf\xbd"}, /* a control of two bytes */
        {"\xff\xc0\xaf\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                     "\xef\xbf\xbd\xef\xbf\xbd"},
        {"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
    };
    ofr_buf out;
    ofr_buf_init(&out);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ofr_buf_clear(&out);
        ofr_html_text(&out, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(out.p, cases[i][1]);
    }
    ofr_buf_free(&out);
}

/* ---- the process ---------------------------------------------------------------- */

static ofr_status run_text(ofr_buf *out, const char *text, ofr_error *err)
{
    ofr_buf script;
    ofr_status status;
    ofr_buf_init(&script);
    ofr_buf_init(out);
    ofr_buf_adds(&script, text);
    status = ofr_plot_run(out, &script, err);
    ofr_buf_free(&script);
    return status;
}

static void test_absent(void **state)
{
    (void)state;
    char *path = strdup(getenv("PATH"));
    ofr_error err;
    ofr_buf out;
    setenv("PATH", support_folder(), 1);
    assert_fails(run_text(&out, "plot x\n", &err), OFR_NOT_FOUND, err,
                 "apt-get install gnuplot-nox");
    setenv("PATH", path, 1);
    ofr_buf_free(&out);
    free(path);
}

static void test_gnuplot(void **state)
{
    (void)state;
    ofr_plot_series series[2];
    ofr_plot plot = sample(series);
    ofr_buf script, out, element;
    ofr_error err;

    if (run_text(&out, "set terminal svg\nplot x\n", &err) == OFR_NOT_FOUND) {
        ofr_buf_free(&out);
        skip(); /* gnuplot is not installed here */
    }
    ofr_buf_free(&out);
    assert_fails(run_text(&out, "plot nonsense(\n", &err), OFR_IO, err, "could not draw");
    ofr_buf_free(&out);
    ofr_buf_init(&script);
    ofr_buf_init(&out);
    ofr_buf_init(&element);
    ofr_plot_script(&script, &plot, OFR_PLOT_SVG);
    for (int i = 0; i < 20000; i++) /* more than a pipe holds */
        ofr_buf_adds(&script, "# filling\n");
    assert_ok(ofr_plot_run(&out, &script, &err), err);
    ofr_plot_svg(&element, &out, &plot);
    /* Two bars (one is a gap), three columns, two points that answer. */
    int bars = 0, columns = 0, dots = 0;
    for (const char *p = element.p; (p = strstr(p, "class=\"")); p++) {
        bars += strncmp(p, "class=\"f2\"", 10) == 0;
        columns += strncmp(p, "class=\"hit\"", 11) == 0;
        dots += strncmp(p, "class=\"hit dot\"", 15) == 0;
    }
    assert_int_equal(bars, 2);
    assert_int_equal(columns, 3);
    assert_int_equal(dots, 2);
    assert_true(has(&element, "class=\"hit dot\"><title>three</title>"));
    assert_false(has(&element, "http"));
    static const struct {
        ofr_plot_kind kind;
        const char *magic;
    } pictures[] = {{OFR_PLOT_PNG, "\x89PNG"}, {OFR_PLOT_PDF, "%PDF"}};
    for (int i = 0; i < 2; i++) {
        ofr_buf_clear(&script);
        ofr_buf_clear(&out);
        ofr_plot_script(&script, &plot, pictures[i].kind);
        assert_ok(ofr_plot_run(&out, &script, &err), err);
        assert_true(out.n > 1000);
        assert_memory_equal(out.p, pictures[i].magic, 4);
    }
    ofr_buf_free(&script);
    ofr_buf_free(&out);
    ofr_buf_free(&element);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script), cmocka_unit_test(test_looks),
        cmocka_unit_test(test_ranges), cmocka_unit_test(test_svg),
        cmocka_unit_test(test_legend), cmocka_unit_test(test_text),
        cmocka_unit_test(test_absent), cmocka_unit_test(test_gnuplot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
