# SPDX-License-Identifier: Apache-2.0
"""Tests of IDX files: what is read, and that every fault of a folder costs one line that says what is allowed."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.tasks.idx import FILES, files, read_folder
from symtrack.model.tasks.task import TASKS
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers.idx_files import encode, write_folder

(TRAIN_X, TRAIN_Y), (TEST_X, TEST_Y) = FILES["train"], FILES["test"]


@pytest.mark.parametrize("compressed", [False, True])
def test_samples(tmp_path: Path, compressed: bool) -> None:
    written = write_folder(tmp_path, compressed=compressed)
    (train_x, train_y, test_x, test_y), size = read_folder(tmp_path)
    assert size == (4, 3)
    for x, images in ((train_x, written[0]), (test_x, written[2])):
        assert x.dtype == np.int64
        assert x.shape == (len(images), images[0].size)
        assert np.array_equal(x, np.rint(images.reshape(len(images), -1) * (VALUE_ONE / 255)))
    assert (train_x.min(), train_x.max()) == (0, VALUE_ONE)
    assert np.array_equal(train_y, written[1])
    assert np.array_equal(test_y, written[3])


def test_a_pixel_more_is_another_value(tmp_path: Path) -> None:
    write_folder(tmp_path)
    before = read_folder(tmp_path)[0][0]
    file = tmp_path / TRAIN_X
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert [int(k) for k in np.flatnonzero(before != read_folder(tmp_path)[0][0])] == [before.size - 1]


def test_the_plain_file_is_read_where_both_are_there(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / f"{TRAIN_X}.gz").write_bytes(b"not gzip")
    read_folder(tmp_path)
    (tmp_path / TRAIN_X).unlink()
    with pytest.raises(ValueError, match=f"{TRAIN_X}.gz: must be a whole gzip file"):
        read_folder(tmp_path)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data = '.*nowhere': must be an existing folder"):
        read_folder(tmp_path / "nowhere")
    write_folder(tmp_path)
    (tmp_path / TEST_Y).unlink()
    with pytest.raises(ValueError, match=f"data = .*: must hold {TEST_Y} or {TEST_Y}.gz"):
        read_folder(tmp_path)
    (tmp_path / TEST_Y).mkdir()
    with pytest.raises(ValueError, match=rf"{TEST_Y}: must be a readable file \(Is a directory\)"):
        read_folder(tmp_path)


PIXELS = np.zeros((12, 4, 3), np.uint8)
LABELS = np.zeros(12, np.uint8)
GZIP = gzip.compress(encode(PIXELS), mtime=0)  # every worker collects the same test
BAD = [
    (TRAIN_X, b"", f"{TRAIN_X}: 0 bytes: must be at least 16, the header"),
    (TRAIN_X, encode(PIXELS)[:15], f"{TRAIN_X}: 15 bytes: must be at least 16, the header"),
    (TRAIN_X, encode(LABELS) + bytes(8), f"{TRAIN_X}: magic number 2049: must be 2051"),
    (TRAIN_Y, encode(PIXELS), f"{TRAIN_Y}: magic number 2051: must be 2049"),
    (TRAIN_X, encode(PIXELS, kind=0x0D), f"{TRAIN_X}: magic number 3331: must be 2051, 3-dimensional unsigned bytes"),
    (TRAIN_X, encode(PIXELS)[:-1], f"{TRAIN_X}: 159 bytes: must be 160, 16 and 12 x 4 x 3"),
    (TRAIN_X, encode(PIXELS) + b"\0", f"{TRAIN_X}: 161 bytes: must be 160"),
    (TRAIN_X, encode(PIXELS)[:4] + b"\xff" * 12, f"{TRAIN_X}: 16 bytes: must be {16 + (2**32 - 1) ** 3}"),
    (TRAIN_X, encode(PIXELS[:0]), f"{TRAIN_X}: size 0 x 4 x 3: must be at least 1 in every dimension"),
    (TRAIN_X, encode(PIXELS[:, :0]), f"{TRAIN_X}: size 12 x 0 x 3: must be at least 1"),
    (TRAIN_Y, encode(LABELS[:11]), f"{TRAIN_Y}: 11 labels: must be 12, one for every image"),
    (TEST_Y, encode(np.arange(6, 12, dtype=np.uint8)), f"{TEST_Y}: label 10 of sample 4: must be from 0 to 9"),
    (TEST_X, encode(np.zeros((6, 3, 4), np.uint8)), f"{TEST_X}: 3 x 4 pixels: must be 4 x 3, as in {TRAIN_X}"),
    (f"{TRAIN_X}.gz", GZIP[:-9], f"{TRAIN_X}.gz: must be a whole gzip file"),
    (f"{TRAIN_X}.gz", GZIP[:-5] + b"\0" + GZIP[-4:], f"{TRAIN_X}.gz: must be a whole gzip file"),
]


@pytest.mark.parametrize(("name", "data", "message"), BAD)
def test_bad_file(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    write_folder(tmp_path)
    (tmp_path / name.removesuffix(".gz")).unlink()
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        read_folder(tmp_path)
    assert "\n" not in str(error.value)


NAMES = {  # of the same four files, as archives of MNIST and its relatives have them
    "dots": "{part}-{kind}.idx{n}-ubyte",
    "emnist": "emnist-letters-{part}-{kind}-idx{n}-ubyte",
    "compressed": "emnist-letters-{part}-{kind}-idx{n}-ubyte.gz",
}


def rename(folder: Path, form: str, test: str) -> None:
    """Give the files of `write_folder` names of this form, with this word for those of the test set."""
    for part, names in FILES.items():
        for name, kind, n in zip(names, ("images", "labels"), (3, 1), strict=True):
            new = folder / form.format(part="train" if part == "train" else test, kind=kind, n=n)
            data = (folder / name).read_bytes()
            (folder / name).unlink()
            new.write_bytes(gzip.compress(data) if new.suffix == ".gz" else data)


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_other_names_are_known(form: str, test: str, tmp_path: Path) -> None:
    write_folder(tmp_path)
    before = read_folder(tmp_path)
    rename(tmp_path, NAMES[form], test)
    after = read_folder(tmp_path)
    assert before[1] == after[1]
    assert all(np.array_equal(one, other) for one, other in zip(before[0], after[0], strict=True))
    assert set(tmp_path.iterdir()) < set(files(tmp_path))


def test_several_data_sets_of_a_folder_are_not_mixed(tmp_path: Path) -> None:
    for name in ("emnist-letters", "emnist-digits"):
        write_folder(tmp_path)
        rename(tmp_path, f"{name}-{{part}}-{{kind}}-idx{{n}}-ubyte", "test")
    names = "emnist-digits-train-images-idx3-ubyte, emnist-letters-train-images-idx3-ubyte, not several"
    with pytest.raises(ValueError, match=f"data = .*: must hold one of {names}"):
        read_folder(tmp_path)
    write_folder(tmp_path)  # those with the usual names come first
    read_folder(tmp_path)


@pytest.mark.parametrize(("largest", "outputs"), [(9, 10), (10, 11), (26, 27), (61, 62)])
def test_there_are_as_many_classes_as_the_labels_need(largest: int, outputs: int, tmp_path: Path) -> None:
    """Ten at least; letters of EMNIST have the labels 1 to 26."""
    write_folder(tmp_path)
    (tmp_path / TRAIN_Y).write_bytes(
        encode(np.arange(largest - 11, largest + 1) if largest > 10 else np.full(12, largest))
    )
    (tmp_path / TEST_Y).write_bytes(encode(np.full(6, largest)))
    task = TASKS["idx"](data=tmp_path)
    assert task.architecture.layers[-1].features == outputs
    assert task.test_y.max() == largest
    trainer = Trainer(TrainingSpec(task=task))
    trainer.run(2)
    assert trainer.evaluate().step == 2
    (tmp_path / TEST_Y).write_bytes(encode(np.full(6, outputs)))
    with pytest.raises(ValueError, match=f"{TEST_Y}: label {outputs} of sample 0: must be from 0 to {outputs - 1}"):
        read_folder(tmp_path)
