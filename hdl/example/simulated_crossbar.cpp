#include "simulated_crossbar.h"

#include <cmath>
#include <cstdlib>
#include <deque>

#include "Vexample_top.h"

namespace {

constexpr int ROWS = 3, COLUMNS = 5, CODE_BITS = 9;
constexpr double STEP = 0.01, LSB = 1.0 / 256;

// Soft bounds at -1 and 1: a step up is STEP * (1 + g) * (1 - w), one down STEP * (1 - g) * (1 + w); SP = g.
struct Cell {
    double weight, point;
    void pulse(bool up) { weight += up ? STEP * (1 + point) * (1 - weight) : -STEP * (1 - point) * (1 + weight); }
};

struct Crossbar {
    VerilatedContext context;
    Vexample_top top{&context};
    Cell fast[ROWS][COLUMNS];
    std::deque<uint32_t> vectors;
    uint64_t slots = 0, reads = 0, pulses = 0;

    Crossbar()
    {
        for (int row = 0; row < ROWS; row++)
            for (int column = 0; column < COLUMNS; column++)
                fast[row][column] = {0.0, 0.1 * (row + 1) - 0.05 * column};
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
        top.s_axis_vectors_tvalid = !vectors.empty();
        top.s_axis_vectors_tdata = vectors.empty() ? 0 : vectors.front();
        top.aclk = 0;
        top.eval();
        const bool convert = top.adc_start;
        const int column = top.adc_column;
        if (top.s_axis_vectors_tvalid && top.s_axis_vectors_tready)
            vectors.pop_front();
        if (top.slot_strobe && top.aresetn) {
            slots++;
            for (int row = 0; row < ROWS; row++)
                for (int other = 0; other < COLUMNS; other++)
                    if (top.slot_rows >> row & 1 && top.slot_columns >> other & 1)
                        fast[row][other].pulse(top.slot_up);
        }
        if (top.write_strobe && top.aresetn) // 5 bits, signed
            pulses += std::abs(int(top.write_pulses ^ 16) - 16);
        top.aclk = 1;
        top.eval();
        top.adc_done = convert;
        if (convert) {
            reads++;
            uint32_t codes = 0;
            for (int row = 0; row < ROWS; row++) {
                const long code = std::lround(fast[row][column].weight / LSB);
                const long clipped = code > 255 ? 255 : code < -256 ? -256 : code;
                codes |= (uint32_t(clipped) & ((1u << CODE_BITS) - 1)) << (row * CODE_BITS);
            }
            top.adc_codes = codes;
        }
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

void crossbar_vector(unsigned magnitude, int negative)
{
    crossbar().vectors.push_back(magnitude | (negative ? 1u << 16 : 0));
}

double crossbar_distance(void)
{
    double sum = 0;
    for (auto &row : crossbar().fast)
        for (auto &cell : row)
            sum += (cell.weight - cell.point) * (cell.weight - cell.point);
    return std::sqrt(sum / (ROWS * COLUMNS));
}

uint64_t crossbar_slots(void) { return crossbar().slots; }
uint64_t crossbar_reads(void) { return crossbar().reads; }
uint64_t crossbar_pulses(void) { return crossbar().pulses; }
