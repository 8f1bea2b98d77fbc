"""Launch delays."""

from __future__ import annotations

from marathon.core.backoff import Backoff, Policy

POLICY = Policy(first_s=1.0, factor=2.0, limit_s=5.0)


def test_delays_grow_by_the_factor_up_to_the_limit() -> None:
    backoff = Backoff()
    now, delays = 1000.0, []
    for _ in range(5):
        until = backoff.failed("/a", "v1", POLICY, now)
        delays.append(until - now)
        now = until
    assert delays == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_the_first_delay_is_never_above_the_limit() -> None:
    assert Backoff().failed("/a", "v1", Policy(10.0, 2.0, 3.0), 0.0) == 3.0


def test_another_configuration_starts_without_delay() -> None:
    backoff = Backoff()
    backoff.failed("/a", "v1", POLICY, 0.0)
    assert backoff.until_s("/a", "v1", 0.5) == 1.0
    assert backoff.until_s("/a", "v2", 0.5) == 0.5


def test_a_delay_is_forgotten_after_a_time_without_failures() -> None:
    backoff = Backoff()
    backoff.failed("/a", "v1", POLICY, 0.0)
    assert backoff.failed("/a", "v1", POLICY, 100.0) == 101.0


def test_signs_of_life_keep_the_memory_but_hold_nobody_up() -> None:
    backoff = Backoff()
    backoff.failed("/a", "v1", POLICY, 0.0)
    backoff.alive("/a", "v1", 4.0)
    assert backoff.until_s("/a", "v1", 4.0) == 4.0
    assert backoff.failed("/a", "v1", POLICY, 8.0) == 10.0


def test_a_reset_forgets_at_once() -> None:
    backoff = Backoff()
    backoff.failed("/a", "v1", POLICY, 0.0)
    assert backoff.reset("/a")
    assert backoff.until_s("/a", "v1", 0.0) == 0.0
    assert not backoff.reset("/a")
