"""The whole path on a small model that has learned to answer: nothing is faked but its size."""

import sys
import threading

import pytest
import torch

from coach import model_voice, report, scenario
from coach.engine import Sampling
from coach.model_voice import ModelVoice
from coach.session import Session, stood_in
from coach.transformers_engine import TransformersEngine
from tests.coach import small_model

# Seeds the model never learned from: other openings, other answers of its own before each turn.
NEW_SEEDS = (101, 102)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads on such small sums wait for each other wherever anything else runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def load(dtype="float32", **more):
    return TransformersEngine(str(small_model.trained()), device="cpu", dtype=dtype, **more)


@pytest.fixture(scope="module")
def engine():
    return load()


class Heard:
    """Passes an engine's pieces on and keeps each call: its messages, its pieces."""

    def __init__(self, engine):
        self._engine, self.calls = engine, []
        self.name, self.model = engine.name, engine.model

    def stream(self, messages, sampling, *, session, cancel):
        pieces = []
        self.calls.append((list(messages), pieces))
        for piece in self._engine.stream(messages, sampling, session=session, cancel=cancel):
            pieces.append(piece)
            yield piece


def play(engine, name, seed, *, right=True, temperature=0.0):
    """Play a scenario's right or wrong path with the model to its end."""
    case = scenario.get(name)
    voice = ModelVoice(engine, f"{name}:{seed}:{right}", temperature=temperature)
    talk = Session(case, seed, voice)
    for reply in case.paths.right if right else case.paths.wrong:
        if not talk.state.ended:
            talk.say(reply)
    return talk


@pytest.fixture(scope="module")
def played(engine):
    """All talks with the new seeds, and what the engine was asked and gave in them."""
    heard = Heard(engine)
    names = [(n, s, r) for n in small_model.CASES for s in NEW_SEEDS for r in (True, False)]
    return [play(heard, name, seed, right=right) for name, seed, right in names], heard.calls


def answers(talks):
    return [turn for talk in talks for turn in talk.turns[1:] if turn.customer]


def tell(capsys, figure):
    """Print a measured figure also where the test passes."""
    with capsys.disabled():
        sys.stdout.write(f"\n{figure}\n")


def generated(engine, messages, count):
    """What plain ``generate`` says, the prompt run anew."""
    ids = engine.prompt_ids(messages)
    out = engine.network.generate(
        input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        max_new_tokens=count, do_sample=False, temperature=None, top_p=None, top_k=None,
    )  # fmt: skip
    return out[0].tolist()[len(ids) :]


def reused(engine, messages, count):
    """What the engine says, going on from what it has kept of the session."""
    sampling, never = Sampling(max_tokens=count, temperature=0), threading.Event()
    return list(engine.tokens(messages, sampling, session="compared", cancel=never))


