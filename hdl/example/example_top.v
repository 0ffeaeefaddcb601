// SPDX-License-Identifier: Apache-2.0
// A controller of any configuration and what joins its streams to a crossbar.
//
// To start from: include the parameters of your configuration by their name, symtrack_NAME_controller_parameters.vh,
// and replace the three always-ready outputs by your pulse drivers, and the ADC's handshake by that of your ADC.

module example_top #(
`include `SYMTRACK_PARAMETERS
) (
    input  wire                             aclk,
    input  wire                             aresetn,
    output wire                             irq,
    // AXI4-Lite: registers
    input  wire [11:0]                      s_axil_awaddr,
    input  wire                             s_axil_awvalid,
    output wire                             s_axil_awready,
    input  wire [31:0]                      s_axil_wdata,
    input  wire [3:0]                       s_axil_wstrb,
    input  wire                             s_axil_wvalid,
    output wire                             s_axil_wready,
    output wire [1:0]                       s_axil_bresp,
    output wire                             s_axil_bvalid,
    input  wire                             s_axil_bready,
    input  wire [11:0]                      s_axil_araddr,
    input  wire                             s_axil_arvalid,
    output wire                             s_axil_arready,
    output wire [31:0]                      s_axil_rdata,
    output wire [1:0]                       s_axil_rresp,
    output wire                             s_axil_rvalid,
    input  wire                             s_axil_rready,
    // AXI4-Stream: update vectors, from a DMA engine
    input  wire [VECTORS_BITS-1:0]          s_axis_vectors_tdata,
    input  wire                             s_axis_vectors_tvalid,
    output wire                             s_axis_vectors_tready,
    input  wire                             s_axis_vectors_tlast,
    // Pulse drivers: in a cycle with slot_strobe the lines of one slot fire
    output wire                             slot_strobe,
    output wire                             slot_up,         // weights of the cells at coincidences rise
    output wire                             slot_slow,       // of array W, not P
    output wire [ROWS-1:0]                  slot_rows,
    output wire [COLUMNS-1:0]               slot_columns,
    // ADC: adc_start for one cycle; adc_done with the codes of all rows, as long after it as conversion takes
    output wire                             adc_start,
    output wire                             adc_reference,   // of array R, not P
    output wire [READ_COLUMN_WIDTH-1:0]     adc_column,
    input  wire                             adc_done,
    input  wire [ROWS*CODES_CODE_WIDTH-1:0] adc_codes,
    // Write pulses: in a cycle with write_strobe lane l is for the cell of row write_beat * LANES + l, if there is one
    output wire                             write_strobe,
    output wire                             write_reference, // pulses are for array R, not W
    output wire [WRITES_COLUMN_WIDTH-1:0]   write_column,
    output wire [WRITES_BEAT_WIDTH-1:0]     write_beat,
    output wire [LANES*WRITES_PULSES_WIDTH-1:0]    write_pulses, // signed
    output wire [LANES-1:0]                        write_latch,  // the cell's reference is new
    output wire [LANES*WRITES_REFERENCE_WIDTH-1:0] write_value   // that reference, signed
);

    wire [PULSES_BITS-1:0] pulses_tdata;
    wire                   pulses_tvalid;
    wire [READ_BITS-1:0]   read_tdata;
    wire                   read_tvalid;
    wire [WRITES_BITS-1:0] writes_tdata;
    wire                   writes_tvalid;
    wire [CODES_BITS-1:0]  codes_tdata;
    wire                   codes_tready;

    assign slot_strobe  = pulses_tvalid;
    assign slot_rows    = pulses_tdata[PULSES_ROWS_LOW +: PULSES_ROWS_WIDTH];
    assign slot_columns = pulses_tdata[PULSES_COLUMNS_LOW +: PULSES_COLUMNS_WIDTH];
    assign slot_up      = pulses_tdata[PULSES_UP_LOW];
    assign slot_slow    = pulses_tdata[PULSES_SLOW_LOW];

    assign write_strobe    = writes_tvalid;
    assign write_latch     = writes_tdata[WRITES_LATCH_LOW +: WRITES_LATCH_WIDTH];
    assign write_column    = writes_tdata[WRITES_COLUMN_LOW +: WRITES_COLUMN_WIDTH];
    assign write_beat      = writes_tdata[WRITES_BEAT_LOW +: WRITES_BEAT_WIDTH];
    assign write_reference = writes_tdata[WRITES_ARRAY_LOW];

    // A request starts a conversion; its codes go back beat by beat, with zeros in lanes behind the last row.
    localparam BEATS = (ROWS + LANES - 1) / LANES;
    localparam IDLE = 2'd0, CONVERT = 2'd1, SEND = 2'd2;
    reg [1:0]                       state;
    reg [WRITES_BEAT_WIDTH-1:0]     beat;
    reg [ROWS*CODES_CODE_WIDTH-1:0] codes;
    wire                            last = beat == BEATS - 1;

    assign adc_start     = read_tvalid && state == IDLE;
    assign adc_column    = read_tdata[READ_COLUMN_LOW +: READ_COLUMN_WIDTH];
    assign adc_reference = read_tdata[READ_ARRAY_LOW];

    genvar lane;
    generate
        if (CODES_BITS > CODES_CODE_LOW + LANES*CODES_CODE_STEP) begin : padding
            assign codes_tdata[CODES_BITS-1 : CODES_CODE_LOW + LANES*CODES_CODE_STEP] = 0;
        end
        for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
            assign codes_tdata[CODES_CODE_LOW + lane*CODES_CODE_STEP +: CODES_CODE_STEP] =
                codes[lane*CODES_CODE_WIDTH +: CODES_CODE_WIDTH];
            assign write_pulses[lane*WRITES_PULSES_WIDTH +: WRITES_PULSES_WIDTH] =
                writes_tdata[WRITES_PULSES_LOW + lane*WRITES_PULSES_STEP +: WRITES_PULSES_WIDTH];
            assign write_value[lane*WRITES_REFERENCE_WIDTH +: WRITES_REFERENCE_WIDTH] =
                writes_tdata[WRITES_REFERENCE_LOW + lane*WRITES_REFERENCE_STEP +: WRITES_REFERENCE_WIDTH];
        end
    endgenerate

    always @(posedge aclk)
        if (!aresetn) begin
            state <= IDLE;
            beat  <= 0;
            codes <= 0;
        end else
            case (state)
                IDLE: if (adc_start) state <= CONVERT;
                CONVERT:
                    if (adc_done) begin
                        state <= SEND;
                        codes <= adc_codes;
                        beat  <= 0;
                    end
                default:
                    if (codes_tready) begin
                        codes <= codes >> LANES*CODES_CODE_WIDTH;
                        beat  <= beat + 1'b1;
                        if (last) state <= IDLE;
                    end
            endcase

    `SYMTRACK_CONTROLLER controller (
`ifdef SYMTRACK_MEMORY_TEST
        `SYMTRACK_MEMORY_TEST  // ports of a self-test of memories, tied to 0
`endif
        .aclk(aclk),
        .aresetn(aresetn),
        .irq(irq),
        .s_axil_awaddr(s_axil_awaddr),
        .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata),
        .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid),
        .s_axil_wready(s_axil_wready),
        .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid),
        .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr),
        .s_axil_arvalid(s_axil_arvalid),
        .s_axil_arready(s_axil_arready),
        .s_axil_rdata(s_axil_rdata),
        .s_axil_rresp(s_axil_rresp),
        .s_axil_rvalid(s_axil_rvalid),
        .s_axil_rready(s_axil_rready),
        .s_axis_vectors_tdata(s_axis_vectors_tdata),
        .s_axis_vectors_tvalid(s_axis_vectors_tvalid),
        .s_axis_vectors_tready(s_axis_vectors_tready),
        .s_axis_vectors_tlast(s_axis_vectors_tlast),
        .s_axis_codes_tdata(codes_tdata),
        .s_axis_codes_tvalid(state == SEND),
        .s_axis_codes_tready(codes_tready),
        .s_axis_codes_tlast(last),
        .m_axis_pulses_tdata(pulses_tdata),
        .m_axis_pulses_tvalid(pulses_tvalid),
        .m_axis_pulses_tready(1'b1),
        .m_axis_pulses_tlast(),
        .m_axis_read_tdata(read_tdata),
        .m_axis_read_tvalid(read_tvalid),
        .m_axis_read_tready(state == IDLE),
        .m_axis_read_tlast(),
        .m_axis_writes_tdata(writes_tdata),
        .m_axis_writes_tvalid(writes_tvalid),
        .m_axis_writes_tready(1'b1),
        .m_axis_writes_tlast()
    );

endmodule
