#!/usr/bin/env bash
# Surprise: a Textual app whose terminal has gone, without a signal that says so, neither ends nor waits: it reads the end
# of its input again and again, thousands of times a second, until somebody kills it.
#
# Seen with textual 8.2.8, Python 3.11, Linux.
#
# Why: SIGHUP comes to the processes of a terminal's own session. One that only has the terminal as its input and output
# (a session of its own by setsid, a container whose client is gone) is told by read() alone, which gives no bytes. The
# input thread of Textual's Linux driver takes no bytes for nothing to do yet, and select() says at once that there is
# something to read. So who lets an app run where no signal may come has to look now and again whether the terminal is
# still one, and leave.
#
# Starts an app of one line on a pseudo-terminal, in a session of its own, closes the other end, and counts for four
# seconds how often it asks whether there is something to read (through a selector that counts).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install textual==8.2.8
cd "$work"
cat >app.py <<'PYTHON'
import selectors
import sys

from textual.app import App
from textual.widgets import Label

asked = 0
plain = selectors.SelectSelector.select


def counted(self, timeout=None):
    global asked
    asked += 1
    return plain(self, timeout)


selectors.SelectSelector.select = counted


class Small(App):
    def compose(self):
        yield Label("here")

    def on_mount(self):
        self.set_interval(0.5, self.tell)

    def tell(self):
        with open(sys.argv[1], "w") as file:
            file.write(str(asked))


Small().run()
PYTHON
cat >run.py <<'PYTHON'
import os
import select
import subprocess
import sys
import time

ours, theirs = os.openpty()
app = subprocess.Popen(
    [sys.executable, "app.py", "asked"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    env={**os.environ, "TERM": "xterm"},
)
os.close(theirs)
shown, until = b"", time.monotonic() + 30
while time.monotonic() < until:
    if select.select([ours], [], [], 0.1)[0]:
        shown += os.read(ours, 65536)
        if b"here" in shown and until > time.monotonic() + 3:
            until = time.monotonic() + 3
assert b"here" in shown
before = int(open("asked").read())
os.close(ours)
time.sleep(4)
runs = app.poll() is None
after = int(open("asked").read())
app.kill()
app.wait()
print(f"in 3 s with its terminal fewer than 200 times: {before < 200}; 4 s after it has gone the app is "
      f"{'still running' if runs else 'ended'}, and asked more than 1,000 times: {after - before > 1_000}")
sys.exit(0 if runs and before < 200 and after - before > 1_000 else 1)
PYTHON
"$work/venv/bin/python" run.py || { echo "textual does otherwise now" >&2; exit 1; }
