# SPDX-License-Identifier: Apache-2.0
"""Outside programs and what runs around them: toolchain, lint, build cache, journals; development tools of a checkout.

The development tools are `changed_tests`, `fresh_build` and `package_links`: they cannot work in an installed package.
"""
