// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A module for Linux that measures Linux's own operations by the names of Percival's benchmarks, and prints
// them in the same form. scripts/frontdoor/linux_peer.py builds it against Debian's headers and boots it.
//
// It counts the PMU event INST_RETIRED with the first event counter, from which the kernel argument
// initcall_blacklist=armv8_pmu_driver_init keeps Linux's driver away. Under QEMU -icount the event is exact,
// and counts all CPUs together: so there is one CPU.
//
// Operations of a few instructions are measured in a loop with interrupts off, the lowest of several rounds,
// without the cost of an empty loop. For allocators it is the median of single pairs of allocation and free,
// because a tick may come in between. What they leave for later is measured as the flush that ends it.
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu-refcount.h>
#include <linux/percpu.h>
#include <linux/percpu_counter.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>
#include <uapi/linux/sched/types.h>

#define TURNS 1000u
#define ROUNDS 5u
#define SAMPLES 101u
#define MANY 10000u
#define SCATTERED 16u

// ------------------------------------------------------------------------------------------- the counter

static void start_counter(void)
{
    const u64 inst_retired = 0x08;
    const u64 first = 1, enable = 1;

    asm volatile("msr pmevtyper0_el0, %0\n\tmsr pmcntenset_el0, %1\n\tmsr pmcr_el0, %2\n\tisb"
                 :
                 : "r"(inst_retired), "r"(first), "r"(enable)
                 : "memory");
}

static __always_inline u32 retired(void)
{
    u64 count;

    asm volatile("isb\n\tmrs %0, pmevcntr0_el0\n\tisb" : "=r"(count) : : "memory");
    return (u32)count;
}

static noinline u32 cost_of_1000_nops(void)
{
    const u32 before = retired();

    asm volatile(".rept 1000\n\tnop\n\t.endr");
    return retired() - before;
}

static noinline u32 cost_of_nothing(void)
{
    const u32 before = retired();

    return retired() - before;
}

static bool counter_is_right(void)
{
    unsigned long flags;
    u32 nops;

    local_irq_save(flags);
    nops = cost_of_1000_nops() - cost_of_nothing();
    local_irq_restore(flags);
    if (nops != 1000)
        pr_err("peer: the counter says %u for 1000 nops\n", nops);
    return nops == 1000;
}

static void report(const char* name, u64 hundredths)
{
    pr_info("bench: {\"name\":\"%s\",\"mode\":\"-\",\"system\":\"linux-%s\",\"cpus\":%u,"
            "\"instructions\":%llu.%02llu}\n",
            name, utsname()->release, num_online_cpus(), hundredths / 100, hundredths % 100);
}

// ------------------------------------------------------------------------------- operations in a loop

#define DEFINE_LOOP(name, operation)           \
    static noinline u32 loop_##name(u32 turns) \
    {                                          \
        const u32 before = retired();          \
        u64 turn;                              \
                                               \
        for (turn = 0; turn < turns; ++turn) { \
            operation;                         \
            asm volatile("" : "+r"(turn));     \
        }                                      \
        return retired() - before;             \
    }

typedef u32 (*loop_fn)(u32 turns);

DEFINE_LOOP(nothing, (void)0)

// Returns the cost of so many turns. The difference of two loops is without what they do once.
static u32 turns_of(loop_fn loop)
{
    return loop(2 * TURNS) - loop(TURNS);
}

static void measure_loop(const char* name, loop_fn loop)
{
    u32 lowest = U32_MAX;
    u32 round;

    for (round = 0; round < ROUNDS; ++round) {
        unsigned long flags;

        local_irq_save(flags);
        lowest = min(lowest, turns_of(loop) - turns_of(loop_nothing));
        local_irq_restore(flags);
    }
    report(name, (u64)lowest * 100 / TURNS);
}

// Makes the compiler compute the value.
#define KEEP(value) asm volatile("" : : "r"(value))

static DEFINE_PER_CPU(u64, counter);
static struct percpu_counter batched;
static struct percpu_counter folded;
static struct percpu_ref reference;

DEFINE_LOOP(this_cpu_add, this_cpu_add(counter, 1))
DEFINE_LOOP(this_cpu_read, KEEP(this_cpu_read(counter)))
DEFINE_LOOP(this_cpu_write, this_cpu_write(counter, 1))
DEFINE_LOOP(this_cpu_inc_return, KEEP(this_cpu_inc_return(counter)))
DEFINE_LOOP(this_cpu_and, this_cpu_and(counter, 1))
DEFINE_LOOP(this_cpu_or, this_cpu_or(counter, 1))
DEFINE_LOOP(this_cpu_xchg, KEEP(this_cpu_xchg(counter, 1)))
DEFINE_LOOP(this_cpu_cmpxchg, KEEP(this_cpu_cmpxchg(counter, 1, 2)))
DEFINE_LOOP(raw_add, raw_cpu_add(counter, 1))
DEFINE_LOOP(pin, preempt_disable(); preempt_enable())
DEFINE_LOOP(pin_and_add, preempt_disable(); __this_cpu_add(counter, 1); preempt_enable())
// The batch is so large that it is never reached.
DEFINE_LOOP(percpu_counter_add, percpu_counter_add_batch(&batched, 1, 1 << 29))
DEFINE_LOOP(percpu_counter_add_batch_32, percpu_counter_add_batch(&folded, 1, 32))
DEFINE_LOOP(percpu_counter_sum, KEEP(percpu_counter_sum(&folded)))
DEFINE_LOOP(percpu_ref_get_put, percpu_ref_get(&reference); percpu_ref_put(&reference))

