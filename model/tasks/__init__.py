# SPDX-License-Identifier: Apache-2.0
"""What networks learn: classification data sets, regression tasks, and the files that data come from."""
