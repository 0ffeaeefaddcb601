# SPDX-License-Identifier: Apache-2.0
"""The specification as data, all that hdl and model share: configuration, settings, streams, random sources."""
