"""`kefu play`: the JSON lines, leftovers, escapes, saving."""

import pytest

from app.records import store
from coach import scenario
from tests.talk import played

NAME = "broadband-third-call"
RIGHT = list(scenario.get(NAME).paths.right)
WRONG = list(scenario.get(NAME).paths.wrong)
FIELDS = {
    "turn", "reply", "grade", "customer", "act", "state", "revealed", "ended", "engine", "slips",
    "touched", "missed", "pressed", "versions",
}  # fmt: skip
ENDS = {None, "resolved", "hung_up", "escalated", "timed_out", "closed_by_agent"}


@pytest.fixture
def play(kefu, write):
    def run(replies, *more, name=NAME, **style):
        return kefu("play", name, "--replies", write(replies, **style), "--json", *more)

    return run


def test_every_turn_has_every_field_with_its_type(play):
    run = play(RIGHT)
    assert run.code == 0
    for number, turn in enumerate(run.json):
        assert set(turn) == FIELDS and turn["turn"] == number
        assert (turn["reply"] is None) is (turn["grade"] is None) is (number == 0)
        assert set(turn["state"]) == {"stage", "anger", "trust", "patience"}
        assert all(0 <= turn["state"][name] <= 100 for name in ("anger", "trust", "patience"))
        assert isinstance(turn["state"]["stage"], str) and isinstance(turn["act"], str)
        assert turn["ended"] in ENDS and turn["engine"] == "scripted" and turn["slips"] == []
        assert turn["customer"] or turn["ended"]
        assert set(turn["versions"]) == {
            "rubric", "scenario", "prompts", "index", "engine", "model", "seed",
        }  # fmt: skip
    assert run.json[-1]["ended"] == "resolved"
    assert [turn["ended"] for turn in run.json[:-1]] == [None] * (len(run.json) - 1)


def test_spans_of_a_turn_point_into_its_reply_and_name_the_turn(play):
    for turn in play(RIGHT).json[1:]:
        spans = turn["grade"]["signals"] + turn["grade"]["violations"]
        for part in turn["grade"]["dimensions"].values():
            spans += [span for span in part["evidence"] if span["text"]]
        for span in spans:
            assert turn["reply"][span["start"] : span["end"]] == span["text"]
            assert span["turn"] == turn["turn"], "in a session a span also carries its turn"


def test_replies_left_over_are_counted_on_stderr(play):
    run = play([*WRONG, "还有一句", "再有一句"])
    used = len(run.json) - 1
    assert run.json[-1]["ended"] not in ("resolved", None)
    assert f"还有 {len(WRONG) + 2 - used} 条回复没有用上" in run.err


def test_a_talk_without_an_end_stays_open_and_says_nothing_more(play):
    run = play(RIGHT[:2])
    assert len(run.json) == 3 and run.json[-1]["ended"] is None
    assert run.err == ""


def test_no_reply_gives_only_the_opening(play, kefu, tmp_path):
    (tmp_path / "none").write_text("", encoding="utf-8")
    run = kefu("play", NAME, "--replies", tmp_path / "none", "--json")
    assert [turn["turn"] for turn in run.json] == [0]


@pytest.mark.parametrize("style", [{"end": "\r\n"}, {"bom": True}], ids=str)
def test_line_ends_and_marks_of_the_file_change_nothing(play, style):
    assert play(RIGHT[:3], **style).out == play(RIGHT[:3]).out


def test_an_escaped_line_break_is_one_reply(play):
    run = play(["您好。\\n我是3076号。"])
    assert run.json[1]["reply"] == "您好。\n我是3076号。" and len(run.json) == 2


def test_an_empty_line_is_an_empty_reply_and_answered(play):
    run = play(["您好。", "", "您慢慢说。"])
    assert [turn["reply"] for turn in run.json[1:]] == ["您好。", "", "您慢慢说。"]
    assert run.json[2]["grade"]["status"] == "unscored" and run.json[2]["customer"]


def test_a_dash_reads_standard_input(kefu):
    run = kefu("play", NAME, "--replies", "-", "--json", stdin="您好。\n".encode())
    assert [turn["reply"] for turn in run.json] == [None, "您好。"]


def test_the_same_seed_gives_the_same_lines_and_another_another(play):
    first = play(RIGHT, "--seed", "3").out
    assert play(RIGHT, "--seed", "3").out == first
    assert len({play(RIGHT[:2], "--seed", seed).out for seed in range(1, 6)}) > 1


