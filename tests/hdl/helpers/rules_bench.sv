// SPDX-License-Identifier: Apache-2.0
// Random traffic for a controller, for +cycles=N cycles; all ports of every cycle go to the file +trace=FILE.

module rules_bench import `PACKAGE::*; (input logic aclk);
    logic aresetn = 0;

    logic irq;
    logic [11:0] s_axil_awaddr = 0, s_axil_araddr = 0;
    logic [31:0] s_axil_wdata = 0, s_axil_rdata;
    logic [3:0] s_axil_wstrb = 0;
    logic [1:0] s_axil_bresp, s_axil_rresp;
    logic s_axil_awvalid = 0, s_axil_wvalid = 0, s_axil_arvalid = 0, s_axil_bready = 0, s_axil_rready = 0;
    logic s_axil_awready, s_axil_wready, s_axil_arready, s_axil_bvalid, s_axil_rvalid;
    logic [VECTORS_BITS-1:0] s_axis_vectors_tdata = 0;
    logic [CODES_BITS-1:0] s_axis_codes_tdata = 0;
    logic s_axis_vectors_tvalid = 0, s_axis_vectors_tready, s_axis_vectors_tlast = 0;
    logic s_axis_codes_tvalid = 0, s_axis_codes_tready, s_axis_codes_tlast = 0;
    logic [PULSES_BITS-1:0] m_axis_pulses_tdata;
    logic [READ_BITS-1:0] m_axis_read_tdata;
    logic [WRITES_BITS-1:0] m_axis_writes_tdata;
    logic m_axis_pulses_tvalid, m_axis_pulses_tready = 0, m_axis_pulses_tlast;
    logic m_axis_read_tvalid, m_axis_read_tready = 0, m_axis_read_tlast;
    logic m_axis_writes_tvalid, m_axis_writes_tready = 0, m_axis_writes_tlast;

    int cycle = 0, cycles = 0, trace;
    string file;
    `CONTROLLER controller (.*);

    typedef struct packed { logic [11:0] address; logic [31:0] word; logic [3:0] strobes; } write_t;
    logic [11:0] addresses[$];
    write_t words[$], next_write;
    int level[5];  // how often, in 16 cycles, the takers of pulses, read, writes, b and r are ready

    function automatic logic chance(int of_16);
        return int'($urandom_range(15)) < of_16;
    endfunction

    function automatic write_t random_write();
        write_t w;
        w.strobes = chance(1) ? 4'($urandom) : 4'hf;
        w.word = $urandom;
        case ($urandom_range(13))
            0: w = '{REG_MODES, w.word & 32'h3f55, w.strobes};
            1: w = '{REG_GAIN, w.word & 32'h00ff, w.strobes};
            2: w = '{REG_CALIBRATION, w.word & 32'h00010003, 4'hf};
            3: w = '{REG_ROUNDS, w.word & 32'h3, w.strobes};
            4: w = '{REG_USED, (32'($urandom_range(COLUMNS)) << 16) | 32'($urandom_range(ROWS)), w.strobes};
            5: w = '{REG_INTERRUPT, w.word & 32'h7, w.strobes};
            6: w = '{REG_SEED, w.word, w.strobes};
            7: w = '{12'hc00 | w.word[11:0], w.word, w.strobes};
            8: w = '{REG_CONTROL, chance(6) ? 32'($urandom_range(2)) : 0, w.strobes};
            default: begin
                w.word = (32'($urandom_range(COLUMNS-1)) << 16) | (32'($urandom_range(1, 3)) << 8) | 32'($urandom_range(3));
                w.address = REG_COMMAND;
            end
        endcase
        w.address[1:0] = 2'($urandom);
        return w;
    endfunction

    initial begin
        void'($value$plusargs("cycles=%d", cycles));
        void'($value$plusargs("trace=%s", file));
        trace = $fopen(file, "w");
    end

    always @(posedge aclk) begin
        $fwrite(trace, "%h\n", `PORTS);
        cycle <= cycle + 1;
        if (cycle == cycles) begin
            $fclose(trace);
            $display("ended");
            $finish;
        end
        aresetn <= cycle > 3 && (aresetn ? $urandom_range(699) != 0 : chance(8));
        if (cycle % 64 == 0) for (int k = 0; k < 5; k++) level[k] = 1 << $urandom_range(4);
        m_axis_pulses_tready <= chance(level[0]);
        m_axis_read_tready <= chance(level[1]);
        m_axis_writes_tready <= chance(level[2]);
        s_axil_bready <= chance(level[3]);
        s_axil_rready <= chance(level[4]);

        // The first command comes after the memories are cleared, others may come before.
        if (cycle > CYCLES_CLEAR + 40 && words.size() < 4 && addresses.size() < 4 && chance(3)) begin
            next_write = random_write();
            addresses.push_back(next_write.address);
            words.push_back(next_write);
        end
        if (!s_axil_awvalid || s_axil_awready) begin
            s_axil_awvalid <= 0;
            if (addresses.size() > 0 && chance(10)) begin
                s_axil_awvalid <= 1;
                s_axil_awaddr <= addresses.pop_front();
            end
        end
        if (!s_axil_wvalid || s_axil_wready) begin
            s_axil_wvalid <= 0;
            if (words.size() > 0 && chance(10)) begin
                next_write = words.pop_front();
                s_axil_wvalid <= 1;
                s_axil_wdata <= next_write.word;
                s_axil_wstrb <= next_write.strobes;
            end
        end
        if (!s_axil_arvalid || s_axil_arready) begin
            s_axil_arvalid <= cycle > 40 && chance(4);
            s_axil_araddr <= 12'($urandom_range(12'h200));
        end
        if (!s_axis_vectors_tvalid || s_axis_vectors_tready) begin
            s_axis_vectors_tvalid <= chance(12);
            for (int k = 0; k < VECTORS_BITS; k++) s_axis_vectors_tdata[k] <= 1'($urandom);
        end
        if (!s_axis_codes_tvalid || s_axis_codes_tready) begin
            s_axis_codes_tvalid <= chance(12);
            for (int k = 0; k < CODES_BITS; k++) s_axis_codes_tdata[k] <= 1'($urandom);
        end
        if (!aresetn) begin
            addresses.delete();
            words.delete();
            s_axil_awvalid <= 0;
            s_axil_wvalid <= 0;
        end
    end
endmodule
