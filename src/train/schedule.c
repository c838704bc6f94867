/* schedule.c - linear decay with warm-up, as most fine-tuning scripts have it. */
#include "train/schedule.h"

double ofr_schedule_rate(ofr_schedule schedule, double peak, long long step,
                         long long total, double warmup)
{
    const long long rise = (long long)(warmup * (double)total);

    if (step < rise) return peak * (double)step / (double)rise;
    if (schedule == OFR_SCHEDULE_CONSTANT) return peak;
    if (step >= total) return 0;
    return peak * (double)(total - step) / (double)(total - rise);
}

double ofr_schedule_clip(double norm, double limit)
{
    const double factor = limit / (norm + 1e-6);

    return limit > 0 && factor < 1 ? factor : 1;
}
