/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated bus and crossbar: the top level in Verilator, with devices whose steps depend on their weight. */
#ifndef SIMULATED_CROSSBAR_H
#define SIMULATED_CROSSBAR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the crossbar has seen since the counts were last set to 0. */
struct crossbar_counts {
    uint64_t slots, reads, pulses, reference_pulses, latches; /* pulses to W, pulses to R, new references */
};

int crossbar_read(void *context, uint32_t offset, uint32_t *word);
int crossbar_write(void *context, uint32_t offset, uint32_t word);
void crossbar_vector(const int *entries, unsigned count); /* queued, as by a DMA engine; signed magnitudes */
struct crossbar_counts *crossbar_counts(void);
double crossbar_distance(void); /* root mean square of P - SP, in weights */
unsigned crossbar_unprogrammed(unsigned column, unsigned tolerance); /* cells of R as far from their reference */

#ifdef __cplusplus
}
#endif
#endif
