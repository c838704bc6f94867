/* test_file.c - reading, mapping, atomic writing, and clear failures. */
#include "support/support.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void test_map(void **state)
{
    (void)state;
    ofr_error err;
    ofr_file_map map;
    assert_ok(ofr_file_map_open(&map, support_write("m", "hello"), &err), err);
    assert_int_equal(map.size, 5);
    assert_memory_equal(map.p, "hello", 5);
    ofr_file_map_close(&map);
    assert_null(map.p);
    assert_ok(ofr_file_map_open(&map, support_write("empty", ""), &err), err);
    assert_null(map.p);
    assert_int_equal(map.size, 0);
    ofr_file_map_close(&map);
    assert_fails(ofr_file_map_open(&map, support_path("absent"), &err), OFR_NOT_FOUND,
                 err, "absent: cannot open: No such file or directory; check the name");
    assert_fails(ofr_file_map_open(&map, support_folder(), &err), OFR_IO, err,
                 "is a directory, expected a file; give the name of one");
    assert_fails(ofr_file_map_open(&map, "/dev/null", &err), OFR_IO, err,
                 "/dev/null: is not a regular file");
}

static void test_read(void **state)
{
    (void)state;
    ofr_error err;
    ofr_buf buf;
    ofr_buf_init(&buf);
    ofr_buf_adds(&buf, "before:");
    assert_ok(ofr_file_read(&buf, support_write("r", "text"), 0, &err), err);
    assert_string_equal(buf.p, "before:text");
    assert_ok(ofr_file_read(&buf, support_write("r", "1234"), 4, &err), err);
    assert_fails(ofr_file_read(&buf, support_path("r"), 3, &err), OFR_FORMAT, err,
                 "larger than 3 bytes");
    assert_fails(ofr_file_read(&buf, support_path("absent"), 3, &err), OFR_NOT_FOUND, err,
                 "absent");
    assert_fails(ofr_file_read(&buf, support_path("r/below"), 3, &err), OFR_NOT_FOUND,
                 err, "r/below: cannot open: Not a directory; check the name");
    assert_fails(ofr_file_read(&buf, support_folder(), 0, &err), OFR_IO, err,
                 "is a directory");
    assert_string_equal(buf.p, "before:text1234"); /* untouched by failures */
    ofr_buf_free(&buf);
    assert_ok(ofr_file_read(&buf, support_write("empty", ""), 0, &err), err);
    assert_string_equal(buf.p, ""); /* a text even when nothing was read */
    ofr_buf_free(&buf);
}

static void test_standard_input(void **state)
{
    (void)state;
    ofr_error err;
    ofr_buf buf;
    ofr_buf_init(&buf);
    int ends[2], before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "piped", 5), 5);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    ofr_status status = ofr_file_read_input(&buf, "-", 0, &err);
    dup2(before, STDIN_FILENO);
    close(before);
    assert_int_equal(status, OFR_OK);
    assert_string_equal(buf.p, "piped");
    ofr_buf_free(&buf);
}

/* Without the right kind of open each of these waits for the other end; the alarm ends
 * that. */
static void test_pipe(void **state)
{
    (void)state;
    char path[OFR_PATH_MAX], hash[OFR_FILE_HASH];
    ofr_file_map map;
    ofr_buf buf;
    ofr_error err;
    ofr_buf_init(&buf);
    strcpy(path, support_path("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    /* Not even opened: whoever waits to write to it would think that somebody reads. */
    const int opened = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    struct inotify_event event;
    assert_true(inotify_add_watch(opened, path, IN_OPEN) >= 0);
    (void)alarm(60);
    assert_fails(ofr_file_map_open(&map, path, &err), OFR_IO, err,
                 "pipe: is not a regular file, expected one");
    assert_fails(ofr_file_read(&buf, path, 0, &err), OFR_IO, err, "not a regular file");
    assert_fails(ofr_file_hash(hash, path, &err), OFR_IO, err, "not a regular file");
    assert_int_equal(read(opened, &event, sizeof event), -1);
    close(opened);
    assert_ok(ofr_file_check(path, &err), err);
    assert_fails(ofr_file_check_own(path, &err), OFR_IO, err, "not a regular file");
    pid_t writer = fork();
    if (writer == 0) _exit(ofr_file_write(path, "piped", 5, NULL) == OFR_OK ? 0 : 1);
    assert_ok(ofr_file_read_input(&buf, path, 0, &err), err);
    int how;
    assert_int_equal(waitpid(writer, &how, 0), writer);
    (void)alarm(0);
    assert_int_equal(how, 0);
    assert_string_equal(buf.p, "piped");
    ofr_buf_free(&buf);
}

static void test_write(void **state)
{
    (void)state;
    ofr_error err;
    const char *path = support_path("w");
    assert_ok(ofr_file_write(path, "one", 3, &err), err);
    assert_string_equal(support_read(path), "one");
    ofr_file_writer w;
    assert_ok(ofr_file_writer_begin(&w, path, &err), err);
    char *big = malloc(1000000);
    assert_non_null(big);
    for (int i = 0; i < 1000000; i++)
        big[i] = (char)('a' + i % 23);
    for (int i = 0; i < 100000; i += 1000)
        ofr_file_writer_add(&w, big + i, 1000);
    ofr_file_writer_add(&w, big + 100000, 900000);
    assert_string_equal(support_read(path), "one"); /* not before the commit */
    assert_ok(ofr_file_writer_commit(&w, &err), err);
    const char *back = support_read(path);
    assert_int_equal(strlen(back), 1000000);
    assert_memory_equal(back, big, 1000000);
    free(big);
    assert_ok(ofr_file_writer_begin(&w, path, &err), err);
    ofr_file_writer_add(&w, "lost", 4);
    char temporary[OFR_PATH_MAX];
    strcpy(temporary, w.temporary);
    assert_true(ofr_file_exists(temporary));
    ofr_file_writer_abort(&w);
    assert_false(ofr_file_exists(temporary));
    assert_int_equal(strlen(support_read(path)), 1000000);
}

static void test_write_failures(void **state)
{
    (void)state;
    ofr_error err;
    size_t live = ofr_mem_live();
    assert_fails(ofr_file_write(support_path("no/such/dir"), "x", 1, &err), OFR_NOT_FOUND,
                 err, "no/such/dir: cannot write");
    assert_fails(ofr_file_write(support_folder(), "x", 1, &err), OFR_IO, err,
                 "is a directory");
    assert_fails(ofr_file_write("", "x", 1, &err), OFR_INVALID, err, "not a usable name");
    assert_ok(ofr_file_write("/dev/null", "x", 1, &err), err);
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode)); /* written to, not replaced */
    if (ofr_file_exists("/dev/full"))
        assert_fails(ofr_file_write("/dev/full", "x", 1, &err), OFR_IO, err,
                     "/dev/full: cannot write: No space left");
    ofr_mem_fail_at(1, false);
    assert_fails(ofr_file_write(support_path("w2"), "x", 1, &err), OFR_NOMEM, err, "w2");
    assert_false(ofr_file_exists(support_path("w2")));
    assert_int_equal(ofr_mem_live(), live);
}

