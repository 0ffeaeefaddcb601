/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the symmetric points of a simulated crossbar, programs them into R, trains with AGAD, and checks the counts.
 *
 * The crossbar answers by itself (simulated_crossbar.cpp); vectors are sent as a DMA engine would. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "simulated_crossbar.h"
#include "symtrack.h"

#include REGISTERS /* "symtrack_NAME_controller_registers.h", which defines DESCRIPTOR, SYMTRACK_NAME_DESCRIPTOR */

enum { PULSES = 400, SWEEPS = 32, ROUNDS = 64, UPDATES = 20, LOOKS = 100000, LINES = 1024, WARM_UP = 64 * LINES, SEED = 1 };

static const struct symtrack_descriptor descriptor = DESCRIPTOR;
static const struct symtrack_bus bus = {crossbar_read, crossbar_write, NULL};
static struct symtrack tile;

static int failed(const char *step, int error)
{
    fprintf(stderr, "FAIL: %s (%d)\n", step, error);
    return 1;
}

/* Weights from -1 to 1 in units of Q. A pulse of the crossbar's cells moves them by about 1/200 of that. */
static uint64_t range(void) { return UINT64_C(1) << (descriptor.adc_bits + descriptor.reference_fraction_bits); }

/* The end of what was just started, or its error. */
static int end(int error) { return error ? error : symtrack_wait(&tile, LOOKS); }

static void send_vectors(void)
{
    int x[LINES], delta[LINES];
    const int one = 1 << descriptor.magnitude_bits;

    for (unsigned column = 0; column < descriptor.columns; column++)
        x[column] = (column % 2 ? -1 : 1) * one * (int)(column % 6 + 2) / 8;
    for (unsigned row = 0; row < descriptor.rows; row++)
        delta[row] = one * 3 / 8;
    crossbar_vector(x, descriptor.columns);
    crossbar_vector(delta, descriptor.rows);
}

/* One step of training. */
static int train(void)
{
    int error = symtrack_update(&tile, descriptor.bl_max);

    send_vectors();
    return (error = end(error)) ? error : end(symtrack_transfer(&tile));
}

static int same(uint32_t counter, uint64_t expected)
{
    uint64_t count;

    return !symtrack_counter(&tile, counter, &count) && count == expected;
}

/* The controller has counted what the crossbar has. */
static int counted(void)
{
    const struct crossbar_counts *counts = crossbar_counts();

    return same(SYMTRACK_SLOTS, counts->slots) && same(SYMTRACK_READS, counts->reads) &&
           same(SYMTRACK_TRANSFER_PULSES, counts->pulses) && same(SYMTRACK_REFERENCE_PULSES, counts->reference_pulses);
}

static int calibrate(void)
{
    int error;

    printf("distance of P from its symmetric points: %.3f before, ", crossbar_distance());
    if ((error = end(symtrack_calibrate(&tile, PULSES, SWEEPS))))
        return failed("calibration", error);
    printf("%.3f after %d slots of alternating sign\n", crossbar_distance(), PULSES);
    return counted() ? 0 : failed("the crossbar has counted something else", 0);
}

/* Every column of R gets what the calibration has left in Qref, within about a pulse. */
static int program(void)
{
    const unsigned tolerance = range() / 256;
    unsigned before = 0, after = 0;
    int error;

    for (unsigned column = 0; column < descriptor.columns; column++) {
        before += crossbar_unprogrammed(column, tolerance);
        if ((error = end(symtrack_program(&tile, column, tolerance, ROUNDS))))
            return failed("programming", error);
        after += crossbar_unprogrammed(column, tolerance);
    }
    printf("cells of R out of tolerance: %u before, %u after programming\n", before, after);
    if (!before || after || !same(SYMTRACK_UNPROGRAMMED, 0))
        return failed("R was not programmed", (int)after);
    if (!counted() || !crossbar_counts()->reference_pulses || crossbar_counts()->pulses)
        return failed("the crossbar has counted something else", 0);
    /* A single round only reads, and gives up what it finds. */
    if ((error = end(symtrack_program(&tile, 0, 0, 1))) || !counted() ||
        !same(SYMTRACK_UNPROGRAMMED, crossbar_unprogrammed(0, 0)))
        return failed("programming of a single round", error);
    return 0;
}

/* Counters are 0, settings are what they were. */
static int reset(void)
{
    uint32_t before, after;

    if (crossbar_read(NULL, SYMTRACK_GAIN, &before) || symtrack_reset(&tile) ||
        crossbar_read(NULL, SYMTRACK_GAIN, &after))
        return failed("reset", 0);
    *crossbar_counts() = (struct crossbar_counts){0};
    return counted() && before == after && before ? 0 : failed("something is left of what was before the reset", 0);
}

