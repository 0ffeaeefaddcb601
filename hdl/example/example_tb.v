// SPDX-License-Identifier: Apache-2.0
// One update and a transfer of every column over the bus, with a crossbar of counters: P counts coincidences, W takes
// write pulses.
//
// A bit that is unknown is a wrong one: all comparisons are those of === and !==, and what is waited for is a 1.
//
// The gain makes one ADC code one write pulse: n = gain * (code << F) / 2**T = code with gain = 2**(T - F), where
// F is REFERENCE_FRACTION_BITS and T is THRESHOLD_SHIFT; at most PULSES_MAX. Such a gain has to fit the configuration.

`timescale 1ns / 1ps

module example_tb #(
`include `SYMTRACK_PARAMETERS
) ();

    localparam CODE = CODES_CODE_WIDTH, PULSES = WRITES_PULSES_WIDTH, ONE = 1 << VECTORS_MAGNITUDE_WIDTH;
    localparam STATUS = 12'h020, EVENTS = 12'h024, COMMAND = 12'h02c, GAIN = 12'h044, SEED = 12'h060, SLOTS = 12'h080;
    localparam [31:0] OWN_SEED = 1;  // of this tile

    reg         aclk = 0, aresetn = 0;
    reg  [11:0] awaddr = 0, araddr = 0;
    reg         awvalid = 0, wvalid = 0, arvalid = 0;
    reg  [31:0] wdata = 0;
    wire        awready, wready, arready, bvalid, rvalid, irq;
    wire [1:0]  bresp, rresp;
    wire [31:0] rdata;
    reg  [VECTORS_BITS-1:0] vector = 0;
    reg         vector_valid = 0;
    wire        vector_ready;
    wire        slot_strobe, slot_up, slot_slow, adc_start, adc_reference, write_strobe, write_reference;
    wire [ROWS-1:0]                         slot_rows;
    wire [COLUMNS-1:0]                      slot_columns;
    wire [READ_COLUMN_WIDTH-1:0]            adc_column, write_column;
    wire [WRITES_BEAT_WIDTH-1:0]            write_beat;
    wire [LANES*PULSES-1:0]                 write_pulses;
    wire [LANES-1:0]                        write_latch;
    wire [LANES*WRITES_REFERENCE_WIDTH-1:0] write_value;
    reg                                     adc_done = 0;
    reg  [ROWS*CODE-1:0]                    adc_codes = 0;

    integer fast [0:ROWS*COLUMNS-1];  // P, in ADC codes
    integer slow [0:ROWS*COLUMNS-1];  // W, in pulses
    integer row, column, k, slots, moved, errors, expected;
    reg [31:0] word;

    example_top top (
        .aclk(aclk), .aresetn(aresetn), .irq(irq),
        .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
        .s_axil_wdata(wdata), .s_axil_wstrb(4'hf), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
        .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(1'b1),
        .s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
        .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(1'b1),
        .s_axis_vectors_tdata(vector), .s_axis_vectors_tvalid(vector_valid),
        .s_axis_vectors_tready(vector_ready), .s_axis_vectors_tlast(1'b0),
        .slot_strobe(slot_strobe), .slot_up(slot_up), .slot_slow(slot_slow),
        .slot_rows(slot_rows), .slot_columns(slot_columns),
        .adc_start(adc_start), .adc_reference(adc_reference), .adc_column(adc_column),
        .adc_done(adc_done), .adc_codes(adc_codes),
        .write_strobe(write_strobe), .write_reference(write_reference), .write_column(write_column),
        .write_beat(write_beat), .write_pulses(write_pulses), .write_latch(write_latch), .write_value(write_value)
    );

    always #5 aclk = ~aclk;

    // What it does is known: an unknown line does not fire below.
    always @(posedge aclk) if (aresetn) begin
        if (^{slot_strobe, adc_start, write_strobe} === 1'bx
                || slot_strobe && ^{slot_up, slot_slow, slot_rows, slot_columns} === 1'bx
                || adc_start && ^{adc_reference, adc_column} === 1'bx
                || write_strobe && ^{write_reference, write_column, write_beat, write_pulses} === 1'bx) begin
            errors = errors + 1;
            $display("unknown pulses, reads or writes");
        end
    end

    // The crossbar, as it is at rising edges.
    always @(posedge aclk) if (aresetn) begin
        if (slot_strobe) begin
            slots = slots + 1;
            for (row = 0; row < ROWS; row = row + 1)
                for (column = 0; column < COLUMNS; column = column + 1)
                    if (slot_rows[row] && slot_columns[column])
                        fast[row*COLUMNS+column] = fast[row*COLUMNS+column] + (slot_up ? 1 : -1);
        end
        if (write_strobe)
            for (k = 0; k < LANES; k = k + 1) begin
                row = write_beat*LANES + k;
                if (row < ROWS)
                    slow[row*COLUMNS+write_column] =
                        slow[row*COLUMNS+write_column] + $signed(write_pulses[k*PULSES +: PULSES]);
            end
        adc_done <= adc_start;  // a conversion takes one cycle
        if (adc_start)
            for (k = 0; k < ROWS; k = k + 1)
                adc_codes[k*CODE +: CODE] <= fast[k*COLUMNS+adc_column];
    end

    // Every wire is driven and looked at away from the rising edge, on which the controller acts.
    task write_register(input [11:0] address, input [31:0] value);
        begin
            @(negedge aclk) awaddr = address; wdata = value; awvalid = 1; wvalid = 1;
            while (awvalid || wvalid) begin
                #1 word = {30'b0, awready, wready};
                @(negedge aclk) if (word[1] === 1'b1) awvalid = 0;
                if (word[0] === 1'b1) wvalid = 0;
            end
            while (bvalid !== 1'b1) @(negedge aclk);
            if (bresp !== 2'b00) begin errors = errors + 1; $display("write of %h: response %b", address, bresp); end
        end
    endtask

    task read_register(input [11:0] address, output [31:0] value);
        begin
            @(negedge aclk) araddr = address; arvalid = 1;
            #1 while (arready !== 1'b1) @(negedge aclk) #1;
            @(negedge aclk) arvalid = 0;
            while (rvalid !== 1'b1) @(negedge aclk);
            value = rdata;
            if (rresp !== 2'b00) begin errors = errors + 1; $display("read of %h: response %b", address, rresp); end
        end
    endtask

    // x = (+1, -1/2, +1/4, 0, +1, ...) of columns, delta = (+1/4, -1/8, -1/4, +1/4, ...) of rows, in units of 1/ONE.
    function integer entry(input integer of_rows, input integer line);
        if (of_rows != 0) entry = line % 3 == 0 ? ONE/4 : line % 3 == 1 ? -ONE/8 : -ONE/4;
        else entry = line % 4 == 0 ? ONE : line % 4 == 1 ? -ONE/2 : line % 4 == 2 ? ONE/4 : 0;
    endfunction

    task send_vector(input integer of_rows, input integer lines);
        integer first, lane, value, magnitude;
        for (first = 0; first < lines; first = first + LANES) begin
            @(negedge aclk) vector = 0; vector_valid = 1;
            for (lane = 0; lane < LANES; lane = lane + 1) begin
                value = first + lane < lines ? entry(of_rows, first + lane) : 0;
                magnitude = value < 0 ? -value : value;
                if (magnitude == ONE) magnitude = ONE - 1;  // the largest there is
                vector[VECTORS_MAGNITUDE_LOW + lane*VECTORS_MAGNITUDE_STEP +: VECTORS_MAGNITUDE_WIDTH] = magnitude;
                vector[VECTORS_NEGATIVE_LOW + lane] = value < 0;
            end
            #1 while (vector_ready !== 1'b1) @(negedge aclk) #1;
            @(negedge aclk) vector_valid = 0;
        end
    endtask

    // The state of a random source: the top 32 bits of the finaliser of SplitMix64, or 1 where these are 0.
    function [31:0] source_state(input [31:0] seed, input integer source);
        reg [63:0] value;
        begin
            value = {16'b0, seed, 16'b0} + source + 1;
            value = (value ^ (value >> 30)) * 64'hbf58476d1ce4e5b9;
            value = (value ^ (value >> 27)) * 64'h94d049bb133111eb;
            value = value ^ (value >> 31);
            source_state = value[63:32] != 0 ? value[63:32] : 1;
        end
    endfunction

    task wait_idle;
        begin
            word = 1;
            while (word[0] !== 1'b0) read_register(STATUS, word);
        end
    endtask

    initial begin
        errors = 0;
        slots = 0;
        for (k = 0; k < ROWS*COLUMNS; k = k + 1) begin fast[k] = 0; slow[k] = 0; end
        repeat (4) @(negedge aclk);
        aresetn = 1;
        wait_idle;  // the memories are cleared

        read_register(12'h000, word);
        if (word !== 32'h53594d54) begin errors = errors + 1; $display("identification %h", word); end
        for (k = 0; k < SOURCES; k = k + 1) write_register(SEED, source_state(OWN_SEED, k));
        write_register(GAIN, 1 << (THRESHOLD_SHIFT - REFERENCE_FRACTION_BITS));

        write_register(COMMAND, BL_MAX << 8);
        send_vector(0, COLUMNS);
        send_vector(1, ROWS);
        wait_idle;
        read_register(SLOTS, word);
        expected = BL_MAX * (ROWS > 1 ? 2 : 1) * (COLUMNS > 1 ? 2 : 1);  // of every pair of signs that is there
        if (word !== expected || slots !== expected) begin
            errors = errors + 1;
            $display("slots %0d, counted %0d", word, slots);
        end
        // P moves against the product of the signs, and where x is 0 not at all.
        moved = 0;
        for (row = 0; row < ROWS; row = row + 1) begin
            $write("P row %0d:", row);
            for (column = 0; column < COLUMNS; column = column + 1) begin
                k = fast[row*COLUMNS+column];
                $write(" %4d", k);
                expected = (entry(0, column) > 0) == (entry(1, row) > 0) ? -1 : 1;
                if ((entry(0, column) == 0 ? k === 0 : k*expected >= 0) !== 1'b1) errors = errors + 1;
                if (k !== 0) moved = moved + 1;
            end
            $display("");
        end
        if (moved == 0) begin errors = errors + 1; $display("P has not moved"); end

        // Transfer of every column.
        for (column = 0; column < COLUMNS; column = column + 1) begin
            write_register(COMMAND, 1);
            wait_idle;
        end
        for (row = 0; row < ROWS; row = row + 1) begin
            $write("W row %0d:", row);
            for (column = 0; column < COLUMNS; column = column + 1) begin
                expected = fast[row*COLUMNS+column];
                if (expected > PULSES_MAX) expected = PULSES_MAX;
                if (expected < -PULSES_MAX) expected = -PULSES_MAX;
                $write(" %4d", slow[row*COLUMNS+column]);
                if (slow[row*COLUMNS+column] !== expected || ^expected === 1'bx) begin
                    errors = errors + 1;
                    $write(" (expected %0d)", expected);
                end
            end
            $display("");
        end
        read_register(EVENTS, word);
        if (word[0] !== 1'b1) begin errors = errors + 1; $display("no operation has ended"); end
        if (errors == 0) begin
            $display("PASS");
            $finish;
        end
        $display("FAIL: %0d errors", errors);
        $stop;  // by which a simulator that takes no commands ends with an error
    end

    initial begin
        #1000000 $display("FAIL: it hangs");
        $stop;
    end

endmodule
