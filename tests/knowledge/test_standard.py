"""The stored standard against standard.txt, read here by a second, independent reader."""

import re
from collections import Counter

import pytest

from knowledge import standard
from knowledge.datafile import DataError
from knowledge.text import DATA

SOURCE = (DATA / "standard.txt").read_text(encoding="utf-8")
LEVEL_HEADS = {"3.1 初级": "L1", "3.2 中级": "L2", "3.3 高级": "L3"}
NUMERALS = "一二三四五六七"


def bare(text):
    return re.sub(r"\s", "", text)


def numbered(cell):
    """The items of a cell such as `<ol …> 1. 甲 2. 乙</ol>`, by their printed numbers."""
    inner = re.sub(r"</?ol[^>]*>", "", cell).strip()
    return re.findall(r"(\d+)\.\s+(.*?)\s*(?=\d+\.\s|$)", inner)


def printed_requirements():
    """Section 3 as printed: ({id: text}, {work content id: (numeral, title, function)})."""
    found, contents, level, function = {}, {}, None, ""
    body = SOURCE[SOURCE.index("3、工作要求") : SOURCE.index("4、比重表")]
    for line in body.splitlines():
        level = LEVEL_HEADS.get(line.strip(), level)
        row = re.match(r"([^\t]*)\t\(([一二三四五六七])\) ([^\t]+)\t([^\t]+)\t([^\t]+)", line)
        if not row:
            continue
        function = row[1] or function
        content = f"{level}.{NUMERALS.index(row[2]) + 1}"
        contents[content] = (row[2], row[3].strip(), function)
        for letter, cell in (("S", row[4]), ("K", row[5])):
            for number, text in numbered(cell):
                found[f"{content}.{letter}{number}"] = text
    return found, contents


def printed_basics():
    """Sections 2.1.2 and 2.2.x as printed: ({id: text}, {section: name})."""
    found, names, section = {}, {}, ""
    body = SOURCE[SOURCE.index("2、基本要求") : SOURCE.index("3、工作要求")]
    for line in body.splitlines():
        if head := re.match(r"(2\.\d\.\d) (.+)", line):
            section, names[head[1]] = head[1], head[2]
        elif item := re.match(r"- \((\d+)\) (.+)", line):
            found[f"B{section}.{item[1]}"] = item[2]
    return found, names


def printed_weights(start, end):
    """A weight table as printed: rows of (item, 初级, 中级, 高级)."""
    body = SOURCE[SOURCE.index(start) : SOURCE.index(end) if end else len(SOURCE)]
    rows = []
    for line in body.splitlines():
        cells = line.split("\t")
        if len(cells) == 5 and cells[1].strip() and "合" not in cells[0] + cells[1]:
            rows.append((bare(cells[1]), *(None if c == "-" else int(c) for c in cells[2:])))
    return rows


STORED = standard.load()


def test_the_standard_has_its_20_contents_99_skills_79_knowledge_items_and_40_basics():
    kinds = Counter(found.kind for found in STORED.requirements.values())
    assert kinds == {"skill": 99, "knowledge": 79, "basic": 40}
    assert len(STORED.work_contents) == 20


def test_every_requirement_of_section_3_is_stored_word_for_word_and_none_is_added():
    printed, _ = printed_requirements()
    stored = {i: r.text for i, r in STORED.requirements.items() if r.kind != "basic"}
    assert list(stored) == list(printed)
    assert {i: bare(t) for i, t in stored.items()} == {i: bare(t) for i, t in printed.items()}


def test_every_work_content_has_its_printed_number_title_and_function():
    _, printed = printed_requirements()
    stored = {c.id: (c.number, bare(c.title), bare(c.function)) for c in STORED.work_contents}
    assert stored == {i: (n, bare(t), bare(f)) for i, (n, t, f) in printed.items()}


def test_every_basic_is_stored_word_for_word_and_none_is_added():
    printed, names = printed_basics()
    stored = {i: r.text for i, r in STORED.requirements.items() if r.kind == "basic"}
    assert list(stored) == list(printed)
    assert {i: bare(t) for i, t in stored.items()} == {i: bare(t) for i, t in printed.items()}
    for section in STORED.basics:
        assert section.name == names[section.section]


def test_every_other_text_is_stored_word_for_word():
    source = bare(SOURCE)
    for line in STORED.profile:
        assert bare(f"{line.section}{line.name}{line.text}") in source
    for rule in STORED.levels:
        assert bare(rule.training_text) in source
        assert bare(f"{rule.level}\t{rule.teachers}") in source
        for number, text in enumerate(rule.entry, 1):
            assert bare(f"({number}) {text}") in source
    assert STORED.code in SOURCE and STORED.title[-12:] in SOURCE


