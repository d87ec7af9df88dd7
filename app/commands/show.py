"""`kefu show`: the text of a requirement, a note or a scenario's public side."""

from __future__ import annotations

import argparse
from typing import Any

from app import out
from app.commands.scenarios import listing
from knowledge import standard
from knowledge.datafile import DataError


def find(entry_id: str) -> dict[str, Any]:
    """Find an entry by id.

    Raises:
        DataError: nothing has this id.
    """
    known = standard.load()
    if entry_id in known.requirements:
        found: dict[str, Any] = known.requirements[entry_id].model_dump()
        return found | {"notes": [note.text for note in standard.notes_of(entry_id)]}
    if entry_id in known.contents:
        return known.contents[entry_id].model_dump()
    for note in standard.notes():
        if note.id == entry_id:
            return note.model_dump()
    for case in listing():
        if case["id"] == entry_id:
            return case
    raise DataError(
        f"没有编号“{entry_id[:60]}”；要求写作 L1.5.S6 或 B2.2.5.7，情景见 kefu scenarios"
    )


def run(args: argparse.Namespace) -> int:
    """Show one entry."""
    found = find(args.id)
    if args.json:
        out.as_json(found)
        return out.OK
    for name, value in found.items():
        if value not in (None, [], ()):
            out.text(f"{name}：{value}")
    return out.OK
