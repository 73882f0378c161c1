"""What a model costs, as its own file says, without importing it.

A model's file has ``COST = NetworkCost(...)`` or ``COST = SystemCost(...)`` with plain numbers.
Jobs are planned on a login node, which must not load torch or scikit-learn to learn how much memory
a job needs: so the line is read from the source and not executed.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from artistid.errors import InputError
from artistid.models.registry import NETWORKS, available, file_of

PUBLISHED_WIDTH = 64  # the `width` of a network's settings that its cost is measured at


@dataclass(frozen=True)
class NetworkCost:
    """What a network takes at the published width.

    Attributes:
        step_mb: memory that a training step holds for each slice of a second, MB.
        weights_mb: memory of the weights, their gradients and Adam's two averages, MB.
        saved_mb: the weights in a file, MB.
        slices_per_second: slices of a second that a slow GPU (of 2016, in 32 bits) trains on in a
            second.
    """

    step_mb: float
    weights_mb: float
    saved_mb: float
    slices_per_second: float


@dataclass(frozen=True)
class SystemCost:
    """What a classical system learns from.

    Attributes:
        columns: by the name of a setting, how many numbers a frame has for each unit of it, where
            that is more than its 20 MFCCs.
    """

    columns: Mapping[str, float] = field(default_factory=dict)


_COSTS = {cost.__name__: cost for cost in (NetworkCost, SystemCost)}


@cache
def network_cost(model: str) -> NetworkCost:
    """Return what a network costs.

    One without a stated cost counts as the most expensive of the others.

    Raises:
        InputError: there is no such model, or its COST is not made of plain numbers.
    """
    stated: NetworkCost | None = _stated_cost(model)
    if stated:
        return stated
    costs = [cost for name in available(NETWORKS) if (cost := _stated_cost(name))]
    return NetworkCost(
        max(cost.step_mb for cost in costs),
        max(cost.weights_mb for cost in costs),
        max(cost.saved_mb for cost in costs),
        min(cost.slices_per_second for cost in costs),
    )


@cache
def system_cost(model: str) -> SystemCost:
    """Return what a classical system costs.

    Raises:
        InputError: there is no such model, or its COST is not made of plain numbers.
    """
    return _stated_cost(model) or SystemCost()


def _stated_cost(model: str) -> Any:
    file = file_of(model)
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COST":
            try:
                return _evaluated(node.value)
            except (AttributeError, KeyError, TypeError, ValueError):
                raise InputError(
                    f"{file}: COST cannot be read; write NetworkCost(...) or SystemCost(...) with "
                    "plain numbers by name"
                ) from None
    return None


def _evaluated(call: Any) -> Any:
    """Return what a call of one of the costs with plain numbers gives."""
    numbers = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    return _COSTS[ast.unparse(call.func)](**numbers)
