"""One module per command; :mod:`tui.commands.registry` names them all."""
