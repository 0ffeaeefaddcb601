/* SPDX-License-Identifier: Apache-2.0 */
/* Two tiles of different configurations in one program, with one object of the driver: the layers of a network.
 *
 * Each tile is mapped into memory at an address of its own. Here arrays stand in for them: they keep what is written,
 * and are idle. */
#include <stdio.h>

#include "symtrack.h"

#include "symtrack_digits_hidden_controller_registers.h"
#include "symtrack_digits_output_controller_registers.h"

enum { WORDS = 1024, SLOTS = 10 };

static const struct symtrack_descriptor hidden = SYMTRACK_DIGITS_HIDDEN_DESCRIPTOR;
static const struct symtrack_descriptor output = SYMTRACK_DIGITS_OUTPUT_DESCRIPTOR;

static volatile uint32_t hidden_registers[WORDS] = {
    [SYMTRACK_IDENTIFICATION / 4] = SYMTRACK_DIGITS_HIDDEN_IDENTIFICATION_LETTERS_RESET,
    [SYMTRACK_VERSION / 4] = SYMTRACK_DIGITS_HIDDEN_VERSION_VERSION_RESET,
    [SYMTRACK_CONFIGURATION / 4] = SYMTRACK_DIGITS_HIDDEN_CONFIGURATION_HASH_RESET,
};
static volatile uint32_t output_registers[WORDS] = {
    [SYMTRACK_IDENTIFICATION / 4] = SYMTRACK_DIGITS_OUTPUT_IDENTIFICATION_LETTERS_RESET,
    [SYMTRACK_VERSION / 4] = SYMTRACK_DIGITS_OUTPUT_VERSION_VERSION_RESET,
    [SYMTRACK_CONFIGURATION / 4] = SYMTRACK_DIGITS_OUTPUT_CONFIGURATION_HASH_RESET,
};

static int mapped_read(void *base, uint32_t offset, uint32_t *word)
{
    *word = ((volatile uint32_t *)base)[offset / 4];
    return 0;
}

static int mapped_write(void *base, uint32_t offset, uint32_t word)
{
    ((volatile uint32_t *)base)[offset / 4] = word;
    return 0;
}

/* One layer: settings that its configuration can do, an update and a transfer. */
static int train(struct symtrack *tile)
{
    struct symtrack_settings settings = symtrack_defaults();

    settings.chopper = SYMTRACK_CHOPPER_REGULAR;
    settings.reference = SYMTRACK_REFERENCE_LATCHED;
    settings.gain = tile->descriptor->gain_max / 4;
    if (symtrack_set(tile, &settings) || symtrack_update(tile, SLOTS))
        return 1;
    /* here the streams of that tile are served */
    return symtrack_wait(tile, 1) || symtrack_transfer(tile) || symtrack_wait(tile, 1);
}

int main(void)
{
    const struct symtrack_bus buses[] = {{mapped_read, mapped_write, (void *)hidden_registers},
                                         {mapped_read, mapped_write, (void *)output_registers}};
    struct symtrack layers[2], stranger;

    if (symtrack_open(&stranger, &buses[0], &output, 1) != SYMTRACK_EIDENT ||
        symtrack_open(&layers[0], &buses[0], &hidden, 1) || symtrack_open(&layers[1], &buses[1], &output, 2)) {
        fprintf(stderr, "FAIL: open\n");
        return 1;
    }
    for (int k = 0; k < 2; k++) {
        if (train(&layers[k])) {
            fprintf(stderr, "FAIL: layer %d\n", k);
            return 1;
        }
        printf("%u x %u cells, %u lanes: modes %#x, gain %#x, command %#x\n", layers[k].descriptor->rows,
               layers[k].descriptor->columns, layers[k].descriptor->lanes,
               (unsigned)((volatile uint32_t *)buses[k].context)[SYMTRACK_MODES / 4],
               (unsigned)((volatile uint32_t *)buses[k].context)[SYMTRACK_GAIN / 4],
               (unsigned)((volatile uint32_t *)buses[k].context)[SYMTRACK_COMMAND / 4]);
    }
    printf("PASS\n");
    return 0;
}
