"""Sliders that are followed in the browser, and results that are sent without what did not change.

A page tells its result as blocks, each of them for a place on the page. Places and sliders are
components that are drawn once; a move runs only the fragment again that feeds them, so it sends
the figures and nothing else. Where components are switched off (``KPI_COMPONENTS=off``),
Streamlit's own elements draw the same blocks, and pages draw its own sliders.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import streamlit as st

from kpi_core import charts
from kpi_core.charts import Shift
from kpi_core.score import Scorecard
from ui import cards, frame, keeping, session
from ui.state import State

_HERE = Path(__file__).parent
_NEWS = "news"
_FEED = "feed"
_BOARDS = 8  # boards of a session whose last move is remembered
Move = Callable[[str, str, Any], None]  # slider, how it was moved, to what


def on() -> bool:
    """Whether the browser draws sliders and figures by these components."""
    return os.environ.get("KPI_COMPONENTS", "on") != "off"


# --- what a page found


@dataclass(frozen=True)
class Block:
    """A part of a result; its kind names what draws it in the browser."""

    kind: ClassVar[str]

    def sent(self) -> dict[str, Any]:
        """The block as the browser gets it."""
        return {"kind": self.kind, **asdict(self)}

    def draw(self) -> None:
        """Draw it with Streamlit's own elements."""
        raise NotImplementedError


@dataclass(frozen=True)
class Lead(Block):
    """A sentence that leads what stands below it."""

    text: str
    kind = "lead"

    def draw(self) -> None:
        """In bold."""
        st.markdown(f"**{cards.plain(self.text)}**")


@dataclass(frozen=True)
class Heading(Block):
    """The title of a part."""

    text: str
    help: str | None = None
    kind = "heading"

    def draw(self) -> None:
        """As a header."""
        st.header(cards.plain(self.text), help=self.help)


@dataclass(frozen=True)
class Note(Block):
    """A remark in small letters."""

    text: str
    kind = "note"

    def draw(self) -> None:
        """As a caption."""
        st.caption(cards.plain(self.text))


@dataclass(frozen=True)
class Metric:
    """One figure; `change` begins with an ASCII sign, or is ``None`` for none."""

    id: str
    label: str
    value: str
    change: str | None = None
    note: str = ""
    help: str | None = None


@dataclass(frozen=True)
class Metrics(Block):
    """Figures side by side."""

    items: Sequence[Metric]
    kind = "metrics"

    def draw(self) -> None:
        """As metrics in columns."""
        for column, item in zip(st.columns(len(self.items)), self.items, strict=True):
            column.metric(item.label, item.value, item.change, border=True, help=item.help)
            if item.note:
                column.caption(cards.plain(item.note))


@dataclass(frozen=True)
class Bars(Block):
    """How far each KPI moves; the longest bar takes its whole side."""

    shifts: Sequence[Shift]
    lang: str
    kind = "bars"

    def sent(self) -> dict[str, Any]:
        """Bars as parts of the longest."""
        longest = max(abs(shift.change) for shift in self.shifts)
        rows = [
            {
                "name": shift.name,
                "label": shift.label,
                "better": shift.better,
                "reach": round(shift.change / longest, 4),
            }
            for shift in self.shifts
        ]
        return {"kind": self.kind, "rows": rows}

    def draw(self) -> None:
        """As a chart."""
        st.altair_chart(charts.changes(self.shifts, self.lang, cards.ink()), key="changes")


