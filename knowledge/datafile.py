"""Reading the data files trainers edit: YAML and JSON lines into checked models, errors in Chinese.

Knows nothing of what the files mean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_MESSAGES = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这个字段，请检查拼写",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "string_type": "应为文字（数字请加引号）",
    "list_type": "应为列表",
    "dict_type": "应为一组键值",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "model_type": "应为一组键值",
    "greater_than_equal": "太小，最小为 {ge}",
    "less_than_equal": "太大，最大为 {le}",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "string_too_short": "至少 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_pattern_mismatch": "格式不对，应符合 {pattern}",
}


class DataError(ValueError):
    """A data file or a row is wrong; the message is Chinese and says where."""


class Entry(BaseModel):
    """Base of all data entries: unknown keys are refused, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


AnEntry = TypeVar("AnEntry", bound=BaseModel)


def explain(error: ValidationError) -> str:
    """Say the first fault of a pydantic error in one Chinese clause."""
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "整行"
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "literal_error":
        allowed = context["expected"].replace(" or ", "、").replace("'", "").replace(", ", "、")
        return f"{where} 写成了“{fault['input']}”，只能是 {allowed} 之一"
    if kind == "value_error":
        return f"{where}：{context['error']}"
    return f"{where}：" + _MESSAGES.get(kind, "内容不对").format(**context)


def parse(model: type[AnEntry], value: object, where: str) -> AnEntry:
    """Check one value against a model.

    Raises:
        DataError: naming ``where`` and the faulty field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise DataError(f"{where}：{explain(error)}") from error


def read_text(path: Path) -> str:
    """Read a UTF-8 file.

    Raises:
        DataError: the file is missing, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"找不到文件 {path}，请检查路径") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} 不是 UTF-8 编码，请另存为 UTF-8 后再试") from None
    except OSError as error:
        raise DataError(f"读不了 {path}（{error.strerror}），请检查权限") from None


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
    """Read one YAML file.

    Raises:
        DataError: unreadable, or not YAML (names the line).
    """
    try:
        return yaml.load(read_text(path), Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" 第 {mark.line + 1} 行" if mark else ""
        raise DataError(f"{path.name}{line}：YAML 写法有误，请检查缩进、冒号和引号") from None


def read_entries(model: type[AnEntry], path: Path) -> list[AnEntry]:
    """Read a YAML list of entries and refuse repeated ids."""
    rows = read_yaml(path)
    if not isinstance(rows, list) or not rows:
        raise DataError(f"{path.name}：应为一个非空列表")
    found = [parse(model, row, f"{path.name}：{_name(row, at)}") for at, row in enumerate(rows, 1)]
    refuse_repeats((getattr(entry, "id", None) for entry in found), path.name)
    return found


def refuse_repeats(ids: Iterable[str | None], where: str) -> None:
    """Raise DataError when an id stands twice."""
    seen: set[str] = set()
    for entry_id in ids:
        if entry_id is None:
            continue
        if entry_id in seen:
            raise DataError(f"{where}：编号 {entry_id} 重复")
        seen.add(entry_id)


def json_lines(text: str) -> Iterator[tuple[int, Any]]:
    """Give (line number, value) of each non-empty line; a broken line gives a DataError value."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except ValueError:
            yield number, DataError(f"第 {number} 行不是合法的 JSON")


def fingerprint(*paths: Path) -> str:
    """Give a short digest of files' bytes, for version fields."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _name(row: object, at: int) -> str:
    return str(row["id"]) if isinstance(row, dict) and "id" in row else f"第 {at} 项"
