"""A small Qwen3 model for tests: random weights for the mechanics, or one that learned to answer.

``ready()`` and ``trained()`` give a folder, made once a process. The second learns what the
scripted customer answers to the very prompts that a model is sent: a minute or two on one core.
"""

import functools
import random
import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, Qwen3ForCausalLM

from coach import scenario
from coach.engine import EngineError, Message
from coach.model_loading import pick_dtype
from coach.model_voice import ModelVoice
from coach.session import Session
from eval.random_model import MARKS, TINY, Shape, write_model

# Two layers, 128 wide, 4096 tokens: under a million numbers.
TRAINED = Shape(2, 128, 384, 4, 2, 32, 4096, 0.02)
# One scenario of each kind: a call that comes in, a chat, a call that goes out, a team member.
CASES = (
    "broadband-third-call", "return-three-items-law", "plan-call-old-overcharge",
    "newcomer-week-three",
)  # fmt: skip
SEEDS = range(1, 7)
_ROUNDS, _RATE = 14, 3e-3
_MOST_NODES, _MOST_BYTES = 3000, 24


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


@functools.cache
def trained():
    """Give the folder of a model that has learned to answer, the same for the whole process."""
    folder = Path(_place().name) / "trained"
    train(folder, [talk for case in CASES for talk in talks(case, SEEDS)])
    return folder


class Noting:
    """An engine that keeps what it is told and never speaks, so that the script does."""

    name, model = "noting", "none"

    def __init__(self):
        self.told = []

    def stream(self, messages, sampling, *, session, cancel):
        self.told.append(list(messages))
        raise EngineError("empty", "什么也没说")
        yield


def talks(name, seeds):
    """Play a scenario's written paths on the script; one list of chats a talk, a chat a turn.

    A chat is what a model would have been told, with the script's answer at its end.
    """
    case, found = scenario.get(name), []
    for path in (case.paths.right, case.paths.wrong):
        for seed in seeds:
            engine, said = Noting(), []
            talk = Session(case, seed, ModelVoice(engine, f"{name}:{seed}"))
            for reply in path:
                if talk.state.ended:
                    break
                asked = len(engine.told)
                answer = talk.say(reply).customer
                said += [Message("assistant", answer)] * (len(engine.told) - asked)
            found.append([[*m, last] for m, last in zip(engine.told, said, strict=True)])
    return found


def _teach_tokenizer(folder, texts):
    """Replace the tokenizer by one whose tokens are phrases of these texts: prompts get short."""
    found = Tokenizer(models.BPE())
    # No cutting at marks: a fixed sentence of the prompt may become one token.
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TRAINED.vocabulary - 2, special_tokens=list(MARKS), show_progress=False,
        max_token_length=_MOST_BYTES,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    found.train_from_iterator(texts, trainer)
    found.add_tokens([AddedToken(tag, normalized=False) for tag in ("<think>", "</think>")])
    found.save(str(folder / "tokenizer.json"))


def _ids(tokenizer, chat):
    """Give the tokens of a prompt, as the engine renders it, and of its answer with the stop."""
    told = [{"role": m.role, "content": m.content} for m in chat[:-1]]
    prompt = tokenizer.apply_chat_template(
        told, tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    cut = (prompt, chat[-1].content + "<|im_end|>")
    return [tokenizer(text, add_special_tokens=False).input_ids for text in cut]


@dataclass
class Tree:
    """Several chats as one: what they share from the start stands there once.

    ``tokens``, ``depth``: (nodes,) int; ``seen``: (nodes, nodes) bool, whom a node may look at;
    ``asked``, ``answer``: (answers,) int, the node before each token to be learned and that token.
    """

    tokens: torch.Tensor
    depth: torch.Tensor
    seen: torch.Tensor
    asked: torch.Tensor
    answer: torch.Tensor


def tree(pairs):
    """Build a tree of (prompt, answer) token lists."""
    nodes, parents, tokens, learned = {}, [], [], []
    for prompt, answer in pairs:
        at = -1
        for place, token in enumerate(prompt + answer):
            if place >= len(prompt):
                learned.append((at, token))
            if (at, token) not in nodes:
                nodes[at, token] = len(tokens)
                parents.append(at)
                tokens.append(token)
            at = nodes[at, token]
    seen = torch.zeros(len(tokens), len(tokens), dtype=torch.bool)
    for node, parent in enumerate(parents):
        if parent >= 0:
            seen[node] = seen[parent]
        seen[node, node] = True
    asked, answer = torch.tensor(learned).T
    return Tree(torch.tensor(tokens), seen.sum(1) - 1, seen, asked, answer)


def _groups(pairs):
    """Cut a list of (prompt, answer) into neighbours whose trees fit."""
    total, groups = 0, []
    for prompt, answer in pairs:
        total += len(prompt) + len(answer)
        groups.append(total // _MOST_NODES)
    numbered = zip(groups, pairs, strict=True)
    return [[pair for _, pair in group] for _, group in groupby(numbered, lambda one: one[0])]


def _loss(network, one):
    hidden = network.model(
        input_ids=one.tokens[None], position_ids=one.depth[None],
        attention_mask=one.seen[None, None], use_cache=False,
    ).last_hidden_state[0]  # fmt: skip
    return cross_entropy(network.lm_head(hidden[one.asked]).float(), one.answer)


def train(folder, played, *, rounds=_ROUNDS, seed=0):
    """Build a model and train it on talks (see talks); give the mean loss of the last round.

    Only answers are learned, their stop token included. The folder is ready for the engine. The
    same talks and seed give the same model: one thread, so many rounds. Two threads wait for each
    other wherever anything else runs, four times slower when measured.
    """
    folder = build(folder, TRAINED, seed)
    _teach_tokenizer(folder, sorted({m.content for t in played for chat in t for m in chat}))
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
    pairs = [_ids(tokenizer, chat) for talk in played for chat in talk]
    trees = [tree(group) for group in _groups(pairs)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        losses = list(_lessons(network, trees, rounds, random.Random(seed)))
    finally:
        torch.set_num_threads(threads)
    network.eval().save_pretrained(folder)
    last = losses[-len(trees) :]
    return sum(last) / len(last)


def _lessons(network, trees, rounds, dice):
    """Train tree by tree; gives each step's loss."""
    learner = torch.optim.AdamW(
        network.parameters(), lr=_RATE, betas=(0.9, 0.98), weight_decay=0.01
    )
    fast = pick_dtype("cpu") == torch.bfloat16
    order = [one for _ in range(rounds) for one in dice.sample(trees, len(trees))]
    for done, one in enumerate(order):
        # Warm up over thirty steps, then fall to a twentieth.
        for group in learner.param_groups:
            group["lr"] = _RATE * min(1.0, (done + 1) / 30) * (1 - 0.95 * done / len(order))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
            loss = _loss(network, one)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        learner.step()
        learner.zero_grad()
        yield loss.item()
