# SPDX-License-Identifier: Apache-2.0
"""Tests of the exchange with other packages, model/exchange."""
