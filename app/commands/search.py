"""`kefu search`: finds the standard's requirement in a trainee's own words."""

from __future__ import annotations

import argparse
from typing import Any

from pydantic import BaseModel, ConfigDict

from app import out
from app.commands import rows
from knowledge.datafile import DataError
from knowledge.retrieval import Retriever

MAX_RESULTS = 218


class SearchRow(BaseModel):
    """One row of a search batch; its level overrides the option."""

    model_config = ConfigDict(extra="forbid")
    id: str | None = None
    query: str
    level: str | None = None


def _found(retriever: Retriever, row: SearchRow, args: argparse.Namespace) -> dict[str, Any]:
    hits = retriever.search(row.query, row.level or args.level, args.k)
    head = {"id": row.id} if row.id is not None else {}
    return head | {"query": row.query, "results": [hit.model_dump() for hit in hits]}


def _show(answer: dict[str, Any]) -> None:
    if "results" not in answer:
        out.text(f"出错：{answer['reason']}")
        return
    out.text(f"查询：{answer['query']}")
    for hit in answer["results"]:
        out.text(f"  {hit['score']:>5}  {hit['id']:<10}{hit['citation']}")
    if not answer["results"]:
        empty = not any(char.isalnum() for char in answer["query"])
        out.text("  查询里没有字，请写一句话再查" if empty else "  没有找到，换一种说法试试")


def _retriever(model: str | None) -> Retriever:
    """Give the retriever on the built-in encoder, joined by a sentence-transformers model.

    A model that cannot be opened is said and left out: the search goes on without it.
    """
    if model is None:
        return Retriever()
    from knowledge.sentence_model import SentenceTransformerEncoder

    try:
        other = SentenceTransformerEncoder(model)
    except DataError as error:
        out.note(f"{error}。这次先用自带的检索")
        return Retriever()
    return Retriever(other)


def run(args: argparse.Namespace) -> int:
    """Answer one query, or a file of them."""
    if (args.query is None) == (args.file is None):
        raise DataError("请给出一句查询，或用 --file 给出文件，两者选一")
    if not 1 <= args.k <= MAX_RESULTS:
        raise DataError(f"-k 写成了 {args.k}，应在 1 到 {MAX_RESULTS} 之间")
    write = out.as_json if args.json else _show
    if args.query is not None:
        write(_found(_retriever(args.encoder), SearchRow(query=args.query), args))
        return out.OK
    text = rows.read(args.file)
    retriever = _retriever(args.encoder)
    failed = total = 0
    for answer, bad in rows.answer(text, SearchRow, lambda row: _found(retriever, row, args)):
        total, failed = total + 1, failed + bad
        write(answer)
    rows.report(failed, total)
    return out.OK
