"""The grammar of spans.py as regular expressions: what letters are, and what is protected in a text.

Here: what a token, a block and a run of plain words look like. Not here: reading a text with them (spans.py).
The character classes are written out, not taken from \\w, so that a newer Unicode table cannot move an edit.
"""

from __future__ import annotations

import re

__all__ = ["BARE_TABLE", "FENCE", "FRONT_MATTER", "HAN", "LETTERS", "TOKEN", "WORD"]

# Letters with their marks: Latin, every alphabet below U+2000 without its punctuation and format controls, joiners,
# keycap and enclosing marks, Hangul, variation selectors, half marks, Arabic presentation forms, supplementary
# scripts. Han and kana have no blanks between words and are left out.
LETTERS = (
    "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0300-\u037d\u037f-\u0386\u0388-\u0559\u0560-\u0588"
    "\u058b-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7-\u05f2\u0610-\u061a\u0620-\u065f\u066e-\u06d3\u06d5-\u06dc\u06de-\u06ff"
    "\u070f-\u0963\u0966-\u096f\u0971-\u0e4e\u0e50-\u0e59\u0e5c-\u1049\u1050-\u135f\u1369-\u166d\u166f-\u17d3\u17d7"
    "\u17db-\u17ff\u180b-\u1fff\u200c\u200d\u20d0-\u20ff\u2c00-\u2dff\ua640-\ua8ff\ua900-\uabff\uac00-\ud7ff\ufb50-\ufd3d"
    "\ufd50-\ufdff\ufe00-\ufe0f\ufe20-\ufe2f\ufe70-\ufefc\U00010000-\U0001efff"
)
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    "|Nov(?:ember)?|Dec(?:ember)?)"
)
# the names of a citation: capitals, initials, "and", "et al."
_AUTHORS = r"[A-Z][A-Za-zÀ-ɏ'’\-]{1,30}(?:(?:,? (?:and|&)|,)? (?:[A-Z][A-Za-zÀ-ɏ'’.\-]{0,30}|et al\.?)){0,6}"
_URL_END = r"[^\s<>\"`\]|，。；！？、）】》”.,;:!?)'*_]"  # a URL does not end in the punctuation of its sentence
_TAIL = r"(?:[.\-/]?[A-Za-z\d_])*+"  # a separator counts only inside a name, so a full stop after it stays free

