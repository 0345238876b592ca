"""Key events of a keyboard-wedge scanner to scans, by a fixed layout. Pure.

Key codes are those of linux/input-event-codes.h. The scanner must be set to the layout named here;
what a terminal would make of its keys plays no part.
"""

from __future__ import annotations

from typing import Final, Literal

from edge.drivers.scan_lines import FNC1, MAX_CHARS, PARTIAL_US, ScanFormat, Unread

Layout = Literal["us", "de", "fr"]
Fnc1Key = Literal["none", "ctrl-bracket", "f8", "f12"]
PRESSED: Final = 1
_SHIFT, _CTRL, _ALT_GR, _CAPS = frozenset({42, 54}), frozenset({29, 97}), 100, 58
_ENDS: Final = frozenset({28, 96, 15})
_RIGHT_BRACKET: Final = 27
_FNC1_KEYS: Final = {"f8": 66, "f12": 88}
# Rows of a keyboard by first key code: digits from 2, letters from 16, 30 and 44.
_ROWS: Final[dict[Layout, tuple[tuple[int, str, str], ...]]] = {
    "us": (
        (2, "1234567890-=", "!@#$%^&*()_+"),
        (16, "qwertyuiop[]", "QWERTYUIOP{}"),
        (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
        (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
        (57, " ", " "),
    ),
    "de": (
        (2, "1234567890ß´", '!"§$%&/()=?`'),
        (16, "qwertzuiopü+", "QWERTZUIOPÜ*"),
        (30, "asdfghjklöä^", "ASDFGHJKLÖÄ°"),
        (43, "#yxcvbnm,.-", "'YXCVBNM;:_"),
        (57, " ", " "),
        (86, "<", ">"),
    ),
    "fr": (
        (2, "&é\"'(-è_çà)=", "1234567890°+"),
        (16, "azertyuiop^$", "AZERTYUIOP¨£"),
        (30, "qsdfghjklmù²", "QSDFGHJKLM%~"),
        (43, "*wxcvbn,;:!", "µWXCVBN?./§"),
        (57, " ", " "),
        (86, "<", ">"),
    ),
}
_ALT_GR_KEYS: Final[dict[Layout, dict[int, str]]] = {
    "us": {},
    "de": {8: "{", 9: "[", 10: "]", 11: "}", 12: "\\", 16: "@", 27: "~", 86: "|"},
    "fr": {
        3: "~", 4: "#", 5: "{", 6: "[", 7: "|", 8: "`", 9: "\\", 10: "^", 11: "@", 12: "]", 13: "}",
    },
}  # fmt: skip
_KEYPAD: Final = {
    71: "7", 72: "8", 73: "9", 74: "-", 75: "4", 76: "5", 77: "6", 78: "+", 79: "1", 80: "2",
    81: "3", 82: "0", 83: ".", 55: "*", 98: "/",
}  # fmt: skip


def _table(layout: Layout, row: int) -> dict[int, str]:
    found = dict(_KEYPAD)
    for first, *texts in _ROWS[layout]:
        found |= {first + place: char for place, char in enumerate(texts[row])}
    return found


_PLAIN: Final = {layout: _table(layout, 0) for layout in _ROWS}
_SHIFTED: Final = {layout: _table(layout, 1) for layout in _ROWS}


class KeyReader:
    """Follows the keys of one scanner; `at` is a monotonic clock in us."""

    def __init__(self, form: ScanFormat, *, layout: Layout = "us", fnc1: Fnc1Key = "none") -> None:
        self._form = form
        self._layout: Layout = layout
        self._fnc1: Fnc1Key = fnc1
        self._down: set[int] = set()
        self._caps = False
        self._text: list[str] = []
        self._since = 0
        self._unknown = False

    @property
    def due(self) -> int | None:
        """When the half scan that is held becomes unread."""
        return self._since + PARTIAL_US if self._text or self._unknown else None

    def key(self, code: int, value: int, at: int) -> list[str | Unread]:
        """One EV_KEY event: value 1 pressed, 0 released, 2 repeated by the kernel (ignored)."""
        out: list[str | Unread] = list(self.expire(at))
        if value == 0:
            self._down.discard(code)
            return out
        if value != PRESSED:
            return out
        if code in _SHIFT or code in _CTRL or code == _ALT_GR:
            self._down.add(code)
        elif code == _CAPS:
            self._caps = not self._caps
        elif code in _ENDS:
            out.append(self._finish())
        else:
            self._press(code, at)
            if len(self._text) > MAX_CHARS * 4:
                out.append(self._finish())
        return out

    def expire(self, at: int) -> list[Unread]:
        """The half scan, when it has waited too long."""
        due = self.due
        if due is None or at < due:
            return []
        text = "".join(self._text)
        self._reset()
        return [Unread("scan-partial", text[:MAX_CHARS].encode())]

    def _press(self, code: int, at: int) -> None:
        if not self._text and not self._unknown:
            self._since = at
        char = self._char(code)
        if char is None:
            self._unknown = True
        else:
            self._text.append(char)

    def _char(self, code: int) -> str | None:
        if self._down & _CTRL and _ALT_GR not in self._down:
            is_fnc1 = self._fnc1 == "ctrl-bracket" and code == _RIGHT_BRACKET
            return FNC1 if is_fnc1 else None
        if code == _FNC1_KEYS.get(self._fnc1):
            return FNC1
        if _ALT_GR in self._down:
            return _ALT_GR_KEYS[self._layout].get(code)
        shifted = bool(self._down & _SHIFT)
        plain = _PLAIN[self._layout].get(code)
        if self._caps and plain is not None and plain.isalpha():
            shifted = not shifted
        return _SHIFTED[self._layout].get(code) if shifted else plain

    def _finish(self) -> str | Unread:
        text, unknown = "".join(self._text), self._unknown
        self._reset()
        kept = text[:MAX_CHARS].encode()
        if unknown:
            return Unread("scan-encoding", kept)
        prefix = self._form.prefix.decode("latin-1")
        if not text.startswith(prefix):
            return Unread("scan-prefix", kept)
        text = text[len(prefix) :]
        if not text:
            return Unread("scan-empty")
        if self._form.fnc1:
            text = text.replace(self._form.fnc1, FNC1)
        return text if len(text) <= MAX_CHARS else Unread("scan-length", kept)

    def _reset(self) -> None:
        self._text.clear()
        self._unknown = False
