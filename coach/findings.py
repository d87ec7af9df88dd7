"""What one reply did in one scenario: facts asked, goals met, traps, odd input.

Joins the grade of the reply with the scenario's own patterns; moves nothing itself.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from coach import likeness
from coach.scenario import Goal, Scenario, Trap
from grading import lexicon, rubric
from grading.detect import Hit, Reading, read
from grading.fusion import BY_MODEL
from grading.pattern import Pattern, compile_any
from grading.result import Grade, Severity, Violation
from knowledge.datafile import read_yaml

TOPICS = Path(__file__).parent / "data" / "topics.yaml"
_NOISE = re.compile(r"[㐀-鿿a-z0-9，。！？；：（）、…“”～ \n%.,:*〔〕《》+\-/￥¥]")

_OPENERS = {"greeting", "self_intro", "offer_help", "please"}
_ATTACKS = ("abuse", "threat")


@dataclass(frozen=True)
class Findings:
    """What a reply did, as the state machine and the voice need it."""

    met: tuple[str, ...] = ()
    fact: str | None = None
    locked: str | None = None
    asked_again: str | None = None
    restated: bool = False
    wrong_restate: bool = False
    empathy_level: int | None = None
    empathy_words: bool = False
    formula_only: bool = False
    formula_again: bool = False
    apology: float = 0.0
    concrete: bool = False
    ownership: bool = False
    vague: bool = False
    hold: bool = False
    returned: bool = False
    trap: Trap | None = None
    odd: str | None = None
    breaches: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    boss_refused: bool = False
    transferred: bool = False
    closing: bool = False
    wrapping: bool = False
    greeting_only: bool = False
    idle_question: bool = False
    consent_question: bool = False
    warning: bool = False
    abused: bool = False
    hung_up_by_agent: bool = False
    progress: bool = False
    goals_total: int = 0


@functools.lru_cache(maxsize=1)
def topics() -> dict[str, Pattern]:
    """Load the topic patterns (cached)."""
    table = read_yaml(TOPICS)
    return {name: compile_any(words, f"topics.yaml：{name}") for name, words in table.items()}


def limit_hits(reply: str, scenario: Scenario) -> list[Hit]:
    """Find what the agent's card forbids to say, as breaches for the grader."""
    reading = read(reply)
    hedged = lexicon.load().guards["hedged"].before
    found: list[Hit] = []
    for at, (limit, pattern) in enumerate(scenario.compiled.limits):
        for match in pattern.finditer(reading.norm):
            before = reading.norm[max(0, match.start() - 8) : match.start()]
            low, high = reading.sentence(match.start())
            asked = reading.norm[low:high].rstrip().endswith("？")
            if (hedged and hedged.search(before)) or asked:
                continue
            if reading.is_quoted(*match.span()):
                continue
            rule = f"{scenario.id}.limits.{at + 1}"
            found.append(Hit(limit.kind, rule, match.start(), match.end(), 1.0, limit.severity))
            break
    return found


def _sentences(reading: Reading) -> list[tuple[int, int]]:
    return list(dict.fromkeys(reading.sentence(c.start) for c in reading.clauses))


def _asked(reading: Reading, pattern: Pattern) -> bool:
    asking = topics()["asking"]
    return any(
        pattern.search(reading.norm, low, high) and asking.search(reading.norm, low, high)
        for low, high in _sentences(reading)
    )


def _matches(pattern: Pattern, reading: Reading) -> bool:
    """Say whether a group is really stated: not denied, quoted, nor merely asked."""
    guard = lexicon.load().guards["hedged"].before
    consent = topics()["consent_question"]
    for match in pattern.finditer(reading.norm):
        low, high = reading.sentence(match.start())
        clause = next((c for c in reading.clauses if c.start <= match.start() < c.end), None)
        begin = clause.start if clause else low
        before = reading.norm[max(begin, match.start() - 8) : match.start()]
        if guard and before and guard.search(before):
            continue
        if reading.is_quoted(*match.span()) or reading.is_void(*match.span()):
            continue
        sentence = reading.norm[low:high]
        asks = sentence.rstrip().endswith("？") and not consent.search(sentence)
        if asks and topics()["plain_question"].search(sentence):
            continue
        return True
    return False


