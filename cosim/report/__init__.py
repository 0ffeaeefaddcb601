"""Reports for people: HTML pages, charts, waveforms, timing diagrams and text tables."""
