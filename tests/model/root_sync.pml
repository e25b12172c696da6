/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two CPUs add the same entry to all roots at the same time (mm/roots/sync.hpp). Each then maps its own page
 * under the entry and sets a flag, and a CPU that has read the flag accesses the page. A third CPU reads from
 * the start. A fourth CPU is offline at first and comes online at any time.
 *
 * The entry of a root has a value in memory. Walkers are certain to see the value after the writer's DSB. A
 * table is named after the CPU that made it. The model checks: an entry changes from none to a table and
 * never again; all roots agree in the end; a CPU that has read the flag of a page finds the page.
 * Broken with -D: NO_LOCK, NO_DSB, SKIP_OFFLINE, CLEARED, NO_COMPARE.
 */
#define SYNCERS 2
#define READER  2
#define OFFLINE 3
#define CPUS    4
#define NONE    0

byte master = NONE;            /* the table that the entry points to */
byte root[CPUS];
byte not_published[CPUS];      /* the CPU that wrote the entry, plus one; 0 after its DSB */
bool has_page[6];              /* index: table * SYNCERS + CPU that mapped its page there */
bool told[SYNCERS];            /* the flag of each syncer */
bool locked;
bool online;
byte synced = 0;

inline write_root(cpu, table)
{
    d_step {
        assert(root[cpu] == NONE || root[cpu] == table || table == NONE);
        root[cpu] = table;
        not_published[cpu] = self + 1
    }
}

/* `cpu` walks to the page of syncer `n`. A walker may miss an entry that is not published. */
inline expect_page(cpu, n)
{
    d_step {
        assert(root[cpu] != NONE);
        assert(not_published[cpu] == 0 || not_published[cpu] == cpu + 1);
        assert(has_page[root[cpu] * SYNCERS + n])
    }
}

active [SYNCERS] proctype syncer()
{
    byte self = _pid;
    byte table;
    byte cpu;
#ifndef NO_LOCK
    atomic { !locked -> locked = true }
#endif
    table = master;
    if
    :: table == NONE -> table = self + 1; master = table
    :: else -> skip
    fi;
    cpu = 0;
    do
    :: cpu < CPUS ->
#ifdef SKIP_OFFLINE
        if
        :: cpu == OFFLINE && !online -> skip
        :: else
#endif
#ifdef NO_COMPARE
            write_root(cpu, self + 1)
#else
            if
            :: root[cpu] == NONE -> write_root(cpu, table)
            :: else -> assert(root[cpu] == table)
            fi
#endif
#ifdef SKIP_OFFLINE
        fi
#endif
        ;
        cpu++
    :: else -> break
    od;
#ifndef NO_DSB
    skip;
    d_step {
        cpu = 0;
        do
        :: cpu < CPUS ->
            if
            :: not_published[cpu] == self + 1 -> not_published[cpu] = 0
            :: else -> skip
            fi;
            cpu++
        :: else -> break
        od;
        cpu = 0
    }
#endif
#ifndef NO_LOCK
    locked = false;
#endif
#ifdef CLEARED
    if
    :: self == 1 -> write_root(READER, NONE)
    :: else -> skip
    fi;
#endif
    has_page[master * SYNCERS + self] = true;
    told[self] = true;
    expect_page(self, self);
    synced++
}

active proctype reader()
{
    do
    :: told[0] -> expect_page(READER, 0)
    :: told[1] -> expect_page(READER, 1)
    :: synced == SYNCERS -> break
    od;
    expect_page(READER, 0);
    expect_page(READER, 1)
}

active proctype late_cpu()
{
    online = true;
    told[0] -> expect_page(OFFLINE, 0);
    told[1] -> expect_page(OFFLINE, 1);
    synced == SYNCERS;
    assert(root[0] == master && root[1] == master && root[READER] == master && root[OFFLINE] == master)
}
