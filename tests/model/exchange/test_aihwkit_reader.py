# SPDX-License-Identifier: Apache-2.0
"""The reader of plain data: a field that nobody looks at is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from symtrack.model.exchange.aihwkit_fields import DEFAULTS
from symtrack.model.exchange.aihwkit_reader import Fields, Remarks, loaded


def test_a_field_that_is_not_looked_at_is_found() -> None:
    fields = Fields({"class": "RuntimeParameter"}, "runtime", ["RuntimeParameter"], Remarks())
    names = list(DEFAULTS["RuntimeParameter"])
    fields.ignore("no effect", *names[1:])
    with pytest.raises(AssertionError, match=names[0]):
        fields.done()
    fields.take(names[0])
    fields.done()


def test_remarks_tell_values_with_their_place() -> None:
    remarks = Remarks()
    fields = Fields({"class": "RuntimeParameter", "data_type": "HALF"}, "runtime", ["RuntimeParameter"], remarks)
    fields.ignore("no effect", *DEFAULTS["RuntimeParameter"])
    fields.note("data_type", "other")
    assert remarks.ignored == ["runtime.data_type = 'HALF': no effect"]
    assert remarks.notes == ["runtime.data_type = 'HALF': other"]


@pytest.mark.parametrize("text", ["{", "\xff", "[" * 10**5])
def test_files_that_hold_no_json_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"rpu_config = .*config.json': must be valid JSON"):
        loaded(file)
