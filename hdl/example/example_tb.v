// One update and one transfer over the bus, with a crossbar of counters: P counts coincidences, W takes write pulses.
//
// The gain of 1024 makes one ADC code one write pulse: n = gain * (code << 6) / 2**16 = code, at most 10.

`timescale 1ns / 1ps

module example_tb;

    localparam ROWS = 3, COLUMNS = 5, CODE_BITS = 9, PULSES_MAX = 10, BL = 31;
    localparam STATUS = 12'h020, EVENTS = 12'h024, COMMAND = 12'h02c, GAIN = 12'h044, SLOTS = 12'h080;

    reg         aclk = 0, aresetn = 0;
    reg  [11:0] awaddr = 0, araddr = 0;
    reg         awvalid = 0, wvalid = 0, arvalid = 0;
    reg  [31:0] wdata = 0;
    wire        awready, wready, arready, bvalid, rvalid, irq;
    wire [1:0]  bresp, rresp;
    wire [31:0] rdata;
    reg  [23:0] vector = 0;
    reg         vector_valid = 0;
    wire        vector_ready;
    wire        slot_strobe, slot_up, slot_slow, adc_start, adc_reference, write_strobe, write_reference, write_latch;
    wire [ROWS-1:0]    slot_rows;
    wire [COLUMNS-1:0] slot_columns;
    wire [2:0]         adc_column, write_column;
    wire [1:0]         write_row;
    wire signed [4:0]  write_pulses;
    wire signed [14:0] write_value;
    reg                adc_done = 0;
    reg  [ROWS*CODE_BITS-1:0] adc_codes = 0;

    integer fast [0:ROWS*COLUMNS-1];  // P, in ADC codes
    integer slow [0:ROWS*COLUMNS-1];  // W, in pulses
    integer row, column, k, slots, errors, expected;
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
        .write_row(write_row), .write_pulses(write_pulses), .write_latch(write_latch), .write_value(write_value)
    );

    always #5 aclk = ~aclk;

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
            slow[write_row*COLUMNS+write_column] = slow[write_row*COLUMNS+write_column] + write_pulses;
        adc_done <= adc_start;  // a conversion takes one cycle
        if (adc_start)
            for (k = 0; k < ROWS; k = k + 1)
                adc_codes[k*CODE_BITS +: CODE_BITS] <= fast[k*COLUMNS+adc_column];
    end

    // Every wire is driven and looked at away from the rising edge, on which the controller acts.
    task write_register(input [11:0] address, input [31:0] value);
        begin
            @(negedge aclk) awaddr = address; wdata = value; awvalid = 1; wvalid = 1;
            while (awvalid || wvalid) begin
                #1 word = {30'b0, awready, wready};
                @(negedge aclk) if (word[1]) awvalid = 0;
                if (word[0]) wvalid = 0;
            end
            while (!bvalid) @(negedge aclk);
            if (bresp != 0) begin errors = errors + 1; $display("write of %h: response %b", address, bresp); end
        end
    endtask

    task read_register(input [11:0] address, output [31:0] value);
        begin
            @(negedge aclk) araddr = address; arvalid = 1;
            #1 while (!arready) @(negedge aclk) #1;
            @(negedge aclk) arvalid = 0;
            while (!rvalid) @(negedge aclk);
            value = rdata;
            if (rresp != 0) begin errors = errors + 1; $display("read of %h: response %b", address, rresp); end
        end
    endtask

    task send_vector(input [11:0] magnitude, input negative);
        begin
            @(negedge aclk) vector = {7'b0, negative, 4'b0, magnitude}; vector_valid = 1;
            #1 while (!vector_ready) @(negedge aclk) #1;
            @(negedge aclk) vector_valid = 0;
        end
    endtask

    task wait_idle;
        begin
            word = 1;
            while (word[0]) read_register(STATUS, word);
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
        if (word != 32'h53594d54) begin errors = errors + 1; $display("identification %h", word); end
        write_register(GAIN, 1024);

        // Update: x = (+1, -1/2, +1/4, 0, +1), delta = (+1/4, -1/8, -1/4); a magnitude of 4096 would be 1.
        write_register(COMMAND, BL << 8);
        send_vector(4095, 0); send_vector(2048, 1); send_vector(1024, 0); send_vector(0, 0); send_vector(4095, 0);
        send_vector(1024, 0); send_vector(512, 1); send_vector(1024, 1);
        wait_idle;
        read_register(SLOTS, word);
        if (word != 4*BL || slots != 4*BL) begin errors = errors + 1; $display("slots %0d, counted %0d", word, slots); end
        // P moves against the product of the signs, and a magnitude of 0 gives no pulse.
        for (row = 0; row < ROWS; row = row + 1)
            $display("P row %0d: %4d %4d %4d %4d %4d", row, fast[row*COLUMNS], fast[row*COLUMNS+1],
                     fast[row*COLUMNS+2], fast[row*COLUMNS+3], fast[row*COLUMNS+4]);
        if (!(fast[0] < 0 && fast[1] > 0 && fast[COLUMNS] > 0 && fast[3] == 0)) errors = errors + 1;

        // Transfer of column 0.
        write_register(COMMAND, 1);
        wait_idle;
        for (row = 0; row < ROWS; row = row + 1) begin
            expected = fast[row*COLUMNS];
            if (expected > PULSES_MAX) expected = PULSES_MAX;
            if (expected < -PULSES_MAX) expected = -PULSES_MAX;
            $display("W row %0d, column 0: %0d pulses", row, slow[row*COLUMNS]);
            if (slow[row*COLUMNS] != expected) begin
                errors = errors + 1;
                $display("  expected %0d", expected);
            end
        end
        read_register(EVENTS, word);
        if (!word[0]) begin errors = errors + 1; $display("no operation has ended"); end
        if (errors == 0) $display("PASS"); else $display("FAIL: %0d errors", errors);
        $finish;
    end

    initial begin
        #1000000 $display("FAIL: it hangs");
        $finish;
    end

endmodule
