/*
 * Steps of the methods in double: the gradient that a step leaves against finite
 * differences of the loss that it reports, with dropout on; RomeBERT's against its
 * parts; PALBERT's loss against its definition.
 */
#include "method/toy.h"

#include <math.h>

#include "method/exits.h"
#include "method/palbert.h"
#include "nn/loss.h"

enum { L = 3, B = 6, PER_ROW = 6, STEP = 4 };

/* A method, opened on a few texts. */
typedef struct fixture {
    toy t;
    ofr_method_options o;
    ofr_train_options loop;
    ofr_encoder encoder;
    ofr_trainer trainer;
    ofr_recipe recipe;
    const ofr_phase *phase;
    uint64_t number; /* of the step */
} fixture;

static const int items[B] = {5, 0, 3, 1, 4, 2};

static void open_fixture(fixture *f, const ofr_method *method, toy_task task, int phase)
{
    const ofr_encoder_parts parts = {.layers = L, .gate = method->gate};
    ofr_error err;

    memset(f, 0, sizeof *f);
    ofr_method_options_init(&f->o);
    f->o.batch = B;
    f->o.policy_hidden = 4;
    f->o.pooler = OFR_POOLER_PER_LAYER;
    f->loop = (ofr_train_options){.seed = 3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    toy_open_task(&f->t, task, B, L, 1);
    f->t.config.hidden_dropout = f->t.config.attention_dropout = 0.1;
    f->t.config.head_dropout = 0.2;
    toy_encoder(&f->t, &f->encoder, &f->o);
    assert_ok(ofr_encoder_reshape(&f->encoder, &parts, 7, &err), err);
    for (int i = 0; i < f->encoder.params.n; i++) { /* no row may be all zero */
        const ofr_param *row = &f->encoder.params.rows[i];

        for (size_t k = 0; k < row->count; k++)
            f->encoder.w[row->offset + k] +=
                (ofr_real)(0.05 * ofr_rng_normal(8, (uint64_t)i, k));
    }
    assert_ok(ofr_trainer_open(&f->trainer, &f->encoder, f->t.dev, &f->loop, &err), err);
    assert_ok(method->open(&f->recipe, method, &f->trainer, &f->t.data, &f->o, &err),
              err);
    f->phase = &f->recipe.phases[phase];
    f->number = STEP;
    if (f->phase->begin)
        assert_ok(f->phase->begin(&f->trainer, f->recipe.self, &err), err);
}

static void close_fixture(fixture *f, const ofr_method *method)
{
    method->close(&f->recipe);
    ofr_trainer_close(&f->trainer);
    ofr_encoder_close(&f->encoder);
    toy_close(&f->t);
}

/* One step: its loss; trainer.grads = its gradient. */
static double take_step(fixture *f)
{
    ofr_step step = {.items = items, .B = B, .B_all = B, .number = f->number};

    memset(f->trainer.grads, 0, f->encoder.params.total * sizeof *f->trainer.grads);
    f->phase->step(&f->trainer, f->recipe.self, &step);
    return step.loss;
}

/* A loss that the test takes from what the step left behind. */
typedef double (*loss_of)(fixture *f, double reported);

static double as_reported(fixture *f, double reported)
{
    (void)f;
    return reported;
}

static double slope(fixture *f, ofr_real *x, loss_of loss)
{
    const double h = 1e-5;
    const ofr_real kept = *x;

    *x = kept + (ofr_real)h;
    const double up = loss(f, take_step(f));
    *x = kept - (ofr_real)h;
    const double down = loss(f, take_step(f));
    *x = kept;
    return (up - down) / (2 * h);
}

/* Some places of every row of `groups` (and not of layer L's own, if so said)
 * against grads[params.total]. */
static void check_rows(fixture *f, const ofr_real *grads, unsigned groups, loss_of loss)
{
    const ofr_params *params = &f->encoder.params;
    int moved = 0;

    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];

        if (!(row->group & groups)) continue;
        if ((groups & OFR_GROUP_NOT_LAST) && row->layer == L) continue;
        for (int k = 0; k < PER_ROW; k++) {
            const size_t at = row->offset +
                              ofr_rng_below(4, (uint64_t)i, (uint64_t)k,
                                            (uint32_t)row->count);
            const double got = (double)grads[at];

            support_close_one(row->name, got, slope(f, &f->encoder.w[at], loss),
                              1e-7 + 1e-5 * fabs(got));
            moved += fabs(got) > 1e-6;
        }
    }
    assert_true(moved > 30);
}

static ofr_real *step_grads(fixture *f)
{
    const size_t bytes = f->encoder.params.total * sizeof(ofr_real);
    ofr_real *copy = test_malloc(bytes);

    (void)take_step(f);
    memcpy(copy, f->trainer.grads, bytes);
    return copy;
}

static void check_method(const ofr_method *method, toy_task task, int phase,
                         uint64_t number, unsigned groups)
{
    fixture f;
    ofr_real *grads;

    open_fixture(&f, method, task, phase);
    f.number = number;
    grads = step_grads(&f);
    check_rows(&f, grads, groups, as_reported);
    test_free(grads);
    close_fixture(&f, method);
}

