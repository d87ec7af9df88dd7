"""`kefu scenarios`: lists all scenarios."""

from __future__ import annotations

import argparse
from typing import Any

from app import out
from coach import scenario
from coach.scenario import Scenario

_FIELDS = (
    "id", "title", "level", "work_content", "kind", "channel", "customer_type", "difficulty",
    "trade", "abuse", "trains",
)  # fmt: skip


def listing() -> list[dict[str, Any]]:
    """Give the public facts of every scenario, nothing that would spoil it."""
    return [_public(case) for case in scenario.load_all().values()]


def _public(case: Scenario) -> dict[str, Any]:
    named = {name: getattr(case, name) for name in _FIELDS}
    return named | {"requirements": list(case.requirements)}


def _mine() -> list[dict[str, Any]]:
    """Give the public facts of the drafts kept on this machine; damaged files are named."""
    from app import private_scenarios

    shelf = private_scenarios.mine(private_scenarios.LOCAL)
    for fault in shelf.faults:
        out.note(fault)
    return [_public(case) | {"status": case.source} for case in shelf.cases]


def run(args: argparse.Namespace) -> int:
    """List the scenarios as one JSON array or as text."""
    found = _mine() if args.mine else listing()
    if args.json:
        out.as_json(found)
        return out.OK
    for case in found:
        stars = "★" * case["difficulty"]
        out.text(
            f"{case['id']:<34}{case['level']} {case['work_content']} {stars:<5} {case['title']}"
        )
    own = "自拟" if args.mine else ""
    out.text(f"共 {len(found)} 个{own}情景；kefu play 编号 开始练习")
    return out.OK
