"""Adam, as torch computes it, without the import of torch's compiler.

`torch.optim.Adam` imports `torch._dynamo` when it is made, which takes as long as importing torch
itself (1.1 s), on every training. Its arithmetic is the public function `torch.optim.adam.adam`,
which does not; this class keeps that function's state.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

BETAS, EPSILON = (0.9, 0.999), 1e-8


class Adam:
    """Adam with the defaults of Kingma & Ba 2015 (arXiv:1412.6980), equal to torch's to the bit.

    Attributes:
        param_groups: what `torch.amp.GradScaler` unscales the gradients of: one group of all
            parameters.
        state: of each parameter, the number of its steps and both moving averages.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float | Tensor,
        fused: bool = False,
        capturable: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        """Start with averages of zero.

        Args:
            parameters: on their device.
            learning_rate: a tensor on the device if `capturable`.
            fused: update many parameters in one kernel, which rounds differently.
            capturable: for a step that a GPU replays, which cannot read the number of the step
                from the processor.
            weight_decay: decoupled from the gradients (AdamW: Loshchilov & Hutter,
                arXiv:1711.05101). It acts on weights of two and more dimensions, not on biases and
                the factors of batch normalisation.
        """
        self.parameters: list[Tensor] = list(parameters)
        self.learning_rate = learning_rate
        self.fused = fused
        self.capturable = capturable
        self.weight_decay = weight_decay
        self.param_groups = [{"params": self.parameters}]
        self.state = {parameter: self._start(parameter) for parameter in self.parameters}

    def _start(self, parameter: Tensor) -> dict[str, Tensor]:
        counted_on = parameter.device if self.fused or self.capturable else "cpu"
        return {
            "step": torch.zeros((), device=counted_on),
            "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
        }

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters that have a gradient."""
        with_gradient = [p for p in self.parameters if p.grad is not None]
        if not self.weight_decay:
            self._update(with_gradient, 0.0)
            return
        self._update([p for p in with_gradient if p.dim() > 1], self.weight_decay)
        self._update([p for p in with_gradient if p.dim() <= 1], 0.0)

    def _update(self, parameters: list[Tensor], weight_decay: float) -> None:
        states = [self.state[parameter] for parameter in parameters]
        adam(
            parameters,
            [parameter.grad for parameter in parameters if parameter.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=self.fused,
            capturable=self.capturable,
            decoupled_weight_decay=bool(weight_decay),
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.learning_rate,
            weight_decay=weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the next steps, where a graph that replays them finds it."""
        if isinstance(self.learning_rate, Tensor):
            self.learning_rate.fill_(rate)
        else:
            self.learning_rate = rate

    def zero_grad(self) -> None:
        """Let the gradients go."""
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[int, dict[str, Tensor]]:
        """Return the state by the parameter's position."""
        return dict(enumerate(self.state.values()))

    def load_state_dict(self, states: Mapping[int, Mapping[str, Any]]) -> None:
        """Copy a state into this one, whichever device and kernel it was made with."""
        for own, saved in zip(self.state.values(), states.values(), strict=True):
            for name, tensor in own.items():
                tensor.copy_(saved[name])