#define NETWORK (OFR_GROUP_BACKBONE | OFR_GROUP_POOLER | OFR_GROUP_HEADS)

static void test_joint(void **state)
{
    (void)state;
    check_method(&ofr_method_pabee, TOY_THREE, 0, STEP, NETWORK);
    check_method(&ofr_method_pabee, TOY_VALUE, 0, STEP, NETWORK);
}

static void test_deebert(void **state)
{
    (void)state;
    check_method(&ofr_method_deebert, TOY_THREE, 0, STEP, OFR_GROUP_BACKBONE);
    check_method(&ofr_method_deebert, TOY_THREE, 1, STEP,
                 OFR_GROUP_POOLER | OFR_GROUP_HEADS | OFR_GROUP_NOT_LAST);
}

/* A frozen backbone is read without dropout and has no gradient. */
static void test_frozen(void **state)
{
    (void)state;
    for (int phase = 0; phase < 2; phase++) {
        fixture f;
        int moved = 0;

        open_fixture(&f, &ofr_method_deebert, TOY_THREE, phase);
        f.encoder.config.head_dropout = 0;
        const double one = take_step(&f);
        f.number++;
        const double other = take_step(&f);
        assert_int_equal(one == other, phase == 1);
        for (int i = 0; i < f.encoder.params.n; i++) {
            const ofr_param *row = &f.encoder.params.rows[i];

            for (size_t k = 0; k < row->count; k++)
                moved += row->group == OFR_GROUP_BACKBONE &&
                         f.trainer.grads[row->offset + k] != 0;
        }
        assert_int_equal(moved == 0, phase == 1);
        close_fixture(&f, &ofr_method_deebert);
    }
}

static void test_palbert(void **state)
{
    (void)state;
    check_method(&ofr_method_palbert, TOY_THREE, 0, STEP, OFR_GROUP_ALL);
    check_method(&ofr_method_palbert, TOY_VALUE, 0, STEP, OFR_GROUP_ALL);
}

/* ---- BERxiT: two losses, the second one of LTE alone ---------------------------- */

static double target(const ofr_exits *e, const ofr_real *z, int item)
{
    const ofr_dataset *data = e->data->train;

    if (data->targets) return fabs(tanh((double)z[0] - (double)data->targets[item]));
    return ofr_argmax(z, e->K) != data->labels[item];
}

static double lte_loss(fixture *f)
{
    const ofr_exits *e = f->recipe.self;
    double sum = 0;

    for (int l = 0; l < L - 1; l++)
        for (int b = 0; b < B; b++) {
            const ofr_real *z = e->net.heads.z + (size_t)(l * B + b) * (size_t)e->K;
            const double u = 1 / (1 + exp(-(double)e->gates.u[l * B + b]));
            const double error = u - target(e, z, items[b]);

            sum += error * error / (L - 1) / B;
        }
    return sum;
}

static double without_lte(fixture *f, double reported)
{
    return reported - lte_loss(f);
}

static double only_lte(fixture *f, double reported)
{
    (void)reported;
    return lte_loss(f);
}

static void test_berxit(void **state)
{
    static const toy_task tasks[] = {TOY_THREE, TOY_VALUE};

    (void)state;
    for (int i = 0; i < 2; i++)
        for (uint64_t odd = 0; odd < 2; odd++) {
            fixture f;
            ofr_real *grads;
            int lower = 0;

            open_fixture(&f, &ofr_method_berxit, tasks[i], 0);
            f.number = STEP + odd;
            grads = step_grads(&f);
            check_rows(&f, grads, NETWORK, without_lte);
            for (int k = 0; k < f.encoder.params.n; k++) {
                const ofr_param *row = &f.encoder.params.rows[k];

                for (size_t j = 0; j < row->count; j++) {
                    const size_t at = row->offset + j;

                    if (row->group == OFR_GROUP_POLICIES)
                        support_close_one(row->name, (double)grads[at],
                                          slope(&f, &f.encoder.w[at], only_lte), 1e-8);
                    lower += row->group == OFR_GROUP_HEADS && row->layer < L &&
                             grads[at] != 0;
                }
            }
            assert_int_equal(lower > 0, odd); /* even steps: the last exit alone */
            test_free(grads);
            close_fixture(&f, &ofr_method_berxit);
        }
}

/* ---- RomeBERT ------------------------------------------------------------------- */

static ofr_real teacher[B * 3]; /* logits of layer L, kept while weights are moved */

/* anchor + other with a constant teacher, from the definition. */
static double rome_loss(fixture *f, double reported)
{
    const ofr_exits *e = f->recipe.self;
    const double T = f->o.temperature, g = f->o.distill;
    double sum = 0;

    (void)reported;
    for (int b = 0; b < B; b++) {
        sum += ofr_net_loss(&e->net, L, b) / B;
        for (int l = 1; l < L; l++) {
            const ofr_real *z = e->net.heads.z + (size_t)((l - 1) * B + b) * 3;
            double p[3], q[3], P = 0, Q = 0, kl = 0;

            for (int k = 0; k < 3; k++) {
                P += p[k] = exp((double)teacher[b * 3 + k] / T);
                Q += q[k] = exp((double)z[k] / T);
            }
            for (int k = 0; k < 3; k++)
                kl += p[k] / P * log(p[k] / P / (q[k] / Q));
            sum += ((1 - g) * ofr_net_loss(&e->net, l, b) + g * T * T * kl) / B;
        }
    }
    return sum;
}