@pytest.mark.parametrize("table, start, end", [
    pytest.param(STORED.weights.theory, "4.1理论知识", "4.2 专业技术", id="theory"),
    pytest.param(STORED.weights.practice, "4.2 专业技术", None, id="practice"),
])  # fmt: skip
def test_the_weights_are_as_printed(table, start, end):
    stored = [(bare(row.item), row.初级, row.中级, row.高级) for row in table]
    assert stored == printed_weights(start, end)


@pytest.mark.parametrize("level, theory, practice", [
    ("初级", 100, 0), ("中级", 100, 100), ("高级", 100, 100),
])  # fmt: skip
def test_the_weights_add_up_or_are_left_out(level, theory, practice):
    assert sum(getattr(row, level) or 0 for row in STORED.weights.theory) == theory
    assert sum(getattr(row, level) or 0 for row in STORED.weights.practice) == practice


def test_the_rules_of_the_levels_and_the_examination_are_as_printed():
    assert {rule.level: rule.training_hours for rule in STORED.levels} == {
        "初级": 48, "中级": 72, "高级": 108,
    }  # fmt: skip
    exam = STORED.exam
    assert (exam.minutes, exam.total, exam.pass_) == (120, 100, 60)
    assert (exam.assessors_least, exam.candidates_per_assessor) == (2, 20)
    assert exam.candidates_per_invigilator == 30


def test_the_number_the_standard_skips_is_skipped():
    assert [i for i in STORED.requirements if i.startswith("L3.2.S")] == [
        "L3.2.S1", "L3.2.S2", "L3.2.S3", "L3.2.S5",
    ]  # fmt: skip


@pytest.mark.parametrize("requirement_id, citation", [
    ("L1.5.S6", "初级·(五)客户服务技巧·技能要求6 能够运用同理心安抚客户"),
    ("L1.5.K2", "初级·(五)客户服务技巧·相关知识2 理解有效沟通的关键"),
    ("B2.2.5.7", "基础知识·2.2.5(7) 《消费者权益保护法》的相关知识。"),
    ("B2.2.5.10", "基础知识·2.2.5(10) 《电信用户申诉处理办法》的相关知识。"),
])  # fmt: skip
def test_a_citation_names_its_place_and_quotes_the_text(requirement_id, citation):
    assert STORED.cite(requirement_id) == citation


def test_every_citation_ends_in_the_printed_text():
    for found in STORED.requirements.values():
        assert found.citation.endswith(" " + found.text)
        assert (found.level is None) == (found.work_content is None) == (found.kind == "basic")


def test_an_unknown_id_is_refused():
    with pytest.raises(DataError, match="标准里没有编号 L9.9.S9"):
        STORED.cite("L9.9.S9")


def test_every_note_refers_to_something_that_exists():
    known = list(STORED.requirements) + list(STORED.contents)
    for note in standard.notes():
        for of in note.of:
            assert any(i == of or i.startswith(of + ".") for i in known), f"{note.id}: {of}"


@pytest.mark.parametrize("entry_id, note_id, stands", [
    pytest.param("L1.3.K1", "N.contract_law", True, id="by its own id"),
    pytest.param("L1.3.K1", "N.unweighted", True, id="by its work content"),
    pytest.param("L1.1.S1", "N.unweighted", False, id="another content"),
    pytest.param("B2.2.5.10", "N.us_tcpa", False, id="10 does not begin with 1"),
])  # fmt: skip
def test_notes_stand_beside_what_they_are_about(entry_id, note_id, stands):
    assert (note_id in [note.id for note in standard.notes_of(entry_id)]) is stands


@pytest.mark.parametrize("level, covered", [
    ("初级", ("初级",)), ("中级", ("初级", "中级")),
    ("高级", ("初级", "中级", "高级")), (None, ("初级", "中级", "高级")),
])  # fmt: skip
def test_a_higher_level_covers_the_lower_ones(level, covered):
    assert standard.levels_up_to(level) == covered


def test_an_unknown_level_is_refused():
    with pytest.raises(DataError, match="级别“特级”不对，只能是 初级、中级、高级 之一"):
        standard.levels_up_to("特级")


def test_the_version_is_short_and_stable():
    assert standard.version() == standard.version() and len(standard.version()) == 12
