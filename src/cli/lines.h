/*
 * lines.h - lines of a file or of standard input as they arrive.
 *
 * LF and CRLF, an optional BOM, a missing last newline; an empty line counts.
 */
#ifndef OFR_CLI_LINES_H
#define OFR_CLI_LINES_H

#include "base/str.h"

typedef struct ofr_lines {
    int fd;
    const char *path;  /* for messages; borrowed */
    char *block;       /* bytes read ahead; owned */
    size_t at, end;
    bool at_end;
    long long number;  /* of the line given last, from 1 */
    long long first_bad, n_bad; /* lines with bytes that are not UTF-8 */
} ofr_lines;

/* "-" is standard input.  OFR_NOT_FOUND, OFR_IO.  Caller closes. */
ofr_status ofr_lines_open(ofr_lines *lines, const char *path, ofr_error *err);
void ofr_lines_close(ofr_lines *lines);

/* Append the next line, without its end, to `line`.  *got = false at the end of
 * the file; then bytes that are not UTF-8, which every reader leaves out, are warned of.
 * OFR_IO, OFR_NOMEM; OFR_FORMAT: longer than OFR_TEXT_STREAM_LINE. */
ofr_status ofr_lines_next(ofr_lines *lines, ofr_buf *line, bool *got, ofr_error *err);

#endif
