/* Finds the symmetric points of a simulated crossbar, trains on it, and checks the driver's counts.
 *
 * The crossbar answers by itself (simulated_crossbar.cpp); vectors are sent as a DMA engine would. */
#include <inttypes.h>
#include <stdio.h>

#include "simulated_crossbar.h"
#include "symtrack.h"

#include REGISTERS

enum { PULSES = 400, SWEEPS = 32, UPDATES = 20, BL = 31, LOOKS = 100000 };

static int failed(const char *step, int error)
{
    fprintf(stderr, "FAIL: %s (%d)\n", step, error);
    return 1;
}

int main(void)
{
    const struct symtrack_bus bus = {crossbar_read, crossbar_write, NULL};
    const struct symtrack_settings settings = {
        .chopper = SYMTRACK_CHOPPER_REGULAR, .reference = SYMTRACK_REFERENCE_LATCHED, .gain = 200};
    struct symtrack tile;
    uint64_t slots, reads, pulses;
    uint32_t events;
    int error;

    if ((error = symtrack_open(&tile, &bus)))
        return failed("open", error);
    printf("controller of %u x %u cells, %u lanes\n", tile.rows, tile.columns, tile.lanes);
    if ((error = symtrack_set(&tile, &settings)))
        return failed("settings", error);

    printf("distance of P from its symmetric points: %.3f before, ", crossbar_distance());
    if ((error = symtrack_calibrate(&tile, PULSES, SWEEPS, 0)) || (error = symtrack_wait(&tile, LOOKS)))
        return failed("calibration", error);
    printf("%.3f after %d slots of alternating sign\n", crossbar_distance(), PULSES);

    for (unsigned k = 0; k < UPDATES; k++) {
        if ((error = symtrack_update(&tile, BL)))
            return failed("update", error);
        for (unsigned column = 0; column < tile.columns; column++)
            crossbar_vector(1000 + 500 * column, column % 2);
        for (unsigned row = 0; row < tile.rows; row++)
            crossbar_vector(1500, 0);
        if ((error = symtrack_wait(&tile, LOOKS)) || (error = symtrack_transfer(&tile)) ||
            (error = symtrack_wait(&tile, LOOKS)))
            return failed("transfer", error);
    }
    if (symtrack_counter(&tile, SYMTRACK_SLOTS, &slots) || symtrack_counter(&tile, SYMTRACK_READS, &reads) ||
        symtrack_counter(&tile, SYMTRACK_TRANSFER_PULSES, &pulses) || symtrack_events(&tile, &events))
        return failed("counters", SYMTRACK_EBUS);
    printf("%" PRIu64 " slots, %" PRIu64 " reads, %" PRIu64 " pulses to W\n", slots, reads, pulses);
    if (slots != crossbar_slots() || reads != crossbar_reads() || pulses != crossbar_pulses() || !pulses)
        return failed("the crossbar has counted something else", 0);
    if (!(events & SYMTRACK_EVENTS_DONE_MASK) || events & SYMTRACK_EVENTS_REFUSED_MASK)
        return failed("events", (int)events);
    if (symtrack_update(&tile, tile.bl_max + 1) != SYMTRACK_ERANGE)
        return failed("a train that is too long was taken", 0);
    if (crossbar_write(NULL, SYMTRACK_IDENTIFICATION, 0) == 0 || symtrack_events(&tile, &events) ||
        !(events & SYMTRACK_EVENTS_FORBIDDEN_MASK))
        return failed("a forbidden write was not told", 0);
    printf("PASS\n");
    return 0;
}
