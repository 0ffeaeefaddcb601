# SPDX-License-Identifier: Apache-2.0
"""Comparisons of RTL and golden model that users ask for: a scenario, a training, the generator, the speed."""
