/* fuzz_table.c - the first byte chooses the format; cells are whole and UTF-8. */
#include "fuzz.h"

#include "io/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ofr_error err;
    ofr_table t;
    ofr_table_options options;
    const char *path;
    if (size == 0) return 0;
    options.kind = (ofr_table_kind)(data[0] % 3);
    options.has_header = data[0] & 4;
    options.skip_bad = data[0] & 8;
    path = ofr_fuzz_file("table", data + 1, size - 1);
    if (ofr_table_open(&t, path, options, &err) != OFR_OK) {
        OFR_FUZZ_CHECK(err.status == OFR_FORMAT);
        return 0;
    }
    OFR_FUZZ_CHECK(t.n_rows == 0 || t.n_columns > 0);
    for (int r = 0; r < t.n_rows; r++) {
        OFR_FUZZ_CHECK(t.lines[r] > (r ? t.lines[r - 1] : 0));
        for (int c = 0; c < t.n_columns; c++) {
            ofr_str cell = ofr_table_cell(&t, r, c);
            OFR_FUZZ_CHECK(ofr_utf8_valid(cell.p, cell.n, NULL));
        }
    }
    ofr_table_close(&t);
    return 0;
}
