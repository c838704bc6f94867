/*
 * json_memory.h - jansson when memory is short.
 *
 * jansson (2.14) leaves out a character or a key that it has no memory for and says
 * nothing, or stops the program over what is left.  So its memory comes through here:
 * the first allocation that fails is noted, and a reserve carries jansson to the end of
 * the few characters that it still gets to see.  A program that has given jansson an
 * allocator of its own keeps it, and what jansson makes of its failures.
 */
#ifndef OFR_IO_JSON_MEMORY_H
#define OFR_IO_JSON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* For this thread, until the end: note failures, with so many bytes in reserve.  false:
 * there is no memory for those. */
bool ofr_json_memory_begin(size_t reserve);
bool ofr_json_memory_short(void);
/* What was made of the reserve must be gone by now. */
void ofr_json_memory_end(void);

#endif
