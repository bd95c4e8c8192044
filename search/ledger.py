"""What a search remembers: an append-only file with one record per event."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_automl import console
from tfx_automl.errors import SearchError


class Ledger:
    """JSON lines, each synced to disk before the search goes on.

    A search that was killed reads the records of the earlier one and repeats nothing that they tell.

    Args:
        path: The file; made if absent.
        key: What the search depends on, as text. A file with another key belongs to another search and is refused.

    Attributes:
        records: What earlier runs wrote, without the header.

    Raises:
        SearchError: The file belongs to another search, or is damaged elsewhere than at its end.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.records: list[dict[str, Any]] = self._read(key) if path.exists() and path.stat().st_size else []
        new = not path.exists() or not path.stat().st_size
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115  # open as long as the search runs
        if new:
            self.append({"event": "header", "key": key, "version": 2})

    def append(self, record: Mapping[str, Any]) -> None:
        """Writes one record and waits until it is on the disk."""
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _read(self, key: str) -> list[dict[str, Any]]:
        lines = self._path.read_bytes().splitlines(keepends=True)
        records = []
        for number, line in enumerate(lines, start=1):
            record = _parse(line)
            if record is None:
                self._drop_torn(number, lines)
                break
            records.append(record)
        if not records:
            return []
        if records[0].get("key") != key:
            raise SearchError(f"{self._path} belongs to another search; remove it, or name another folder.")
        return records[1:]

    def _drop_torn(self, number: int, lines: list[bytes]) -> None:
        """A killed process may leave half a record at the end; anything else is damage that nobody should build on."""
        if number != len(lines):
            raise SearchError(
                f"{self._path}, line {number}: not a record; the file is damaged, remove it to start anew."
            )
        console.line("  the last record of the ledger was torn off when the search was killed; it is dropped")
        with open(self._path, "rb+") as file:
            file.truncate(sum(len(line) for line in lines[:-1]))


def _parse(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def content_key(**parts: object) -> str:
    """Returns a text that identifies a search: data, space, objectives, schedule, version of the code."""
    return json.dumps(parts, sort_keys=True, default=str)
