/* SPDX-License-Identifier: Apache-2.0 */
// The native engine's loop: plays clock cycles on the verilated tile and moves rows of 64-bit words in and out.
//
// `generated` (see native_build.py) holds what depends on the configuration: the number of words, where the ports lie in a
// row, and the functions that copy a row to and from the model's ports.
//
// A cycle, as in every engine: inputs change with the falling edge of clk, outputs are taken when they have
// settled, then comes the rising edge. Inside a whole operation the inputs of the next cycle are known before the rising
// edge; they are loaded with it, and the falling edge follows.

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

// State of `rows` rows in variables of `bytes` bytes each; false if a foreign netlist has another memory of that name.
template <class T> bool get_state(const T& state, Word* words, std::size_t rows, std::size_t bytes) {
    if (rows != 1 || sizeof(T) != bytes) return false;
    get(state, words);
    return true;
}
template <class T, std::size_t N>
bool get_state(const VlUnpacked<T, N>& memory, Word* words, std::size_t rows, std::size_t bytes) {
    if (rows != N || sizeof(T) != bytes) return false;
    for (std::size_t row = 0; row < N; ++row) get(memory[row], words + row * ((bytes + 7) / 8));
    return true;
}

// The other direction. What hangs on the state follows with the next rising edge.
template <class T> bool set_state(T& state, const Word* words, std::size_t rows, std::size_t bytes) {
    if (rows != 1 || sizeof(T) != bytes) return false;
    put(state, words);
    return true;
}
template <class T, std::size_t N>
bool set_state(VlUnpacked<T, N>& memory, const Word* words, std::size_t rows, std::size_t bytes) {
    if (rows != N || sizeof(T) != bytes) return false;
    for (std::size_t row = 0; row < N; ++row) put(memory[row], words + row * ((bytes + 7) / 8));
    return true;
}

#include "generated.h"

// The model has one thread; a context made for more would keep idle workers.
struct SerialContext : VerilatedContext {
    // Without a start of zeros, what has no initial value begins as drawn with this seed.
    explicit SerialContext(int start) {
        threads(1);
        fatalOnError(false);  // a netlist that stops is found out by `stopped`
        if (start) {
            randReset(2);
            randSeed(start);
        }
    }
};

struct Tile {
    SerialContext context;
    Vtop top{&context};
    Word in[generated::IN_WORDS] = {};
    Word out[generated::OUT_WORDS] = {};

    // Two cycles of reset before the first one, but not with a random start, whose reset is the user's.
    explicit Tile(int start) : context(start) {
        levels(false, false);  // that the first edges start from
        if (start) return;
        in[generated::RESET] = 1;
        levels(true, false);
        for (bool clk : {true, false, true, false}) levels(false, clk);
    }

    // Verilator's scopes leave through the thread's context, which may be that of another tile, or of one long gone.
    ~Tile() { Verilated::threadContextp(&context); }

    // New levels of both clocks.
    void levels(bool load, bool clk) {
        if (load) generated::drive(top, in);
        top.load = load;
        top.clk = clk;
        top.eval();
    }
    // New inputs, the falling edge, and the outputs that follow.
    void begin() {
        levels(true, top.clk);
        settle();
    }
    // The rising edge with the inputs of the next cycle, the falling edge, and the outputs that follow.
    void next() {
        levels(true, true);
        settle();
    }
    void settle() {
        levels(false, false);
        generated::sample(top, out);
    }
    void rise() { levels(false, true); }
    bool stopped() const { return context.gotFinish(); }
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

void* symtrack_new(int start) { return new Tile(start); }

void symtrack_delete(void* handle) { delete static_cast<Tile*>(handle); }

// One cycle with any inputs; false if the netlist ended the simulation.
bool symtrack_cycle(void* handle, const Word* in, Word* out) {
    Tile& tile = *static_cast<Tile*>(handle);
    std::memcpy(tile.in, in, sizeof tile.in);
    tile.begin();
    std::memcpy(out, tile.out, sizeof tile.out);
    tile.rise();
    return !tile.stopped();
}

// From the cycle of a command (without one: from now) to the first idle cycle in which all seeds are in, which is played
// too and whose outputs end in `out`. With `rounds` it also ends before the cycle of a read request that follows as many writes as there is room
// for, and goes on from there without a command. `in` holds settings and the payload of the command. `beats` holds how many beats `pulses` and `writes` have
// room for, and receives how many there were. With `record` the outputs of every cycle go there.
// Returns the number of cycles, negative if `most` cycles or the room for beats were not enough; 0 if the netlist ended
// the simulation.
long symtrack_operation(void* handle, const Word* in, Word* out, long command, long rounds, long vector_beats, long code_beats,
                        long seed_beats, const Word* vectors, const Word* codes, const Word* seeds, Word* pulses, Word* writes,
                        int64_t* beats, Word* record, long most) {
    Tile& tile = *static_cast<Tile*>(handle);
    std::memcpy(tile.in, in, sizeof tile.in);
    Source sources[] = {{generated::VECTORS, vectors, vector_beats},
                        {generated::CODES, codes, code_beats},
                        {generated::SEEDS, seeds, seed_beats}};
    Sink sinks[] = {{generated::PULSES, pulses, beats[0]}, {generated::WRITES, writes, beats[1]}};
    for (int port : {generated::PULSES.ready, generated::READ.ready, generated::WRITES.ready}) tile.in[port] = 1;
    tile.in[generated::COMMAND.valid] = command;
    for (Source& source : sources) source.offer(tile.in);
    tile.begin();
    for (long cycle = 0; cycle < most; ++cycle) {
        if (rounds && tile.out[generated::READ.valid] && sinks[1].count == sinks[1].room) {
            std::memcpy(out, tile.out, sizeof tile.out);
            beats[0] = sinks[0].count;
            beats[1] = sinks[1].count;
            return cycle;
        }
        if (record) std::memcpy(record + cycle * generated::OUT_WORDS, tile.out, sizeof tile.out);
        const bool seeded = sources[2].next == seed_beats;
        for (Source& source : sources) source.advance(tile);
        for (Sink& sink : sinks)
            if (!sink.take(tile)) return -cycle - 1;
        if (!tile.out[generated::BUSY] && seeded && (cycle > 0 || !command)) {
            std::memcpy(out, tile.out, sizeof tile.out);
            tile.rise();
            beats[0] = sinks[0].count;
            beats[1] = sinks[1].count;
            return tile.stopped() ? 0 : cycle + 1;
        }
        tile.in[generated::COMMAND.valid] = 0;
        for (Source& source : sources) source.offer(tile.in);
        tile.next();
    }
    return tile.stopped() ? 0 : -most;
}

// Words of the state item `index` of rtl_state.py; false if this netlist does not have it.
bool symtrack_state(void* handle, int index, Word* words) {
    return generated::get_state(*static_cast<Tile*>(handle)->top.rootp, index, words);
}

// Sets the state item `index` while the tile is idle; false as above.
bool symtrack_set_state(void* handle, int index, const Word* words) {
    return generated::set_state(*static_cast<Tile*>(handle)->top.rootp, index, words);
}

#if VM_COVERAGE
// What was covered so far goes to a file in Verilator's format.
void symtrack_coverage(void* handle, const char* file) { static_cast<Tile*>(handle)->context.coveragep()->write(file); }
#endif

}  // extern "C"