@dataclass(frozen=True)
class Table(Block):
    """Rows of words; the first cell names the row."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    kind = "table"

    def draw(self) -> None:
        """As a static table."""
        st.table(
            {
                title: [cards.plain(row[at]) for row in self.rows]
                for at, title in enumerate(self.head)
            }
        )


@dataclass(frozen=True)
class Fold(Block):
    """Blocks that are folded away under a title."""

    title: str
    content: Sequence[Block]
    kind = "fold"

    def sent(self) -> dict[str, Any]:
        """With each block as it is sent."""
        content = [block.sent() for block in self.content]
        return {"kind": self.kind, "title": self.title, "content": content}

    def draw(self) -> None:
        """As an expander."""
        with st.expander(cards.plain(self.title)):
            for block in self.content:
                block.draw()


# --- what its sliders stand at


@dataclass(frozen=True)
class Stand:
    """Where a slider stands, what stands beside its name, and what its box holds."""

    value: float
    shown: str = ""
    typed: float | None = None
    locked: bool = False


@dataclass(frozen=True)
class Stands:
    """Where all sliders of a page stand.

    Attributes:
        moved: whether there is something to put back.
        weights: what the browser needs to weigh a plan by itself; see ``weights.js``.
    """

    rows: Mapping[str, Stand]
    moved: bool = False
    weights: Mapping[str, Any] | None = None


# --- the sliders


@dataclass(frozen=True)
class Box:
    """A box beside a slider for the value itself."""

    step: float
    spoken: str


@dataclass(frozen=True)
class Sign:
    """A sign before the name of a slider, with its meaning in words."""

    text: str
    word: str
    status: str


@dataclass(frozen=True)
class Slider:
    """A slider: its bounds, and how its value is written."""

    id: str
    name: str
    spoken: str
    low: float
    high: float
    step: float
    unit: str = ""
    digits: int = 0
    plus: bool = False
    help: str | None = None
    typed: Box | None = None
    lock: str | None = None
    sign: Sign | None = None


@dataclass(frozen=True)
class Group:
    """Sliders below each other; with a title they are folded away."""

    rows: Sequence[Slider]
    title: str = ""


@dataclass(frozen=True)
class Board:
    """Groups of sliders.

    Attributes:
        point: the decimal point.
        reset: the label of a button that puts all back; none if empty.
        weights: the words of the weights' bars; none where the sliders weigh nothing.
    """

    groups: Sequence[Group]
    point: str
    reset: str = ""
    weights: Mapping[str, Any] | None = field(default=None)


@dataclass(frozen=True)
class Found:
    """What a page found.

    Attributes:
        answer: the answer to the question of the page, in one sentence.
        blocks: place to what stands there.
        around: what stands around these places and depends on the sliders, to be compared.
    """

    answer: str
    blocks: Mapping[str, Sequence[Block]]
    stands: Stands
    around: object


def scales(card: Scorecard, blocks: bool) -> dict[str, Any]:
    """What ``weights.js`` weighs with: the score of each line as it counts, exactly.

    `blocks`: a line without a value leaves no total.
    """
    lines = [(line.judged.kpi.id, line.judged.score, line.counted) for line in card.lines]
    return {
        "scores": {id: None if counted is None else str(counted) for id, _, counted in lines},
        "missing": [id for id, found, _ in lines if found is None],
        "blocks": blocks,
    }


def _part(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


if on():
    _news = st.components.v2.component("kpi_news", html="<i></i>\n", js=_part("news.js"))
    _figures = st.components.v2.component(
        "kpi_figures",
        html='<div class="figures" aria-live="polite"></div>\n',
        css=_part("page.css") + _part("figures.css"),
        js=_part("page.js") + _part("figures.js"),
    )
    _board = st.components.v2.component(
        "kpi_board",
        html='<div class="board"></div>\n',
        css=_part("page.css") + _part("sliders.css"),
        js=_part("page.js") + _part("weights.js") + _part("sliders.js"),
    )


def place(slot: str, found: Found) -> None:
    """Where blocks of what was found stand."""
    if on():
        _figures(key=f"figures.{slot}", data={"slot": slot})
        return
    for block in found.blocks[slot]:
        block.draw()


def feed(find: Callable[[State], Found], found: Found, move: Move) -> None:
    """Draw the answer, and bring what `find` finds to its places and sliders; after each move, too.

    The answer is Streamlit's own text, on the page before any component, in a container of the key
    ``answer``; from then on it follows what the components are told.
    A move is written by `move`, which may refuse it by a ``KpiError``. One that is refused, or
    changes what stands around, draws the whole page again.
    """
    cards.answer(found.answer)
    if on():
        session.keep("live.around", found.around)
        _feed(find, move)


@st.fragment(key=_FEED)
def _feed(find: Callable[[State], Found], move: Move) -> None:
    found = find(session.current(st.session_state["lang"]))
    if session.kept("live.around", None) != found.around or session.is_refused():
        st.rerun()
    slots = {slot: [block.sent() for block in blocks] for slot, blocks in found.blocks.items()}
    done = session.kept("live.done", {})
    told = {"answer": cards.sentence(found.answer), "slots": slots}
    data = {**told, "stands": asdict(found.stands), "done": done}
    _news(key=_NEWS, data=data, on_moved_change=lambda: _write(move))


def _write(move: Move) -> None:
    """Write the moves that are not written yet: a board repeats them until they are answered."""
    steps = session.can("undo"), session.can("redo")
    sent = st.session_state[_NEWS]["moved"]
    done: dict[str, int] = session.kept("live.done", {})
    last = done.get(sent["board"], 0)
    for number, id, how, value in sent["moves"]:
        if number > last:
            session.guarded(move, id, how, value)()
            last = number
    others = {id: own for id, own in done.items() if id != sent["board"]}
    newest = dict(list(others.items())[1 - _BOARDS :])
    session.keep("live.done", newest | {sent["board"]: last})
    keeping.put_down()
    if steps != (session.can("undo"), session.can("redo")):
        st.rerun([frame.STEPS, _FEED])


def whole() -> None:
    """Let the next move draw the whole page: something on it is made of what is moved."""
    session.keep("live.around", object())


def board(key: str, content: Board) -> None:
    """Draw sliders; what is moved is told by the feed of the page."""
    _board(key=f"board.{key}", data=asdict(content))
