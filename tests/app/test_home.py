import pytest

from app import home
from knowledge.datafile import DataError


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("KEFU_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KEFU_DATABASE_URL", raising=False)
    return tmp_path / "home"


def test_the_home_is_made_where_the_setting_says(place):
    assert home.folder() == place and place.is_dir()
    assert list(place.iterdir()) == [], "the probe is taken away again"


def test_without_a_setting_the_platform_decides(monkeypatch, tmp_path):
    monkeypatch.delenv("KEFU_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert home.folder().name == "kefu-coach"


def test_an_unwritable_home_is_named_with_the_remedy(monkeypatch, tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("x", encoding="utf-8")
    monkeypatch.setenv("KEFU_HOME", str(blocker / "inside"))
    with pytest.raises(DataError) as error:
        home.folder()
    assert f"不能在 {blocker / 'inside'} 里写文件" in str(error.value)
    assert "设置环境变量 KEFU_HOME" in str(error.value)


def test_the_database_is_in_the_home_or_where_the_url_says(monkeypatch, tmp_path):
    assert home.database_url() == f"sqlite:///{home.folder() / 'kefu.sqlite3'}"
    monkeypatch.setenv("KEFU_DATABASE_URL", "postgresql://a/b")
    assert home.database_url() == "postgresql://a/b"


def test_the_version_is_the_installed_one():
    assert home.version()[0].isdigit()