def _ready(goal: Goal, scenario: Scenario, known: set[str]) -> bool:
    """Say whether what a goal rests on is there: every goal, and most of the facts."""
    facts = {fact.id for fact in scenario.facts} & set(goal.after)
    missing = facts - known
    if set(goal.after) - facts - known:
        return False
    return len(missing) <= likeness.settings().missing_facts * len(facts)


def _goals(reading: Reading, scenario: Scenario, known: set[str]) -> tuple[str, ...]:
    met: list[str] = []
    for goal in scenario.goals:
        if goal.id in known or not _ready(goal, scenario, known | set(met)):
            continue
        forbid = scenario.compiled.forbids.get(goal.id)
        if forbid and forbid.search(reading.norm):
            continue
        groups = scenario.compiled.needs[goal.id]
        covered = sum(_matches(pattern, reading) for pattern in groups) / len(groups)
        if covered == 1 or likeness.means(reading, scenario, goal, covered):
            met.append(goal.id)
    return tuple(met)


@dataclass(frozen=True)
class _Facts:
    told: str | None = None
    locked: str | None = None
    again: str | None = None


def _facts(
    reading: Reading, grade: Grade, scenario: Scenario, known: set[str], trust: float
) -> _Facts:
    kinds = {span.kind for span in grade.signals}
    asked = [
        fact
        for fact in scenario.facts
        if _asked(reading, scenario.compiled.facts[fact.id]) or (fact.signal in kinds)
    ]
    fresh = [fact for fact in asked if fact.id not in known]
    for fact in fresh:
        if trust >= fact.trust:
            return _Facts(told=fact.id)
    if fresh:
        return _Facts(locked=fresh[0].id)
    if not asked and _asked(reading, topics()["invite"]):
        for fact in scenario.facts:
            if fact.open and fact.id not in known and trust >= fact.trust:
                return _Facts(told=fact.id)
    return _Facts(again=asked[0].id if asked else None)


def _odd(reading: Reading, grade: Grade, scenario: Scenario, touched: bool) -> str | None:
    norm = reading.norm
    if grade.status == "unscored":
        visible = len(_NOISE.findall(norm.strip()))
        if topics()["english"].search(norm.strip()):
            return "english"
        return "unreadable" if visible and re.search(r"\w", norm) else "empty"
    if topics()["jailbreak"].search(norm) or "instructs_grader" in grade.flags:
        return "jailbreak"
    strange = len(norm) - len(_NOISE.findall(norm))
    if strange > len(norm) * 0.4:
        return "unreadable"
    if "copied" in grade.flags and not touched:
        return "parrot"
    useful = {span.kind for span in grade.signals} - {"greeting", "please", "thanks", "offer_help"}
    on_case = any(word in norm for word in scenario.case_words)
    chars = len(re.findall(r"[㐀-鿿]", norm))
    if chars >= 8 and not useful and not on_case and not grade.violations and not touched:
        opened = {"greeting", "self_intro"} & {span.kind for span in grade.signals}
        return None if opened else "off_topic"
    return None


@dataclass(frozen=True)
class Before:
    """What held before a reply: ids of told facts and met goals, trust 0-100, boss wanted."""

    known: frozenset[str]
    trust: float
    wanted_boss: bool


