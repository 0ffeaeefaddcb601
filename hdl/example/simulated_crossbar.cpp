// SPDX-License-Identifier: Apache-2.0
#include "simulated_crossbar.h"

#include <cmath>
#include <cstdlib>
#include <deque>
#include <vector>

#include "Vexample_top.h"
#include "symtrack.h"

#include REGISTERS

namespace {

constexpr struct symtrack_descriptor TILE = DESCRIPTOR;
constexpr int ROWS = TILE.rows, COLUMNS = TILE.columns, LANES = TILE.lanes;
constexpr int CODE_BITS = TILE.adc_bits, MAGNITUDE_BITS = TILE.magnitude_bits;
constexpr int MAGNITUDE_STEP = (MAGNITUDE_BITS + 7) / 8 * 8; // every payload of a stream begins at a byte
constexpr int FRACTION_BITS = TILE.reference_fraction_bits;
constexpr int HIGHEST = (1 << (CODE_BITS - 1)) - 1; // ADC code
constexpr double STEP = 0.01, LSB = 1.0 / (HIGHEST + 1);

// A port is an integer, or words of 32 bits if it is wider than 64.
template <typename Port> bool get(const Port &port, int at) { return uint64_t(port) >> at & 1; }
template <std::size_t N> bool get(const VlWide<N> &port, int at) { return port[at / 32] >> at % 32 & 1; }

template <typename Port> void set(Port &port, int at, bool value)
{
    port = (uint64_t(port) & ~(uint64_t(1) << at)) | uint64_t(value) << at;
}
template <std::size_t N> void set(VlWide<N> &port, int at, bool value) { set(port[at / 32], at % 32, value); }

template <typename Port> void put(Port &port, int low, int width, long value)
{
    for (int k = 0; k < width; k++)
        set(port, low + k, value >> k & 1);
}

// The signed value of a lane.
template <typename Port> long take(const Port &port, int lane, int width)
{
    long value = get(port, (lane + 1) * width - 1) ? -1 : 0;
    for (int k = width - 1; k >= 0; k--)
        value = value * 2 + get(port, lane * width + k);
    return value;
}

int signed_bits(int most)
{
    int bits = 1;
    for (; most; most >>= 1)
        bits++;
    return bits;
}

const int PULSES_BITS = signed_bits(TILE.pulses_max);

// Soft bounds at -1 and 1: a step up is STEP * (1 + g) * (1 - w), one down STEP * (1 - g) * (1 + w); SP = g.
struct Cell {
    double weight = 0, point = 0;
    void pulse(bool up) { weight += up ? STEP * (1 + point) * (1 - weight) : -STEP * (1 - point) * (1 + weight); }
    long code() const { return std::lround(std::fmin(std::fmax(weight / LSB, -HIGHEST - 1), HIGHEST)); }
};

struct Crossbar {
    VerilatedContext context;
    Vexample_top top{&context};
    Cell fast[ROWS][COLUMNS], reference[ROWS][COLUMNS]; // P and R; pulses to W are only counted
    long latched[ROWS][COLUMNS] = {};                   // what R should be
    std::deque<std::vector<int>> vectors;               // beats
    struct crossbar_counts counts = {};

    Crossbar()
    {
        for (int row = 0; row < ROWS; row++)
            for (int column = 0; column < COLUMNS; column++)
                fast[row][column].point = 0.1 * (row % 4 + 1) - 0.05 * (column % 7);
        top.s_axil_wstrb = 15;
        top.aresetn = 0;
        for (int k = 0; k < 4; k++)
            cycle();
        top.aresetn = 1;
    }

    ~Crossbar() { top.final(); }

    // One clock cycle. Inputs are set before it and outputs looked at before its rising edge.
    void cycle()
    {
        offer();
        top.aclk = 0;
        top.eval();
        const bool convert = top.adc_start;
        const int column = top.adc_column;
        const auto &array = top.adc_reference ? reference : fast;
        if (top.s_axis_vectors_tvalid && top.s_axis_vectors_tready)
            vectors.pop_front();
        if (top.slot_strobe && top.aresetn)
            slot();
        if (top.write_strobe && top.aresetn)
            for (int lane = 0; lane < LANES && top.write_beat * LANES + lane < ROWS; lane++)
                write(top.write_beat * LANES + lane, top.write_column, lane);
        top.aclk = 1;
        top.eval();
        top.adc_done = convert;
        counts.reads += convert;
        for (int row = 0; convert && row < ROWS; row++)
            put(top.adc_codes, row * CODE_BITS, CODE_BITS, array[row][column].code());
    }

