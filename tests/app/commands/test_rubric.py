"""`kefu rubric check`: what people and programs see of an edited rubric."""

import json

import pytest

from grading.lexicon import FOLDER
from tests.eval.conftest import HISTORY, reply_case


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "cases"
    path.mkdir()
    rows = [
        {"id": f"g.{n}", "split": "dev", "channel": "chat", "history": HISTORY, "reply": text,
         "signals": [], "source": "constructed"}
        for n, text in enumerate(["今天肯定给您修好。", "等着吧。" * 20, "您好\n，我来查。"])
    ]  # fmt: skip
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in rows]
    (path / "signals.dev.jsonl").write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def mine(tmp_path):
    text = (FOLDER / "rubric.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("share: 1.0", "share: 0.0"), encoding="utf-8")
    return path


def test_people_see_what_would_change(kefu, folder, mine):
    done = kefu("rubric", "check", mine, "--cases", folder)
    assert done.code == 0, done.err
    assert "rubric.yaml：写法没有问题" in done.out and "留意：内容改了" in done.out
    assert (
        "开发集 3 条回复（自拟）" in done.out and "    前：" in done.out and "    后：" in done.out
    )
    assert "没有带档位标注的用例，不比一致" in done.out
    assert all(len(line) < 200 for line in done.out.splitlines())


def test_people_see_the_agreement_where_cases_have_labels(kefu, folder, mine):
    rows = [json.dumps(reply_case(n, "dev"), ensure_ascii=False) + "\n" for n in range(12)]
    (folder / "replies.dev.jsonl").write_text("".join(rows), encoding="utf-8")
    done = kefu("rubric", "check", mine, "--cases", folder)
    assert "和标注的一致（前 → 后）" in done.out and "  同理心：QWK " in done.out


def test_json_is_the_whole_of_it(kefu, folder, mine):
    (effect,) = kefu("rubric", "check", mine, "--cases", folder, "--json").json
    assert effect["n"] == 3 and effect["changed"]["any"] >= 1
    assert set(effect["largest"][0]) == {"id", "reply", "points", "before", "after"}


def test_a_faulty_rubric_is_code_2_and_one_line(kefu, folder, mine):
    mine.write_text(mine.read_text(encoding="utf-8").replace("weight: 26", "weight: x"), "utf-8")
    done = kefu("rubric", "check", mine, "--cases", folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("kefu rubric：rubric.yaml 第 ") and done.err.count("\n") == 1


def test_only_check_can_be_asked(kefu):
    assert kefu("rubric", "change", "x").code == 2
