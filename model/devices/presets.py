# SPDX-License-Identifier: Apache-2.0
"""Device families and presets by name, and the TOML files that describe devices.

A TOML file names the family, then what differs from its defaults:

    family = "linear-step"
    dw_min = 0.002
    gamma_up = 0.1153

Numbers of the presets: aihwkit's presets of the same devices, after the publications named below.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.measured import Measured
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.power_step_reference import PowerStepReference
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference

FAMILIES: dict[str, type[Pulsed]] = {
    "constant-step": ConstantStep,
    "linear-step": LinearStep,
    "soft-bounds": SoftBounds,
    "soft-bounds-reference": SoftBoundsReference,
    "exponential-step": ExponentialStep,
    "power-step": PowerStep,
    "power-step-reference": PowerStepReference,
    "measured": Measured,
}

PRESETS: dict[str, Pulsed] = {
    # Gong et al., Nature Communications 2018
    "reram-exponential": ExponentialStep(
        dw_min=0.00135,
        up_down=0.259359,
        w_max=1.0,
        w_min=-1.0,
        A_up=-1.18445,
        A_down=-0.081404,
        gamma_up=5.0,
        gamma_down=5.0,
        a=-0.5,
        b=-0.5,
        dw_min_dtod=0.2,
        up_down_dtod=0.05,
        dw_min_std=5.0,
    ),
    "reram-soft-bounds": SoftBounds(
        dw_min=0.002,
        w_max=1.25,
        w_min=-0.75,
        w_max_dtod=0.24,
        w_min_dtod=0.4,
        dw_min_std=3.75,
        mult_noise=False,
    ),
    # Li et al., VLSI 2018
    "capacitor": LinearStep(
        dw_min=0.005,
        w_max=1.0,
        w_min=-1.0,
        gamma_up=0.05,
        gamma_down=0.05,
        gamma_up_dtod=0.01,
        gamma_down_dtod=0.01,
        dw_min_dtod=0.1,
        up_down_dtod=0.06,
        w_max_dtod=0.07,
        w_min_dtod=0.07,
        mult_noise=False,
    ),
    # Tang et al., IEDM 2018
    "ecram": LinearStep(
        dw_min=0.002,
        w_max=1.1724,
        w_min=-0.8276,
        gamma_up=0.1153,
        gamma_down=0.5085,
        dw_min_dtod=0.1,
        w_max_dtod=0.05,
        w_min_dtod=0.05,
    ),
    # Kim et al., IEDM 2019
    "ecram-metal-oxide": LinearStep(
        dw_min=2.8214e-4,
        w_max=1.1714,
        w_min=-0.8286,
        gamma_up=0.4152,
        gamma_down=0.7342,
        dw_min_dtod=0.1,
        w_max_dtod=0.05,
        w_min_dtod=0.05,
        dw_min_std=2.0,
    ),
    # Gokmen, Vlasov, Frontiers in Neuroscience 2016, with symmetric steps and 10000 states
    "idealized-constant": ConstantStep(dw_min=2e-4, w_max=1.0, w_min=-1.0, up_down_dtod=0.0),
    # Gong, Rasch et al., IEDM 2022
    "reram-array-om": SoftBoundsReference(
        dw_min=0.0949,
        w_max=1.0,
        w_min=-1.0,
        dw_min_dtod=0.7829,
        dw_min_dtod_log_normal=True,
        w_max_dtod=0.3499,
        w_min_dtod=0.5695,
        dw_min_std=0.4158,
        reference_std=0.05,
    ),
    "reram-array-hfo2": SoftBoundsReference(
        dw_min=0.4622,
        w_max=1.0,
        w_min=-1.0,
        dw_min_dtod=0.7125,
        dw_min_dtod_log_normal=True,
        w_max_dtod=0.4295,
        w_min_dtod=0.5990,
        dw_min_std=0.2174,
        reference_std=0.05,
    ),
}


def family_name(device: Pulsed) -> str:
    """Name of the family of a device."""
    return next(name for name, family in FAMILIES.items() if type(device) is family)


def make_device(family: type[Pulsed], parameters: Mapping[str, Any], owner: str) -> Pulsed:
    """A device from its parameters by name.

    Raises
    ------
    TypeError, ValueError
        ``owner`` has no such parameter, one is missing, or a value is not allowed.
    """
    known = {spec.name: spec for spec in fields(family)}
    for name, value in parameters.items():
        if name not in known:
            raise ValueError(f"{name} = {value!r}: must be one of the parameters of {owner}: {', '.join(known)}")
    for name, spec in known.items():
        if name not in parameters and spec.default is MISSING:
            raise ValueError(f"{name}: must be given for {owner}")
    return family(**parameters)


def load_device(source: str | Path) -> Pulsed:
    """A preset by its name, or the device of a TOML file.

    Raises
    ------
    TypeError, ValueError
        There is no such preset or file, or what it holds is not a device; the message says what is allowed.
    """
    if str(source) in PRESETS:
        return PRESETS[str(source)]
    path = Path(source)
    if path.suffix != ".toml":
        raise ValueError(f"device = {str(source)!r}: must be one of {', '.join(PRESETS)}, or the path of a .toml file")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"device = {str(source)!r}: must be a readable file ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # also what the decoders raise
        raise ValueError(f"device = {str(source)!r}: must be valid TOML ({error})") from None
    family = values.pop("family", None)
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(f"family = {family!r}: must be one of {', '.join(FAMILIES)}")
    return make_device(FAMILIES[family], values, family)


def device_toml(device: Pulsed) -> str:
    """A device as the text of a TOML file that `load_device` reads back, with all its parameters."""
    lines = [f'family = "{family_name(device)}"']
    for spec in fields(device):
        value = getattr(device, spec.name)
        if isinstance(value, bool):
            text = str(value).lower()
        else:
            text = repr(list(value)) if isinstance(value, tuple) else repr(value)
        lines.append(f"{spec.name} = {text}")
    return "\n".join(lines) + "\n"
