/*
 * test_fault_files.c - every open, write, fsync, close, rename and mkdir fails once
 * and for good: the previous file survives bit for bit, nothing else is left behind,
 * and the line says which file, why and what to do.  Halved and interrupted writes
 * change nothing.  The calls come in the order that a power cut asks for.
 */
#include "support/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tail.h"
#include "faults/faults.h"
#include "model/encoder.h"
#include "model/weights.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"

/* ---- things that are saved; versions 0 and 1 differ --------------------------- */

typedef ofr_status (*saver)(const char *path, int version, ofr_error *err);

static ofr_status save_bytes(const char *path, int version, ofr_error *err)
{
    static char bytes[300000];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + (size_t)version);
    ofr_file_writer w;
    OFR_TRY(ofr_file_writer_begin(&w, path, err));
    for (size_t i = 0; i < 200000; i += 1000)
        ofr_file_writer_add(&w, bytes + i, 1000);
    ofr_file_writer_add(&w, bytes + 200000, 100000);
    return ofr_file_writer_commit(&w, err);
}

static ofr_status save_checkpoint(const char *path, int version, ofr_error *err)
{
    static float w[30000];
    int64_t position[3] = {version, 2, 3};
    ofr_checkpoint_item items[2];

    for (int i = 0; i < 30000; i++)
        w[i] = (float)(i + version);
    items[0] = ofr_checkpoint_item_of("weights", OFR_F32, 30000, w);
    items[1] = ofr_checkpoint_item_of("position", OFR_I64, 3, position);
    return ofr_checkpoint_save(path, items, 2, err);
}

static void make_encoder(ofr_encoder *encoder, int version)
{
    ofr_config config;
    ofr_error err;

    assert_ok(ofr_config_shape(&config, OFR_FAMILY_BERT, "tiny", 23, &err), err);
    config.L = 2;
    config.C = config.E = 32;
    config.H = 2;
    config.F = 64;
    config.n_positions = 20;
    config.policy_hidden = 4 + version;
    assert_ok(ofr_config_set_labels(&config, 2, NULL, false, &err), err);
    assert_ok(ofr_encoder_new(encoder, &config, (uint64_t)version, &err), err);
    ofr_config_free(&config);
}

static ofr_status save_weights(const char *path, int version, ofr_error *err)
{
    ofr_encoder encoder;
    ofr_status status;

    make_encoder(&encoder, version);
    status = ofr_weights_save(&encoder.params, &encoder.config, path, encoder.w, OFR_F32,
                              err);
    ofr_encoder_close(&encoder);
    return status;
}

static ofr_status save_int8(const char *path, int version, ofr_error *err)
{
    ofr_encoder encoder;
    ofr_status status;

    make_encoder(&encoder, version);
    encoder.config.precision = OFR_PRECISION_INT8;
    status = ofr_weights_quantise(&encoder.params, &encoder.config, true, path, encoder.w,
                                  err);
    ofr_encoder_close(&encoder);
    return status;
}

static ofr_status save_config(const char *path, int version, ofr_error *err)
{
    ofr_encoder encoder;
    ofr_status status;

    make_encoder(&encoder, version);
    status = ofr_config_save(&encoder.config, path, err);
    ofr_encoder_close(&encoder);
    return status;
}

static const struct { const char *name; saver save; } savers[] = {
    {"bytes", save_bytes},   {"checkpoint", save_checkpoint}, {"weights", save_weights},
    {"int8", save_int8},     {"config", save_config},
};

enum { SAVERS = sizeof savers / sizeof *savers };

/* ---- what is on the disk -------------------------------------------------------- */

static void in_folder(char path[OFR_PATH_MAX], const char *folder, const char *name)
{
    ofr_error err;
    const char *dir = support_path(folder);

    assert_ok(ofr_file_make_dirs(dir, &err), err);
    assert_ok(ofr_file_join(path, dir, name, &err), err);
}

static ofr_buf bytes_of(const char *path)
{
    ofr_error err;
    ofr_buf buf;

    ofr_buf_init(&buf);
    assert_ok(ofr_file_read(&buf, path, 0, &err), err);
    return buf;
}

