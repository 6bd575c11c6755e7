// Flame graph of a report: rectangles from the outermost frame down to the tag. The data stands in the page.
"use strict";
(() => {
  const data = document.getElementById("stacks");
  if (!data) return; // nothing is outstanding
  const root = JSON.parse(data.textContent);
  const box = document.getElementById("flame"), say = document.getElementById("flame-says");
  const search = document.getElementById("flame-search"), reset = document.getElementById("flame-reset");
  const ROW = 20, LEAST = 0.4; // pixels: height of a row, and the width below which nothing is drawn
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const bytes = (value) => {
    let at = 0;
    while (value >= 1024 && at < units.length - 1) { value /= 1024; at += 1; }
    return `${at ? value.toFixed(value < 10 ? 2 : 1) : value} ${units[at]}`;
  };
  // A node is [name, bytes, children]; each learns its depth, its parent and where it begins.
  const nodes = [];
  const place = (node, parent, depth, start) => {
    const made = { name: node[0], value: node[1], parent, depth, start, children: [], number: nodes.length };
    nodes.push(made);
    let at = start;
    for (const child of node[2] || []) {
      made.children.push(place(child, made, depth + 1, at));
      at += child[1];
    }
    return made;
  };
  const top = place(root, null, 0, 0);
  const depth = nodes.reduce((most, node) => Math.max(most, node.depth), 0) + 1;
  let shown = top, current = top;

  const isAbove = (node, of) => { for (let at = of; at; at = at.parent) if (at === node) return true; return false; };
  const hue = (name) => {
    let sum = 0;
    for (const sign of name.split(/[!+]/)[0]) sum = (sum * 31 + sign.codePointAt(0)) % 997;
    return 10 + sum % 50;
  };
  const draw = () => {
    const width = box.clientWidth, scale = width / shown.value, wanted = search.value.trim().toLowerCase();
    box.textContent = "";
    box.style.height = `${depth * ROW}px`;
    let found = 0, last = -1;
    for (const node of nodes) {
      const over = isAbove(node, shown);
      if (!over && !(node.start >= shown.start && node.start + node.value <= shown.start + shown.value && node.depth > shown.depth)) continue;
      const left = over ? 0 : (node.start - shown.start) * scale, wide = over ? width : node.value * scale;
      const hit = wanted !== "" && node.name.toLowerCase().includes(wanted);
      if (hit && node.start >= last) { found += node.value; last = node.start + node.value; }
      if (wide < LEAST) continue;
      const piece = document.createElement("div");
      piece.className = `frame${hit ? " hit" : ""}${over && node !== shown ? " above" : ""}`;
      const share = (pixels) => `${100 * pixels / width}%`; // paper is not as wide as the window
      piece.style.cssText = `left:${share(left)};top:${node.depth * ROW}px;width:${share(Math.max(wide - 1, LEAST))};--hue:${hue(node.name)}`;
      piece.textContent = wide > 24 ? node.name : "";
      piece.title = `${node.name}\n${bytes(node.value)}, ${(100 * node.value / top.value).toFixed(1)} %`;
      piece.dataset.number = node.number;
      if (node === current) { piece.id = "flame-current"; }
      box.append(piece);
    }
    const part = `${bytes(current.value)}, ${(100 * current.value / top.value).toFixed(1)} % of all`;
    say.textContent = `${current.name}: ${part}` + (wanted ? ` · found: ${bytes(found)}, ${(100 * found / top.value).toFixed(1)} %` : "");
  };
  const zoom = (node) => { shown = current = node; draw(); };
  box.addEventListener("click", (event) => {
    const number = event.target.dataset.number;
    if (number !== undefined) { zoom(nodes[number]); box.focus(); }
  });
  box.addEventListener("keydown", (event) => {
    const siblings = current.parent ? current.parent.children : [current], at = siblings.indexOf(current);
    const next = {
      ArrowDown: current.children[0], ArrowUp: current.parent,
      ArrowRight: siblings[at + 1], ArrowLeft: siblings[at - 1],
    }[event.key];
    if (event.key === "Enter") zoom(current);
    else if (event.key === "Escape") zoom(top);
    else if (next) { current = next; if (!isAbove(shown, next)) shown = next.parent || top; draw(); }
    else return;
    event.preventDefault();
  });
  search.addEventListener("input", draw);
  reset.addEventListener("click", () => { search.value = ""; zoom(top); });
  addEventListener("resize", draw);
  addEventListener("beforeprint", () => zoom(top));
  draw();
})();
