/* test_lock.c - a folder that one process at a time works in. */
#include "support/support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/lock.h"

static void test_taken(void **state)
{
    const char *dir = support_folder();
    char path[OFR_PATH_MAX];
    ofr_lock lock, second;
    ofr_error err;

    (void)state;
    assert_ok(ofr_file_join(path, dir, "lock", &err), err);
    assert_ok(ofr_lock_open(&lock, dir, &err), err);
    assert_true(ofr_file_exists(path));
    char who[40];
    snprintf(who, sizeof who, ": process %ld on ", (long)getpid());
    assert_fails(ofr_lock_open(&second, dir, &err), OFR_INVALID, err, who);
    assert_non_null(strstr(err.text, path));
    ofr_lock_close(&second); /* nothing was taken */
    assert_fails(ofr_lock_open(&second, dir, &err), OFR_INVALID, err, who);
    ofr_lock_close(&lock);
    assert_false(ofr_file_exists(path));
    ofr_lock_close(&lock); /* twice is fine */
    assert_ok(ofr_lock_open(&second, dir, &err), err);
    ofr_lock_close(&second);
}

/* What a killed process leaves behind is no lock. */
static void test_left_behind(void **state)
{
    const char *dir = support_folder();
    ofr_lock lock;
    ofr_error err;
    int how;

    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        ofr_lock mine;

        _exit(ofr_lock_open(&mine, dir, NULL) == OFR_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    assert_true(ofr_file_exists(support_path("lock")));
    assert_ok(ofr_lock_open(&lock, dir, &err), err);
    ofr_lock_close(&lock);
}

static void test_no_folder(void **state)
{
    char dir[OFR_PATH_MAX];
    ofr_lock lock;
    ofr_error err;

    (void)state;
    snprintf(dir, sizeof dir, "%s", support_path("absent"));
    assert_fails(ofr_lock_open(&lock, dir, &err), OFR_NOT_FOUND, err,
                 "absent/lock");
    ofr_lock_close(&lock);
}

/* The note of who holds it must not end up in another file. */
static void test_link(void **state)
{
    ofr_lock lock;
    ofr_error err;
    const char *victim = support_write("victim", "kept");

    (void)state;
    assert_int_equal(symlink(victim, support_path("lock")), 0);
    assert_fails(ofr_lock_open(&lock, support_folder(), &err), OFR_IO, err,
                 "a symbolic link stands in the way, remove it");
    assert_string_equal(support_read(support_path("victim")), "kept");
    unlink(support_path("lock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_left_behind),
        cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