    void offer()
    {
        top.s_axis_vectors_tvalid = !vectors.empty();
        for (int lane = 0; lane < LANES && !vectors.empty(); lane++) {
            const int entry = vectors.front()[lane];
            put(top.s_axis_vectors_tdata, lane * MAGNITUDE_STEP, MAGNITUDE_BITS, std::abs(entry));
            put(top.s_axis_vectors_tdata, LANES * MAGNITUDE_STEP + lane, 1, entry < 0);
        }
    }

    void slot()
    {
        counts.slots++;
        for (int row = 0; row < ROWS; row++)
            for (int column = 0; column < COLUMNS; column++)
                if (get(top.slot_rows, row) && get(top.slot_columns, column))
                    fast[row][column].pulse(top.slot_up);
    }

    void write(int row, int column, int lane)
    {
        const long pulses = take(top.write_pulses, lane, PULSES_BITS);
        if (get(top.write_latch, lane)) {
            latched[row][column] = take(top.write_value, lane, CODE_BITS + FRACTION_BITS);
            counts.latches++;
        }
        (top.write_reference ? counts.reference_pulses : counts.pulses) += std::labs(pulses);
        for (long k = 0; top.write_reference && k < std::labs(pulses); k++)
            reference[row][column].pulse(pulses > 0);
    }
};

Crossbar &crossbar()
{
    static Crossbar only;
    return only;
}

} // namespace

int crossbar_read(void *, uint32_t offset, uint32_t *word)
{
    Crossbar &bar = crossbar();
    bar.top.s_axil_araddr = offset;
    bar.top.s_axil_arvalid = 1;
    bar.top.s_axil_rready = 1;
    for (bool taken = false, answered = false; !answered;) {
        bar.top.eval();
        taken = taken || bar.top.s_axil_arready;
        answered = bar.top.s_axil_rvalid;
        *word = bar.top.s_axil_rdata;
        const int response = bar.top.s_axil_rresp;
        bar.cycle();
        if (taken)
            bar.top.s_axil_arvalid = 0;
        if (answered)
            return response;
    }
    return -1;
}

int crossbar_write(void *, uint32_t offset, uint32_t word)
{
    Crossbar &bar = crossbar();
    bar.top.s_axil_awaddr = offset;
    bar.top.s_axil_wdata = word;
    bar.top.s_axil_awvalid = bar.top.s_axil_wvalid = bar.top.s_axil_bready = 1;
    for (;;) {
        bar.top.eval();
        const bool address = bar.top.s_axil_awready, data = bar.top.s_axil_wready, answered = bar.top.s_axil_bvalid;
        const int response = bar.top.s_axil_bresp;
        bar.cycle();
        if (address)
            bar.top.s_axil_awvalid = 0;
        if (data)
            bar.top.s_axil_wvalid = 0;
        if (answered)
            return response;
    }
}

void crossbar_vector(const int *entries, unsigned count)
{
    for (unsigned first = 0; first < count; first += LANES) {
        std::vector<int> beat(LANES);
        for (unsigned lane = 0; lane < unsigned(LANES) && first + lane < count; lane++)
            beat[lane] = entries[first + lane];
        crossbar().vectors.push_back(beat);
    }
}

struct crossbar_counts *crossbar_counts(void) { return &crossbar().counts; }

double crossbar_distance(void)
{
    double sum = 0;
    for (auto &row : crossbar().fast)
        for (auto &cell : row)
            sum += (cell.weight - cell.point) * (cell.weight - cell.point);
    return std::sqrt(sum / (ROWS * COLUMNS));
}

unsigned crossbar_unprogrammed(unsigned column, unsigned tolerance)
{
    unsigned cells = 0;
    for (int row = 0; row < ROWS; row++) {
        const long read = crossbar().reference[row][column].code() * (1L << FRACTION_BITS);
        cells += std::labs(crossbar().latched[row][column] - read) > long(tolerance);
    }
    return cells;
}
