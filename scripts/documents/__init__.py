# SPDX-License-Identifier: Apache-2.0
"""Documents that are made from the code: the reference of the Python interface and the graph of imports."""
