/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot CPU repaints a block of the linear map with pages, while two CPUs that do not tolerate two sizes
 * of one leaf use it. They leave their roots first (kernel/wait/others_off_roots.hpp).
 *
 * The descriptor has a value in memory and, until a DSB, a former value that walkers may still see. A CPU on
 * its own root may fetch either at any moment, without an access, and keeps it until its TLB is invalidated:
 * by its own TLBI when it leaves its root, or by the boot CPU's broadcast, which every CPU answers. On the
 * reserved root a CPU fetches nothing. The boot CPU stays on its root, and may hold both sizes.
 *
 * The model checks: no TLB of another CPU ever holds both sizes, and no TLB the block once the repaint is
 * over; every CPU comes back; one that does not answer ends the wait, and nothing is changed then.
 * Broken with -D: NO_WAIT, NO_FLUSH, NO_RESERVED, TELL_EARLY, RELEASE_EARLY, NO_LIMIT.
 */
#define OTHERS 2
#define BOOT   2
#define CPUS   3
#define BLOCK  1
#define PAGES  2

byte descriptor = BLOCK;
byte former = BLOCK;
bool former_may_be_seen;
bool on_own_root[CPUS];
bool has_block[CPUS];        /* the TLB holds the block, or a page */
bool has_page[CPUS];
bool must_invalidate[CPUS];  /* the boot CPU's TLBI is under way */
bool asked;
bool is_off_root[OTHERS];
bool is_over;
bool gave_up;
bool repainted;                /* the repaint is complete */
byte back;
bool late;                     /* the limit of the wait has passed */
bool hung[OTHERS];             /* a CPU that answers no interrupt */

active proctype boot_cpu()
{
    asked = true;
#ifndef NO_WAIT
    do
    :: atomic { is_off_root[0] && is_off_root[1] -> break }
#ifndef NO_LIMIT
    :: atomic { late && !(is_off_root[0] && is_off_root[1]) -> gave_up = true; break }
#endif
    od;
#endif
    if
    :: gave_up -> is_over = true
    :: else ->
#ifdef RELEASE_EARLY
        is_over = true;
#endif
        d_step { former = descriptor; former_may_be_seen = true; descriptor = PAGES }
        former_may_be_seen = false;             /* DSB */
#ifndef NO_FLUSH
        d_step { must_invalidate[0] = true; must_invalidate[1] = true; must_invalidate[BOOT] = true }
        !must_invalidate[0] && !must_invalidate[1] && !must_invalidate[BOOT];
#endif
        repainted = true;
        is_over = true;
        back == OTHERS
    fi
}

/* Time passes only where a CPU hangs: the limit is long enough for all others. */
active proctype clock() { end: hung[0] || hung[1]; late = true }

/* Each CPU: its program, and what its TLB does on its own. */
proctype program(byte self)
{
    if
    :: hung[self] = true; goto end
    :: skip
    fi;
    asked;
#ifdef TELL_EARLY
    is_off_root[self] = true;
#endif
#ifndef NO_RESERVED
    on_own_root[self] = false;
#endif
    d_step { has_block[self] = false; has_page[self] = false }
#ifndef TELL_EARLY
    is_off_root[self] = true;
#endif
    is_over;
    on_own_root[self] = true;
    back++;
end: skip
}

/* Not a step, but what must hold whenever a TLB changes, and when the repaint is over. */
inline check(cpu)
{
    assert(cpu == BOOT || !(has_block[cpu] && has_page[cpu]));
    assert(!(repainted && has_block[cpu]))
}

proctype tlb(byte self)
{
    bool looked = false;
end:
    do
    :: d_step { must_invalidate[self] ->
                has_block[self] = false; has_page[self] = false; must_invalidate[self] = false }
    :: d_step { on_own_root[self] && !has_block[self] &&
                (descriptor == BLOCK || (former_may_be_seen && former == BLOCK)) ->
                has_block[self] = true; check(self) }
    :: d_step { on_own_root[self] && !has_page[self] && descriptor == PAGES ->
                has_page[self] = true; check(self) }
    :: d_step { repainted && !looked -> looked = true; check(self) }
    :: d_step { gave_up && !looked -> looked = true; assert(descriptor == BLOCK) }
    od
}

init
{
    d_step { on_own_root[0] = true; on_own_root[1] = true; on_own_root[BOOT] = true }
    atomic { run program(0); run program(1); run tlb(0); run tlb(1); run tlb(BOOT) }
}
