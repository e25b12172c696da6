/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three CPUs with a TLB each map, unmap, flush lazily, free and reuse one address and two pages of memory.
 *
 * The descriptor has a value in memory and, until a DSB for stores, a former value that walkers may still
 * see. A CPU's TLB may at any moment fetch any value that a walk may see, without an access. It keeps the
 * value until it answers a TLBI. A DSB after the TLBI waits for all answers. CPU 0 maps the address to a
 * page, tells all CPUs, takes that back, and unmaps the page. CPU 1 purges: it takes the unmapped page,
 * flushes, and only then frees memory and address. The allocator hands freed memory out to other owners at
 * once.
 *
 * The model checks: no CPU ever accesses memory that has another owner, even by speculation; a CPU that was
 * told of a mapping gets it.
 * Broken with -D: NO_DSB, NO_TLBI, NO_WAIT, FREE_EARLY, MAP_EARLY, NO_PUBLISH.
 */
#define CPUS   3
#define ROUNDS 2
#define NONE   0

byte descriptor = NONE;        /* the page the address is mapped to: 1 or 2 */
byte former = NONE;            /* the value that walkers may see instead */
bool former_may_be_seen;
byte tlb[CPUS];
bool must_invalidate[CPUS];    /* a TLBI is under way */

bool owned_by_others[ROUNDS + 1]; /* freed, and handed out to another owner */
byte told = NONE;              /* the page that users of the address may rely on */
byte to_purge = NONE;
bool address_is_free = true;
bool over;

inline store(value)
{
    former = descriptor;
    former_may_be_seen = true;
    descriptor = value;
}

inline dsb_for_stores() { former_may_be_seen = false }

/* Uses a different page in each round: the second round maps new memory at the old address. */
active proctype mapper()
{
    byte page = 1;
    do
    :: page <= ROUNDS ->
#ifndef MAP_EARLY
        atomic { address_is_free -> address_is_free = false }
#else
        to_purge == NONE || descriptor == NONE;
#endif
        d_step { store(page) }
#ifndef NO_PUBLISH
        dsb_for_stores();
#endif
        told = page;
        told = NONE;
        d_step { store(NONE) }
        atomic { to_purge == NONE -> to_purge = page }
        page++
    :: else -> break
    od
}

active proctype purger()
{
    byte page;
    byte cpu;
    byte round = 0;
    do
    :: round < ROUNDS ->
        atomic { to_purge != NONE -> page = to_purge }
#ifdef FREE_EARLY
        owned_by_others[page] = true;
#endif
#ifndef NO_DSB
        dsb_for_stores();
#endif
#ifndef NO_TLBI
        d_step {
            cpu = 0;
            do
            :: cpu < CPUS -> must_invalidate[cpu] = true; cpu++
            :: else -> break
            od;
            cpu = 0
        }
#endif
#ifndef NO_WAIT
        !must_invalidate[0] && !must_invalidate[1] && !must_invalidate[2];
#endif
        owned_by_others[page] = true;
        to_purge = NONE;
        address_is_free = true;
        round++
    :: else -> break
    od;
    over = true
}

/* One process for each CPU: its walker, its TLB, and its program. */
active [CPUS] proctype cpu()
{
    byte self = _pid - 2;
    byte got;
    do
    :: over -> break
    :: d_step { must_invalidate[self] -> tlb[self] = NONE; must_invalidate[self] = false }
    /* The TLB fetches an entry speculatively. */
    :: d_step { tlb[self] == NONE && descriptor != NONE -> tlb[self] = descriptor }
    :: d_step { tlb[self] == NONE && former_may_be_seen && former != NONE -> tlb[self] = former }
    /* The CPU may access the page in its TLB. */
    :: d_step { tlb[self] != NONE -> assert(!owned_by_others[tlb[self]]) }
    /* A program that was told of the mapping accesses it, through the TLB or a walk. */
    :: d_step {
        told != NONE ->
        if
        :: tlb[self] != NONE -> got = tlb[self]
        :: tlb[self] == NONE && former_may_be_seen -> got = former
        :: else -> got = descriptor
        fi;
        assert(got == told);
        got = NONE
    }
    od
}
