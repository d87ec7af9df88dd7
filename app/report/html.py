"""The two files one can take home: a self-contained HTML page and JSON."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from string import Template

from app import home
from app.report import body
from app.report.told import Told, content, is_ai, made_by

_FOLDER = Path(__file__).parent


def style() -> str:
    """Give the report's style sheet as a ``style`` element."""
    return (_FOLDER / "style.html").read_text(encoding="utf-8")


def page(told: Told) -> str:
    """Give the report as one HTML file that needs nothing else."""
    template = Template((_FOLDER / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(told.session.scenario.title),
        style=style(),
        body=body.sections(told),
        made_by=escape(made_by(told.session)),
        ai_generated="true" if is_ai(told.session) else "false",
        content_id=content(told)["content_id"],
        version=escape(home.version()),
        text_only=escape(told.report.text_only),
    )


def as_json(told: Told) -> str:
    """Give report and turns as JSON, real characters."""
    return json.dumps(content(told), ensure_ascii=False, indent=2) + "\n"
