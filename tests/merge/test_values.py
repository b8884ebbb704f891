"""Conversions and sums: bit for bit what NumPy and ml_dtypes give, at every edge."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor.merge import half
from checkpoint_doctor.merge.values import DTYPES, Scratch, is_power_of_two, merge_rows, ulp, work_dtype

ALL_HALF = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
FINITE_HALF = ALL_HALF[np.isfinite(ALL_HALF)].copy()


def narrowed(values: np.ndarray) -> np.ndarray:
    out, spare = np.empty(values.shape, np.float16), np.empty((2, *values.shape), np.float32)
    half.narrow(values, out, spare)
    return out


def test_every_half_is_widened_as_numpy_does() -> None:
    out = np.empty(FINITE_HALF.shape, np.float32)
    half.widen(FINITE_HALF, out)
    assert out.tobytes() == FINITE_HALF.astype(np.float32).tobytes()
    assert half.finite(FINITE_HALF) and not half.finite(ALL_HALF)
    assert half.finite(np.empty(0, np.float16))


def test_every_half_and_its_neighbourhood_is_narrowed_as_numpy_does() -> None:
    exact = FINITE_HALF.astype(np.float32)
    positive = np.sort(exact[exact >= 0])
    middles = ((positive[:-1].astype(np.float64) + positive[1:]) / 2).astype(np.float32)  # ties: to even
    for values in (exact, middles, np.nextafter(middles, np.float32(0)), np.nextafter(middles, np.float32(1e9))):
        for signed in (values, -values):
            assert narrowed(signed).tobytes() == signed.astype(np.float16).tobytes()


@given(st.lists(st.floats(-65519, 65519, width=32), min_size=1, max_size=50))
def test_any_float_is_narrowed_as_numpy_does(values: list[float]) -> None:
    array = np.array(values, np.float32)
    assert narrowed(array).tobytes() == array.astype(np.float16).tobytes()


@pytest.mark.parametrize("stored", DTYPES)
def test_rows_equal_one_whole_array_expression(stored: str) -> None:
    rng = np.random.default_rng(1)
    work = work_dtype(stored)
    start = rng.standard_normal((300, 700)).astype(DTYPES[stored])
    left, right = rng.standard_normal((310, 4)).astype(work), rng.standard_normal((4, 700)).astype(work)
    plain = rng.standard_normal((310, 700)).astype(work)
    out = np.empty_like(start)
    low, high = merge_rows(start, out, [(left, right, 0.7), (plain, None, 3.0)], 10, Scratch(), work)
    whole = start.astype(work) + left[10:] @ right * work.type(0.7) + plain[10:] * work.type(3.0)
    assert math.isclose(low, whole.min(), rel_tol=1e-5) and math.isclose(high, whole.max(), rel_tol=1e-5)
    error = np.abs(out.astype(np.float64) - whole.astype(np.float64))
    assert np.all(error <= ulp(whole.astype(np.float64), stored))
    in_place = start.copy()
    merge_rows(in_place, in_place, [(left, right, 0.7), (plain, None, 3.0)], 10, Scratch(), work)
    assert in_place.tobytes() == out.tobytes()


@pytest.mark.parametrize("stored", DTYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_values_are_seen(stored: str, bad: float) -> None:
    start = np.zeros((900, 300), DTYPES[stored])
    start[700, 3] = bad
    low, high = merge_rows(start, np.empty_like(start), [], 0, Scratch(), work_dtype(stored))
    assert not (math.isfinite(low) and math.isfinite(high))


def test_steps() -> None:
    values = np.array([1.0, 1.5, 2.0, 1e-3, 0.0, 60000.0])
    assert ulp(values, "F32").tolist() == np.spacing(values.astype(np.float32)).tolist()
    assert ulp(values, "F16").tolist() == np.spacing(values.astype(np.float16)).tolist()
    bfloat = values.astype(ml_dtypes.bfloat16)
    above = (bfloat.view(np.uint16) + 1).view(ml_dtypes.bfloat16).astype(np.float64)
    assert ulp(bfloat.astype(np.float64), "BF16").tolist() == (above - bfloat.astype(np.float64)).tolist()


def test_powers_of_two() -> None:
    assert [is_power_of_two(scale) for scale in (1, 2.0, 0.25, -4.0, 3.0, 0.1, 0.0)] == [True] * 4 + [False] * 3
