"""CloudWatch metrics that are written with the log: they need no call and no permission."""

from __future__ import annotations

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from mailroom.metric_names import NAMESPACE

__all__ = ["Metrics"]


class Metrics:
    """Metrics of one component, of one invocation.

    Args:
        dimension: the dimension's name, such as "Scanner".
        value: the dimension's value.

    Source: CloudWatch user guide, "Specification: Embedded metric format".
    """

    def __init__(self, dimension: str, value: str) -> None:
        self._metrics = EphemeralMetrics(namespace=NAMESPACE)
        self._dimension = (dimension, value)
        self._empty = True

    def count(self, name: str, number: int = 1) -> None:
        """Add a count."""
        self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
        self._empty = False

    def seconds(self, name: str, value: float) -> None:
        """Add a duration."""
        self._metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=value)
        self._empty = False

    def flush(self) -> None:
        """Write the metrics, if there are any."""
        if not self._empty:
            self._metrics.add_dimension(*self._dimension)
            self._metrics.flush_metrics()
            self._empty = True
