"""symtrack: RTL-backed hardware co-design of dynamic symmetric point tracking for analog in-memory training."""
