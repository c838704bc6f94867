/* launch.c - the environment of launchers, and the ranks that it promises. */
#include "cli/launch.h"

#include <stdlib.h>

#include "train/comm_mpi.h"

/* Variable that holds the number of ranks.  The first that is set counts: mpirun
 * inside a Slurm job sets its own on top of Slurm's.  SLURM_NTASKS is not among them,
 * a batch script has it too. */
static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                    "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"};

static int promised(const char **name)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *value = getenv(sizes[i]);

        if (!value) continue;
        *name = sizes[i];
        return atoi(value);
    }
    return 1;
}

ofr_status ofr_launch_open(const ofr_comm **comm, const char *verb, bool can_share,
                           ofr_error *err)
{
    const char *name = NULL;
    const int n = promised(&name);
    char version[OFR_MPI_VERSION];

    *comm = &ofr_comm_self;
    if (n <= 1) return OFR_OK;
    ofr_comm_mpi_version(version);
    if (!version[0])
        return ofr_fail(err, OFR_INVALID,
                        "started as %d processes (%s=%d), but built without MPI; build "
                        "it where Open MPI is installed (docs/DISTRIBUTED.md), or start "
                        "it once",
                        n, name, n);
    OFR_TRY(ofr_comm_mpi_open(comm, err));
    if ((*comm)->n_ranks != n)
        return ofr_fail(err, OFR_INVALID,
                        "started as %d processes (%s=%d) that do not find each other: "
                        "this program belongs to %s, the launcher to another MPI; use "
                        "the mpirun of the former, or unset %s to run each alone",
                        n, name, n, version, name);
    if (!can_share)
        return ofr_fail(err, OFR_INVALID,
                        "started as %d ranks, but only train shares its work; start %s "
                        "once",
                        n, verb);
    return OFR_OK;
}

ofr_status ofr_launch_meet(const ofr_comm *comm, ofr_error *err)
{
    comm->barrier(comm);
    return comm->check(comm, err);
}

void ofr_launch_close(const ofr_comm *comm, const ofr_error *err, int code)
{
    if (comm != &ofr_comm_self) ofr_comm_mpi_close(comm, err, code);
}
