"""The suite of the simulated customer: its reviewer on labelled lines, and its talks over seeds.

Three agents talk to every scenario: one that deals with it, one that makes it worse, one that is
polite and does nothing. Knows what a customer may say and when; nothing of how it is made to.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from coach import reviewer, scenario
from coach.reviewer import Scene
from coach.scenario import Scenario
from coach.session import Session
from eval import metrics
from eval import reviewer as lines
from eval.metrics import Measured
from eval.suites import Ask, Suite, Worst, title
from eval.suites_cases import CustomerCase, load, path_of
from eval.suites_found import kinds
from knowledge.datafile import Entry, fingerprint, parse, read_yaml

AGENTS = Path(__file__).parent / "agents.yaml"
_WORST = 30
_LATEST = {"test": "test2", "dev": "dev3"}  # the split written last, which no rule was made on


class Agents(Entry):
    """The whole of agents.yaml."""

    empty: Annotated[tuple[str, ...], Field(min_length=3)]
    seeds: Annotated[tuple[int, ...], Field(min_length=2)]


@functools.lru_cache(maxsize=2)
def agents(path: Path = AGENTS) -> Agents:
    """Load what the empty agent says and the seeds (cached).

    Raises:
        DataError: unreadable, or an unknown key.
    """
    return parse(Agents, read_yaml(path), path.name)


@dataclass(frozen=True)
class Talk:
    """How one talk went. ``faults``: kinds found in each of the other side's lines."""

    case: str
    agent: str
    seed: int
    ended: str | None
    goals_left: int
    anger: float
    trust: float
    faults: tuple[tuple[str, ...], ...]
    again: tuple[bool, ...]

    @property
    def is_resolved(self) -> bool:
        """Whether the other side left satisfied."""
        return self.ended == "resolved"


def hold(case: Scenario, agent: str, replies: Sequence[str], seed: int) -> Talk:
    """Hold one talk and look at every line as the reviewer of a model's lines does."""
    session = Session(case, seed)
    said = [session.turns[0].customer]
    faults: list[tuple[str, ...]] = []
    again: list[bool] = []
    for reply in replies:
        if session.state.ended:
            break
        turn = session.say(reply)
        if not turn.customer:
            continue
        told = tuple(set(turn.revealed) - set(session.turns[-2].revealed))
        scene = Scene(
            scenario=case, state=session.state, acts=tuple(turn.act.split("+")),
            allowed_facts=told, said=tuple(said), reply=reply,
        )  # fmt: skip
        found = reviewer.review(turn.customer, scene, final=True)
        faults.append(tuple(fault.kind for fault in found))
        again.append(turn.customer in said)
        said.append(turn.customer)
    first, last = session.states[0], session.state
    return Talk(
        case=case.id, agent=agent, seed=seed, ended=last.ended,
        goals_left=len(case.goals) - len(last.met),
        anger=last.anger - first.anger, trust=last.trust - first.trust,
        faults=tuple(faults), again=tuple(again),
    )  # fmt: skip


def talks(ask: Ask) -> list[Talk]:
    """Let the three agents talk to every scenario with every seed."""
    book, plan = agents(), []
    for case in scenario.load_all().values():
        ways = {"good": case.paths.right, "bad": case.paths.wrong, "empty": book.empty}
        plan += [(case, agent, replies, seed)
                 for agent, replies in ways.items() for seed in book.seeds]  # fmt: skip
    return [hold(*one) for one in ask.track(plan, title("customer"), len(plan))]


def _over_lines(held: Sequence[Talk], seed: int) -> dict[str, Measured]:
    """Shares of the other side's lines: with any fault, told what was not asked, said before."""

    def count(hit: Callable[[tuple[str, ...]], bool]) -> Measured:
        rows = [(talk.case, hit(kinds)) for talk in held for kinds in talk.faults]
        return metrics.share([case for case, _ in rows], [flag for _, flag in rows], seed=seed)

    again = [(talk.case, flag) for talk in held for flag in talk.again]
    return {
        "talks.leaks": count(lambda kinds: "leak" in kinds),
        "talks.yields": count(lambda kinds: "agreed" in kinds),
        "talks.faults": count(bool),
        "talks.alike": count(lambda kinds: "repeats" in kinds),
        "talks.same_line": metrics.share([c for c, _ in again], [f for _, f in again], seed=seed),
    }


