# SPDX-License-Identifier: Apache-2.0
"""Paths for tests: the root folder of the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
