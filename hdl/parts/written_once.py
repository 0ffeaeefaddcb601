# SPDX-License-Identifier: Apache-2.0
"""Blocks whose module is written once in the Verilog and instantiated wherever the block is used.

Lanes are alike, and so are random sources but for two constants. Amaranth writes a module for each; a component whose
``elaborate`` is decorated with `written_once` becomes an instance of one common module where its Verilog is written
(`hdl.output.modules`). In Amaranth's simulator and in proofs it is elaborated as any other. Clock and reset of an
instance are those of the domain that it is in: a `ResetInserter` around it would not reach its registers.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from amaranth.hdl import Fragment, Module

Elaborate = Callable[[Any, Any], Module]


def written_once(elaborate: Elaborate) -> Callable[[Any, Any], Module | Fragment]:
    """Decorator of ``elaborate`` of a component, whose attribute ``module`` names the common module.

    Components of one name have the same ports and hardware but for the constants in their attribute ``parameters``, if
    they have one: value by name, each of 32 bits. Others in ``derived`` follow from these: value and Verilog expression
    by name. All values differ, as they are found by their value in the text.
    """

    @wraps(elaborate)
    def elaborated(component: Any, platform: Any) -> Module | Fragment:
        instance = getattr(platform, "instance", None)
        return elaborate(component, platform) if instance is None else instance(component, elaborate)

    return elaborated
