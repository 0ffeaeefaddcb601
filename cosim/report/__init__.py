# SPDX-License-Identifier: Apache-2.0
"""Reports for people: HTML pages, charts, waveforms, timing diagrams and text tables."""