def _over_talks(held: Sequence[Talk], seed: int) -> dict[str, Measured]:
    """Shares of talks: how the good, the bad and the empty agent fare, and who gives in."""
    found = {}
    for agent in ("good", "bad", "empty"):
        part = [talk for talk in held if talk.agent == agent]
        cases = [talk.case for talk in part]
        numbers: dict[str, list[float]] = {
            "resolved": [talk.is_resolved for talk in part],
            "anger": [talk.anger for talk in part],
            "trust": [talk.trust for talk in part],
        }
        for name, values in numbers.items():
            found[f"{agent}.{name}"] = metrics.share(cases, values, seed=seed)
    firm = [
        not any("agreed" in kinds for kinds in talk.faults)
        and not (talk.is_resolved and (talk.goals_left or talk.agent != "good"))
        for talk in held
    ]
    found["talks.firm"] = metrics.share([talk.case for talk in held], firm, seed=seed)
    by_key = {(talk.case, talk.seed, talk.agent): talk for talk in held}
    keys = dict.fromkeys((talk.case, talk.seed) for talk in held)
    apart = [
        by_key[*key, "good"].trust > max(by_key[*key, "bad"].trust, by_key[*key, "empty"].trust)
        for key in keys
    ]
    found["talks.apart"] = metrics.share([case for case, _ in keys], apart, seed=seed)
    return found


def _reviewed(ask: Ask) -> tuple[dict[str, Measured], dict[str, str]]:
    """Measure the reviewer on the lines of a split and on those written last."""
    found: dict[str, Measured] = {}
    files = {}
    for split in (ask.split, _LATEST[ask.split]):
        path = path_of("customer", split, ask.folder)
        cases = load(CustomerCase, path, split=split)
        outcomes = [lines.outcome(case.model_dump()) for case in cases]
        ids = [one.id for one in outcomes]
        pairs = [(set(one.expected), set(one.found)) for one in outcomes]
        any_kind = [({"any"} if w else set(), {"any"} if f else set()) for w, f in pairs]
        whole = kinds(ids, any_kind, seed=ask.seed)
        prefix = f"reviewer.{split}"
        found[f"{prefix}.recall"] = whole["recall"]
        found[f"{prefix}.precision"] = whole["precision"]
        alarms = [bool(f) for w, f in pairs if not w]
        found[f"{prefix}.false_alarms"] = metrics.share(range(len(alarms)), alarms, seed=ask.seed)
        for name, figure in kinds(ids, pairs, seed=ask.seed).items():
            if name.startswith("kind.") or name == "f1":
                found[f"{prefix}.{name}"] = figure
        files[path.name] = fingerprint(path)
    return found, files


def customer(ask: Ask) -> Suite:
    """Measure the reviewer on its cases and the scripted customer in its talks.

    Raises:
        DataError: the cases are missing or broken.
    """
    figures, files = _reviewed(ask)
    held = talks(ask)
    figures = _over_talks(held, ask.seed) | _over_lines(held, ask.seed) | figures
    worst = [
        Worst(id=f"{talk.case}:{talk.seed}", what=talk.agent, expected="没有不妥的话",
              found="、".join(sorted({kind for kinds in talk.faults for kind in kinds})))
        for talk in held if any(talk.faults)
    ]  # fmt: skip
    return Suite(
        name="customer", title=title("customer"), n=len(held), unit="场对话", figures=figures,
        worst=worst[:_WORST], cases=files,
        notes=[
            "客户由脚本说；好座席、差座席各用情景自带的一条路，空话座席见 eval/agents.yaml。",
            f"审查客户的程序另在 {'、'.join(files)} 上量，后写的一份没有照着改过规则。",
        ],
    )  # fmt: skip
