from __future__ import annotations

from mesos.metrics import Metrics


def test_a_snapshot_has_counters_gauges_and_percentiles_sorted_by_name() -> None:
    metrics = Metrics()
    metrics.counter("master/tasks_finished").add(2)
    metrics.gauge("master/elected", lambda: 1)
    for value in range(100):
        metrics.timer("registrar/state_store_ms").record(float(value))
    snapshot = metrics.snapshot()
    assert list(snapshot) == sorted(snapshot)
    assert snapshot["master/tasks_finished"] == 2.0
    assert snapshot["registrar/state_store_ms/count"] == 100.0
    assert snapshot["registrar/state_store_ms/p90"] == 90.0


def test_prometheus_gets_the_same_under_fit_names() -> None:
    metrics = Metrics()
    metrics.counter("master/tasks_finished").add()
    metrics.gauge("allocator/mesos/roles/*/shares", lambda: 0.5)
    assert metrics.prometheus() == (
        "# TYPE allocator_mesos_roles___shares gauge\nallocator_mesos_roles___shares 0.5\n"
        "# TYPE master_tasks_finished counter\nmaster_tasks_finished 1.0\n"
    )
