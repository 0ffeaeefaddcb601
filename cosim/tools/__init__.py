# SPDX-License-Identifier: Apache-2.0
"""Outside programs and what runs around them: toolchain, Yosys, lint, build cache and journals."""
