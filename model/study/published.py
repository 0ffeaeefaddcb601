# SPDX-License-Identifier: Apache-2.0
"""Figures that arXiv 2602.21321 reports, to stand beside ours: test accuracy in %, mean of three seeds, 40 epochs.

Rows are means and columns spreads of the reference offset; the order of its axes is inferred.
"""

SPREADS = (0.05, 0.2, 0.3, 0.4, 0.7, 1.0)
EPOCHS = 40

Table = dict[str, dict[float, tuple[float, ...]]]  # accuracies by algorithm, mean and spread

TABLE_2: Table = {
    "tt-v2": {
        0.0: (90.3, 88.8, 87.4, 86.0, 82.9, 79.2),
        0.2: (73.4, 74.0, 71.9, 70.4, 68.6, 62.4),
        0.3: (72.9, 72.7, 69.7, 70.0, 66.4, 61.5),
        0.4: (72.0, 68.1, 68.8, 67.9, 66.2, 57.8),
    },
    "agad": {
        0.0: (92.6, 92.0, 92.1, 92.5, 92.2, 91.4),
        0.2: (92.9, 92.0, 92.6, 92.8, 92.2, 90.8),
        0.3: (92.3, 92.5, 92.5, 92.9, 91.7, 91.4),
        0.4: (92.6, 92.4, 92.4, 92.1, 90.6, 90.4),
    },
    "e-rider": {
        0.0: (95.5, 95.5, 95.4, 95.3, 95.4, 93.9),
        0.2: (95.8, 95.6, 95.8, 95.8, 95.8, 95.2),
        0.3: (95.8, 95.8, 95.9, 95.9, 95.8, 94.8),
        0.4: (96.1, 96.2, 96.2, 96.2, 95.9, 95.1),
    },
}
TABLE_1: Table = {
    "tt-v2": {0.0: (75.2, 72.6, 72.4, 71.5, 68.6, 67.0), 0.4: (71.7, 71.9, 70.8, 71.0, 66.6, 67.1)},
    "agad": {0.0: (90.8, 90.7, 91.0, 90.4, 90.2, 88.1), 0.4: (89.6, 89.8, 90.0, 90.2, 87.3, 86.5)},
    "e-rider": {0.0: (93.8, 93.7, 94.2, 93.3, 91.7, 89.0), 0.4: (91.7, 91.8, 91.3, 91.5, 91.2, 88.0)},
}
# Pulse slots to a training loss of 0.2 on LeNet-5, calibration included, by states and way.
SLOTS = {
    2000: {
        "tt-v2 after 4000": "never",
        "tt-v2 after 6000": "34,140",
        "tt-v2 after 8000": "36,140",
        "e-rider": "23,450",
    },
    1000: {
        "tt-v2 after 4000": "18,070",
        "tt-v2 after 6000": "24,760",
        "tt-v2 after 8000": "26,760",
        "e-rider": "18,760",
    },
    500: {
        "tt-v2 after 4000": "18,070",
        "tt-v2 after 6000": "29,450",
        "tt-v2 after 8000": "31,450",
        "e-rider": "14,070",
    },
}


def accuracy(table: Table, algorithm: str, mean: float, spread: float) -> float | None:
    """A cell of a table; None where it has none."""
    row = table.get(algorithm, {}).get(mean)
    return row[SPREADS.index(spread)] if row and spread in SPREADS else None