def test_a_tree_of_chats_is_read_as_each_chat_alone():
    engine = TransformersEngine(str(small_model.ready()), device="cpu", dtype="float32")
    pairs = [([5, 6, 7], [8, 2]), ([5, 6, 7], [9, 2]), ([5, 6, 10, 11], [8, 2])]
    one = small_model.tree(pairs)
    # 5 6 7 8 2, then 9 2 after the 7, then 10 11 8 2 after the 6.
    assert one.tokens.tolist() == [5, 6, 7, 8, 2, 9, 2, 10, 11, 8, 2]
    assert one.depth.tolist() == [0, 1, 2, 3, 4, 3, 4, 2, 3, 4, 5]
    with torch.inference_mode():
        alone = [engine.network(torch.tensor([p + a])).logits[0, len(p) - 1 : -1] for p, a in pairs]
        hidden = engine.network.model(
            input_ids=one.tokens[None], position_ids=one.depth[None],
            attention_mask=one.seen[None, None], use_cache=False,
        ).last_hidden_state[0]  # fmt: skip
        together = engine.network.lm_head(hidden[one.asked])
    assert one.answer.tolist() == [8, 2, 9, 2, 8, 2]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_most_turns_are_spoken_by_the_model_and_pass_the_review(played, capsys):
    talks, _ = played
    turns = answers(talks)
    own = [turn for turn in turns if turn.engine == "transformers"]
    tell(capsys, f"{len(own)} of {len(turns)} turns are the model's own")
    assert len(turns) >= 40
    # Of 40 at least 30; the bar leaves room for other prompts and other machines.
    assert len(own) >= 0.75 * len(turns), [turn.slips for turn in turns if turn.slips]
    for turn in turns:
        assert turn.engine == "transformers" or turn.slips, "no fallback without its cause"
        assert turn.versions.engine == "transformers" and turn.versions.model == "trained"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_its_answers_come_in_pieces_and_end_at_the_stop_token(engine, played):
    _, calls = played
    many = 0
    for messages, pieces in calls:
        many += len(pieces) > 1
        assert "<" not in "".join(pieces), "no marker and no thinking"
        assert len(engine.template.ids("".join(pieces))) < 80, "it stops by itself"
        assert messages[0].role == "system" and messages[-1].role == "user"
    assert many > 0.8 * len(calls)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_greedy_output_is_the_same_with_and_without_prefix_reuse(engine, played):
    _, calls = played
    for messages, _ in calls:
        assert reused(engine, messages, 40) == [
            token for token in generated(engine, messages, 40) if token not in (0, 2)
        ]
    assert engine.prefixes.lengths["compared"] > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_in_bfloat16_the_share_of_equal_tokens_is_reported(played, capsys):
    _, calls = played
    engine, same, total = load("bfloat16"), 0, 0
    for messages, _ in calls:
        mine = reused(engine, messages, 40)
        theirs = [token for token in generated(engine, messages, 40) if token not in (0, 2)]
        same += sum(a == b for a, b in zip(mine, theirs, strict=False))
        total += max(len(mine), len(theirs))
    tell(capsys, f"bf16: {same / total:.1%} of {total} greedy tokens equal")
    assert same / total > 0.8


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_talk_can_be_reported_and_graded_without_regard_to_who_spoke(played):
    talks, _ = played
    for talk in talks:
        made = report.make(talk)
        assert made.turns == len(talk.turns) - 1 and made.versions.model == "trained"
        scripted = Session(talk.scenario, talk.seed)
        scripted.say(talk.turns[1].reply)
        assert scripted.turns[1].grade.overall == talk.turns[1].grade.overall
    ended = {talk.state.ended for talk in talks}
    assert "resolved" in ended and ended & {"hung_up", "escalated"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_where_it_goes_wrong_the_reviewer_refuses_and_the_script_stands_in(engine):
    """It never learned what to say to an agent who only puts people off, again and again."""
    talks = []
    for name in small_model.CASES:
        talk = Session(scenario.get(name), 101, ModelVoice(engine, f"{name}:off", temperature=0.0))
        while not talk.state.ended and len(talk.turns) < 10:
            talk.say("我们会尽快处理的，您等通知吧。")
        talks.append(talk)
    turns = answers(talks)
    replaced = [turn for turn in turns if turn.engine == "scripted"]
    assert replaced and len(replaced) < len(turns), "some, not all"
    for turn in replaced:
        assert max(slip.attempt for slip in turn.slips) == model_voice.settings().attempts
        assert all(slip.text and not slip.kind.startswith("engine_") for slip in turn.slips)
    for talk in talks:
        share = stood_in(talk.turns)
        assert model_voice.is_unfit(talk.turns) is (share > model_voice.settings().unfit_share)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_stop_in_the_middle_of_its_answer_stops_it(engine, played):
    messages, pieces = max(played[1], key=lambda call: len(call[1]))
    cancel, got = threading.Event(), []
    sampling = Sampling(max_tokens=80, temperature=0)
    for piece in engine.stream(messages, sampling, session="stopped", cancel=cancel):
        got.append(piece)
        cancel.set()
    assert got == pieces[:1] and len(pieces) > 3