def find(reply: str, grade: Grade, scenario: Scenario, before: Before) -> Findings:
    """Work out what a reply did.

    Args:
        reply: as typed.
        grade: its grade.
        scenario: whose case it is.
        before: what held before it.
    """
    state_known, trust, wanted_boss = set(before.known), before.trust, before.wanted_boss
    reading = read(reply)
    kinds = {span.kind: span for span in grade.signals}
    rules = {span.rule for span in grade.signals if span.kind == "empathy"}
    met = _goals(reading, scenario, state_known) if grade.status == "scored" else ()
    facts = _facts(reading, grade, scenario, state_known, trust)
    trap = next((t for t, p in scenario.compiled.traps if p.search(reading.norm)), None)
    touched = bool(met or facts.told or facts.locked or facts.again)
    odd = _odd(reading, grade, scenario, touched)
    if odd in ("jailbreak", "parrot", "empty", "unreadable", "english"):
        met, facts = (), _Facts()
    on_case = sum(word in reading.norm for word in scenario.case_words)
    restated = "restate" in kinds and on_case >= 2 and "copied" not in grade.flags
    concrete = "solution" in kinds and "timeframe" in kinds
    breaches = _breaches(grade)
    progress = bool(met or facts.told or restated or concrete or kinds.keys() & {
        "safety", "transfer", "verify_identity", "disclosure", "opt_out", "warning", "options",
        "action_plan", "open_question",
    }) and not odd  # fmt: skip
    asked = bool(kinds.keys() & {"question", "open_question"})
    consent = bool(topics()["consent_question"].search(reading.norm))
    level = grade.dimensions.empathy.level
    return Findings(
        met=met,
        fact=facts.told, locked=facts.locked, asked_again=facts.again,
        restated=restated and not odd, wrong_restate="restate" in kinds and not restated,
        empathy_level=level, empathy_words=bool(rules),
        formula_only=bool(rules) and rules <= {"empathy.formula"},
        formula_again="formula_again" in grade.flags or "stacked" in grade.flags,
        apology=_apology(grade), concrete=concrete and not odd,
        ownership=bool(kinds.keys() & {"ownership", "case_number"}) and not odd,
        vague="vague" in grade.flags, hold="hold" in kinds and not concrete,
        returned="hold" in kinds and "久等" in reading.norm,
        trap=trap, odd=odd, breaches=breaches,
        severities=tuple(v.severity for v in _sure(grade))[:2],
        boss_refused=_boss_refused(grade, wanted_boss, bool(met)),
        wrapping=bool(kinds.keys() & {"closing", "confirm_satisfaction"}),
        transferred="transfer" in kinds, closing="closing" in kinds and not met,
        greeting_only=bool(kinds) and kinds.keys() <= _OPENERS,
        idle_question=asked and not touched and not restated and not consent,
        consent_question=consent, warning="warning" in kinds,
        abused=any(v.kind in _ATTACKS and v.severity == "fatal" for v in _by_words(grade)),
        hung_up_by_agent=any(v.kind == "hang_up" for v in _by_words(grade)),
        progress=progress, goals_total=len(scenario.goals),
    )  # fmt: skip


def _by_words(grade: Grade) -> list[Violation]:
    """Give the breaches that rest on a word list: only these may end a talk."""
    return [v for v in grade.violations if not (v.rule or "").endswith(BY_MODEL)]


def _sure(grade: Grade) -> list[Violation]:
    """Give the breaches one would react to: the classifier's alone only where the tone is off."""
    tone = grade.dimensions.politeness.score
    off = tone is not None and tone < rubric.load().classifier.off_tone
    return grade.violations if off else _by_words(grade)


def _breaches(grade: Grade) -> tuple[str, ...]:
    order = {"fatal": 0, "major": 1, "minor": 2}
    ranked = sorted(_sure(grade), key=lambda v: order[v.severity])
    return tuple(dict.fromkeys(v.kind for v in ranked))


def _apology(grade: Grade) -> float:
    rules = {span.rule for span in grade.signals if span.kind == "apology"}
    return 1.0 if "apology.admit" in rules else 0.6 if rules else 0.0


def _boss_refused(grade: Grade, wanted: bool, met: bool) -> bool:
    if any(v.rule == "refuse.boss" for v in grade.violations):
        return True
    kinds = {span.kind for span in grade.signals}
    return (
        wanted
        and not met
        and not kinds & {"transfer", "timeframe", "ownership", "solution", "complaint_channel"}
    )
