/*
 * comm_mpi.h - ranks that a launcher started together and that talk through MPI.
 *
 * The only names that know of MPI.  Without it comm_mpi_absent.c is built instead,
 * and opening fails.
 */
#ifndef OFR_TRAIN_COMM_MPI_H
#define OFR_TRAIN_COMM_MPI_H

#include "train/comm.h"

/* "Open MPI v4.1.4"; empty: this program was built without MPI. */
enum { OFR_MPI_VERSION = 64 };
void ofr_comm_mpi_version(char out[OFR_MPI_VERSION]);

/* The table of all processes that were started together; once per process.  Caller
 * closes it, also after an error that comes when MPI has begun: others wait for this
 * rank.  Before that *out stays as it was.  OFR_INVALID: built without MPI;
 * OFR_NOMEM. */
ofr_status ofr_comm_mpi_open(const ofr_comm **out, ofr_error *err);

/* The last call of a process, after it has said what it has to say.  OFR_OK in
 * `err`: ends when all have come here.  Otherwise the whole job ends with exit code
 * `code`; a rank other than 0 hands its words to rank 0, whose check() gives them to
 * whoever asks, and does not return. */
void ofr_comm_mpi_close(const ofr_comm *comm, const ofr_error *err, int code);

#endif
