"""A question that is answered in one line."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.widgets.key_bar import KeyBar
from tui.widgets.typed_input import TypedInput

Answer = TypeVar("Answer")


class QuestionScreen(ModalScreen[Answer | None]):
    """Gives the answer, ``None`` where there is none. ``line`` is what it is typed into, and says what Enter does."""

    DEFAULT_CSS = """
    QuestionScreen { align: center middle; }
    QuestionScreen > Vertical {
        width: 72; max-width: 100%; height: auto; border: round $primary; padding: 0 1; background: $panel;
    }
    QuestionScreen Static { height: auto; }
    QuestionScreen .wrong { color: $warning; text-style: bold; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="question.cancel", tooltip="Answer nothing"),
    ]

    def __init__(self, title: str, question: str, line: TypedInput) -> None:
        super().__init__()
        self._title, self._question, self._line = title, question, line
        self._wrong = Static(markup=False, classes="wrong")

    @abstractmethod
    def judged(self, said: str) -> Answer:
        """What was meant. Raises ValueError, with what is wrong with it."""

    def compose(self) -> ComposeResult:
        """A question, a line for the answer, and what is wrong with it."""
        with Vertical() as box:
            box.border_title = self._title
            yield Static(self._question, markup=False)
            yield self._line
            yield self._wrong
        yield KeyBar()

    def on_mount(self) -> None:
        """Keys go to the line."""
        self._line.focus()

    def action_cancel(self) -> None:
        """Give no answer."""
        self.dismiss(None)

    @on(Input.Submitted)
    def _judge(self, event: Input.Submitted) -> None:
        try:
            answer = self.judged(event.value.strip())
        except ValueError as error:
            self._wrong.update(str(error))
        else:
            self.dismiss(answer)

    @on(Input.Changed)
    def _forget(self) -> None:
        self._wrong.update("")