static const struct {
    const char* name;
    loop_fn loop;
} all_loops[] = {
    {"this_cpu_add", loop_this_cpu_add},
    {"this_cpu_read", loop_this_cpu_read},
    {"this_cpu_write", loop_this_cpu_write},
    {"this_cpu_inc_return", loop_this_cpu_inc_return},
    {"this_cpu_and", loop_this_cpu_and},
    {"this_cpu_or", loop_this_cpu_or},
    {"this_cpu_xchg", loop_this_cpu_xchg},
    {"this_cpu_cmpxchg", loop_this_cpu_cmpxchg},
    {"raw_add", loop_raw_add},
    {"pin", loop_pin},
    {"pin_and_add", loop_pin_and_add},
    {"percpu_counter_add", loop_percpu_counter_add},
    {"percpu_counter_add_batch_32", loop_percpu_counter_add_batch_32},
    {"percpu_counter_sum", loop_percpu_counter_sum},
    {"percpu_ref_get_put", loop_percpu_ref_get_put},
};

static void no_release(struct percpu_ref* unused) {}

static int measure_loops(void)
{
    int error = percpu_counter_init(&batched, 0, GFP_KERNEL);
    u32 at;

    if (error)
        return error;
    error = percpu_counter_init(&folded, 0, GFP_KERNEL);
    if (error)
        goto without_folded;
    error = percpu_ref_init(&reference, no_release, 0, GFP_KERNEL);
    if (error)
        goto without_reference;
    for (at = 0; at < ARRAY_SIZE(all_loops); ++at)
        measure_loop(all_loops[at].name, all_loops[at].loop);
    percpu_ref_exit(&reference);
without_reference:
    percpu_counter_destroy(&folded);
without_folded:
    percpu_counter_destroy(&batched);
    return error;
}

// --------------------------------------------------------------------------- pairs of allocation and free

// Returns false if there is no memory.
typedef bool (*pair_fn)(void);

static bool no_pair(void)
{
    return true;
}

static bool percpu_of(size_t size)
{
    void __percpu* const object = __alloc_percpu(size, 8);

    free_percpu(object);
    return object != NULL;
}

static bool percpu_8(void)
{
    return percpu_of(8);
}

static bool percpu_64(void)
{
    return percpu_of(64);
}

static bool percpu_4096(void)
{
    return percpu_of(4096);
}

static bool vmalloc_of(size_t pages)
{
    void* const area = vmalloc(pages * PAGE_SIZE);

    vfree(area);
    return area != NULL;
}

static bool vmalloc_1p(void)
{
    return vmalloc_of(1);
}

static bool vmalloc_16p(void)
{
    return vmalloc_of(16);
}

static bool vmalloc_1mib(void)
{
    return vmalloc_of(SZ_1M / PAGE_SIZE);
}

static struct page* scattered[SCATTERED];

static bool vmap_16p(void)
{
    void* const area = vmap(scattered, SCATTERED, VM_MAP, PAGE_KERNEL);

    vunmap(area);
    return area != NULL;
}

static bool page_with(gfp_t flags)
{
    struct page* const page = alloc_page(flags);

    if (page)
        __free_page(page);
    return page != NULL;
}

static bool one_page(void)
{
    return page_with(GFP_KERNEL);
}

static bool one_zeroed_page(void)
{
    return page_with(GFP_KERNEL | __GFP_ZERO);
}

static bool block_of_16_pages(void)
{
    struct page* const block = alloc_pages(GFP_KERNEL, 4);

    if (block)
        __free_pages(block, 4);
    return block != NULL;
}

static bool object_64(void)
{
    void* const object = kmalloc(64, GFP_KERNEL);

    kfree(object);
    return object != NULL;
}

static int compare(const void* left, const void* right)
{
    const u32 a = *(const u32*)left;
    const u32 b = *(const u32*)right;

    return a < b ? -1 : a > b;
}

// Returns the median cost of a call, the way to it included; U32_MAX if there is no memory.
static u32 median_of(pair_fn pair)
{
    static u32 samples[SAMPLES];
    u32 at;

    for (at = 0; at < SAMPLES; ++at) {
        const u32 before = retired();
        const bool done = pair();

        samples[at] = retired() - before;
        if (!done)
            return U32_MAX;
    }
    sort(samples, SAMPLES, sizeof(samples[0]), compare, NULL);
    return samples[SAMPLES / 2];
}

static int measure_pair(const char* name, pair_fn pair)
{
    const u32 all = median_of(pair);

    if (all == U32_MAX)
        return -ENOMEM;
    report(name, (u64)(all - median_of(no_pair)) * 100);
    return 0;
}

