/* SPDX-License-Identifier: Apache-2.0 */
#include "symtrack.h"

#define FIELD(name, value) ((uint32_t)(value) << name##_SHIFT) /* of a value that has been checked */

enum { LETTERS = 0x53594d54, MAP_VERSION = 3, CLEARING = 1 << 20 };

static int get(struct symtrack *tile, uint32_t offset, uint32_t *word)
{
    return tile->bus.read(tile->bus.context, offset, word) ? SYMTRACK_EBUS : 0;
}

static int put(struct symtrack *tile, uint32_t offset, uint32_t word)
{
    return tile->bus.write(tile->bus.context, offset, word) ? SYMTRACK_EBUS : 0;
}

/* The finaliser of SplitMix64. */
static uint64_t mix64(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

int symtrack_seed(struct symtrack *tile, uint32_t seed)
{
    uint32_t status;

    if (get(tile, SYMTRACK_STATUS, &status))
        return SYMTRACK_EBUS;
    if (status & SYMTRACK_STATUS_BUSY_MASK)
        return SYMTRACK_EBUSY;
    tile->seed = seed;
    /* Every write moves the states one source on, so the first one ends in the first source. */
    for (unsigned source = 0; source < tile->descriptor->sources; source++) {
        uint32_t state = mix64(((uint64_t)seed << 16) + source + 1) >> 32;

        if (put(tile, SYMTRACK_SEED, state ? state : 1))
            return SYMTRACK_EBUS;
    }
    return 0;
}

int symtrack_open(struct symtrack *tile, const struct symtrack_bus *bus, const struct symtrack_descriptor *descriptor,
                  uint32_t seed)
{
    int error;

    uint32_t letters, version, hash;

    tile->bus = *bus;
    tile->descriptor = descriptor;
    if (get(tile, SYMTRACK_IDENTIFICATION, &letters) || get(tile, SYMTRACK_VERSION, &version) ||
        get(tile, SYMTRACK_CONFIGURATION, &hash))
        return SYMTRACK_EBUS;
    if (letters != LETTERS || version != MAP_VERSION || hash != descriptor->hash)
        return SYMTRACK_EIDENT;
    return (error = symtrack_wait(tile, CLEARING)) ? error : symtrack_seed(tile, seed);
}

int symtrack_reset(struct symtrack *tile)
{
    int error = put(tile, SYMTRACK_CONTROL, SYMTRACK_CONTROL_RESET_MASK);

    if (error || (error = symtrack_wait(tile, CLEARING)))
        return error;
    return symtrack_seed(tile, tile->seed);
}

int symtrack_drain(struct symtrack *tile, unsigned long looks)
{
    int error = put(tile, SYMTRACK_CONTROL, SYMTRACK_CONTROL_DRAIN_MASK);

    if (error || (error = symtrack_wait(tile, looks)))
        return error;
    return symtrack_seed(tile, tile->seed);
}

/* Nothing may be written while an operation waits: it would begin with that. */
static int none_waits(struct symtrack *tile)
{
    uint32_t status;

    if (get(tile, SYMTRACK_STATUS, &status))
        return SYMTRACK_EBUS;
    return status & SYMTRACK_STATUS_WAITING_MASK ? SYMTRACK_EBUSY : 0;
}

static int start(struct symtrack *tile, unsigned op, unsigned bl, unsigned column)
{
    return put(tile, SYMTRACK_COMMAND, FIELD(SYMTRACK_COMMAND_OP, op) | FIELD(SYMTRACK_COMMAND_BL, bl) |
                                           FIELD(SYMTRACK_COMMAND_COLUMN, column));
}

struct symtrack_settings symtrack_defaults(void)
{
    return (struct symtrack_settings){.filter = true, .accumulate = true};
}

int symtrack_set(struct symtrack *tile, const struct symtrack_settings *settings)
{
    const struct symtrack_descriptor *most = tile->descriptor;
    int error;

    if ((unsigned)settings->target > most->target_max || (unsigned)settings->scope > most->scope_max ||
        (unsigned)settings->chopper > most->chopper_max ||
        (unsigned)settings->row_chopper > most->row_chopper_max ||
        (unsigned)settings->reference > most->reference_max || settings->gain > most->gain_max ||
        settings->momentum > most->momentum_max || settings->used_rows > most->used_rows_max ||
        settings->used_columns > most->used_columns_max)
        return SYMTRACK_ERANGE;
    if ((error = none_waits(tile)))
        return error;
    if (put(tile, SYMTRACK_MODES,
            FIELD(SYMTRACK_MODES_TARGET, settings->target) | FIELD(SYMTRACK_MODES_SCOPE, settings->scope) |
                FIELD(SYMTRACK_MODES_CHOPPER, settings->chopper) |
                FIELD(SYMTRACK_MODES_ROW_CHOPPER, settings->row_chopper) |
                FIELD(SYMTRACK_MODES_REFERENCE, settings->reference) |
                FIELD(SYMTRACK_MODES_FILTER, settings->filter) | FIELD(SYMTRACK_MODES_LATCH, settings->latch) |
                FIELD(SYMTRACK_MODES_DIRECT, settings->direct) | FIELD(SYMTRACK_MODES_FORGET, settings->forget) |
                FIELD(SYMTRACK_MODES_ACCUMULATE, settings->accumulate) |
                FIELD(SYMTRACK_MODES_CALIBRATION_RANDOM, settings->calibration_random)))
        return SYMTRACK_EBUS;
    if (put(tile, SYMTRACK_GAIN, FIELD(SYMTRACK_GAIN_GAIN, settings->gain) |
                                     FIELD(SYMTRACK_GAIN_MOMENTUM, settings->momentum)))
        return SYMTRACK_EBUS;
    return put(tile, SYMTRACK_USED, FIELD(SYMTRACK_USED_USED_ROWS, settings->used_rows) |
                                        FIELD(SYMTRACK_USED_USED_COLUMNS, settings->used_columns));
}

int symtrack_update(struct symtrack *tile, unsigned bl)
{
    int error;

    if (bl > tile->descriptor->bl_max)
        return SYMTRACK_ERANGE;
    return (error = none_waits(tile)) ? error : start(tile, 0, bl, 0);
}

int symtrack_transfer(struct symtrack *tile)
{
    int error = none_waits(tile);

    return error ? error : start(tile, 1, 0, 0);
}

int symtrack_calibrate(struct symtrack *tile, unsigned pulses, unsigned sweeps)
{
    int error;

    if (pulses > tile->descriptor->calibration_pulses_max || sweeps > tile->descriptor->calibration_sweeps_max)
        return SYMTRACK_ERANGE;
    if ((error = none_waits(tile)))
        return error;
    if (put(tile, SYMTRACK_CALIBRATION, FIELD(SYMTRACK_CALIBRATION_CALIBRATION_PULSES, pulses) |
                                            FIELD(SYMTRACK_CALIBRATION_CALIBRATION_SWEEPS, sweeps)))
        return SYMTRACK_EBUS;
    return start(tile, 2, 0, 0);
}

int symtrack_program(struct symtrack *tile, unsigned column, unsigned tolerance, unsigned rounds)
{
    const struct symtrack_descriptor *most = tile->descriptor;
    int error;

    if (!most->programmer || column >= most->columns || tolerance > most->tolerance_max || rounds > most->rounds_max)
        return SYMTRACK_ERANGE;
    if ((error = none_waits(tile)))
        return error;
    if (put(tile, SYMTRACK_TOLERANCE, tolerance) || put(tile, SYMTRACK_ROUNDS, rounds))
        return SYMTRACK_EBUS;
    return start(tile, 3, 0, column);
}

int symtrack_wait(struct symtrack *tile, unsigned long looks)
{
    uint32_t status;

    while (looks--) {
        if (get(tile, SYMTRACK_STATUS, &status))
            return SYMTRACK_EBUS;
        if (!(status & SYMTRACK_STATUS_BUSY_MASK))
            return 0;
    }
    return SYMTRACK_ETIMEOUT;
}

int symtrack_counter(struct symtrack *tile, uint32_t counter, uint64_t *count)
{
    uint32_t low, high;

    if (get(tile, counter, &low) || get(tile, counter + 4, &high)) /* the first read keeps the second word */
        return SYMTRACK_EBUS;
    *count = (uint64_t)high << 32 | low;
    return 0;
}

int symtrack_events(struct symtrack *tile, uint32_t *events)
{
    int error = get(tile, SYMTRACK_EVENTS, events);

    return error ? error : put(tile, SYMTRACK_EVENTS, *events);
}
