/* comm_mpi_absent.c - in place of comm_mpi.c in a program built without MPI. */
#include "train/comm_mpi.h"

void ofr_comm_mpi_version(char out[OFR_MPI_VERSION])
{
    out[0] = 0;
}

ofr_status ofr_comm_mpi_open(const ofr_comm **out, ofr_error *err)
{
    (void)out;
    return ofr_fail(err, OFR_INVALID,
                    "this program was built without MPI; install Open MPI and build it "
                    "again (docs/DISTRIBUTED.md), or start it once");
}

void ofr_comm_mpi_close(const ofr_comm *comm, const ofr_error *err, int code)
{
    (void)comm;
    (void)err;
    (void)code;
}
