"""Golden model: configuration, fixed point, periphery, devices, products, training, metrics."""
