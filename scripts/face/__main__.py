# SPDX-License-Identifier: Apache-2.0
"""``python -m symtrack``: the command ``symtrack``."""

from symtrack.scripts.cli import entry

if __name__ == "__main__":
    entry()
