# SPDX-License-Identifier: Apache-2.0
"""Studies: runs as data (`case`), made once each and kept (`runner`, `store`), experiments, and their `document`."""
