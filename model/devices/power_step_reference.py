# SPDX-License-Identifier: Apache-2.0
"""Power-step devices with a reference, after aihwkit's PowStepReferenceDevice.

v = w + reference takes the steps of `model.devices.power_step`, the visible weight is w = v - reference. With
``subtract_symmetry_point`` the symmetric point of v, which is found numerically, is part of the reference, and the
visible one is w* = -(offset), offset = reference_mean + reference_std * xi of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass

from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.pulsed import Referenced


@dataclass(frozen=True, kw_only=True)
class PowerStepReference(PowerStep, Referenced):
    """Parameters of an array of power-step devices with a reference, named as in aihwkit."""
