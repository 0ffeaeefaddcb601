"""The native engine: the Verilog as a shared library in this process, whole operations per call."""
