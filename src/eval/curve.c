/* curve.c - fronts and heights of (saved, score) points. */
#include "eval/curve.h"

#include <math.h>

#include "eval/stats.h"

/* Shares of layers and scores are quotients of counts: nearer is equal. */
#define EQUAL 1e-12

static bool beats(const double *saved, const double *score, int a, int b)
{
    if (!(saved[a] >= saved[b] && score[a] >= score[b])) return false;
    return saved[a] > saved[b] || score[a] > score[b] || a < b;
}

int ofr_curve_front(unsigned char *keep, const double *saved, const double *score, int n)
{
    int n_kept = 0;

    for (int i = 0; i < n; i++) {
        keep[i] = !isnan(saved[i]) && !isnan(score[i]);
        for (int j = 0; j < n && keep[i]; j++)
            keep[i] = j == i || !beats(saved, score, j, i);
        n_kept += keep[i];
    }
    return n_kept;
}

int ofr_curve_order(int *order, const unsigned char *keep, const double *saved, int n)
{
    int m = 0;

    for (int i = 0; i < n; i++) {
        int at = m;

        if (keep && !keep[i]) continue;
        while (at > 0 && saved[order[at - 1]] > saved[i]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
        m++;
    }
    return m;
}

bool ofr_curve_find(ofr_curve_mix *mix, const double *saved, int n, double at)
{
    if (n < 1 || !(at <= saved[n - 1] + EQUAL)) return false;
    for (int i = 0; i < n; i++) {
        if (at > saved[i]) continue;
        *mix = (ofr_curve_mix){i, i, 0};
        if (i == 0) return true;
        mix->low = i - 1; /* saved[i-1] < at <= saved[i]: the step is not zero */
        mix->share = (at - saved[i - 1]) / (saved[i] - saved[i - 1]);
        return true;
    }
    *mix = (ofr_curve_mix){n - 1, n - 1, 0};
    return true;
}

static double mixed(const ofr_curve_mix *mix, const double *y)
{
    if (mix->low == mix->high) return y[mix->low];
    return (1 - mix->share) * y[mix->low] + mix->share * y[mix->high];
}

double ofr_curve_height(const double *saved, const double *y, int n, double at)
{
    ofr_curve_mix mix;

    return ofr_curve_find(&mix, saved, n, at) ? mixed(&mix, y) : (double)NAN;
}

double ofr_curve_area(const double *saved, const double *y, int n, double to)
{
    if (n == 0 || saved[n - 1] < to) return NAN;
    return ofr_stats_curve_area(saved, y, n, 0, to);
}

int ofr_curve_fastest(const double *saved, const double *score, int n, double least)
{
    int best = -1;

    for (int i = 0; i < n; i++)
        if (score[i] >= least - EQUAL && (best < 0 || saved[i] > saved[best] ||
                                          (saved[i] == saved[best] &&
                                           score[i] > score[best])))
            best = i;
    return best;
}
