/*
 * faults_program.c - turns src/cli/main.c into a program whose faults are chosen by
 * the environment:
 *
 *   OFFRAMP_FAULT=write:3         the third write fails; write:3+: and all later ones;
 *                                 memory, open, sync, close, rename, mkdir, truncate
 *   OFFRAMP_FAULT=kill:17         killed at event 17, a write is torn in two;
 *   OFFRAMP_FAULT=int:5,term:9    SIGINT at event 5, SIGTERM at event 9
 *   OFFRAMP_FAULT=room:1000       1000 bytes are free on every disk
 *   OFFRAMP_FAULT=short:7         writes take 7 bytes at most and are interrupted
 *   OFFRAMP_TRACE=FILE            a line per event, and how many allocations there were
 *
 * A program whose fault was never reached exits as ever and leaves the file
 * OFFRAMP_MISSED behind if that is set: the loop over n is at its end.
 */
#include "faults/faults.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __real_open(const char *path, int flags, ...);

static void report(void)
{
    const char *missed = getenv("OFFRAMP_MISSED"), *trace = getenv("OFFRAMP_TRACE");
    FILE *file = trace ? fopen(trace, "a") : NULL;

    faults_trace(-1);
    if (file) {
        fprintf(file, "memory %zu\n", faults_count(FAULT_MEMORY));
        fclose(file);
    }
    if (missed && !faults_hit()) (void)__real_open(missed, O_WRONLY | O_CREAT, 0666);
}

static int signal_of(const char *name)
{
    static const struct { const char *name; int number; } all[] = {
        {"kill", SIGKILL}, {"int", SIGINT}, {"term", SIGTERM}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0) return all[i].number;
    return 0;
}

static void read_fault(const char *text)
{
    char name[16] = "";
    double n = 0;
    char plus = 0;

    if (sscanf(text, "%15[a-z]:%lf%c", name, &n, &plus) < 2) exit(98);
    if (strcmp(name, "room") == 0) {
        faults_room(n);
    } else if (strcmp(name, "short") == 0) {
        faults_short_writes((size_t)n);
    } else if (signal_of(name)) {
        faults_signal((size_t)n, signal_of(name));
    } else {
        for (int k = 0; k < FAULT_KINDS; k++)
            if (strcmp(fault_names[k], name) == 0)
                faults_fail((fault_kind)k, (size_t)n, plus == '+');
    }
}

__attribute__((constructor)) static void begin(void)
{
    const char *fault = getenv("OFFRAMP_FAULT"), *trace = getenv("OFFRAMP_TRACE");

    faults_route_libraries();
    if (trace) faults_trace(__real_open(trace, O_WRONLY | O_CREAT | O_TRUNC, 0666));
    atexit(report);
    for (; fault && *fault; fault = strchr(fault, ',') ? strchr(fault, ',') + 1 : "")
        read_fault(fault);
}
