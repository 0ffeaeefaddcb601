/* A simulated bus and crossbar: the top level in Verilator, with devices whose steps depend on their weight. */
#ifndef SIMULATED_CROSSBAR_H
#define SIMULATED_CROSSBAR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

int crossbar_read(void *context, uint32_t offset, uint32_t *word);
int crossbar_write(void *context, uint32_t offset, uint32_t word);
void crossbar_vector(unsigned magnitude, int negative); /* queued, as by a DMA engine */
double crossbar_distance(void);                         /* root mean square of P - SP, in weights */
uint64_t crossbar_slots(void);
uint64_t crossbar_reads(void);
uint64_t crossbar_pulses(void); /* to W */

#ifdef __cplusplus
}
#endif
#endif
