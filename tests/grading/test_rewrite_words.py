import re
import shutil

import pytest

from grading import rewrite_words
from grading.lexicon import FOLDER
from grading.rewrite_words import cues, filled, openers, picked, steps, swapped, turns, wide
from knowledge.datafile import DataError

LONG = 12


def _edited(tmp_path, name, old, new):
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return tmp_path


def test_every_wording_can_be_filled():
    for step in steps().values():
        options = (*step.say, *step.phone, *step.chat, *step.in_person, *step.bare)
        options += tuple(text for where in step.where for text in where.say)
        for text in options:
            assert "$" not in filled(text, topic="退款的事", items="姓名", fact="已退款")
    entry = openers()
    for mood in (*entry.moods, *entry.staff):
        for text in mood.say:
            assert "$" not in filled(text, fact="等了三天", words="")


def test_a_sentence_that_names_nothing_of_the_case_is_short_enough_to_be_shared():
    for step in steps().values():
        for text in (*step.say, *step.phone, *step.chat, *step.in_person, *step.bare):
            for sentence in re.split("[。？！]", text):
                bare = re.sub("[，、：]", "", sentence)
                named = "$" in sentence
                assert named or len(bare) <= LONG, sentence


def test_every_step_that_the_code_names_is_there_and_every_step_is_named():
    code = "".join((FOLDER.parent / f"rewrite{part}.py").read_text(encoding="utf-8")
                   for part in ("", "_draft", "_steps"))  # fmt: skip
    named = set(re.findall('"([a-z_]+)"', code)) | {ask.id for ask, _ in turns().asks}
    named |= {"staff_told", "staff_offered"}
    assert steps().keys() <= named
    assert {ask.id for ask, _ in turns().asks} <= steps().keys()


def test_the_last_mood_fits_any_clause():
    for staff in (False, True):
        assert cues(staff=staff)[-1].search("随便一句")


def test_the_choice_is_stable_and_uses_every_option():
    options = ("一", "二", "三")
    assert picked(options, 7, "x") == picked(options, 7, "x")
    assert {picked(options, seed, "x") for seed in range(60)} == set(options)


@pytest.mark.parametrize("said, turned", [
    ("我家孩子的网课", "您家孩子的网课"),
    ("我妈等着用", "您母亲等着用"),
    ("咱们单位", "您单位"),
    ("我自己跑的", "您跑的"),
])  # fmt: skip
def test_the_customers_clause_is_turned_to_the_listener(said, turned):
    assert swapped(said, turns().turned) == turned


@pytest.mark.parametrize("text, written", [
    ("规则:开演前,不退", "规则：开演前，不退"),
    ("1,000元,14:25解锁", "1,000元，14:25解锁"),
    ("(聊天记录)", "（聊天记录）"),
])  # fmt: skip
def test_marks_between_chinese_are_wide_and_figures_keep_theirs(text, written):
    assert wide(text) == written


def test_an_unknown_key_is_refused_by_file(tmp_path):
    folder = _edited(tmp_path, "rewrite_turns.yaml", "junk:", "jnuk:")
    with pytest.raises(DataError, match=r"rewrite_turns\.yaml"):
        turns(folder)


def test_a_pattern_that_is_none_is_refused_by_name(tmp_path):
    folder = _edited(tmp_path, "rewrite_turns.yaml", 'connectives: "^(', 'connectives: "^((')
    with pytest.raises(DataError, match=r"rewrite_turns\.yaml：connectives：“.*”不是合法的句式"):
        turns(folder)


def test_a_mood_whose_cue_is_none_is_refused_by_name(tmp_path):
    folder = _edited(tmp_path, "rewrite_openers.yaml", 'cue: "冒烟', 'cue: "(冒烟')
    with pytest.raises(DataError, match=r"rewrite_openers\.yaml：risk"):
        cues(staff=False, folder=folder)


def test_a_step_given_twice_is_refused(tmp_path):
    text = (FOLDER / "additions.yaml").read_text(encoding="utf-8")
    (tmp_path / "additions.yaml").write_text(
        text + "- {id: hello, say: [请讲。]}\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"additions\.yaml：编号 hello 重复"):
        steps(tmp_path)


def test_a_copy_of_the_shipped_files_loads(tmp_path):
    for name in ("rewrite_turns.yaml", "rewrite_openers.yaml", "additions.yaml"):
        shutil.copy(FOLDER / name, tmp_path / name)
    assert turns(tmp_path).keep == turns().keep
    assert openers(tmp_path) == openers()
    assert rewrite_words.steps(tmp_path) == steps()
