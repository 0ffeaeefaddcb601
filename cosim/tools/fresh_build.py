# SPDX-License-Identifier: Apache-2.0
"""setuptools' ``build`` command in a temporary folder. A development tool: it makes the wheel out of a checkout.

So nothing of the checkout's ``build/`` gets into a wheel, and an installed package has no use for it. The command's own
folder would be ``build/`` of the checkout, where compiled kernels, simulators and results are, and from which it takes
whatever an earlier build has left in ``build/lib`` into the wheel.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory

from setuptools.command.build import build


class FreshBuild(build):
    """The command ``build`` in a temporary folder that is removed when the command ends."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self._folder = TemporaryDirectory(prefix="symtrack-build-")
        self.build_base = self._folder.name