static void test_links(void **state)
{
    (void)state;
    ofr_error err;
    char target[OFR_PATH_MAX], name[OFR_PATH_MAX];
    strcpy(target, support_write("target", "old"));
    strcpy(name, support_path("link"));
    assert_int_equal(symlink("target", name), 0);
    assert_ok(ofr_file_write(name, "new", 3, &err), err);
    struct stat info;
    assert_int_equal(lstat(name, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_string_equal(support_read(target), "new");
}

static void test_folders(void **state)
{
    (void)state;
    ofr_error err;
    assert_ok(ofr_file_make_dirs(support_path("a/b/c"), &err), err);
    assert_ok(ofr_file_make_dirs(support_path("a/b/c/"), &err), err);
    assert_true(ofr_file_is_dir(support_path("a/b/c")));
    assert_fails(ofr_file_make_dirs(support_write("file", ""), &err), OFR_IO, err,
                 "exists and is not a directory");
    assert_fails(ofr_file_make_dirs(support_path("file/x"), &err), OFR_IO, err, "file");
    assert_fails(ofr_file_make_dirs("", &err), OFR_INVALID, err, "not a usable name");
    assert_true(ofr_file_exists(support_path("file")));
    assert_ok(ofr_file_remove(support_path("file"), &err), err);
    assert_ok(ofr_file_remove(support_path("file"), &err), err);
    assert_false(ofr_file_exists(support_path("file")));
    assert_fails(ofr_file_remove(support_path("a"), &err), OFR_IO, err, "cannot remove");
}

static void test_join(void **state)
{
    (void)state;
    ofr_error err;
    char out[OFR_PATH_MAX];
    assert_ok(ofr_file_join(out, "a/b", "c", &err), err);
    assert_string_equal(out, "a/b/c");
    assert_ok(ofr_file_join(out, "a/", "c", &err), err);
    assert_string_equal(out, "a/c");
    assert_ok(ofr_file_join(out, "", "c", &err), err);
    assert_string_equal(out, "c");
    assert_ok(ofr_file_join(out, out, "d", &err), err); /* in place */
    assert_string_equal(out, "c/d");
    static char longest[OFR_PATH_MAX];
    memset(longest, 'x', OFR_PATH_MAX - 3);
    assert_ok(ofr_file_join(out, longest, "y", &err), err);
    assert_int_equal(strlen(out), OFR_PATH_MAX - 1);
    assert_fails(ofr_file_join(out, longest, "yz", &err), OFR_INVALID, err,
                 "longer than");
}

/* Known answers of 64-bit FNV-1a: the empty string, "a" and "foobar". */
static void test_hash(void **state)
{
    (void)state;
    ofr_error err;
    char out[OFR_FILE_HASH];
    assert_ok(ofr_file_hash(out, support_write("hash", ""), &err), err);
    assert_string_equal(out, "cbf29ce484222325");
    assert_ok(ofr_file_hash(out, support_write("hash", "a"), &err), err);
    assert_string_equal(out, "af63dc4c8601ec8c");
    assert_ok(ofr_file_hash(out, support_write("hash", "foobar"), &err), err);
    assert_string_equal(out, "85944171f73967e8");
    if (ofr_file_exists("/proc/version")) { /* its size is said to be 0 */
        assert_ok(ofr_file_hash(out, "/proc/version", &err), err);
        assert_string_not_equal(out, "cbf29ce484222325");
    }
    assert_fails(ofr_file_hash(out, support_path("absent"), &err), OFR_NOT_FOUND, err,
                 "absent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),            cmocka_unit_test(test_read),
        cmocka_unit_test(test_standard_input), cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_failures), cmocka_unit_test(test_links),
        cmocka_unit_test(test_folders),        cmocka_unit_test(test_join),
        cmocka_unit_test(test_hash),           cmocka_unit_test(test_pipe),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
