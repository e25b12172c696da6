/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An entry that two CPUs add to all roots at the same time (mm/roots/sync.hpp). Each then maps a page of its own below it, tells,
 * and whoever is told gets it. A third CPU reads from the start; a fourth one is offline at first and comes up at any time.
 *
 * A root's entry has a value in memory and is seen by walkers for certain after the writer's DSB. A table is known by the CPU
 * that made it. Checked: entries go from none to a table and never change after; all roots agree in the end; who was told of a
 * page finds it.
 * Broken with -D: NO_LOCK, NO_DSB, SKIP_OFFLINE, CLEARED, NO_COMPARE.
 */
#define SYNCERS 2
#define READER  2
#define OFFLINE 3
#define CPUS    4
#define NONE    0

byte master = NONE;            /* which table the entry points to */
byte root[CPUS];
byte not_published[CPUS];      /* by whom, plus one */
bool has_page[6];              /* table 1 with the page of CPU 0, of CPU 1; table 2 with these */
bool told[SYNCERS];
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

/* A walk on `cpu` for the page of syncer `n`. A walker may miss what is not published. */
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
