/*
 * text_stream.h - lines of a text that may be compressed, one at a time.
 *
 * Plain text, gzip (.gz) and xz, told apart by their first bytes, from a file or
 * standard input.  Memory does not depend on the size of the file: two blocks of
 * 64 KiB, what the decoder needs (at most OFR_TEXT_STREAM_DECODER bytes), and the
 * line itself.
 */
#ifndef OFR_IO_TEXT_STREAM_H
#define OFR_IO_TEXT_STREAM_H

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

#define OFR_TEXT_STREAM_DECODER ((size_t)256 << 20) /* xz -9 needs 65 MiB */
#define OFR_TEXT_STREAM_LINE ((size_t)64 << 20)     /* a longer line is refused */

typedef struct ofr_text_stream ofr_text_stream;

/* path: borrowed until close; "-" is standard input.  Caller closes.
 * OFR_NOT_FOUND, OFR_IO, OFR_NOMEM. */
ofr_status ofr_text_stream_open(ofr_text_stream **out, const char *path, ofr_error *err);
/* The same for a file of a run, which is regular: nobody waits at a pipe. */
ofr_status ofr_text_stream_open_file(ofr_text_stream **out, const char *path,
                                     ofr_error *err);
void ofr_text_stream_close(ofr_text_stream *stream); /* NULL is allowed */

/* Append the next line, without its LF or CRLF, to `line`; a BOM in front of the
 * first is dropped, a missing last newline is fine.  *got = false at the end.
 * OFR_FORMAT: the compressed data are damaged or cut off, or the line is longer
 * than OFR_TEXT_STREAM_LINE.  After a failure the stream can only be closed. */
ofr_status ofr_text_stream_next(ofr_text_stream *stream, ofr_buf *line, bool *got,
                                ofr_error *err);

/* Lines given so far. */
long long ofr_text_stream_lines(const ofr_text_stream *stream);

#endif
