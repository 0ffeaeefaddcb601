"""Neural networks on analog tiles: crossbars, learning tiles, layers, architectures and algorithms."""
