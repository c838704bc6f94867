/*
 * pool.c - spin a little, then sleep.
 *
 * A piece of work is published by raising `generation`; workers count
 * themselves off in `pending`.  Both sides spin first; whoever sleeps says so
 * under the lock, so that a wake-up is sent only when somebody needs it and none
 * is lost.
 */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/mem.h"

#define SPINS 1500 /* pauses before sleeping: 15 to 40 microseconds */

typedef struct worker {
    ofr_pool *pool;
    int thread;
    pthread_t handle;
} worker;

struct ofr_pool {
    /* the piece of work; written before `generation` is raised */
    ofr_part part;
    void *arg;
    int n;
    int n_threads;
    bool stop;
    pid_t owner; /* a child made by fork() has the memory, but not the workers */
    _Alignas(64) atomic_uint generation;
    _Alignas(64) atomic_int pending; /* workers that have not finished */
    _Alignas(64) atomic_int sleeping_workers;
    atomic_int caller_sleeps;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    worker *workers; /* [n_threads - 1] */
    int n_started;
};

/* Tells the processor that this is a loop that waits. */
#if defined(__x86_64__) || defined(__i386__)
#define PAUSE_BRIEFLY() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE_BRIEFLY() __asm__ volatile("yield")
#else
#define PAUSE_BRIEFLY() ((void)0)
#endif

/* The generation after `seen`, as soon as there is one. */
static unsigned wait_for_work(ofr_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        unsigned now = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (now != seen) return now;
        PAUSE_BRIEFLY();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleeping_workers, 1);
    unsigned now;
    while ((now = atomic_load(&pool->generation)) == seen)
        pthread_cond_wait(&pool->work, &pool->lock);
    atomic_fetch_sub(&pool->sleeping_workers, 1);
    pthread_mutex_unlock(&pool->lock);
    return now;
}

static void *work(void *arg)
{
    worker *self = arg;
    ofr_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_work(pool, seen);
        if (pool->stop) return NULL;
        if (self->thread < pool->n) pool->part(pool->arg, self->thread, pool->n);
        if (atomic_fetch_sub(&pool->pending, 1) == 1 &&
            atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void publish(ofr_pool *pool)
{
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleeping_workers) == 0) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

static void wait_for_workers(ofr_pool *pool)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->pending, memory_order_acquire) == 0) return;
        PAUSE_BRIEFLY();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->caller_sleeps, 1);
    while (atomic_load(&pool->pending) != 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    atomic_store(&pool->caller_sleeps, 0);
    pthread_mutex_unlock(&pool->lock);
}

void ofr_pool_run(ofr_pool *pool, int n, ofr_part part, void *arg)
{
    if (n > pool->n_threads) n = pool->n_threads;
    if (n <= 1 || getpid() != pool->owner) {
        part(arg, 0, 1);
        return;
    }
    pool->part = part;
    pool->arg = arg;
    pool->n = n;
    atomic_store(&pool->pending, pool->n_threads - 1);
    publish(pool);
    part(arg, 0, n);
    wait_for_workers(pool);
}

ofr_status ofr_pool_open(ofr_pool **out, int n_threads, ofr_error *err)
{
    ofr_pool *pool = ofr_mem_zalloc(sizeof *pool);
    if (pool == NULL) return ofr_fail_nomem(err, sizeof *pool, "threads");
    pool->n_threads = n_threads < 1 ? 1 : n_threads;
    pool->owner = getpid();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    int n_workers = pool->n_threads - 1;
    pool->workers = ofr_mem_array((size_t)n_workers, sizeof *pool->workers);
    if (pool->workers == NULL) {
        ofr_pool_close(pool);
        return ofr_fail_nomem(err, (size_t)n_workers * sizeof(worker), "threads");
    }
    for (int i = 0; i < n_workers; i++) {
        worker *w = &pool->workers[i];
        w->pool = pool;
        w->thread = i + 1;
        if (pthread_create(&w->handle, NULL, work, w) != 0) goto fail;
        pool->n_started++;
    }
    *out = pool;
    return OFR_OK;
fail:
    ofr_pool_close(pool);
    return ofr_fail(err, OFR_NOMEM, "cannot start %d threads; ask for fewer", n_threads);
}

static void stop_workers(ofr_pool *pool)
{
    pool->stop = true;
    publish(pool);
    for (int i = 0; i < pool->n_started; i++)
        pthread_join(pool->workers[i].handle, NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
}

void ofr_pool_close(ofr_pool *pool)
{
    if (pool == NULL) return;
    /* To destroy a condition waits for those who sleep on it: in a child for ever. */
    if (getpid() == pool->owner) stop_workers(pool);
    ofr_mem_free(pool->workers);
    ofr_mem_free(pool);
}
