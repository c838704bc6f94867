/* together.c - sums, agreement and mutual checks of the ranks of a run. */
#include "train/together.h"

#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "train/net.h"

bool ofr_together_any(const ofr_comm *comm, bool mine)
{
    double x = mine;

    comm->sum_double(comm, &x, 1);
    return x > 0;
}

int ofr_together_most(const ofr_comm *comm, int mine)
{
    int most = mine;

    for (int r = 0; r < comm->n_ranks; r++) {
        int theirs = mine;

        comm->broadcast(comm, &theirs, sizeof theirs, r);
        if (theirs > most) most = theirs;
    }
    return most;
}

/* ---- are we equal? ----------------------------------------------------------- */

static uint64_t hash_weights(const ofr_trainer *trainer)
{
    const ofr_encoder *encoder = trainer->encoder;

    return ofr_hash_bytes(0, encoder->w, encoder->params.total * sizeof *encoder->w);
}

void ofr_together_kernels(char out[OFR_KERNELS_NAME], const ofr_trainer *trainer)
{
    memset(out, 0, OFR_KERNELS_NAME);
    memcpy(out, trainer->dev->ops.name,
           strnlen(trainer->dev->ops.name, OFR_KERNELS_NAME - 1));
}

/* What all ranks must have in common, in the order in which it is complained about. */
typedef struct common {
    char kernels[OFR_KERNELS_NAME];
    uint64_t fingerprint, start, weights;
} common;

static ofr_status compare(const ofr_comm *comm, const common *mine, ofr_error *err)
{
    common root = *mine;
    const char *what = NULL;

    comm->broadcast(comm, &root, sizeof root, 0);
    OFR_TRY(comm->check(comm, err));
    if (strcmp(root.kernels, mine->kernels) != 0)
        return ofr_fail(err, OFR_INVALID,
                        "computes with kernels '%s', rank 0 with '%s', which would give "
                        "other bits; set OFR_CPU everywhere to what all machines have",
                        mine->kernels, root.kernels);
    if (root.fingerprint != mine->fingerprint)
        what = "data or settings";
    else if (root.start != mine->start)
        what = "a checkpoint";
    else if (root.weights != mine->weights)
        what = "weights";
    if (!what) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "begins with other %s than rank 0; every machine must see the same "
                    "files for --model, --data and --out", what);
}

ofr_status ofr_together_start(const ofr_trainer *trainer, ofr_error *err)
{
    common mine = {.fingerprint = trainer->options->fingerprint};

    if (trainer->comm->n_ranks == 1) return OFR_OK;
    ofr_together_kernels(mine.kernels, trainer);
    mine.start = ofr_hash_bytes(0, &trainer->at, sizeof trainer->at);
    mine.weights = hash_weights(trainer);
    OFR_TRY(compare(trainer->comm, &mine, err));
    /* Rank 0 is about to touch files: not before all others have agreed. */
    trainer->comm->barrier(trainer->comm);
    return trainer->comm->check(trainer->comm, err);
}

ofr_status ofr_together_still(const ofr_trainer *trainer, ofr_error *err)
{
    const ofr_comm *comm = trainer->comm;
    uint64_t mine, root;

    if (comm->n_ranks == 1) return OFR_OK;
    mine = root = hash_weights(trainer);
    comm->broadcast(comm, &root, sizeof root, 0);
    OFR_TRY(comm->check(comm, err));
    if (root == mine) return OFR_OK;
    return ofr_fail(err, OFR_DIVERGED,
                    "has other weights than rank 0 after equal steps; the machines do "
                    "not compute alike (other processor, C library or damaged memory)");
}

/* Checkpoints of earlier versions do not hold everything. */
static ofr_status read_if_there(const ofr_checkpoint *checkpoint,
                                ofr_checkpoint_item item, ofr_error *err)
{
    if (!ofr_safetensors_find(&checkpoint->file, item.name)) return OFR_OK;
    return ofr_checkpoint_read(checkpoint, &item, 1, err);
}

ofr_status ofr_together_resume(const ofr_trainer *trainer,
                               const ofr_checkpoint *checkpoint, ofr_error *err)
{
    int64_t ranks = 1; /* as long as a checkpoint does not say */
    char before[OFR_KERNELS_NAME] = "", now[OFR_KERNELS_NAME];

    OFR_TRY(read_if_there(checkpoint, ofr_checkpoint_item_of("ranks", OFR_I64, 1, &ranks),
                          err));
    OFR_TRY(read_if_there(
        checkpoint, ofr_checkpoint_item_of("kernels", OFR_U8, sizeof before, before),
        err));
    before[sizeof before - 1] = 0;
    ofr_together_kernels(now, trainer);
    if (ranks != trainer->comm->n_ranks)
        ofr_log(OFR_LOG_INFO,
                "%s: was written by %lld ranks and goes on with %d: the same batches, "
                "but sums are rounded otherwise, so the bits will differ",
                checkpoint->path, (long long)ranks, trainer->comm->n_ranks);
    if (before[0] && strcmp(before, now) != 0)
        ofr_log(OFR_LOG_INFO,
                "%s: was written with kernels '%s' and goes on with '%s', which round "
                "otherwise, so the bits will be those of neither; to have the former "
                "ones, stop it and resume with OFR_CPU=%s on a machine that has these",
                checkpoint->path, before, now, before);
    return OFR_OK;
}

/* ---- a step ------------------------------------------------------------------- */

/* Sums over ranks that this phase needs? */
static bool is_split(const ofr_trainer *trainer)
{
    return trainer->comm->n_ranks > 1 && !trainer->plan.replicated;
}

static void on_final(void *user, size_t from)
{
    ofr_trainer *trainer = user;

    ofr_reduce_final(&trainer->reduce, from);
}

void ofr_trainer_backward(ofr_trainer *trainer, ofr_net *net)
{
    if (is_split(trainer)) {
        net->trace.final = on_final;
        net->trace.final_user = trainer;
    }
    ofr_net_backward(net, trainer->grads);
    net->trace.final = NULL;
}

void ofr_trainer_sum(ofr_trainer *trainer, ofr_real *x)
{
    if (!is_split(trainer)) return;
    ofr_reduce_start(&trainer->reduce, x);
    ofr_reduce_end(&trainer->reduce);
}

ofr_status ofr_together_step(ofr_trainer *trainer, ofr_step *step, ofr_error *err)
{
    const ofr_comm *comm = trainer->comm;
    double sums[2] = {step->loss, step->extra};

    if (!is_split(trainer)) return OFR_OK;
    if (!step->summed) ofr_reduce_end(&trainer->reduce);
    comm->sum_double(comm, sums, 2);
    step->loss = sums[0];
    step->extra = sums[1];
    return comm->check(comm, err);
}
