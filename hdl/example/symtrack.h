/* SPDX-License-Identifier: Apache-2.0 */
/* Driver of symtrack controllers, of any number of configurations: what is special to one is in its descriptor. Needs
 * the generated "symtrack_map.h", which is the same for all of them.
 *
 * Every function returns 0, or a negative SYMTRACK_E*. A driver is not shared between threads.
 *
 * Settings apply to whatever operation begins after they are written. So that none begins with settings that were
 * meant for another one, nothing is written while an operation waits for the end of the one that runs: functions that
 * start an operation or set something return SYMTRACK_EBUSY then. */
#ifndef SYMTRACK_H
#define SYMTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "symtrack_map.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SYMTRACK_EBUS = -1,     /* the bus answered with an error: see symtrack_events */
    SYMTRACK_EIDENT = -2,   /* there is no controller of this register map and descriptor */
    SYMTRACK_ERANGE = -3,   /* an argument does not fit this configuration; nothing was written */
    SYMTRACK_ETIMEOUT = -4, /* the operation has not ended */
    SYMTRACK_EBUSY = -5,    /* an operation is waiting already; nothing was written */
};

enum symtrack_target { SYMTRACK_TARGET_FAST, SYMTRACK_TARGET_SLOW };
enum symtrack_scope { SYMTRACK_SCOPE_COLUMN, SYMTRACK_SCOPE_TILE };
enum symtrack_chopper { SYMTRACK_CHOPPER_OFF, SYMTRACK_CHOPPER_REGULAR, SYMTRACK_CHOPPER_RANDOM };
enum symtrack_reference { SYMTRACK_REFERENCE_ZERO, SYMTRACK_REFERENCE_LATCHED, SYMTRACK_REFERENCE_FILTERED };

/* 32-bit accesses at a byte offset; 0, or anything else for an error response. */
struct symtrack_bus {
    int (*read)(void *context, uint32_t offset, uint32_t *word);
    int (*write)(void *context, uint32_t offset, uint32_t word);
    void *context;
};

/* A configuration: SYMTRACK_NAME_DESCRIPTOR of its generated header, "symtrack_NAME_controller_registers.h". */
struct symtrack_descriptor {
    uint32_t hash; /* start of its fingerprint */
    unsigned rows, columns;
    unsigned lanes, adc_bits, magnitude_bits, bl_max;
    unsigned reference_fraction_bits, filter_shift, gain_bits, hidden_bits;
    unsigned threshold_shift, pulses_max, momentum_bits, latch_shift;
    unsigned row_chopper, programmer, counter_bits; /* 1: it has choppers of rows; operation 3 */
    unsigned self_test;                             /* 1: it has inject and intr_test */
    unsigned sources;                               /* random sources, each of which wants a state */
    unsigned target_max, scope_max, chopper_max, row_chopper_max, reference_max, gain_max, momentum_max;
    unsigned calibration_pulses_max, calibration_sweeps_max, tolerance_max, rounds_max; /* largest values */
    unsigned used_rows_max, used_columns_max;
};

struct symtrack {
    struct symtrack_bus bus;
    const struct symtrack_descriptor *descriptor;
    uint32_t seed; /* of what was loaded last */
};

/* The registers `modes`, `gain` and `used`. Start from symtrack_defaults: not all of them are zero. */
struct symtrack_settings {
    enum symtrack_target target;                /* array that updates pulse: fast P, slow W */
    enum symtrack_scope scope;                  /* columns flip one by one, or all of the tile together */
    enum symtrack_chopper chopper, row_chopper; /* of columns, of rows */
    enum symtrack_reference reference;          /* what is subtracted from a read */
    bool filter;                                /* reads go into Q */
    bool latch;                                 /* a transfer latches Qref in every cell */
    bool direct;                                /* unbuffered writes */
    bool forget;                                /* a write leaves the fraction `momentum` of H, else H less the write */
    bool accumulate;                            /* transfers go to H and W; off in a warm-up */
    bool calibration_random;                    /* polarities of a calibration are random, else they alternate */
    uint32_t gain, momentum;
    uint32_t used_rows, used_columns; /* in use, from the first of each on; 0: all */
};

/* As after a reset: no chopper, reference zero, filter and accumulate on, and a gain of 0, which writes nothing. */
struct symtrack_settings symtrack_defaults(void);

/* Check what is there, wait until its memories are cleared, and load the seed. The descriptor is kept by its address.
 * Give each tile a seed of its own: two tiles of one configuration and seed play the same pulses for the same vectors. */
int symtrack_open(struct symtrack *tile, const struct symtrack_bus *bus, const struct symtrack_descriptor *descriptor,
                  uint32_t seed);

/* Give every random source the state that follows from a seed, when no operation runs or waits (else SYMTRACK_EBUSY):
 * source k the top 32 bits of mix64(seed * 2^16 + k + 1), or 1 where these are 0. */
int symtrack_seed(struct symtrack *tile, uint32_t seed);

/* Reset tile, memories, counters and waiting command, and load the seed again. Settings and events stay. Beats on offer
 * are withdrawn. */
int symtrack_reset(struct symtrack *tile);

/* The same when all beats on offer have been taken, so that no stream sees one withdrawn; for at most so many looks at
 * the status. After SYMTRACK_ETIMEOUT some stream has not taken its beat: call it again, or symtrack_reset. */
int symtrack_drain(struct symtrack *tile, unsigned long looks);

/* For all operations that begin from now on. */
int symtrack_set(struct symtrack *tile, const struct symtrack_settings *settings);

/* Start an operation, or let it wait for the end of the one that runs. Its streams must be served from elsewhere.
 * A programming reads its column at most `rounds` times and writes after every read but the last: from 2 on. */
int symtrack_update(struct symtrack *tile, unsigned bl);
int symtrack_transfer(struct symtrack *tile);
int symtrack_calibrate(struct symtrack *tile, unsigned pulses, unsigned sweeps);
int symtrack_program(struct symtrack *tile, unsigned column, unsigned tolerance, unsigned rounds);

/* Wait for the end of all operations, for at most so many looks at the status. */
int symtrack_wait(struct symtrack *tile, unsigned long looks);

/* A 48-bit counter: SYMTRACK_SLOTS, SYMTRACK_READS, SYMTRACK_TRANSFER_PULSES, ... */
int symtrack_counter(struct symtrack *tile, uint32_t counter, uint64_t *count);

/* What has happened since the last call, one SYMTRACK_EVENTS_..._MASK each. */
int symtrack_events(struct symtrack *tile, uint32_t *events);

#ifdef __cplusplus
}
#endif
#endif
