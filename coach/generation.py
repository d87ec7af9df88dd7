"""How the next token is drawn: the model's own generation config, changed by what a caller asks.

Knows odds and dice; not texts. Import it late: it loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from coach.engine import Sampling


class Choice:
    """Draws the next token as the generation config and the caller want it, repeatably by seed."""

    def __init__(
        self, own: GenerationConfig, asked: Sampling, prompt: Sequence[int], device: torch.device
    ) -> None:
        """Build what reshapes the odds, in the order ``generate`` uses.

        Raises:
            ValueError: temperature or top_p out of range.
        """
        temperature = own.temperature if asked.temperature is None else asked.temperature
        self._greedy = not own.do_sample if asked.temperature is None else temperature == 0
        self._steps = LogitsProcessorList()
        if own.repetition_penalty not in (None, 1.0):
            self._steps.append(RepetitionPenaltyLogitsProcessor(own.repetition_penalty))
        if not self._greedy:
            self._warp(own, temperature, own.top_p if asked.top_p is None else asked.top_p)
        self._said = torch.tensor([prompt], device=device)
        self._dice = torch.Generator(device=device)
        if asked.seed is None:
            self._dice.seed()
        else:
            self._dice.manual_seed(asked.seed)

    def _warp(self, own: GenerationConfig, temperature: float | None, top_p: float | None) -> None:
        if temperature not in (None, 1.0):
            self._steps.append(TemperatureLogitsWarper(temperature))
        if own.top_k:
            self._steps.append(TopKLogitsWarper(own.top_k))
        if top_p is not None and top_p < 1.0:
            self._steps.append(TopPLogitsWarper(top_p))
        if own.min_p is not None:
            self._steps.append(MinPLogitsWarper(own.min_p))

    @torch.inference_mode()
    def __call__(self, logits: torch.Tensor) -> int:
        """Choose from logits (1, vocabulary) float32."""
        scores = self._steps(cast(torch.LongTensor, self._said), logits)
        if self._greedy:
            token = scores.argmax(dim=-1, keepdim=True)
        else:
            token = torch.multinomial(scores.softmax(dim=-1), 1, generator=self._dice)
        self._said = torch.cat([self._said, token], dim=-1)
        return int(token)
