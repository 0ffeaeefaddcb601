/* Driver of a symtrack controller, for any configuration: it needs the generated register header and nothing else.
 *
 * Every function returns 0, or a negative SYMTRACK_E*. A driver is not shared between threads. */
#ifndef SYMTRACK_H
#define SYMTRACK_H

#include <stdint.h>

enum {
    SYMTRACK_EBUS = -1,     /* the bus answered with an error: see symtrack_events */
    SYMTRACK_EIDENT = -2,   /* there is no controller of this register map */
    SYMTRACK_ERANGE = -3,   /* an argument does not fit this configuration */
    SYMTRACK_ETIMEOUT = -4, /* the operation has not ended */
};

enum symtrack_chopper { SYMTRACK_CHOPPER_OFF, SYMTRACK_CHOPPER_REGULAR, SYMTRACK_CHOPPER_RANDOM };
enum symtrack_reference { SYMTRACK_REFERENCE_ZERO, SYMTRACK_REFERENCE_LATCHED, SYMTRACK_REFERENCE_FILTERED };

/* 32-bit accesses at a byte offset; 0, or anything else for an error response. */
struct symtrack_bus {
    int (*read)(void *context, uint32_t offset, uint32_t *word);
    int (*write)(void *context, uint32_t offset, uint32_t word);
    void *context;
};

struct symtrack {
    struct symtrack_bus bus;
    unsigned rows, columns, lanes, bl_max;
    int programmer; /* it has operation 3 */
};

/* Of updates, transfers and calibrations; see the register `modes`. */
struct symtrack_settings {
    unsigned slow : 1;      /* updates are for W, not P */
    unsigned tile_wide : 1; /* all columns flip together */
    unsigned direct : 1;    /* unbuffered writes */
    unsigned forget : 1;    /* momentum after a write */
    enum symtrack_chopper chopper, row_chopper;
    enum symtrack_reference reference;
    uint32_t gain, momentum;
};

/* Check what is there, and wait until its memories are cleared. */
int symtrack_open(struct symtrack *tile, const struct symtrack_bus *bus);

/* Reset tile, memories, counters and waiting command. Settings and events stay. */
int symtrack_reset(struct symtrack *tile);

/* For operations that start from now on. */
int symtrack_set(struct symtrack *tile, const struct symtrack_settings *settings);

/* Start an operation. Its streams must be served from elsewhere. */
int symtrack_update(struct symtrack *tile, unsigned bl);
int symtrack_transfer(struct symtrack *tile);
int symtrack_calibrate(struct symtrack *tile, unsigned pulses, unsigned sweeps, int random_signs);
int symtrack_program(struct symtrack *tile, unsigned column, unsigned tolerance, unsigned rounds);

/* Wait for the end of all operations, for at most so many looks at the status. */
int symtrack_wait(struct symtrack *tile, unsigned long looks);

/* A 48-bit counter: SYMTRACK_SLOTS, SYMTRACK_READS, SYMTRACK_TRANSFER_PULSES, ... */
int symtrack_counter(struct symtrack *tile, uint32_t counter, uint64_t *count);

/* What has happened since the last call, one SYMTRACK_EVENTS_..._MASK each. */
int symtrack_events(struct symtrack *tile, uint32_t *events);

#endif
