"""The state after a run is what it was when the run's hash was written down."""

from __future__ import annotations

import pytest

from tests.golden import FILE, Golden, goldens, hashes


@pytest.mark.parametrize("golden", goldens(), ids=str)
def test_hashes(golden: Golden) -> None:
    assert hashes(golden) == (golden.start, golden.end)


def test_every_entry_says_why_it_changed_last() -> None:
    assert all(golden.reason for golden in goldens())
    assert FILE.read_text(encoding="utf-8").count("reason:") == len(goldens())
