"""`kefu scenarios`: lists all scenarios."""

from __future__ import annotations

import argparse
from typing import Any

from app import out
from coach import scenario


def listing() -> list[dict[str, Any]]:
    """Give the public facts of every scenario, nothing that would spoil it."""
    fields = (
        "id", "title", "level", "work_content", "kind", "channel", "customer_type", "difficulty",
        "trade", "abuse", "trains",
    )  # fmt: skip
    return [
        {name: getattr(case, name) for name in fields} | {"requirements": list(case.requirements)}
        for case in scenario.load_all().values()
    ]


def run(args: argparse.Namespace) -> int:
    """List the scenarios as one JSON array or as text."""
    found = listing()
    if args.json:
        out.as_json(found)
        return out.OK
    for case in found:
        stars = "★" * case["difficulty"]
        out.text(
            f"{case['id']:<34}{case['level']} {case['work_content']} {stars:<5} {case['title']}"
        )
    out.text(f"共 {len(found)} 个情景；kefu play 编号 开始练习")
    return out.OK
