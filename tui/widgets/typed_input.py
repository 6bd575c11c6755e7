"""A line for text that takes keys in the order in which they are typed."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class TypedInput(Input):
    """Carries its own keys (Enter, Backspace, the arrows) out at once, as it does letters.

    Textual hands a key without a sign of its own up to the app, which calls the action that it is bound to: letters
    that are typed meanwhile overtake it.
    """

    async def _on_key(self, event: events.Key) -> None:
        bound = self._bindings.key_to_bindings.get(event.key)
        if bound and not event.is_printable:
            event.stop()
            event.prevent_default()
            await self.run_action(bound[0].action)
