/* rss.c - /proc/self: VmHWM, and the 5 that sets it back. */
#include "base/rss.h"

#include <stdio.h>

size_t ofr_rss_peak(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1) break;
    fclose(file);
    return (size_t)kib * 1024;
}

void ofr_rss_reset_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5\n", file);
    fclose(file);
}
