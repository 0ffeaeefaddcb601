# SPDX-License-Identifier: Apache-2.0
"""Tests of the documents that are made from the code."""
