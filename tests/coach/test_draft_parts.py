"""The parts of composition: data that loads, every matter with different people and media."""

import random
import shutil

import pytest

from coach import bank, draft_check, draft_data, draft_plan
from coach.draft_compose import typed
from coach.draft_wish import read
from knowledge import standard
from knowledge.datafile import DataError
from tests.coach.drafts import composed, text

MATTERS = draft_data.matters()


def test_there_are_as_many_parts_as_promised():
    assert len(MATTERS) >= 14
    assert len(draft_data.persons()) >= 24
    assert len({one.name for one in draft_data.persons()}) == len(draft_data.persons())
    assert len({variant["trade"] for one in MATTERS.values() for variant in one.variants}) >= 14
    assert set(draft_data.book().types) == set(draft_data.book().customer_types)


def test_what_the_parts_name_exists():
    known = standard.load()
    named = set(draft_data.book().channel_requirements.values())
    for level, plan in draft_data.book().plan.items():
        assert known.contents[plan.work].level == level
        named |= {*plan.requirements, plan.feel, plan.ask, plan.solve, plan.close}
    named |= {one for matter in MATTERS.values() for one in matter.level_extra}
    assert named <= set(known.requirements)
    assert set(draft_data.book().focus) <= set(known.contents)
    regions = {line.region for line in bank.load()}
    assert {one.dialect for one in draft_data.persons() if one.dialect} <= regions


def test_only_the_old_are_over_sixty_two():
    assert all(one.elder == (one.age >= 62) for one in draft_data.persons())


@pytest.mark.parametrize("name", MATTERS)
def test_a_matters_own_name_is_read_as_it(name):
    assert read(f"客户来问{MATTERS[name].name}").matter.id == name


@pytest.mark.slow
@pytest.mark.parametrize("channel", ["inbound", "chat"])
@pytest.mark.parametrize("kind", ["irritable", "elderly", "claimant"])
@pytest.mark.parametrize("name", MATTERS)
def test_every_matter_plays_with_every_kind_of_person_on_either_medium(name, kind, channel):
    case = draft_check.read(text(matter=name, kind=kind, channel=channel, level="中级"), "x")
    draft_check.try_out(case)


@pytest.mark.slow
@pytest.mark.parametrize("kind", draft_data.book().types)
@pytest.mark.parametrize("channel, level", [("outbound", "高级"), ("in_person", "初级")])
def test_every_type_plays_on_the_other_channels_and_levels(kind, channel, level):
    case = draft_check.read(text(kind=kind, channel=channel, level=level), "x")
    draft_check.try_out(case)
    assert (case.customer_type, case.channel, case.level) == (kind, channel, level)


@pytest.mark.parametrize("name", MATTERS)
def test_a_composed_text_keeps_no_slot(name):
    assert "$" not in text(matter=name) and "@" not in text(matter=name)


def test_the_level_adds_what_must_be_dealt_with():
    goals = [{g["id"] for g in composed(level=level)["goals"]} for level in standard.LEVELS]
    assert goals[1] - goals[0] == {"mend"} and goals[2] - goals[1] == {"improve"}


def test_a_silent_person_says_one_sentence_and_a_writer_uses_few_marks():
    silent = composed(kind="silent")
    assert all(say.count("。") <= 1 for fact in silent["facts"] for say in fact["say"])
    assert typed("我问了，没有。你查不查？") == "我问了 没有\n你查不查？"


def test_an_old_and_angry_person_is_both():
    wish = read("暴躁的老太太，快递丢件")
    assert (wish.customer_type, wish.elder) == ("irritable", True)


def _planned(wish):
    return draft_plan.decide(read(wish), random.Random(1), ("L1.5.S9", "L1.5.S4"))


def test_the_dialect_and_the_sex_a_wish_names_are_the_persons():
    assert _planned("东北话，快递丢件").person.dialect == "东北"
    assert _planned("老太太，快递丢件").person.call.endswith("阿姨")
    assert _planned("爷爷，快递丢件").person.call.endswith("大爷")


def test_a_requirement_of_another_channel_is_left_out():
    assert "L1.5.S4" in _planned("快递丢件，电话").requirements
    assert "L1.5.S9" not in _planned("快递丢件，电话").requirements


def test_composing_without_a_matter_is_refused():
    with pytest.raises(DataError, match="没有现成的事由"):
        draft_plan.decide(read("客户很生气地问一件事"), random.Random(1))


def test_a_matter_file_is_refused_by_name_and_field(tmp_path):
    source = draft_data.MATTERS / "parcel-lost.yaml"
    shutil.copy(source, tmp_path / "other.yaml")
    with pytest.raises(DataError, match="other.yaml：id 写成了“parcel-lost”，应与文件名一致"):
        draft_data.matters(tmp_path)
    spoilt = source.read_text(encoding="utf-8").replace("wants:", "wish:")
    (tmp_path / "other.yaml").write_text(spoilt, encoding="utf-8")
    with pytest.raises(DataError, match="other.yaml：wants：缺少这一项"):
        draft_data.matters.__wrapped__(tmp_path)
