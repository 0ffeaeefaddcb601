"""Integer arithmetic of the host and of the analog array: word formats, random numbers, converters, activations."""
