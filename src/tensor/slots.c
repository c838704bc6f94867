/* slots.c - many arrays in one allocation: measure, allocate, place. */
#include "tensor/slots.h"

#include <stdint.h>

#include "base/mem.h"

void *ofr_slots_take(ofr_slots *slots, size_t count, size_t size)
{
    size_t room = SIZE_MAX - OFR_ALIGN - slots->used;
    if (size != 0 && count > room / size) {
        slots->overflow = 1;
        return NULL;
    }
    void *p = slots->base != NULL ? slots->base + slots->used : NULL;
    size_t bytes = count * size;
    slots->used += (bytes + OFR_ALIGN - 1) / OFR_ALIGN * OFR_ALIGN;
    return p;
}

ofr_status ofr_slots_open(ofr_slots *slots, ofr_slots_layout layout, void *owner,
                          const char *what, ofr_error *err)
{
    ofr_slots plan = {0};
    layout(&plan, owner);
    size_t bytes = plan.overflow ? SIZE_MAX : plan.used;
    plan.base = plan.overflow ? NULL : ofr_mem_zalloc(bytes);
    if (plan.base == NULL) return ofr_fail_nomem(err, bytes, what);
    plan.used = 0;
    layout(&plan, owner);
    OFR_ASSERT(plan.used == bytes);
    *slots = plan;
    return OFR_OK;
}

void ofr_slots_close(ofr_slots *slots)
{
    ofr_mem_free(slots->base);
    *slots = (ofr_slots){0};
}