/* AGAD: Q and Qref have to be known before anything is written. */
static int agad(struct symtrack_settings *settings)
{
    unsigned warm_up = 0;
    int error;

    settings->chopper = SYMTRACK_CHOPPER_REGULAR;
    settings->gain = 1 + settings->gain / 10;
    settings->accumulate = false;
    if ((error = symtrack_set(&tile, settings)))
        return failed("settings", error);
    /* all have flipped */
    for (; crossbar_counts()->latches < descriptor.rows * descriptor.columns && warm_up < WARM_UP; warm_up++)
        if ((error = train()))
            return failed("warm-up", error);
    if (!counted() || crossbar_counts()->pulses || crossbar_counts()->reads != warm_up || warm_up == WARM_UP)
        return failed("a warm-up fills references and writes nothing", 0);
    printf("%u reads and no pulses in the warm-up\n", warm_up);

    settings->accumulate = true;
    if ((error = symtrack_set(&tile, settings)))
        return failed("settings", error);
    for (unsigned k = 0; k < UPDATES; k++)
        if ((error = train()))
            return failed("training", error);
    if (!counted() || !crossbar_counts()->pulses)
        return failed("the crossbar has counted something else", 0);
    printf("%" PRIu64 " slots, %" PRIu64 " reads, %" PRIu64 " pulses to W\n", crossbar_counts()->slots,
           crossbar_counts()->reads, crossbar_counts()->pulses);
    return 0;
}

/* While an operation waits, calls that would change what it does are refused and write nothing. */
static int busy(const struct symtrack_settings *settings)
{
    static const uint32_t written[] = {SYMTRACK_MODES, SYMTRACK_GAIN, SYMTRACK_CALIBRATION, SYMTRACK_TOLERANCE,
                                       SYMTRACK_ROUNDS};
    enum { COUNT = sizeof written / sizeof *written };
    struct symtrack_settings other = *settings;
    uint32_t before[COUNT], after[COUNT];

    other.direct = !other.direct;
    other.gain++;
    if (symtrack_update(&tile, descriptor.bl_max) || symtrack_transfer(&tile)) /* one runs without vectors, one waits */
        return failed("update and transfer", 0);
    for (int k = 0; k < COUNT; k++)
        if (crossbar_read(NULL, written[k], &before[k]))
            return failed("read", SYMTRACK_EBUS);
    if (symtrack_set(&tile, &other) != SYMTRACK_EBUSY || symtrack_update(&tile, descriptor.bl_max) != SYMTRACK_EBUSY ||
        symtrack_transfer(&tile) != SYMTRACK_EBUSY || symtrack_calibrate(&tile, 1, 2) != SYMTRACK_EBUSY ||
        symtrack_seed(&tile, SEED) != SYMTRACK_EBUSY ||
        (descriptor.programmer && symtrack_program(&tile, 0, 1, 2) != SYMTRACK_EBUSY))
        return failed("a third operation or a setting was taken", 0);
    for (int k = 0; k < COUNT; k++)
        if (crossbar_read(NULL, written[k], &after[k]))
            return failed("read", SYMTRACK_EBUS);
    if (memcmp(before, after, sizeof before))
        return failed("a setting was written while an operation was waiting", 0);
    if (symtrack_wait(&tile, 100) != SYMTRACK_ETIMEOUT)
        return failed("an update without vectors has ended", 0);
    send_vectors();
    return symtrack_wait(&tile, LOOKS) || !counted() ? failed("end of update and transfer", 0) : 0;
}

/* Nothing has been refused by the bus so far, nor are arguments that do not fit, which are not written. What is
 * forbidden is told. */
static int refused(const struct symtrack_settings *settings)
{
    struct symtrack_settings other = *settings;
    uint32_t events;

    if (symtrack_events(&tile, &events) || !(events & SYMTRACK_EVENTS_DONE_MASK) ||
        events & (SYMTRACK_EVENTS_UNMAPPED_MASK | SYMTRACK_EVENTS_FORBIDDEN_MASK | SYMTRACK_EVENTS_REFUSED_MASK |
                  SYMTRACK_EVENTS_OVERRUN_MASK))
        return failed("events", (int)events);
    other.gain = descriptor.gain_max + 1;
    if (symtrack_set(&tile, &other) != SYMTRACK_ERANGE ||
        symtrack_update(&tile, descriptor.bl_max + 1) != SYMTRACK_ERANGE ||
        symtrack_calibrate(&tile, 1 << 16, 1) != SYMTRACK_ERANGE ||
        symtrack_program(&tile, descriptor.columns, 0, 1) != SYMTRACK_ERANGE)
        return failed("something that does not fit was taken", 0);
    if (symtrack_events(&tile, &events) || events)
        return failed("events", (int)events);
    if (crossbar_write(NULL, SYMTRACK_IDENTIFICATION, 0) == 0 || symtrack_events(&tile, &events) ||
        events != SYMTRACK_EVENTS_FORBIDDEN_MASK)
        return failed("a forbidden write was not told", 0);
    if (crossbar_write(NULL, SYMTRACK_SEED, 0) == 0 || symtrack_events(&tile, &events) ||
        events != SYMTRACK_EVENTS_REFUSED_MASK)
        return failed("a seed of zero was taken", 0);
    return 0;
}

int main(void)
{
    struct symtrack_settings settings = symtrack_defaults();
    int error;

    if ((error = symtrack_open(&tile, &bus, &descriptor, SEED)))
        return failed("open", error);
    printf("controller of %u x %u cells, %u lanes\n", descriptor.rows, descriptor.columns, descriptor.lanes);
    settings.reference = SYMTRACK_REFERENCE_LATCHED;
    settings.forget = true;
    /* half of the pulses that a difference is worth */
    settings.gain = 1 + (UINT64_C(100) << descriptor.threshold_shift) / range();
    if ((error = symtrack_set(&tile, &settings)))
        return failed("settings", error);
    if (calibrate() || (descriptor.programmer && program()) || reset() || agad(&settings) || busy(&settings) ||
        refused(&settings))
        return 1;
    printf("PASS\n");
    return 0;
}
