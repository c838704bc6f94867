/* cmd_doctor.c - `offramp doctor`: is all well with the program and this machine? */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/doctor.h"

typedef struct options {
    ofr_cmd_common common;
} options;

static const ofr_opt rows[] = {
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_doctor *doctor;
    ofr_buf out;
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    doctor = ofr_mem_alloc(sizeof *doctor);
    if (!doctor) return ofr_fail_nomem(err, sizeof *doctor, "the findings");
    ofr_buf_init(&out);
    status = ofr_doctor_find(doctor, o->common.threads, err);
    if (!status) {
        if (o->common.json)
            ofr_doctor_json(&out, doctor);
        else
            ofr_doctor_text(&out, doctor);
        status = ofr_cmd_print(&out, err);
    }
    if (!status && doctor->n_problems)
        status = ofr_fail(err, OFR_UNPROVEN,
                          "%d problem%s found; the next step stands below each",
                          doctor->n_problems, doctor->n_problems == 1 ? "" : "s");
    ofr_buf_free(&out);
    ofr_mem_free(doctor);
    return status;
}

const ofr_cmd ofr_cmd_doctor = {
    .name = "doctor",
    .summary = "Check the program and this machine, and say what to do about problems",
    .usage = "[--json]",
    .example = "  offramp doctor\n  offramp doctor --json >doctor.json",
    .notes =
        "Shows version, compiler and build options; processor, instruction sets (in the\n"
        "program, on the machine, in use) and what it could compute at best; how many\n"
        "threads are allowed and by what; memory; the default model; gnuplot; folders "
        "of\n"
        "test data; whether the current folder may be written. The kernels of every set\n"
        "that the machine has are checked on a small product.\n"
        "\n"
        "What would make a verb or the tests fail, a variable that leads nowhere among\n"
        "it, is a problem and gives exit code 1; what merely is not there is a note.\n"
        "Each names the next step.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
