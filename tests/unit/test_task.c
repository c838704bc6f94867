/* test_task.c - names of tasks, their files and what the table promises. */
#include "support/support.h"

#include "data/task.h"

static void test_names(void **state)
{
    static const char *const ways[] = {"sst2", "SST-2", "sst_2", "Sst2"};
    const ofr_task *task;
    ofr_error err;

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_ok(ofr_task_find(&task, ways[i], &err), err);
        assert_string_equal(task->name, "sst2");
    }
    assert_fails(ofr_task_find(&task, "sst3", &err), OFR_INVALID, err, "mean 'sst2'");
    assert_fails(ofr_task_find(&task, "", &err), OFR_INVALID, err, "known: cola, sst2");
    assert_fails(ofr_task_find(&task,
                               "sentiment-of-everything-and-a-name-that-is-far-too-"
                               "long-for-any-table-of-tasks",
                               &err),
                 OFR_INVALID, err, "unknown task");
}

static void test_table(void **state)
{
    const ofr_task *task;
    ofr_error err;
    int n = 0;

    (void)state;
    for (task = ofr_tasks; task->name; task++) {
        const ofr_task *found;

        assert_ok(ofr_task_find(&found, task->name, &err), err);
        assert_ptr_equal(found, task);
        assert_ok(ofr_task_find(&found, task->folder, &err), err);
        assert_non_null(task->text);
        assert_non_null(task->label);
        n++;
    }
    assert_true(n >= 13);
    assert_ok(ofr_task_find(&task, "stsb", &err), err);
    assert_true(task->regression);
    assert_string_equal(ofr_metric_name(task->metric), "pearson");
    assert_string_equal(ofr_metric_name(task->metric2), "spearman");
    assert_ok(ofr_task_find(&task, "cola", &err), err);
    assert_false(task->has_header);
    assert_string_equal(ofr_metric_name(task->metric), "matthews");
    assert_ok(ofr_task_find(&task, "mnli", &err), err);
    assert_string_equal(task->dev_file, "dev_matched.tsv");
}

/* dir/FILE is taken first, then dir/FOLDER/FILE. */
static void test_files(void **state)
{
    const ofr_task *task;
    char path[OFR_PATH_MAX], dir[OFR_PATH_MAX];
    ofr_error err;

    (void)state;
    assert_ok(ofr_task_find(&task, "rte", &err), err);
    snprintf(dir, sizeof dir, "%s", support_path("glue"));
    assert_ok(ofr_file_make_dirs(support_path("glue/RTE"), &err), err);
    assert_fails(ofr_task_file(task, dir, "train", path, &err), OFR_NOT_FOUND, err,
                 "glue/RTE/train.tsv exists");
    support_write("glue/RTE/train.tsv", "x\n");
    assert_ok(ofr_task_file(task, dir, "train", path, &err), err);
    assert_string_equal(path, support_path("glue/RTE/train.tsv"));
    support_write("glue/train.tsv", "x\n");
    assert_ok(ofr_task_file(task, dir, "train", path, &err), err);
    assert_string_equal(path, support_path("glue/train.tsv"));
    assert_ok(ofr_task_find(&task, "mnli-mm", &err), err);
    support_write("glue/dev_mismatched.tsv", "x\n");
    assert_ok(ofr_task_file(task, dir, "dev", path, &err), err);
    assert_string_equal(path, support_path("glue/dev_mismatched.tsv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
