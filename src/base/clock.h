/* clock.h - monotonic time, and the date for records. */
#ifndef OFR_BASE_CLOCK_H
#define OFR_BASE_CLOCK_H

double ofr_clock_seconds(void); /* since an arbitrary moment */
double ofr_clock_unix(void);    /* since 1970 */
/* Wall time as "2025-01-31T12:00:00Z" (UTC) into out[32]. */
void ofr_clock_iso(char out[32]);

#endif
