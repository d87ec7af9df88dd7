"""The `kefu` command: parses, runs one command, turns known failures into one Chinese line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from app import home, out, parser
from knowledge.datafile import DataError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 done, 2 bad input, 1 anything else."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    args = parser.parse(argv, home.version())
    command = importlib.import_module(f"app.commands.{args.command}")
    try:
        return int(command.run(args))
    except DataError as error:
        out.note(f"kefu {args.command}：{error}")
        return out.BAD_INPUT
    except BrokenPipeError:
        sys.stderr.close()
        return out.OK
    except KeyboardInterrupt:
        out.note("已中断")
        return out.FAILED


if __name__ == "__main__":
    sys.exit(main())