static void expect_bytes(const char *path, const ofr_buf *want)
{
    ofr_buf got = bytes_of(path);

    assert_int_equal(got.n, want->n);
    assert_memory_equal(got.p, want->p, got.n);
    ofr_buf_free(&got);
}

static int names_in(const char *folder)
{
    DIR *dir = opendir(folder);
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

/* ---- each call of each kind -------------------------------------------------------- */

/* One save with one fault; false when the fault was never reached. */
static bool one_fault(saver save, fault_kind kind, size_t n, bool for_good,
                      const char *path, const ofr_buf *before, const ofr_buf *after)
{
    const size_t live = ofr_mem_live();
    ofr_error err = {OFR_OK, ""};
    ofr_status status;
    bool hit, folder;

    assert_ok(ofr_file_write(path, before->p, before->n, &err), err);
    faults_fail(kind, n, for_good);
    status = save(path, 1, &err);
    hit = faults_hit();
    folder = faults_hit_folder();
    faults_off();
    assert_int_equal(ofr_mem_live(), live);
    assert_int_equal(names_in(support_path("each")), 1);
    if (!hit || folder) {
        assert_ok(status, err);
        expect_bytes(path, after);
        return hit;
    }
    assert_int_equal(status, OFR_IO);
    assert_non_null(strstr(err.text, "/file: cannot write: "));
    assert_non_null(strstr(err.text, strerror(fault_errnos[kind])));
    assert_non_null(strchr(err.text, ';')); /* the next step */
    expect_bytes(path, before);
    assert_ok(save(path, 1, &err), err);
    expect_bytes(path, after);
    return true;
}

static void test_each(void **state)
{
    char path[OFR_PATH_MAX];
    ofr_error err;

    (void)state;
    in_folder(path, "each", "file");
    for (int s = 0; s < SAVERS; s++) {
        int faults = 0;

        assert_ok(savers[s].save(path, 1, &err), err);
        ofr_buf after = bytes_of(path);
        assert_ok(savers[s].save(path, 0, &err), err);
        ofr_buf before = bytes_of(path);
        assert_true(before.n != after.n || memcmp(before.p, after.p, after.n) != 0);
        for (int k = FAULT_OPEN; k <= FAULT_RENAME; k++)
            for (int for_good = 0; for_good < 2; for_good++)
                for (size_t n = 1; one_fault(savers[s].save, (fault_kind)k, n, for_good,
                                             path, &before, &after);
                     n++)
                    faults++;
        assert_true(faults >= 16); /* two of each kind, and the folder's */
        ofr_buf_free(&before);
        ofr_buf_free(&after);
    }
}

/* The first save in a place: nothing is left there. */
static void test_first(void **state)
{
    char path[OFR_PATH_MAX];
    ofr_error err;

    (void)state;
    in_folder(path, "first", "file");
    for (int s = 0; s < SAVERS; s++)
        for (int k = FAULT_OPEN; k <= FAULT_RENAME; k++) {
            faults_fail((fault_kind)k, 1, true);
            assert_fails(savers[s].save(path, 1, &err), OFR_IO, err, "/file: cannot");
            faults_off();
            assert_int_equal(names_in(support_path("first")), 0);
        }
}

static void test_short_writes(void **state)
{
    char path[OFR_PATH_MAX];
    ofr_error err;

    (void)state;
    in_folder(path, "short", "file");
    for (int s = 0; s < SAVERS; s++) {
        assert_ok(savers[s].save(path, 1, &err), err);
        ofr_buf want = bytes_of(path);
        assert_ok(savers[s].save(path, 0, &err), err);
        faults_short_writes(997);
        ofr_status status = savers[s].save(path, 1, &err);
        faults_short_writes(0);
        assert_ok(status, err);
        expect_bytes(path, &want);
        ofr_buf_free(&want);
    }
}

static void test_folders(void **state)
{
    const char *path = support_path("mkdir/a/b/file");
    ofr_error err;

    (void)state;
    assert_ok(ofr_file_make_dirs(support_path("mkdir"), &err), err);
    for (size_t n = 1; n <= 2; n++) {
        /* those that are there are asked for, too: n counts from the last two */
        faults_off();
        assert_ok(ofr_file_make_dirs(support_path("mkdir"), &err), err);
        const size_t there = faults_count(FAULT_MKDIR);
        faults_fail(FAULT_MKDIR, there + n, false);
        ofr_status status = save_checkpoint(path, 0, &err);
        faults_off();
        assert_int_equal(status, OFR_IO);
        assert_non_null(strstr(err.text, n == 1 ? "mkdir/a: cannot create the directory"
                                                : "mkdir/a/b: cannot create"));
    }
    assert_ok(save_checkpoint(path, 0, &err), err);
}

/* ---- the order of calls ---------------------------------------------------------- */

/* open write... sync close rename, then open sync close of the folder. */
static void test_order(void **state)
{
    static const char *const want[] = {"open", "write", "sync", "close",
                                       "rename", "open", "sync", "close"};
    char path[OFR_PATH_MAX], word[16], name[600];
    ofr_error err;

    (void)state;
    in_folder(path, "order", "file");
    for (int s = 0; s < SAVERS; s++) {
        const char *trace = support_write("trace.txt", "");
        const int fd = open(trace, O_WRONLY | O_APPEND);
        int at = 0;

        faults_trace(fd);
        ofr_status status = savers[s].save(path, 1, &err);
        faults_trace(-1);
        close(fd);
        assert_ok(status, err);
        for (const char *p = support_read(trace); *p; p = strchr(p, '\n') + 1) {
            assert_int_equal(sscanf(p, "%15s %599s", word, name), 2);
            if (strcmp(word, "mkdir") == 0) continue; /* it was there */
            if (at == 2 && strcmp(word, "write") == 0) continue; /* one more */
            assert_true(at < 8);
            assert_string_equal(word, want[at]);
            assert_non_null(strstr(name, at < 5 ? "order/file." : "order/."));
            at++;
        }
        assert_int_equal(at, 8);
    }
}

/* ---- files that grow ------------------------------------------------------------- */

static void test_tail(void **state)
{
    char path[OFR_PATH_MAX];
    ofr_error err;
    ofr_tail tail;

    (void)state;
    in_folder(path, "tail", "journal");
    assert_ok(ofr_tail_open(&tail, path, 0, &err), err);
    assert_ok(ofr_tail_add(&tail, "one\n", 4, &err), err);
    faults_fail(FAULT_WRITE, 1, false);
    assert_fails(ofr_tail_add(&tail, "two\n", 4, &err), OFR_IO, err,
                 "journal: cannot write: No space left on device; make room");
    faults_fail(FAULT_SYNC, 1, false);
    assert_fails(ofr_tail_sync(&tail, &err), OFR_IO, err, "journal: cannot write");
    faults_off();
    faults_short_writes(1);
    assert_ok(ofr_tail_add(&tail, "two\nthr", 7, &err), err);
    faults_short_writes(0);
    ofr_tail_close(&tail);
    faults_fail(FAULT_TRUNCATE, 1, false);
    assert_fails(ofr_tail_open(&tail, path, 4, &err), OFR_IO, err,
                 "journal: cannot continue: ");
    faults_fail(FAULT_OPEN, 1, false);
    assert_fails(ofr_tail_open(&tail, path, 4, &err), OFR_IO, err,
                 "journal: cannot write");
    faults_off();
    assert_string_equal(support_read(path), "one\ntwo\nthr");
    assert_ok(ofr_tail_open(&tail, path, -1, &err), err); /* the torn line goes */
    assert_int_equal(tail.bytes, 8);
    ofr_tail_close(&tail);
    assert_ok(ofr_tail_open(&tail, path, 4, &err), err);
    assert_ok(ofr_tail_add(&tail, "2\n", 2, &err), err);
    ofr_tail_close(&tail);
    assert_string_equal(support_read(path), "one\n2\n");
}

/* A line longer than what is looked at in one go; no line at all. */
static void test_torn_lines(void **state)
{
    static char text[20000];
    char path[OFR_PATH_MAX];
    ofr_error err;
    ofr_tail tail;

    (void)state;
    memset(text, 'x', sizeof text);
    in_folder(path, "tail", "torn");
    for (size_t end = 0; end < 3; end++) { /* 0: no line end */
        if (end) text[end * 5000] = '\n';
        assert_ok(ofr_file_write(path, text, sizeof text, &err), err);
        assert_ok(ofr_tail_open(&tail, path, -1, &err), err);
        assert_int_equal(tail.bytes, end ? end * 5000 + 1 : 0);
        ofr_tail_close(&tail);
        assert_int_equal(strlen(support_read(path)), end ? end * 5000 + 1 : 0);
    }
}

/* ---- before the work ------------------------------------------------------------- */

static ofr_status count(void *user, ofr_error *err)
{
    (void)err;
    ++*(int *)user;
    return OFR_OK;
}

static void test_room(void **state)
{
    static const char old[100000];
    char path[OFR_PATH_MAX];
    int begun = 0;
    ofr_error err;

    (void)state;
    faults_room(1.5e6);
    assert_ok(ofr_file_check_room(support_folder(), 1.4e6, "the run", &err), err);
    assert_fails(ofr_file_check_room(support_folder(), 2.5e6, "the run", &err), OFR_IO,
                 err, "1.5 MB are free on that disk, the run needs 2.5 MB; make room");
    /* A checkpoint beside the one that stands, and the model. */
    ofr_train_options o = {.out = support_path("room")};
    assert_ok(ofr_run_folder_prepare(&o, true, 1e6, 0.4e6, &err), err);
    assert_fails(ofr_run_folder_prepare(&o, false, 1e6, 0.4e6, &err), OFR_IO, err,
                 "the run needs 2.4 MB");
    o.keep_first = true;
    assert_fails(ofr_run_folder_prepare(&o, false, 1e6, 0.4e6, &err), OFR_IO, err,
                 "the run needs 3.4 MB");
    /* What an earlier run has left goes before, but not in vain. */
    o.begin = count;
    o.user = &begun;
    in_folder(path, "room", OFR_RUN_LATEST);
    assert_ok(ofr_file_write(path, old, sizeof old, &err), err);
    in_folder(path, "room", "model.safetensors");
    assert_ok(ofr_file_write(path, old, sizeof old, &err), err);
    assert_fails(ofr_run_folder_prepare(&o, false, 1e6, 0.4e6, &err), OFR_IO, err,
                 "the run needs 3.2 MB");
    assert_int_equal(begun, 0);
    faults_room(3.3e6);
    assert_ok(ofr_run_folder_prepare(&o, false, 1e6, 0.4e6, &err), err);
    assert_int_equal(begun, 1);
    faults_room(-1);
    assert_ok(ofr_run_folder_prepare(&o, false, 1e6, 0.4e6, &err), err);
    faults_fail(FAULT_OPEN, 1, true);
    assert_fails(ofr_run_folder_prepare(&o, false, 1e6, 0.4e6, &err), OFR_IO, err,
                 "state.safetensors: cannot write: Permission denied; choose a place");
    faults_off();
}

/* What dead writers left is removed, what living ones write is not. */
static void test_tidy(void **state)
{
    char path[OFR_PATH_MAX], other[OFR_PATH_MAX];
    ofr_error err;
    ofr_file_writer w;
    int status;

    (void)state;
    in_folder(path, "tidy", "file");
    assert_ok(ofr_file_writer_begin(&w, path, &err), err);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ofr_file_writer lost;
        raise(ofr_file_writer_begin(&lost, path, NULL) == OFR_OK ? SIGKILL : SIGABRT);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    in_folder(other, "tidy", "notes.tmp");
    assert_ok(ofr_file_write(other, "mine", 4, &err), err);
    in_folder(other, "tidy", "a.1-x.tmp");
    assert_ok(ofr_file_write(other, "mine", 4, &err), err);
    assert_int_equal(names_in(support_path("tidy")), 4);
    ofr_file_tidy(support_path("tidy"));
    assert_int_equal(names_in(support_path("tidy")), 3);
    ofr_file_writer_add(&w, "whole", 5);
    assert_ok(ofr_file_writer_commit(&w, &err), err);
    assert_string_equal(support_read(path), "whole");
    ofr_file_tidy(support_path("tidy/absent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),    cmocka_unit_test(test_first),
        cmocka_unit_test(test_short_writes), cmocka_unit_test(test_folders),
        cmocka_unit_test(test_order),   cmocka_unit_test(test_tail),
        cmocka_unit_test(test_torn_lines), cmocka_unit_test(test_room),
        cmocka_unit_test(test_tidy),
    };

    return cmocka_run_group_tests_name("fault_files", tests, NULL, NULL);
}
