"""What the other side does next: a short plan of acts, chosen from the state and the findings.

Knows acts; not words. The same plan goes to whichever voice speaks.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from coach.findings import Findings
from coach.scenario import Scenario
from coach.state import State

_END_ACTS = {
    "resolved": "thanks_close",
    "hung_up": "hang_up",
    "escalated": "escalate",
    "timed_out": "timed_out",
}


@dataclass(frozen=True)
class Move:
    """One act; ``ref`` is the fact, the goal or the place of the trap it is about."""

    act: str
    ref: str | None = None


def next_goal(state: State, scenario: Scenario) -> str | None:
    """Give the first unmet goal whose earlier goals are met."""
    for goal in scenario.goals:
        before = set(goal.after) & {g.id for g in scenario.goals}
        if goal.id not in state.met and before <= set(state.met):
            return goal.id
    return None


def _press(state: State, scenario: Scenario, dice: random.Random) -> Move:
    """Come back to the matter: a goal's own question, or by temper something sharper."""
    goal = next_goal(state, scenario)
    if state.stage == "confronting":
        return Move(dice.choice(["demand_supervisor", "threaten", "vent", "ask"]), goal)
    if state.stage == "deadlocked":
        return Move(dice.choice(["doubt", "demand_supervisor", "press", "ask"]), goal)
    if state.stage == "angry":
        return Move(dice.choice(["press", "vent", "ask", "ask"]), goal)
    return Move(dice.choice(["ask", "ask", "press", "ask_how"]), goal)


def _ending(found: Findings, after: State) -> tuple[Move, ...]:
    if after.ended == "closed_by_agent":
        return ()
    last = Move(_END_ACTS[str(after.ended)])
    if after.ended == "resolved":
        return (*(Move("met", goal) for goal in found.met[:1]), last)
    if after.ended == "timed_out" and found.fact:
        return (Move("fact", found.fact), last)
    return (last,)


def _answering(found: Findings, after: State, scenario: Scenario, dice: random.Random
               ) -> tuple[Move, ...] | None:  # fmt: skip
    """Answers to what was asked or done, when nothing was wrong with it."""
    if found.met:
        rest = next_goal(after, scenario)
        tail = (Move("ask", rest),) if rest and not found.fact else ()
        told = (Move("fact", found.fact),) if found.fact else ()
        return (Move("met", found.met[-1]), *told, *tail)
    if found.fact:
        head = (Move("confirm"),) if found.restated else ()
        return (*head, Move("fact", found.fact))
    if found.locked:
        return (Move("gate"),)
    if found.asked_again:
        return (Move("already_said"),)
    if found.restated:
        return (Move("confirm"), _press(after, scenario, dice))
    if found.wrong_restate:
        return (Move("correct"),)
    return None


def _reacting(found: Findings, after: State, scenario: Scenario, dice: random.Random
              ) -> tuple[Move, ...]:  # fmt: skip
    press = _press(after, scenario, dice)
    if found.closing:
        return (Move("refuse_close"), Move("ask", next_goal(after, scenario)))
    if found.formula_again:
        return (Move("formula_again"),) if dice.random() < 0.5 else (Move("formula_again"), press)
    if found.vague:
        return (Move("vague"), Move(dice.choice(["ask_when", "ask_how", "ask"]), press.ref))
    if found.empathy_words and found.formula_only and not found.concrete:
        return (Move("formula"), press) if dice.random() < 0.5 else (Move("formula"),)
    if found.hold:
        return (Move("back"),) if found.returned else (Move("wait_ok"),)
    if found.transferred:
        return (Move("agree"), Move("ask_who"))
    if found.idle_question:
        return (Move("unknown"),)
    if found.consent_question and not found.concrete:
        return (Move("decline"), Move("ask", press.ref))
    if found.concrete:
        return (Move("doubt"), Move(dice.choice(["ask_how", "ask_who", "ask"]), press.ref))
    if found.empathy_words or found.apology:
        return (Move("soften"), Move("ask", press.ref)) if found.empathy_words else (press,)
    if found.greeting_only:
        return (Move("greet_back"), Move("ask", press.ref))
    return (press,) if dice.random() < 0.8 else (Move("ack"), press)


def plan(
    found: Findings, after: State, scenario: Scenario, dice: random.Random
) -> tuple[Move, ...]:
    """Choose what the other side does after a reply.

    Returns:
        One to three moves in the order they are said; empty only when the agent ended the talk.
    """
    if after.ended:
        return _ending(found, after)
    if found.odd and not found.trap:
        press = (_press(after, scenario, dice),) if dice.random() < 0.4 else ()
        return (Move(found.odd), *press)
    if found.trap:
        at = scenario.worse.index(found.trap)
        return (Move("trap", str(at)),)
    if found.breaches and not found.met:
        kind = "hang_up_try" if found.breaches[0] == "hang_up" else found.breaches[0]
        if found.boss_refused:
            return (Move("refuse"), Move("demand_supervisor"))
        told = (Move("fact", found.fact),) if found.fact and "fatal" not in found.severities else ()
        tail = told or ((_press(after, scenario, dice),) if dice.random() < 0.5 else ())
        return (Move(kind), *tail)
    if next_goal(after, scenario) is None:
        told = (Move("fact", found.fact),) if found.fact else ()
        thanks = (
            (Move("met", found.met[-1]),) if found.met else (Move(dice.choice(["agree", "ack"])),)
        )
        return (*thanks, *told)
    answer = _answering(found, after, scenario, dice)
    return answer if answer is not None else _reacting(found, after, scenario, dice)
