"""Text that others wrote, made harmless for where it is printed: on one line, and without commands of any kind."""

from __future__ import annotations

import unicodedata

GONE = "\ufffd"  # stands for a character that would move the cursor, or turn the order of what is read
_BAD = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # of scripts and emoji, which only join what stands beside them


def short(text: str, most: int) -> str:
    """`text`, or what it begins with and how much is left out."""
    return text if len(text) <= most else f"{text[:most]} ... ({len(text) - most:,} more characters)"


def line(text: object) -> str:
    """`text` on one line: runs of white space are one space, control characters and the like are marked as gone."""
    words = " ".join(str(text).split())
    if words.isascii() and words.isprintable():
        return words
    return "".join(GONE if _is_bad(character) else character for character in words)


def _is_bad(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _BAD


def markdown(text: object) -> str:
    """The same for a cell of a table, or a line, of Markdown that allows HTML: no character of it is markup."""
    escaped = line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in "\\`*_{}[]()#|~!$@:" else character for character in escaped)


def command(text: object) -> str:
    """The same for the message of a workflow command of GitHub."""
    return line(text).replace("%", "%25")


def setting(text: object) -> str:
    """The same for what stands before the message."""
    return command(text).replace(":", "%3A").replace(",", "%2C")


def cell(text: object) -> str:
    """The same for a cell of a table that is opened by a spreadsheet, where a formula would be worked out."""
    told = line(text)
    return f"'{told}" if told[:1] in ("=", "+", "-", "@") and not _is_number(told) else told


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
