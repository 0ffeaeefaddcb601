// A controller of configuration `tiny` (3 rows, 5 columns, 1 lane) and what joins its streams to a crossbar.
//
// To start from: replace the parameters by those of your configuration (its JSON file has them), the three
// always-ready outputs by your pulse drivers, and the ADC's handshake by that of your ADC.

module example_top #(
    parameter ROWS = 3,
    parameter COLUMNS = 5,
    parameter CODE_BITS = 9,
    parameter PULSES_BITS = 5,
    parameter REFERENCE_BITS = 15,
    parameter COLUMN_BITS = 3,
    parameter ROW_BITS = 2
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
    input  wire [23:0]                      s_axis_vectors_tdata,
    input  wire                             s_axis_vectors_tvalid,
    output wire                             s_axis_vectors_tready,
    input  wire                             s_axis_vectors_tlast,
    // Pulse drivers: in a cycle with slot_strobe the lines of one slot fire
    output wire                             slot_strobe,
    output wire                             slot_up,      // weights of the cells at coincidences rise
    output wire                             slot_slow,    // of array W, not P
    output wire [ROWS-1:0]                  slot_rows,
    output wire [COLUMNS-1:0]               slot_columns,
    // ADC: adc_start for one cycle; adc_done with the codes of all rows, as long after it as conversion takes
    output wire                             adc_start,
    output wire                             adc_reference, // of array R, not P
    output wire [COLUMN_BITS-1:0]           adc_column,
    input  wire                             adc_done,
    input  wire [ROWS*CODE_BITS-1:0]        adc_codes,
    // Write pulses: in a cycle with write_strobe one cell of W (or R) gets signed write_pulses
    output wire                             write_strobe,
    output wire                             write_reference, // of array R, not W
    output wire [COLUMN_BITS-1:0]           write_column,
    output wire [ROW_BITS-1:0]              write_row,
    output wire signed [PULSES_BITS-1:0]    write_pulses,
    output wire                             write_latch,  // the cell's reference is new
    output wire signed [REFERENCE_BITS-1:0] write_value   // that reference
);

    wire [39:0] pulses_tdata;
    wire        pulses_tvalid;
    wire [15:0] read_tdata;
    wire        read_tvalid;
    wire [55:0] writes_tdata;
    wire        writes_tvalid;
    wire [15:0] codes_tdata;
    wire        codes_tready;

    // Every payload begins at a byte.
    assign slot_strobe  = pulses_tvalid;
    assign slot_rows    = pulses_tdata[0 +: ROWS];
    assign slot_columns = pulses_tdata[8 +: COLUMNS];
    assign slot_up      = pulses_tdata[16];
    assign slot_slow    = pulses_tdata[32];

    assign write_strobe    = writes_tvalid;
    assign write_pulses    = writes_tdata[0 +: PULSES_BITS];
    assign write_value     = writes_tdata[8 +: REFERENCE_BITS];
    assign write_latch     = writes_tdata[24];
    assign write_column    = writes_tdata[32 +: COLUMN_BITS];
    assign write_row       = writes_tdata[40 +: ROW_BITS];
    assign write_reference = writes_tdata[48];

    // A request starts a conversion; its codes go back one row after the other.
    localparam IDLE = 2'd0, CONVERT = 2'd1, SEND = 2'd2;
    reg [1:0]                state;
    reg [ROW_BITS-1:0]       row;
    reg [ROWS*CODE_BITS-1:0] codes;

    assign adc_start     = read_tvalid && state == IDLE;
    assign adc_column    = read_tdata[0 +: COLUMN_BITS];
    assign adc_reference = read_tdata[8];
    assign codes_tdata   = {{(16-CODE_BITS){1'b0}}, codes[CODE_BITS-1:0]};

    always @(posedge aclk)
        if (!aresetn) begin
            state <= IDLE;
            row   <= {ROW_BITS{1'b0}};
            codes <= {ROWS*CODE_BITS{1'b0}};
        end else
            case (state)
                IDLE: if (adc_start) state <= CONVERT;
                CONVERT:
                    if (adc_done) begin
                        state <= SEND;
                        codes <= adc_codes;
                        row   <= {ROW_BITS{1'b0}};
                    end
                default:
                    if (codes_tready) begin
                        codes <= codes >> CODE_BITS;
                        row   <= row + 1'b1;
                        if (row == ROWS - 1) state <= IDLE;
                    end
            endcase

    symtrack_tiny_controller controller (
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
        .s_axis_codes_tlast(row == ROWS - 1),
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