def test_the_default_seed_is_7(play):
    assert play(RIGHT[:1]).out == play(RIGHT[:1], "--seed", "7").out


def test_nothing_is_stored_unless_asked(play, home):
    play(RIGHT[:2])
    assert not home.exists() or not list(home.iterdir())
    run = play(RIGHT[:2], "--save")
    assert "已存为" in run.err
    assert (home / "kefu.sqlite3").is_file()


def test_a_saved_talk_holds_its_turns(play, home):
    token = play(RIGHT[:2], "--save").err.split("已存为 ")[1][:8]
    with store.opened() as records, records.engine.connect() as connection:
        rows = connection.exec_driver_sql("select token, turn from turns order by turn").fetchall()
    assert [turn for _, turn in rows] == [0, 1, 2]
    assert rows[0][0].startswith(token)


def test_an_overlong_reply_is_refused_by_line_and_field(play):
    run = play(["您好。", "好" * 2001])
    assert run.code == 2
    assert "reply 有 2001 个字符，超过上限 2000" in run.err
    assert "第 2 行" in run.err, "which line of the file"


@pytest.mark.parametrize(
    "argv, said",
    [
        pytest.param(["broadband-third-cal"], "是不是 broadband-third-call", id="scenario"),
        pytest.param(["x" * 300], "没有情景“", id="a very long name"),
        pytest.param([NAME, "--replies", "nothing.txt"], "找不到文件", id="file"),
    ],
)
def test_a_wrong_name_is_code_2_and_one_line(kefu, argv, said):
    run = kefu("play", *argv, "--json")
    assert (run.code, run.out) == (2, "")
    assert said in run.err and run.err.count("\n") == 1


def test_without_a_terminal_the_replies_must_be_given(kefu):
    run = kefu("play", NAME, stdin=b"")
    assert run.code == 2 and "请用 --replies" in run.err


def test_people_read_the_talk_with_scores_and_the_end(kefu, write):
    run = kefu("play", NAME, "--replies", write(WRONG))
    assert "客户：" in run.out and "座席：" in run.out and "——" in run.out
    assert "✗「" in run.out
    for line in played(NAME, WRONG, 7).turns[0].customer.split("\n"):
        assert f"客户：{line}" in run.out


def test_a_person_at_the_terminal_gets_the_report_and_the_talk_is_kept(kefu, monkeypatch, home):
    said = iter(["您好，我是3076号。", "", "光猫上的灯是什么状态？", "/结束"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(said))
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": staticmethod(lambda: True)}))
    run = kefu("play", NAME)
    assert run.code == 0 and "资料卡：" in run.out
    assert "训练分，非官方权重" in run.out and "只看文字" in run.out
    assert "已存为" in run.err and (home / "kefu.sqlite3").is_file()


def test_an_engine_that_cannot_be_had_is_one_line_and_code_2(kefu, write, monkeypatch):
    monkeypatch.delenv("KEFU_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("KEFU_MODEL", raising=False)
    replies = write(RIGHT)
    for more, said in (
        (["--engine", "endpoint"], "没有设置环境变量 KEFU_ENDPOINT_URL"),
        (["--engine", "transformers"], "请加 --model 权重目录"),
        (["--engine", "transformers", "--model", "/no/such"], "本机没有模型“/no/such”"),
        (["--temperature", "3"], "--temperature 写成了 3，应在 0 到 2 之间"),
    ):
        run = kefu("play", NAME, "--replies", replies, "--json", *more)
        assert (run.code, run.out) == (2, "") and said in run.err, more


@pytest.mark.slow
def test_a_small_local_model_plays_through_template_review_and_fallback(kefu, write):
    from tests.coach import small_model

    run = kefu(
        "play", NAME, "--replies", write(RIGHT), "--json", "--engine", "transformers",
        "--model", small_model.ready(), "--temperature", "0",
    )  # fmt: skip
    assert run.code == 0, run.err
    for turn in run.json[1:]:
        assert turn["customer"] or turn["ended"]
        assert turn["versions"]["engine"] == "transformers" and turn["versions"]["prompts"]
        assert turn["engine"] == "transformers" or turn["slips"], "a fallback without its reason"
    scripted = kefu("play", NAME, "--replies", write(RIGHT), "--json")
    assert [t["act"] for t in run.json] == [t["act"] for t in scripted.json], "the state machine"
