/* rss.h - memory that this process really occupies, as the system counts it. */
#ifndef OFR_BASE_RSS_H
#define OFR_BASE_RSS_H

#include <stddef.h>

/* The most bytes resident since the start or the last reset; 0: not known. */
size_t ofr_rss_peak(void);
/* Begin again from what is resident now; where the system does not allow it,
 * ofr_rss_peak() goes on from the start of the process. */
void ofr_rss_reset_peak(void);

#endif
