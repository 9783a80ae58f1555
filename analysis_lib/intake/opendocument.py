"""Workbooks of LibreOffice and OpenOffice (.ods), read in one pass over their content: no library tells what
is hidden in them.
"""

from __future__ import annotations

import io
import re
import zipfile

from analysis_lib.intake.raw import MOST_IN_WORKBOOKS, as_text, within_limits
from analysis_lib.intake.sheets import Layout, Sheet, as_percent, chosen, parse, unpacked_within_limits

BLANKS = {"s": " ", "tab": "\t", "line-break": "\n"}  # elements that stand for characters


class Ods:
    """The workbooks of LibreOffice and OpenOffice."""

    def __init__(self, data: bytes):
        data = unpacked_within_limits(data)
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            content = parts.read("content.xml")
        self.tables: dict[str, Sheet] = {}
        self.unseen_styles: set[str] = set()
        self.unseen: set[str] = set()
        self.style, self.area, self.ignored = "", 0, 0
        self.sheet: Sheet
        self.text: list[str] | None = None
        parse(io.BytesIO(content), self._start, self._end, self._said)

    def visible(self) -> list[str]:
        return [name for name in self.tables if name not in self.unseen]

    def read(self, name: str) -> Sheet:
        taken, others = chosen(name, list(self.tables), self.visible())
        found = self.tables[taken]
        return Sheet(found.rows, found.layout, others, found.months)

    def _start(self, name: str, given: dict) -> None:
        name, given = name.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in given.items()}
        if name == "style":
            self.style = given.get("name", "")
        elif name == "table-properties" and given.get("display") == "false":
            self.unseen_styles.add(self.style)
        elif name == "table":
            self.sheet, self.column = Sheet([], Layout()), 0
            self.tables[given.get("name", "")] = self.sheet
            if given.get("style-name") in self.unseen_styles:
                self.unseen.add(given.get("name", ""))
        elif name == "table-column":
            times = min(int(given.get("number-columns-repeated", 1)), 16384)
            if given.get("visibility") in ("collapse", "filter"):
                self.sheet.layout.hidden_columns |= set(range(self.column + 1, self.column + times + 1))
            self.column += times
        elif name == "table-row":
            self.row: list[str] = []
            self.repeats, self.how = int(given.get("number-rows-repeated", 1)), given.get("visibility")
        elif name in ("table-cell", "covered-table-cell"):
            self.cell, self.text = given, []
        elif name == "annotation":  # a note at a cell is none of its text
            self.ignored += 1
        elif name == "p" and self.text:
            self.text.append("\n")
        elif name in BLANKS and self.text is not None and not self.ignored:
            self.text.append(BLANKS[name] * min(int(given.get("c", 1)), 100))

    def _said(self, text: str) -> None:
        if self.text is not None and not self.ignored:
            self.text.append(text)

    def _end(self, name: str) -> None:
        name = name.rpartition(" ")[2]
        if name == "annotation":
            self.ignored -= 1
        elif name in ("table-cell", "covered-table-cell"):
            text, times = self._value(), int(self.cell.get("number-columns-repeated", 1))
            top, left = len(self.sheet.rows) + 1, len(self.row) + 1
            down, across = (int(self.cell.get(f"number-{what}-spanned", 1)) for what in ("rows", "columns"))
            if down > 1 or across > 1:
                self.sheet.layout.merged.append((top, left, top + down - 1, left + across - 1))
            within_limits(0, times if text else 0, MOST_IN_WORKBOOKS)
            if self.cell.get("value-type") == "date" and self._without_day():
                self.sheet.months.add(left - 1)
            self.row += [text] * (times if text else min(times, 16384))
            self.text = None
        elif name == "table-row":
            self._end_row()
        elif name == "table":
            del self.sheet  # cells of no table are an error

    def _end_row(self) -> None:
        while self.row and not self.row[-1]:
            self.row.pop()
        first, times = len(self.sheet.rows) + 1, self.repeats if self.row else min(self.repeats, 1_048_576)
        self.area += len(self.row) * times
        within_limits(0, self.area, MOST_IN_WORKBOOKS)
        if self.how in ("collapse", "filter"):
            self.sheet.layout.hidden_rows |= set(range(first, first + times))
            self.sheet.layout.filtered |= self.how == "filter"
        self.sheet.rows += [list(self.row) for _ in range(times)]

    def _without_day(self) -> bool:
        """Whether the cell shows a date, but not its day."""
        day, shown = self.cell.get("date-value", "")[8:10], "".join(self.text or [])
        return bool(day and shown) and int(day) not in map(int, re.findall("[0-9]+", shown))

    def _value(self) -> str:
        given, kind = self.cell, self.cell.get("value-type")
        if kind == "percentage" and "value" in given:
            return as_percent(float(given["value"]))
        if kind in ("float", "currency") and "value" in given:
            return as_text(float(given["value"]))
        if kind == "date" and "date-value" in given:
            return given["date-value"].removesuffix("T00:00:00")
        return (
            given["boolean-value"]
            if kind == "boolean" and "boolean-value" in given
            else "".join(self.text or [])
        )
