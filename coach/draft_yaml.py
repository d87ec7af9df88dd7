"""Scenarios as YAML that people edit: short lists on one line, nothing escaped but line ends.

Knows layout only.
"""

from __future__ import annotations

from typing import Any

import yaml

_WIDTH = 110
_FLOW_CHARS = 90


class _Dumper(yaml.SafeDumper):
    """A dumper with our layout; never writes anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401
        """Write everything out in full: anchors are refused when it is read again."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
    plain = all(isinstance(one, str) for one in value)
    short = plain and sum(map(len, value)) + 2 * len(value) <= _FLOW_CHARS
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=short)


def _table(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.MappingNode:
    numbers = all(isinstance(one, int | float) for one in value.values())
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=numbers)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(dict, _table)


def dump(table: dict[str, Any]) -> str:
    """Write a table; reading it back with a safe loader gives the same table."""
    return yaml.dump(table, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH)
