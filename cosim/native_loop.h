// The native engine's loop: plays clock cycles on the verilated tile and moves rows of 64-bit words in and out.
//
// `generated` (see native_build.py) holds what depends on the configuration: the number of words, where the ports lie in a
// row, and the functions that copy a row to and from the model's ports.
//
// A cycle, as in every engine: its inputs are there, outputs are taken when they have settled, then comes the rising edge.

#include <cstdint>
#include <cstring>

using Word = uint64_t;

template <class T> void put(T& port, const Word* words) { port = static_cast<T>(words[0]); }
template <std::size_t N> void put(VlWide<N>& port, const Word* words) {
    for (std::size_t k = 0; k < N; ++k) port[k] = static_cast<uint32_t>(words[k / 2] >> (32 * (k % 2)));
}
template <class T> void get(const T& port, Word* words) { words[0] = port; }
template <std::size_t N> void get(const VlWide<N>& port, Word* words) {
    for (std::size_t k = 0; k < N; k += 2)
        words[k / 2] = port[k] | (k + 1 < N ? static_cast<Word>(port[k + 1]) << 32 : 0);
}
template <class T, std::size_t N> void get(const VlUnpacked<T, N>& memory, Word* words, int words_per_row) {
    for (std::size_t row = 0; row < N; ++row) get(memory[row], words + row * words_per_row);
}

#include "generated.h"

// The model has one thread; a context made for more would keep idle workers.
struct SerialContext : VerilatedContext {
    SerialContext() { threads(1); }
};

struct Tile {
    SerialContext context;
    Vtop top{&context};
    Word in[generated::IN_WORDS] = {};
    Word out[generated::OUT_WORDS] = {};

    // Verilator's scopes leave through the thread's context, which may be that of another tile, or of one long gone.
    ~Tile() { Verilated::threadContextp(&context); }

    // A rising edge of one clock or of both, and the outputs that follow.
    void rise(bool load, bool clk) {
        if (load) generated::drive(top, in);
        top.load = load;
        top.clk = clk;
        top.eval();
        top.load = top.clk = 0;
        top.eval();
        generated::sample(top, out);
    }
};

// A stream into the tile: beats that are offered one after the other.
struct Source {
    generated::Stream at;
    const Word* beats;
    long count;
    long next = 0;

    void offer(Word* in) const {
        in[at.valid] = next < count;
        if (next < count)
            std::memcpy(in + at.payload, beats + next * at.words, at.words * sizeof(Word));
        else
            std::memset(in + at.payload, 0, at.words * sizeof(Word));
    }
    void advance(const Tile& tile) { next += tile.in[at.valid] && tile.out[at.ready]; }
};

// A stream out of the tile that never waits: where its beats go.
struct Sink {
    generated::Stream at;
    Word* beats;
    long room;
    long count = 0;

    bool take(const Tile& tile) {
        if (!tile.out[at.valid]) return true;
        if (count == room) return false;
        std::memcpy(beats + count++ * at.words, tile.out + at.payload, at.words * sizeof(Word));
        return true;
    }
};

extern "C" {

void* symtrack_new() { return new Tile; }

void symtrack_delete(void* handle) { delete static_cast<Tile*>(handle); }

// One cycle with any inputs.
void symtrack_cycle(void* handle, const Word* in, Word* out) {
    Tile& tile = *static_cast<Tile*>(handle);
    std::memcpy(tile.in, in, sizeof tile.in);
    tile.rise(true, false);
    std::memcpy(out, tile.out, sizeof tile.out);
    tile.rise(false, true);
}

// From the cycle of a command (without one: from now) to the first idle cycle, which is played too and whose outputs end
// in `out`. `in` holds settings and the payload of the command. `pulses` and `writes` have room for the beats of the
// longest operation; `beats` receives their numbers. With `record` the outputs of every cycle go there.
// Returns the number of cycles, negative if `most` cycles or the room for beats were not enough.
long symtrack_operation(void* handle, const Word* in, Word* out, long command, long vector_beats, long code_beats,
                        const Word* vectors, const Word* codes, Word* pulses, Word* writes, int64_t* beats,
                        Word* record, long most) {
    Tile& tile = *static_cast<Tile*>(handle);
    std::memcpy(tile.in, in, sizeof tile.in);
    Source sources[] = {{generated::VECTORS, vectors, vector_beats}, {generated::CODES, codes, code_beats}};
    Sink sinks[] = {{generated::PULSES, pulses, generated::PULSE_BEATS}, {generated::WRITES, writes, generated::WRITE_BEATS}};
    for (int port : {generated::PULSES.ready, generated::READ.ready, generated::WRITES.ready}) tile.in[port] = 1;
    tile.in[generated::COMMAND.valid] = command;
    for (Source& source : sources) source.offer(tile.in);
    tile.rise(true, false);
    for (long cycle = 0; cycle < most; ++cycle) {
        if (record) std::memcpy(record + cycle * generated::OUT_WORDS, tile.out, sizeof tile.out);
        for (Source& source : sources) source.advance(tile);
        for (Sink& sink : sinks)
            if (!sink.take(tile)) return -cycle - 1;
        if (!tile.out[generated::BUSY] && (cycle > 0 || !command)) {
            std::memcpy(out, tile.out, sizeof tile.out);
            tile.rise(false, true);
            beats[0] = sinks[0].count;
            beats[1] = sinks[1].count;
            return cycle + 1;
        }
        tile.in[generated::COMMAND.valid] = 0;
        for (Source& source : sources) source.offer(tile.in);
        tile.rise(true, true);
    }
    return -most;
}

// Words of the state item `index` of native_build.py; false if this netlist does not have it.
bool symtrack_state(void* handle, int index, Word* words) {
    return generated::state(*static_cast<Tile*>(handle)->top.rootp, index, words);
}

}  // extern "C"