// Measures the flush of what so many pairs have left, per pair: the lowest of several rounds.
static int measure_deferred(const char* name, pair_fn pair, u32 pairs)
{
    u32 lowest = U32_MAX;
    u32 round;

    for (round = 0; round < ROUNDS; ++round) {
        u32 before, n;

        vm_unmap_aliases();
        for (n = 0; n < pairs; ++n)
            if (!pair())
                return -ENOMEM;
        before = retired();
        vm_unmap_aliases();
        lowest = min(lowest, retired() - before);
    }
    report(name, (u64)lowest * 100 / pairs);
    return 0;
}

// As many pairs as Percival's benchmarks flush together.
static const struct {
    const char* name;
    pair_fn pair;
    const char* deferred;
    u32 pairs;
} all_pairs[] = {
    {"alloc_free_percpu_8", percpu_8},
    {"alloc_free_percpu_64", percpu_64},
    {"alloc_free_percpu_4096", percpu_4096},
    {"vmalloc_vfree_1p", vmalloc_1p, "vmalloc_vfree_1p_deferred", 32},
    {"vmalloc_vfree_16p", vmalloc_16p, "vmalloc_vfree_16p_deferred", 3},
    {"vmalloc_vfree_1MiB", vmalloc_1mib, "vmalloc_vfree_1MiB_deferred", 3},
    {"vmap_vunmap_16p", vmap_16p, "vmap_vunmap_16p_deferred", 32},
    {"alloc_free_page", one_page},
    {"alloc_free_page_zeroed", one_zeroed_page},
    {"alloc_free_block_16p", block_of_16_pages},
    {"kmalloc_kfree_64", object_64},
};

static int measure_pairs(void)
{
    const unsigned int order = ilog2(2 * SCATTERED);
    struct page* const block = alloc_pages(GFP_KERNEL, order);
    int error = block ? 0 : -ENOMEM;
    u32 at;

    // Every other page, so that no two are neighbours.
    for (at = 0; at < SCATTERED && !error; ++at)
        scattered[at] = block + 2 * at;
    for (at = 0; at < ARRAY_SIZE(all_pairs) && !error; ++at) {
        error = measure_pair(all_pairs[at].name, all_pairs[at].pair);
        if (!error && all_pairs[at].deferred)
            error = measure_deferred(all_pairs[at].deferred, all_pairs[at].pair, all_pairs[at].pairs);
    }
    if (block)
        __free_pages(block, order);
    return error;
}

// ------------------------------------------------------------------------- many objects that are kept

static int measure_many(void)
{
    void __percpu** const objects = vmalloc(MANY * sizeof(void*));
    u32 made, freed, n, before;
    int error = objects ? 0 : -ENOMEM;

    if (error)
        return error;
    before = retired();
    for (n = 0; n < MANY; ++n)
        objects[n] = __alloc_percpu(8, 8);
    made = retired() - before;
    for (n = 0; n < MANY; ++n)
        if (!objects[n])
            error = -ENOMEM;
    before = retired();
    for (n = 0; n < MANY; ++n)
        free_percpu(objects[n]);
    freed = retired() - before;
    vfree(objects);
    if (error)
        return error;
    report("alloc_percpu_8_first_10000", (u64)made * 100 / MANY);
    report("free_percpu_8_first_10000", (u64)freed * 100 / MANY);
    return 0;
}

// ------------------------------------------------------------------------------------ switches of threads

static int partner(void* unused)
{
    while (!kthread_should_stop())
        yield();
    return 0;
}

DEFINE_LOOP(yield, yield())

// Two real-time threads of one priority yield to each other. A turn goes there and back: two switches.
static int measure_switch(void)
{
    struct task_struct* const thread = kthread_create(partner, NULL, "peer");
    u32 lowest = U32_MAX;
    u32 round;

    if (IS_ERR(thread))
        return PTR_ERR(thread);
    sched_set_fifo(current);
    sched_set_fifo(thread);
    wake_up_process(thread);
    yield();
    for (round = 0; round < ROUNDS; ++round)
        lowest = min(lowest, turns_of(loop_yield) - turns_of(loop_nothing));
    kthread_stop(thread);
    sched_set_normal(current, 0);
    report("context_switch", (u64)lowest * 100 / TURNS / 2);
    return 0;
}

static int __init measure(void)
{
    int error;

    start_counter();
    pr_info("peer: Linux %s, %s\n", utsname()->release,
            IS_ENABLED(CONFIG_PREEMPTION) ? "preemptible" : "voluntary");
    if (!counter_is_right())
        return -EIO;
    error = measure_loops();
    if (!error)
        error = measure_pairs();
    if (!error)
        error = measure_many();
    if (!error)
        error = measure_switch();
    if (error)
        pr_err("peer: error %d\n", error);
    else
        pr_info("peer: measured\n");
    return error;
}

static void __exit forget(void) {}

module_init(measure);
module_exit(forget);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("Counts the instructions of Linux's operations");
