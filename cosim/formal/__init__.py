"""Formal verification: properties and contracts of the hardware blocks, proved with SymbiYosys."""
