"""The golden model: tile periphery, devices, networks and training in integers, and the specification as data."""
