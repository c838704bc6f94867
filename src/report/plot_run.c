/* plot_run.c - gnuplot as a process: a script in, a picture out. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/plot.h"

extern char **environ;

static ofr_status not_installed(ofr_error *err)
{
    return ofr_fail(err, OFR_NOT_FOUND,
                    "gnuplot draws the charts and is not installed; install it, on "
                    "Debian and Ubuntu: apt-get install gnuplot-nox");
}

static ofr_status failed(ofr_error *err, const char *what)
{
    return ofr_fail(err, OFR_IO, "gnuplot: %s: %s; start it by hand", what,
                    strerror(errno));
}

static ofr_status read_all(ofr_buf *out, int fd, ofr_error *err)
{
    char bytes[16384];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof bytes)) != 0) {
        if (n > 0)
            ofr_buf_add(out, bytes, (size_t)n);
        else if (errno != EINTR)
            return failed(err, "its picture");
    }
    return out->failed ? ofr_fail_nomem(err, out->n, "a chart") : OFR_OK;
}

/* What gnuplot complained about, in one line. */
static ofr_status complaint(FILE *talk, ofr_error *err)
{
    char line[200];
    size_t n = 0;
    int c;

    rewind(talk);
    while (n + 1 < sizeof line && (c = getc(talk)) != EOF)
        if (c > ' ' || (n && line[n - 1] != ' ')) line[n++] = (char)(c < ' ' ? ' ' : c);
    line[n] = '\0';
    return ofr_fail(err, OFR_IO, "gnuplot could not draw a chart: %s", line);
}

/* stdin from a file, so that neither side waits for the other with a full pipe. */
static int spawn(pid_t *pid, FILE *in, int out_end, FILE *talk)
{
    char *const argv[] = {"gnuplot", "-d", NULL};
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);

    if (code) return code;
    code = posix_spawn_file_actions_adddup2(&actions, fileno(in), 0);
    if (!code) code = posix_spawn_file_actions_adddup2(&actions, out_end, 1);
    if (!code) code = posix_spawn_file_actions_adddup2(&actions, fileno(talk), 2);
    if (!code) code = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

static ofr_status run(ofr_buf *out, FILE *in, FILE *talk, ofr_error *err)
{
    int ends[2], code, state = 0;
    ofr_status status;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC)) return failed(err, "pipe");
    code = spawn(&pid, in, ends[1], talk);
    close(ends[1]);
    if (code) {
        close(ends[0]);
        errno = code;
        return code == ENOENT ? not_installed(err) : failed(err, "cannot start");
    }
    status = read_all(out, ends[0], err);
    close(ends[0]);
    while (waitpid(pid, &state, 0) < 0)
        if (errno != EINTR) return failed(err, "wait");
    if (status) return status;
    if (WIFEXITED(state) && WEXITSTATUS(state) == 127) return not_installed(err);
    if (!WIFEXITED(state) || WEXITSTATUS(state) || out->n == 0)
        return complaint(talk, err);
    return OFR_OK;
}

ofr_status ofr_plot_run(ofr_buf *out, const ofr_buf *script, ofr_error *err)
{
    FILE *in = tmpfile(), *talk = tmpfile();
    ofr_status status;

    if (script->failed) {
        status = ofr_fail_nomem(err, script->n, "a chart");
    } else if (!in || !talk) {
        status = failed(err, "temporary file");
    } else if (fwrite(script->p, 1, script->n, in) != script->n || fflush(in) ||
               fseek(in, 0, SEEK_SET)) {
        status = failed(err, "temporary file");
    } else {
        status = run(out, in, talk, err);
    }
    if (in) fclose(in);
    if (talk) fclose(talk);
    return status;
}
