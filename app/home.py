"""Where the program keeps its database and logs: KEFU_HOME, or the platform's user data folder."""

from __future__ import annotations

import os
from pathlib import Path

from knowledge.datafile import DataError


def folder() -> Path:
    """Give the home folder, made if missing.

    Raises:
        DataError: it cannot be made or written to.
    """
    import platformdirs

    named = os.environ.get("KEFU_HOME")
    path = Path(named).expanduser() if named else platformdirs.user_data_path("kefu-coach")
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".write-test"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise DataError(
            f"不能在 {path} 里写文件（{error.strerror}），请换一个目录：设置环境变量 KEFU_HOME"
        ) from None
    return path


def database_url() -> str:
    """Give the database URL: KEFU_DATABASE_URL, or SQLite under the home folder."""
    return os.environ.get("KEFU_DATABASE_URL") or f"sqlite:///{folder() / 'kefu.sqlite3'}"


def version() -> str:
    """Give the installed version."""
    from importlib.metadata import version as installed

    return installed("kefu-coach")
