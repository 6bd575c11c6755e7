// What the page of textual-serve lacks. It is loaded before that page's own script.
"use strict";
(() => {
  // xterm.js keeps the mouse to itself while Shift is held, for selecting text; not so on a Mac.
  const keepsShift = !/^Mac/.test(navigator.platform);
  const SHIFT = 4; // of a mouse report: CSI < buttons+modifiers ; column ; row
  let shifted = false;

  // Says why a session has ended, and puts the Shift that xterm.js must not see into the report of the mouse.
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...words) {
      super(...words);
      this.addEventListener("close", (event) => {
        if (event.reason) document.querySelector(".closed-dialog .message").textContent = event.reason;
      });
    }
    send(data) {
      super.send(shifted ? data.replace(/\[<(\d+);/g, (_, buttons) => `[<${buttons | SHIFT};`) : data);
    }
  };

  // A click with Shift goes to the interface; moved with Shift, the mouse selects text as in any terminal.
  let pressed = null;
  addEventListener("mousedown", (event) => {
    if (event.isTrusted) pressed = keepsShift && event.shiftKey && event.button === 0 ? event : null;
  }, true);
  addEventListener("mouseup", (event) => {
    const began = pressed;
    if (!event.isTrusted || !began) return;
    pressed = null;
    if (Math.hypot(event.clientX - began.clientX, event.clientY - began.clientY) > 4) return;
    shifted = true;
    for (const kind of ["mousedown", "mouseup"]) {
      const { clientX, clientY } = began;
      began.target.dispatchEvent(new MouseEvent(kind, {
        bubbles: true, cancelable: true, view: window, button: 0, buttons: kind === "mousedown" ? 1 : 0,
        clientX, clientY,
      }));
    }
    shifted = false;
  });

  // A file goes to the browser's downloads, without a window that would be taken for an advertisement's.
  const open = window.open;
  window.open = (url, ...rest) => {
    const there = new URL(url, location.href);
    if (there.origin !== location.origin || !there.pathname.startsWith("/download/")) return open(url, ...rest);
    const link = document.createElement("a");
    link.href = there.href;
    link.download = "";
    link.click();
    return null;
  };

  // Browsers have a clipboard for pages of this machine and of https alone; elsewhere there is the old way.
  if (!navigator.clipboard) {
    const writeText = async (text) => {
      const had = document.activeElement;
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      had?.focus();
    };
    Object.defineProperty(navigator, "clipboard", { value: { writeText, readText: async () => "" } });
  }

  // Without it nothing answers to keys before somebody has clicked into the terminal.
  addEventListener("load", function focus() {
    const terminal = document.querySelector(".xterm-helper-textarea");
    terminal ? terminal.focus() : setTimeout(focus, 50);
  });
})();
