"""A small Qwen3 model for tests: random weights for the mechanics, or trained for a few minutes.

``ready()`` gives a folder with random weights, built once a process; ``scripted_dialogues()`` and
``train_small()`` make one that answers in sentences.
"""

import functools
import random
import tempfile
import time
from itertools import islice
from pathlib import Path

import torch
from transformers import AutoTokenizer, Qwen3ForCausalLM

from coach import scenario
from coach.engine import Message
from coach.session import Session
from eval.bench_engine import TINY, Shape, write_model

TRAINED = Shape(4, 128, 384, 4, 2, 32, 3072, 0.02)
_BATCH = 12
_MOST_TOKENS = 224


def build(folder, shape=TINY, seed=0):
    """Write a model with random weights into a folder and give the folder."""
    write_model(Path(folder), shape, seed)
    return Path(folder)


@functools.cache
def _place():
    return tempfile.TemporaryDirectory(prefix="kefu-small-")


@functools.cache
def ready():
    """Give the folder of a tiny model with random weights, the same for the whole process."""
    return build(Path(_place().name) / "tiny")


def scripted_dialogues(seeds=(1, 2), keep=1):
    """Play all scenarios' written paths on the scripted voice.

    Returns one message list a turn: a short system message, the last ``keep`` messages before,
    the trainee's reply, and at the end the customer's answer (what is to be learned).
    """
    found = []
    for case in scenario.load_all().values():
        system = Message("system", f"你是{case.person.about}。{case.wants}"[:40])
        for path in (case.paths.right, case.paths.wrong):
            for seed in seeds:
                talk = Session(case, seed)
                past = [Message("assistant", talk.turns[0].customer)]
                for reply in path:
                    if talk.state.ended:
                        break
                    answer = talk.say(reply).customer
                    past.append(Message("user", reply))
                    if answer:
                        past.append(Message("assistant", answer))
                        found.append([system, *past[-keep - 2 :]])
    return found


def _sample(tokenizer, messages):
    """Give the ids of a message list with its answer, as the engine renders it."""
    told = [{"role": m.role, "content": m.content} for m in messages]
    prompt = tokenizer.apply_chat_template(
        told[:-1], tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    text = prompt + messages[-1].content + "<|im_end|>"
    return tokenizer(text, add_special_tokens=False).input_ids[-_MOST_TOKENS:]


def _batches(samples, dice):
    """Give batches for ever, samples of like length together."""
    while True:
        ranked = sorted(samples, key=lambda ids: (len(ids), dice.random()))
        groups = [ranked[at : at + _BATCH] for at in range(0, len(ranked), _BATCH)]
        dice.shuffle(groups)
        for group in groups:
            longest = max(map(len, group))
            ids = torch.tensor([one + [0] * (longest - len(one)) for one in group])
            # All is learned, not the answers alone: with so little text every token helps.
            yield ids, ids.masked_fill(ids == 0, -100)


def train_small(folder, dialogues, minutes=2.5, steps=None, seed=0):
    """Build and train a small model on dialogues (see scripted_dialogues); give the last loss.

    Stops after ``minutes`` or ``steps``, whichever is first. The folder is ready for the engine.
    """
    build(folder, TRAINED, seed)
    torch.manual_seed(seed)
    # Two threads wait for each other wherever anything else runs: four times slower when measured.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
    samples = [_sample(tokenizer, messages) for messages in dialogues]
    learner = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.01)
    started, lasting, losses = time.monotonic(), 60 * minutes, []
    for ids, labels in islice(_batches(samples, random.Random(seed)), steps):
        spent = (time.monotonic() - started) / lasting
        if spent >= 1:
            break
        # Warm up over twenty steps, then fall to a tenth as the time runs out.
        rate = 3e-3 * min(1.0, (len(losses) + 1) / 20) * (1 - 0.9 * spent)
        for group in learner.param_groups:
            group["lr"] = rate
        # Padding stands at the end only, where a causal network cannot see it.
        loss = network(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        learner.step()
        learner.zero_grad()
        losses.append(loss.item())
    torch.set_num_threads(threads)
    network.eval().save_pretrained(folder)
    last = losses[-20:]
    return sum(last) / len(last)