# Every alternative starts with a literal or a class where it can, which lets the engine skip it by one character, and
# none runs past a second opening mark of its own kind, so that hostile text costs linear time.
_LINES = (  # blocks that begin a line
    r"[ \t]*\|[^\n]*\|[ \t]*\r?$",  # table row
    r"(?: {4}|\t)[ \t]*+(?![-*+•>\d])[^\n]*[=(){};#][^\n]*$",  # indented code
    r"(?=[^\n{;]*+[{;])[^\n]*(?:\{|\);)[ \t]*\r?$",  # code without a fence; most lines hold neither sign
    r"[ \t]*\}[^\n]{0,20}$",
    r"[ \t]*(?:(?:def|class) [A-Za-z_][^\n]*:[ \t]*\r?$|import [a-z_.]+[^\n]{0,40}$|from [A-Za-z_.]+ import [^\n]*$)",
)
_BLOCK = (
    rf"^(?:{'|'.join(_LINES)})",
    r"\$\$(?:[^$]|\$(?!\$)){1,4000}+\$\$",
    r"\\\[(?:[^\\]|\\(?![\[\]])){0,4000}+\\\]",
    r"\\begin\{(?P<env>[a-z]{1,20}\*?)\}[\s\S]{0,3000}?\\end\{(?P=env)\}",
    r"<!--(?:(?!-->|<!--)[\s\S]){0,4000}+-->",
)
_INLINE = (
    r"``(?:[^`\n]|`(?!`)){1,2000}+``",
    r"`[^`\n]+`",
    r"\$(?=[^\s$])[^$\n]{1,400}+(?<=[^\s\\])\$(?!\d)",
    r"\\\((?:[^\\]|\\(?![()])){0,4000}+\\\)",
    r"\\[A-Za-z]+(?:\{[^{}\n]{0,300}\})*",
    r"</?[A-Za-z][^<>\n]{0,500}>",
    r"&#?[A-Za-z\d]{1,12};",
    r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?: +\"[^\"\n]*\")?\)",  # target of a markdown link
    r"\[(?:\d{1,3}(?:(?:, ?|; ?|[-–])\d{1,3}){0,20}|\^[^\]\s]{1,40}|@[^\]\n]{1,200})\]",  # [1, 4-6], [^note], [@key]
    rf"\((?:(?:see|cf\.|e\.g\.,?) )?{_AUTHORS},? \d{{4}}[a-z]?(?:[,;] [^()\n]{{1,120}})?\)",  # (Smith et al., 2019)
    rf"[hH][tT]{{2}}[pP][sS]?://[^\s<>\"`\]|，。；！？、）】》”]*{_URL_END}",
    rf"[fF][tT][pP]://[^\s<>\"`\]|，。；！？、）】》”]*{_URL_END}",
    rf"[wW]{{3}}\.[^\s<>\"`\]|，。；！？、）】》”]*{_URL_END}",
    rf"\d{{1,2}}(?:st|nd|rd|th)?+ (?:of )?{_MONTH}\b(?:,? \d{{4}}\b)?",
    rf"{_MONTH}\.? \d{{1,4}}(?:st|nd|rd|th)?\b(?:, \d{{4}}\b)?",
    r"[$€£¥] ?\d[A-Za-z\d_]*+(?:[.,:/\-–]\d[A-Za-z\d_]*+)*+(?: ?[%‰])?",
    r"\d[A-Za-z\d_]*+(?:[.,:/\-–^]\d[A-Za-z\d_]*+)*+(?: ?[%‰°])?",
)
#: what they begin with; most characters are none of these
_INLINE_FIRST = r"(?=[`$\\<&\]\[(hHfFwW\dJFMASOND€£¥])"
_NAMES = (
    r"[A-Za-z\d_.+\-]{1,64}+@[A-Za-z\d-]{1,64}+(?:\.[A-Za-z\d-]{1,64}+)+",
    rf"[A-Za-z]++(?:[\d_]|-\d|\.[A-Za-z\d_]|\(\)){_TAIL}",  # a_name, GPT-4, os.path, e.g, call()
    r"[@#][A-Za-z_][A-Za-z\d_]*",
    rf"/[A-Za-z\d_.\-]++/{_TAIL}",
)
# Most of a text is plain words with a mark or none behind them and then a blank. Nothing but a date can begin in such a
# run ("in March 5", "mid-May 3"), so it is taken at once; what it excludes is left to the costlier alternatives.
_RUN_WORD = r"[A-Za-z]++(?:['’][A-Za-z]++|-(?![JFMASOND])[A-Za-z]++){0,4}+[,;:.!?\"”’')*]{0,3}+"
_RUN = (
    rf"[ ,;:.!?)]{{0,3}}+(?:[\"“*]{{0,2}}+(?:(?![JFMASOND]){_RUN_WORD} |{_RUN_WORD} (?!\d)))++"
    rf"(?:[\"“*]{{0,2}}+{_RUN_WORD}(?=\n|\Z))?+"
)
TOKEN = re.compile(
    rf"(?P<block>{'|'.join(_BLOCK)})|(?P<run>{_RUN})|{_INLINE_FIRST}(?P<inline>{'|'.join(_INLINE)})"
    rf"|(?P<name>{'|'.join(_NAMES)})|(?P<word>[{LETTERS}]++(?:['’][{LETTERS}]++)*+)",
    re.MULTILINE,
)
#: in a run, and wherever all letters are ASCII
WORD = re.compile(r"[A-Za-z]++(?:['’][A-Za-z]++)*+")
# A fence that is never closed runs to the end, as in markdown.
FENCE = re.compile(
    r"^[ \t>]*(?P<mark>`{3,}+(?=[^`\n]*(?:\n|\Z))|~{3,}+)[^\n]*(?:\n[\s\S]*?^[ \t>]*(?P=mark)[`~]*[ \t]*\r?$|[\s\S]*)",
    re.MULTILINE,
)

# A block of settings before the text, as static site generators write it; the first line must be a key.
FRONT_MATTER = re.compile(
    r"(?P<mark>---|\+\+\+)[ \t]*\r?\n(?=[A-Za-z_][\w-]*[ \t]*[:=])[\s\S]{0,4000}?\n(?P=mark)[ \t]*\r?$", re.M
)
# A table whose rows have no bar at their ends: known by the line of dashes under its head.
BARE_TABLE = re.compile(
    r"^[^\n|]*\|[^\n]*\n[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)++\r?$(?:\n[^\n|]*\|[^\n]*$)*", re.MULTILINE
)
