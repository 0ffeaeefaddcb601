# SPDX-License-Identifier: Apache-2.0
"""Studies: runs as data (`case`), experiments (`small`), each run once (`runner`), and the document (`tables`)."""
