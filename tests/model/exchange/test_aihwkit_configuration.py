# SPDX-License-Identifier: Apache-2.0
"""Configurations of aihwkit: what they become, and what is refused."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.exchange.aihwkit_compounds import flips_after
from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.exchange.aihwkit_runs import Keeping
from symtrack.model.network.algorithms import Choppers
from symtrack.model.spec.settings import ChopperMode
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.trainer import Trainer
from tests.model.exchange.recorded import RECORDED

CONFIGURATIONS = RECORDED["configurations"]
DEVICE = {"class": "SoftBoundsReferenceDevice", "dw_min": 0.002}
NOISE = "ADDITIVE_CONSTANT"
TASK = "weight-programming"


def compound(kind: str, **given: Any) -> dict[str, Any]:
    return {"class": "UnitCellRPUConfig", "device": {"class": kind, "unit_cell_devices": [DEVICE, DEVICE], **given}}


# ---- presets -------------------------------------------------------------------------------------------------------

ALGORITHMS = {
    "CapacitorPreset": "analog-sgd",
    "ReRamESPreset": "analog-sgd",
    "TikiTakaReRamSBPreset": "tt-v1",
    "TTv2EcRamPreset": "tt-v2",
    "ChoppedTTv2ReRamESPreset": "c-tt-v2",
    "AGADReRamSBPreset": "agad",
    "AGADEcRamMOPreset": "agad",
}
REFUSED = {
    "ReRamES2Preset": "device = VectorUnitCell: must be one of DynamicTransferCompound, ",
    "PCMPreset": "device = PCMPresetUnitCell: must be one of ",
    "MixedPrecisionReRamSBPreset": "rpu_config = MixedPrecisionReRamSBPreset: must be SingleRPUConfig or UnitCell",
    "StandardHWATrainingPreset": "rpu_config = StandardHWATrainingPreset: must be SingleRPUConfig or ",
}


def test_every_recorded_preset_is_told_of() -> None:
    assert {*ALGORITHMS, *REFUSED} == set(CONFIGURATIONS)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_presets_train(name: str) -> None:
    found = taken(CONFIGURATIONS[name])
    assert found.algorithm == ALGORITHMS[name]
    spec = found.spec(task=TASK)
    trainer = Trainer(spec)
    trainer.run(3)
    assert spec.converters is not None
    assert (spec.converters.dac_bits, spec.converters.adc_bits, spec.converters.output_noise) == (7, 9, 0.1)
    assert spec.converters.lsb == pytest.approx(20 / 255 * 2**30, abs=1)


@pytest.mark.parametrize("name", REFUSED)
def test_presets_without_a_counterpart_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(REFUSED[name])):
        taken(CONFIGURATIONS[name])


def test_a_dynamic_preset_in_all_parts() -> None:
    found = taken(CONFIGURATIONS["AGADReRamSBPreset"], learning_rate=0.05)
    device = SoftBoundsReference(
        dw_min=0.002,
        w_max=1.25,
        w_min=-0.75,
        w_max_dtod=0.3 / 1.25,
        w_min_dtod=0.3 / 0.75,
        dw_min_std=3.75,
        write_noise_std=56,
        reference_mean=0.0,
        reference_std=0.0,
        subtract_symmetry_point=True,
    )
    assert found.device == found.slow_device == device
    assert dict(found.tiles) == {
        "adc_bits": 9,
        "bl_max": 31,
        "pulses_max": 1,
        "chopper_period": 50,
        "filter_shift": 3,
        "reference_fraction_bits": 6,
        "threshold_shift": "auto",
    }
    rates = found.rates_for(batch=1, columns={20}, learned=False)
    assert (rates.learning_rate, rates.granularity, rates.fast_rate, rates.momentum) == (0.05, 1000, 0.5, 0.99)
    assert found.notes == [
        "forward.bound_management = 'ITERATIVE': outputs beyond out_bound are clipped, with no further pass",
        "device.tail_weightening = 5.0: eta = 1/8 instead of 0.1 (filter_shift = 3)",
        "mapping.digital_bias = True: the bias is the last column of the array",
        "mapping.weight_scaling_omega = 0.0: W starts within weight_scaling of the network, which a fixed scale undoes",
    ]
    assert "device.transfer_forward.noise_management = 'NONE': aihwkit switches it off" in found.ignored


def test_the_leak_of_a_capacitor_is_told_to_have_no_spread() -> None:
    found = taken(CONFIGURATIONS["CapacitorPreset"])
    assert isinstance(found.device, LinearStep)
    assert found.device.lifetime == 1e6
    assert "device.lifetime_dtod = 0.3: all cells have the same lifetime, 1e+06" in found.notes
    with pytest.raises(ValueError, match=r"batch = 2: must be at most 1 with this lifetime"):
        found.spec(task=TASK, batch=2)
    device = {"class": "LinearStepDevice", "lifetime": 1000.0}
    short = taken({"class": "SingleRPUConfig", "device": device}).spec(task=TASK, batch=4).devices
    assert short is not None
    assert short.lifetime == 4000


# ---- equations -----------------------------------------------------------------------------------------------------


def test_an_exponential_step_counts_in_its_step_at_zero() -> None:
    """aihwkit divides rates by s-(1 - A- exp(-g- b)), here by dw_min: the pulses stay."""
    found = taken(CONFIGURATIONS["ReRamESPreset"], learning_rate=0.1)
    ratio = (1 - 0.259359) * (1 + 0.081404 * 2.718281828459045**2.5)
    assert found.rates["learning_rate"] == pytest.approx(0.1 / ratio, rel=1e-12)
    both = taken(compound("TransferCompound", unit_cell_devices=[CONFIGURATIONS["ReRamESPreset"]["device"], DEVICE]))
    assert both.rates["fixed_fast_rate"] == pytest.approx(1 / ratio, rel=1e-12)
    assert both.rates["learning_rate"] == pytest.approx(0.1, rel=1e-12)


def test_thresholds_of_a_buffer() -> None:
    """thres_scale * dw is dw * granularity / columns; of a chopped one it goes by the steps of P."""
    buffered = taken(compound("BufferedTransferCompound", thres_scale=3.0)).spec(task=TASK).rates
    assert buffered is not None
    assert buffered.granularity == 3 * 20
    coarse = {**DEVICE, "dw_min": 0.01}
    given = {"unit_cell_devices": [coarse, DEVICE], "buffer_granularity": 2.0, "transfer_every": 4.0}
    own = taken(compound("ChoppedTransferCompound", **given)).spec(task=TASK).rates
    assert own is not None
    assert own.granularity == pytest.approx(2 * 5 * 20)
    auto = taken(compound("ChoppedTransferCompound", auto_granularity=1000.0, **given)).spec(task=TASK).rates
    assert auto is not None
    assert auto.granularity == pytest.approx(2 * 5 * 1000 / 4)


def test_a_threshold_below_one_step_keeps_its_ratio_to_the_rate() -> None:
    found = taken(compound("BufferedTransferCompound", thres_scale=0.01), learning_rate=0.1).spec(task=TASK).rates
    assert found is not None
    assert found.granularity == 1
    assert found.learning_rate == pytest.approx(0.1 / 0.2)


def test_thresholds_that_differ_from_layer_to_layer_are_refused() -> None:
    found = taken(compound("BufferedTransferCompound"))
    with pytest.raises(ValueError, match=r"auto_granularity = 0: must be above zero for tiles of 33, 65 columns"):
        found.spec(task="digits")
    taken(compound("ChoppedTransferCompound", auto_granularity=500.0)).spec(task="digits")


def test_batches() -> None:
    """Transfers come after so many batches, or so many updates; running maxima forget as much in a batch."""
    auto = {"auto_granularity": 500.0, "auto_scale": True, "auto_momentum": 0.9}
    found = taken(compound("ChoppedTransferCompound", transfer_every=8.0, units_in_mbatch=False, **auto))
    for batch, every, reads in ((1, 8, 1), (4, 2, 1), (8, 1, 1), (16, 1, 2)):
        rates = found.rates_for(batch=batch, columns={20}, learned=True)
        assert (rates.transfer_every, rates.reads) == (every, reads)
        assert rates.momentum == pytest.approx(1 - 0.1 / batch)
        assert rates.granularity == 500 / 8
    with pytest.raises(ValueError, match=r"batch = 3: must divide transfer_every = 8 updates, or be divided by it"):
        found.spec(task=TASK, batch=3)
    whole = taken(compound("TransferCompound", transfer_every=2.0, n_reads_per_transfer=3))
    assert whole.rates_for(batch=5, columns={20}, learned=True).transfer_every == 2
    assert whole.rates_for(batch=5, columns={20}, learned=True).reads == 3
    half = taken(compound("TransferCompound", transfer_every=0.5))
    assert half.rates_for(batch=4, columns={20}, learned=True).reads == 2


def test_rates_that_no_schedule_may_change() -> None:
    fixed = taken(compound("BufferedTransferCompound", scale_transfer_lr=False, transfer_lr=0.3))
    assert fixed.rates["learning_rate"] == 0.3
    with pytest.raises(ValueError, match=r"schedule = .*: must be left out, .* device.scale_transfer_lr = False"):
        fixed.spec(task=TASK, schedule=Schedule(((1, 0.5),)))
    follows = taken(compound("TransferCompound", fast_lr=0.0), learning_rate=0.02)
    assert follows.rates["fixed_fast_rate"] == 0.02
    with pytest.raises(ValueError, match=r"must be left out, a schedule would go wrong with device.fast_lr = 0"):
        follows.spec(task=TASK, schedule=Schedule(((1, 0.5),)))


def test_choppers() -> None:
    by_chance = taken(compound("ChoppedTransferCompound", in_chop_prob=0.02, out_chop_prob=0.02))
    assert by_chance.tiles["chopper_probability"] == 0.02
    assert by_chance.choppers == Choppers(chopper=ChopperMode.RANDOM, row_chopper=ChopperMode.RANDOM)
    assert by_chance.tiles["row_chopper"] == 1
    regular = taken(compound("ChoppedTransferCompound", in_chop_prob=0.02, in_chop_random=False))
    assert (regular.algorithm, regular.tiles["chopper_period"], regular.choppers) == ("c-tt-v2", 50, Choppers())
    assert [flips_after(p) for p in (0.1, 0.02, 0.005, 0.3, 0.9, 1.0)] == [10, 50, 200, 4, 2, 2]


def test_read_noise_of_both_arrays() -> None:
    noisy = {"class": "IOParameters", "w_noise": 0.01, "w_noise_type": "ADDITIVE_CONSTANT"}
    other = {**noisy, "w_noise": 0.02}
    given = compound("TransferCompound", transfer_forward=other) | {"forward": noisy, "backward": noisy}
    found = taken(given)
    assert found.slow_device is not None
    assert found.slow_device.read_noise_std * 0.002 == pytest.approx(0.01)
    assert found.device.read_noise_std * 0.002 == pytest.approx(0.02)
    single = taken({"class": "SingleRPUConfig", "forward": noisy, "backward": noisy})
    assert single.device.read_noise_std * 0.001 == pytest.approx(0.01)


def test_reads_have_a_range_of_their_own() -> None:
    reading = {"class": "IOParameters", "out_bound": 3.0}
    found = taken(compound("ChoppedTransferCompound", transfer_forward=reading))
    same = taken(compound("ChoppedTransferCompound"))
    assert same.converters.read_bound == 0
    assert found.converters.read_lsb == pytest.approx(3 / 12 * found.converters.lsb, rel=0.2)
    assert replace(found.converters, read_bound=0.0) == same.converters


def test_perfect_converters_have_sixteen_bits() -> None:
    perfect = {"class": "IOParameters", "is_perfect": True, "out_noise": 7.0}
    found = taken(
        {"class": "SingleRPUConfig", "forward": perfect, "backward": {"class": "IOParameters", "mv_type": "IDEAL"}}
    )
    assert (found.converters.dac_bits, found.converters.output_noise, found.tiles["adc_bits"]) == (16, 0.0, 16)
    assert "forward.is_perfect = True: 16 bits within 12" in found.notes
    assert "forward.out_noise = 7.0: the converters are perfect" in found.ignored


def test_output_scales_and_networks() -> None:
    mapping = {
        "class": "MappingParameter",
        "weight_scaling_omega": 0.6,
        "learn_out_scaling": True,
        "digital_bias": False,
        "max_input_size": 40,
        "max_output_size": 20,
    }
    found = taken(compound("TransferCompound") | {"mapping": mapping}, learning_rate=0.02)
    spec = found.spec(task="digits", network={"hidden": [24]})
    assert spec.network == {"weight_scaling": 0.6, "tile_columns": 41, "tile_rows": 20, "hidden": [24]}
    assert spec.rates is not None
    assert spec.rates.scale_rate == 0.02
    assert {(tile.rows, tile.columns) for tile in spec.problem().tile_configs} >= {(12, 33), (12, 32)}
    assert found.spec(task=TASK).network == {}


def test_a_long_train_is_shortened_with_its_rate() -> None:
    found = taken(CONFIGURATIONS["TTv2EcRamPreset"])
    assert found.tiles["bl_max"] == 63
    assert found.rates["fast_rate"] == pytest.approx(0.1 * 100 / 63)
    assert any(note.startswith("update.desired_bl = 100: 63, the longest train; fast_rate = ") for note in found.notes)


def test_a_buffer_that_keeps_the_rest() -> None:
    """H loses what was written, and not what is left of it: more pulses are written."""
    given = {"in_chop_prob": 0.0, "auto_granularity": 100.0, "auto_scale": True}
    runs = []
    for forget in (True, False):
        found = taken(compound("ChoppedTransferCompound", forget_buffer=forget, **given))
        trainer = Trainer(found.spec(task=TASK))
        trainer.run(200)
        runs.append(trainer.metrics().counts["transfer_pulses"])
    assert isinstance(found.algorithm, Keeping)
    assert (found.algorithm.base, str(found.algorithm)) == ("tt-v2", "tt-v2 that keeps the rest")
    assert not trainer.network.layers[0].trained["layer0"].settings().forget
    assert runs[1] > runs[0] > 0


# ---- sources -------------------------------------------------------------------------------------------------------


def test_files_and_devices_alone(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIGURATIONS["AGADReRamSBPreset"]))
    assert taken(file) == taken(str(file)) == taken(CONFIGURATIONS["AGADReRamSBPreset"])
    assert taken(DEVICE) == taken({"class": "SingleRPUConfig", "device": DEVICE})
    given = compound("TransferCompound")
    assert taken(given["device"]) == taken(given)


BAD: list[tuple[Any, str]] = [
    (7, "rpu_config = 7: must be a configuration of aihwkit, plain data of one, or the path of a JSON file"),
    ("none.json", "rpu_config = 'none.json': must be a readable file (No such file or directory)"),
    ({}, "rpu_config = {}: must be SingleRPUConfig or UnitCellRPUConfig, or one of their devices: "),
    ({"class": 1}, "rpu_config = {'class': 1}: must be SingleRPUConfig"),
    ({"class": "X", "is_a": 3}, "rpu_config.is_a = 3: must be a list of classes"),
    ({"class": "InferenceRPUConfig"}, "rpu_config = InferenceRPUConfig: must be SingleRPUConfig or "),
    ({"class": "SingleRPUConfig", "tile": 1}, "tile = 1: must be a field of SingleRPUConfig of aihwkit 1.1.0, which "),
    ({"class": "IdealDevice"}, "rpu_config = IdealDevice: must be SingleRPUConfig"),
    ({**DEVICE, "dw_min": "x"}, "device.dw_min = 'x': must be a number"),
    ({**DEVICE, "dw_min": True}, "device.dw_min = True: must be a number"),
    ({**DEVICE, "dw_min": 7.0}, "device.dw_min = 7.0: must be from 1e-06 to 1"),
    ({**DEVICE, "mult_noise": 1}, "device.mult_noise = 1: must be true or false"),
    ({**DEVICE, "w_min": 0.0}, "device.w_min = 0.0: must be from -2 to -0.001"),
    ({**DEVICE, "diffusion": 0.1}, "device.diffusion = 0.1: must be 0, weights do not diffuse"),
    ({"class": "PiecewiseStepDevice", "piecewise_up": 3}, "device.piecewise_up = 3: must be a list"),
    (
        {"class": "PiecewiseStepDevice", "piecewise_up": [1, 2]},
        "device.piecewise_down = [1]: must be a list of 2 nodes, as piecewise_up is",
    ),
    (
        {"class": "SoftBoundsPmaxDevice", "range_max": -1.0},
        "device.range_max = -1.0: must be above range_min = -1",
    ),
    (
        compound("TransferCompound", fast_lr=math.nan),
        "device.fast_lr = nan: must be a finite number, 0 or from 1e-30 to 1e+30 in size",
    ),
    (compound("TransferCompound", gamma_vec=[math.inf, 1]), "device.gamma_vec[0] = inf: must be a finite number"),
    (compound("TransferCompound", gamma_vec=["x", 1]), "device.gamma_vec[0] = 'x': must be a number"),
    (
        {"class": "SingleRPUConfig", "forward": {"class": "IOParameters", "bound_management": "OTHER"}},
        "forward.bound_management = 'OTHER': must be NONE or ITERATIVE or ITERATIVE_WORST_CASE or SHIFT, outputs",
    ),
    (
        {"class": "SingleRPUConfig", "forward": {"class": "IOParameters", "mv_type": 3}},
        "forward.mv_type = 3: must be a text, such as ONE_PASS",
    ),
    (
        {"class": "SingleRPUConfig", "update": {"class": "UpdateParameters", "desired_bl": 2.5}},
        "update.desired_bl = 2.5: must be an integer of at least 1",
    ),
    (
        compound("TransferCompound", transfer_forward={"class": "IOParameters", "w_noise": 9.0, "w_noise_type": NOISE}),
        "device.transfer_forward.w_noise = 9: must be from 0 to 1000 times dw_min = 0.002",
    ),
    ({"class": "SoftBoundsPmaxDevice", "alpha": 0.0}, "device.alpha = 0.0: must be above zero, and so must p_max be"),
    (
        {"class": "SingleRPUConfig", "forward": {"class": "IOParameters", "out_bound": 0.0}},
        "forward.out_bound = 0.0: must be from 0.001 to 1024",
    ),
    (
        {"class": "SingleRPUConfig", "forward": {"class": "IOParameters", "out_noise": 99.0}},
        "forward.out_noise = 99.0: must be from 0 to 16",
    ),
    (
        {"class": "SingleRPUConfig", "forward": {"class": "IOParameters", "out_bound": 9.0}},
        "backward.out_bound = 12: must be 9, as in forward: one array has one set of converters",
    ),
    (
        {"class": "SingleRPUConfig", "forward": {"class": "IOParameters", "is_perfect": True}},
        "backward.is_perfect = False: must be True, as in forward",
    ),
    (
        {"class": "SingleRPUConfig", "update": {"class": "UpdateParameters", "pulse_type": "MEAN_COUNT"}},
        "update.pulse_type = 'MEAN_COUNT': must be STOCHASTIC_COMPRESSED or STOCHASTIC, pulses are those of ",
    ),
    (
        {"class": "SingleRPUConfig", "update": {"class": "UpdateParameters", "desired_bl": 0}},
        "update.desired_bl = 0: must be an integer of at least 1",
    ),
    (
        compound("TransferCompound", unit_cell_devices=[DEVICE]),
        "device.unit_cell_devices = 1 devices: must be 2, P and W",
    ),
    (
        compound("TransferCompound", transfer_every=0.0),
        "device.transfer_every = 0.0: must be above zero, a transfer that",
    ),
    (compound("TransferCompound", transfer_lr=0.0), "device.transfer_lr = 0.0: must be above zero"),
    (compound("TransferCompound", gamma=-1.0), "device.gamma = -1.0: must be from 0 to 16 for P"),
    (compound("TransferCompound", gamma_vec=[1, 2]), "device.gamma_vec = [1, 2]: must be empty, or of P and W with 1"),
    (
        compound("TransferCompound", fast_lr=99.0),
        "fixed_fast_rate = 99, as it follows from the configuration: must be at",
    ),
    (
        compound("TransferCompound", n_reads_per_transfer=0),
        "device.n_reads_per_transfer = 0: must be an integer from 1",
    ),
    (compound("BufferedTransferCompound", thres_scale=0.0), "device.thres_scale = 0.0: must be above zero"),
    (
        compound("BufferedTransferCompound", forget_buffer=False),
        "device.momentum = 0.1: must be 0, without forget_buffer",
    ),
    (
        compound("DynamicTransferCompound", forget_buffer=False, buffer_cap=1.0),
        "device.buffer_cap = 1.0: must be 0, H is as wide as its words",
    ),
    (compound("BufferedTransferCompound", momentum=2.0), "device.momentum = 2.0: must be from 0 to 1"),
    (
        compound("ChoppedTransferCompound", n_reads_per_transfer=2),
        "device.n_reads_per_transfer = 2: must be an integer",
    ),
    (compound("ChoppedTransferCompound", in_chop_prob=2.0), "device.in_chop_prob = 2.0: must be a number from 0 to 1"),
    (compound("ChoppedTransferCompound", out_chop_prob=0.3), "device.out_chop_prob = 0.3: must be 0, or in_chop_prob"),
    (compound("DynamicTransferCompound", in_chop_prob=0.0), "device.in_chop_prob = 0.0: must be from 1/65535 to 1"),
    (compound("DynamicTransferCompound", tail_weightening=0.0), "device.tail_weightening = 0.0: must be above zero"),
    (
        compound("DynamicTransferCompound", auto_scale=True, auto_momentum=2.0),
        "device.auto_momentum = 2.0: must be from 0 to 1",
    ),
    (
        {"class": "SingleRPUConfig", "mapping": {"class": "MappingParameter", "max_input_size": 5000}},
        "mapping.max_input_size = 5000: must be an integer from 0 to 1024",
    ),
]


@pytest.mark.parametrize(("source", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_what_has_no_counterpart_is_refused_by_name(source: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        taken(source)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rate", [0, -1.0, "x", True, math.inf, math.nan])
def test_a_rate_of_the_optimiser_is_above_zero(rate: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"learning_rate = {rate!r}: must be a finite number above zero")):
        taken(DEVICE, learning_rate=rate)


def test_what_is_taken_can_be_shown() -> None:
    """Plain data and lines of text throughout."""
    found = taken(CONFIGURATIONS["AGADEcRamMOPreset"])
    assert {spec.name for spec in fields(found)} >= {"algorithm", "device", "rates", "tiles", "notes", "ignored"}
    json.dumps([dict(found.rates), dict(found.tiles), found.notes, found.ignored])
