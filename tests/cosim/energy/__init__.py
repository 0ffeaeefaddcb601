# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/energy: cell libraries, mapped netlists, their play, and the accounts of their energy."""
