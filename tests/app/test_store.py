import re
import sqlite3

import pytest

from app.records import store as module
from app.records.store import Store, opened
from coach import scenario
from coach.session import Session
from coach.voice import Said, ScriptedVoice
from knowledge.datafile import DataError
from tests.talk import played

CASE = scenario.get("broadband-third-call")
REPLIES = CASE.paths.right[:3]


def url(path):
    return f"sqlite:///{path}"


@pytest.fixture
def records(tmp_path):
    with opened(url(tmp_path / "kefu.sqlite3")) as made:
        yield made


def test_a_token_is_128_random_bits_in_hex():
    tokens = {module.new_token() for _ in range(500)}
    assert len(tokens) == 500
    assert all(re.fullmatch(r"[0-9a-f]{32}", token) for token in tokens)


def test_each_turn_is_there_for_others_as_soon_as_it_is_stored(records):
    session = Session(CASE, 1)
    token = records.begin(session)
    for number, reply in enumerate(REPLIES, 1):
        records.add(token, session.say(reply))
        with opened(records.url) as other:
            assert other.count(token) == number + 1
            assert other.turns(token)[-1]["reply"] == reply


def test_a_stored_turn_is_the_turn_as_played(records):
    session = played(CASE.id, REPLIES)
    token = records.keep(session)
    assert records.turns(token) == [turn.model_dump(mode="json") for turn in session.turns]


def test_a_resumed_talk_equals_the_original_and_goes_on_alike(records):
    session = played(CASE.id, REPLIES, 4)
    again = records.resume(records.keep(session))
    assert [t.model_dump() for t in again.turns] == [t.model_dump() for t in session.turns]
    assert again.state == session.state
    rest = CASE.paths.right[3]
    assert again.say(rest).model_dump() == session.say(rest).model_dump()


def test_what_a_model_said_is_taken_from_the_record(records):
    class Model(ScriptedVoice):
        """Says something new each time, as a model does."""

        engine, model, prompts = "endpoint", "some-model", "p1"
        count = 0

        def answer(self, cue):
            Model.count += 1
            return Said(f"第 {Model.count} 句，你倒是说话呀。", self.engine)

    session = Session(CASE, 4, Model())
    for reply in REPLIES:
        session.say(reply)
    again = records.resume(records.keep(session))
    assert [t.model_dump() for t in again.turns] == [t.model_dump() for t in session.turns]
    assert again.say(CASE.paths.right[3]).engine == "scripted", "the script goes on"
    token = records.keep(session)
    assert records.resume(token, lambda case: Model()).say("您好").engine == "endpoint"

    class Other(Model):
        """Another model under the same offer."""

        model = "another"

    assert records.resume(token, lambda case: Other()).say("您好").engine == "scripted"


def test_an_unknown_token_gives_nothing(records):
    assert records.resume("0" * 32) is None
    assert (records.turns("0" * 32), records.count("0" * 32)) == ([], 0)
    assert records.ended("0" * 32) is None


def test_the_end_is_kept_with_the_talk_and_only_once(records):
    session = played(CASE.id, CASE.paths.wrong)
    token = records.keep(session)
    assert records.ended(token) == session.state.ended
    records.stop(token, "stopped")
    assert records.ended(token) == session.state.ended
    open_one = records.begin(Session(CASE, 1))
    records.stop(open_one, "stopped")
    assert records.ended(open_one) == "stopped"


def test_two_windows_cannot_write_the_same_turn(records):
    session = Session(CASE, 1)
    token = records.begin(session)
    turn = session.say(REPLIES[0])
    records.add(token, turn)
    with pytest.raises(DataError, match="在另一个窗口里已经往前走了，请刷新页面"):
        records.add(token, turn)
    assert records.count(token) == 2


def test_a_talk_of_a_changed_scenario_is_not_resumed_wrongly(records):
    token = records.keep(played(CASE.id, REPLIES))
    with records.engine.begin() as connection:
        connection.exec_driver_sql("update turns set customer = '别的话' where turn = 1")
    with pytest.raises(DataError, match="情景或评分规则已经更新"):
        records.resume(token)


def test_a_visitor_is_known_by_a_hash_and_can_be_forgotten(records):
    token, secret = records.begin(Session(CASE, 1)), "a" * 32
    records.point(secret, token)
    assert records.pointed(secret) == token and records.pointed("b" * 32) is None
    with records.engine.connect() as connection:
        stored = connection.exec_driver_sql("select visitor from pointers").scalar()
    assert secret not in stored and len(stored) == 64
    records.unpoint(secret)
    records.unpoint(secret)
    assert records.pointed(secret) is None


def test_two_talks_never_mix(records):
    one, two = played(CASE.id, REPLIES[:1]), played(CASE.id, ["您好。", "好的。"])
    first, second = records.keep(one), records.keep(two)
    assert [t["reply"] for t in records.turns(first)] == [None, REPLIES[0]]
    assert [t["reply"] for t in records.turns(second)] == [None, "您好。", "好的。"]


def test_a_database_opened_again_keeps_everything(tmp_path):
    path = tmp_path / "kefu.sqlite3"
    with opened(url(path)) as first:
        token = first.keep(played(CASE.id, REPLIES))
    with opened(url(path)) as second:
        assert second.count(token) == 4


def test_a_damaged_database_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "kefu.sqlite3"
    path.write_bytes(b"this is not a database at all " * 100)
    with pytest.raises(DataError) as error:
        Store(url(path))
    assert str(path) in str(error.value)
    assert "已损坏或不是本程序的数据库；请把它改名保留" in str(error.value)
    assert path.read_bytes().startswith(b"this is not"), "nothing of it is lost"


def test_a_locked_database_is_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BUSY_MS", 50)
    path = tmp_path / "kefu.sqlite3"
    with opened(url(path)) as records:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("begin exclusive")
        try:
            with pytest.raises(DataError, match="正被别的程序占用，请关掉它或稍后再试"):
                records.begin(Session(CASE, 1))
        finally:
            holder.execute("rollback")
            holder.close()
        assert records.count(records.begin(Session(CASE, 1))) == 1


def test_a_database_that_cannot_be_made_is_named_with_the_remedy(tmp_path):
    with pytest.raises(DataError, match="打不开数据库 .*，请检查目录和权限，或设置 KEFU_HOME"):
        Store(url(tmp_path / "no" / "such" / "folder" / "kefu.sqlite3"))


def test_a_read_only_database_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "kefu.sqlite3"
    with opened(url(path)):
        pass
    with pytest.raises(DataError, match="打不开数据库 .*，请检查目录和权限"):
        with opened(f"sqlite:///file:{path}?mode=ro&uri=true") as records:
            records.begin(Session(CASE, 1))


def test_a_database_of_a_newer_program_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "kefu.sqlite3"
    with opened(url(path)) as records, records.engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(DataError, match="是更新版本的程序建的，请升级本程序"):
        Store(url(path))


def test_a_database_without_its_tables_is_named_with_the_cause(records):
    with records.engine.begin() as connection:
        connection.exec_driver_sql("drop table pointers")
    with pytest.raises(DataError, match=r"数据库 .*kefu\.sqlite3 出错：no such table: pointers"):
        records.pointed("a" * 32)


def test_an_address_nobody_can_use_is_named():
    with pytest.raises(DataError, match="数据库 .* 用不了"):
        Store("nonsense://a/b")
