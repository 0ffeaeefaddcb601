# SPDX-License-Identifier: Apache-2.0
"""Studies: many runs as data (`cases`), run once each (`runner`), and the document about them (`tables`)."""
