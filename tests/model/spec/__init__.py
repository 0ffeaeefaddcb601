# SPDX-License-Identifier: Apache-2.0
"""Tests of model/spec: configuration, fixed-point formats and polynomials."""
