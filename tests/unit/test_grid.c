/* Tables as Markdown, against hand-written pages. */
#include "support/support.h"

#include "base/mem.h"
#include "report/grid.h"

static void fill(ofr_grid *grid)
{
    ofr_grid_open(grid, 3);
    ofr_grid_cell(grid, "rule");
    ofr_grid_cell(grid, "score");
    ofr_grid_cell(grid, "a|b");
    ofr_grid_cell(grid, "exit, \"early\"");
    ofr_grid_spread(grid, 0.91234, 0.005, 100, 2);
    ofr_grid_real(grid, NAN, 1, 2);
    ofr_grid_cell(grid, "\xc3\xa9t\xc3\xa9");
    ofr_grid_real(grid, 0.5, 100, 1);
    ofr_grid_spread(grid, 2, NAN, 1, 0);
    ofr_grid_cell(grid, "a row that is not full");
}

static void markdown(void **state)
{
    ofr_grid grid;
    ofr_buf out;

    (void)state;
    ofr_buf_init(&out);
    fill(&grid);
    ofr_grid_markdown(&out, &grid);
    assert_string_equal(out.p, "| rule                   |         score | a\\|b |\n"
                               "|------------------------|--------------:|-----:|\n"
                               "| exit, \"early\"          | 91.23 +- 0.50 |    - |\n"
                               "| \xc3\xa9t\xc3\xa9                    |          50.0 |"
                               "    2 |\n");
    ofr_grid_close(&grid);
    ofr_buf_free(&out);
}

/* Memory that runs short while cells or the page are written: said, nothing printed. */
static void no_memory(void **state)
{
    bool failed = true;

    (void)state;
    for (size_t n = 1; failed; n++) {
        ofr_grid grid;
        ofr_buf page;

        ofr_mem_fail_at(n, true);
        ofr_buf_init(&page);
        fill(&grid);
        ofr_grid_markdown(&page, &grid);
        ofr_mem_fail_at(0, false);
        failed = page.failed;
        assert_true(failed || !grid.text.failed);
        if (n == 1) assert_true(grid.text.failed && page.failed && page.n == 0);
        ofr_grid_close(&grid);
        ofr_buf_free(&page);
        assert_true(n < 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(markdown),
                                       cmocka_unit_test(no_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