static ofr_real *rome_grads(bool grad_reg, double *loss)
{
    fixture f;
    ofr_real *grads;

    open_fixture(&f, &ofr_method_romebert, TOY_THREE, 0);
    f.o.grad_reg = true;
    if (!grad_reg) {
        f.o.grad_reg = false;
        *loss = take_step(&f);
        memcpy(teacher, ((ofr_exits *)f.recipe.self)->net.heads.z + (L - 1) * B * 3,
               sizeof teacher);
        support_close_one("loss", *loss, rome_loss(&f, 0), 1e-12);
        grads = step_grads(&f);
        check_rows(&f, grads, NETWORK, rome_loss);
    } else {
        grads = step_grads(&f);
        support_close_one("loss, regularised", take_step(&f), *loss, 1e-12);
    }
    close_fixture(&f, &ofr_method_romebert);
    return grads;
}

/* sum = a + b is checked above; a is that of the last exit alone; so b is known, and
 * what each matrix should get. */
static void test_romebert(void **state)
{
    fixture f;
    double loss;
    int conflicts = 0, agreements = 0;

    (void)state;
    ofr_real *sum = rome_grads(false, &loss), *got = rome_grads(true, &loss);
    open_fixture(&f, &ofr_method_finetune, TOY_THREE, 0);
    ofr_real *a = step_grads(&f);
    for (int i = 0; i < f.encoder.params.n; i++) {
        const ofr_param *row = &f.encoder.params.rows[i];
        const bool below = row->layer > 0 && row->layer < L;
        double ab = 0, aa = 0, share = 0;

        for (size_t k = row->offset; k < row->offset + row->count; k++) {
            ab += (double)a[k] * ((double)sum[k] - (double)a[k]);
            aa += (double)a[k] * (double)a[k];
        }
        if (below && row->group == OFR_GROUP_BACKBONE && row->rank == 2 && ab < 0)
            share = ab / aa;
        conflicts += share != 0;
        agreements += row->rank == 2 && share == 0;
        for (size_t k = row->offset; k < row->offset + row->count; k++)
            support_close_one(row->name, (double)got[k],
                              (double)sum[k] - share * (double)a[k], 1e-11);
    }
    assert_true(conflicts > 0 && agreements > 0);
    test_free(a);
    test_free(sum);
    test_free(got);
    close_fixture(&f, &ofr_method_finetune);
}

/* ---- PALBERT's loss, by its definition ------------------------------------------- */

static double ponder_by_hand(const double *u, const double *ce, int layers, double p,
                             double beta)
{
    double left = 1, prior_left = 1, sum = 0;

    for (int l = 0; l < layers; l++) {
        const bool last = l == layers - 1;
        const double q = last ? left : left / (1 + exp(-u[l]));
        const double g = last ? prior_left : prior_left * p;

        sum += q * ce[l] + beta * q * log(q / g);
        left -= q;
        prior_left -= g;
    }
    return sum;
}

static void test_ponder_loss(void **state)
{
    static const double ce[4] = {2, 0.5, 0.7, 0.1};
    double u[3] = {-1, 0.3, 0.8}, q[4], du[3], unused[3], work[8];

    (void)state;
    const double loss = ofr_ponder_loss(q, du, u, ce, 4, 0.2, 0.5, work);
    support_close_one("loss", loss, ponder_by_hand(u, ce, 4, 0.2, 0.5), 1e-12);
    support_close_one("q", q[0] + q[1] + q[2] + q[3], 1, 1e-12);
    for (int l = 0; l < 3; l++) {
        const double kept = u[l], h = 1e-5;

        u[l] = kept + h;
        const double up = ofr_ponder_loss(q, unused, u, ce, 4, 0.2, 0.5, work);
        u[l] = kept - h;
        const double down = ofr_ponder_loss(q, unused, u, ce, 4, 0.2, 0.5, work);
        u[l] = kept;
        support_close_one("du", du[l], (up - down) / (2 * h), 1e-9);
    }
    /* On the prior itself nothing is lost, and at beta 0 only CE counts. */
    const double at = log(0.2 / 0.8), prior[3] = {at, at, at}, none[4] = {0};
    support_close_one("prior", ofr_ponder_loss(q, du, prior, none, 4, 0.2, 9, work), 0,
                      1e-12);
    support_close_one("prior", du[0], 0, 1e-12);
    support_close_one("no prior", ofr_ponder_loss(q, du, prior, ce, 4, 0.7, 0, work),
                      0.2 * 2 + 0.16 * 0.5 + 0.128 * 0.7 + 0.512 * 0.1, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joint),    cmocka_unit_test(test_deebert),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_berxit),   cmocka_unit_test(test_romebert),
        cmocka_unit_test(test_palbert),  cmocka_unit_test(test_ponder_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
