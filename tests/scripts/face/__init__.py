# SPDX-License-Identifier: Apache-2.0
"""Tests of the face of the package, scripts/face."""
