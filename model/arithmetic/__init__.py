# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic of the host and of the analog array: word formats, random numbers, converters, activations."""
