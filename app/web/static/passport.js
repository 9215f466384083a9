// The as-built table and the board drawing are one: choose a place and its reel is found, choose a reel and its places light up.
import { Board } from "./station/board.js";

const box = document.querySelector("[data-as-built]");
if (box) {
  const rows = [...box.querySelectorAll("[data-packages] tbody tr")].map((row) => ({
    row, names: row.dataset.designators.split(" ").filter(Boolean), text: row.textContent.toLowerCase(),
  }));
  const card = box.querySelector("[data-place-card]");
  const field = box.querySelector("[data-find] input");
  const parts = new Map([...box.querySelectorAll(".part[data-designator]")].map((part) => [part.dataset.designator, part]));
  const board = parts.size ? new Board(box, ([first]) => choosePlace(first)) : null;

  const light = (names, at) => {
    if (!board) return;
    board.mark(names, "accent");
    board.mark(new Set(at ? [at] : []), "at");
    if (at) board.reveal(at);
  };
  const show = (kept, chosen = new Set()) => {
    for (const one of rows) {
      one.row.hidden = !kept.has(one);
      one.row.classList.toggle("chosen", chosen.has(one));
    }
  };
  const everything = () => {
    show(new Set(rows));
    light(new Set());
    card.hidden = true;
    field.value = "";
  };

  // What is at one place: its card copies the cells of its rows, so that what is said once is said alike.
  function choosePlace(name) {
    const here = rows.filter(({ names }) => names.includes(name));
    light(new Set(here.flatMap(({ names }) => names)), name);
    show(new Set(here.length ? here : rows), new Set(here));
    const head = document.createElement("h3");
    head.textContent = name + (here.length ? "" : ` · ${box.querySelector(".mark.missing")?.nextSibling.textContent.trim() ?? ""}`);
    card.replaceChildren(head, ...here.map(({ row }) => {
      const line = document.createElement("p");
      line.className = row.classList.contains("gone") ? "quiet" : "";
      line.append(...[0, 2].flatMap((cell) => [...row.cells[cell].cloneNode(true).childNodes, " "]).map((node) => (node.nodeName === "BR" ? " · " : node)));
      return line;
    }));
    card.hidden = false;
  }

  for (const one of rows) one.row.tabIndex = 0;
  for (const one of rows) one.row.addEventListener("keydown", (event) => {
    if (event.target === one.row && event.key === "Enter") one.row.click();
  });
  for (const one of rows) one.row.addEventListener("click", (event) => {
    if (event.target.closest("a, summary")) return;
    if (one.row.classList.contains("chosen")) return everything();
    card.hidden = true;
    show(new Set(rows.filter(({ row }) => !row.hidden)), new Set([one]));
    light(new Set(one.names));
    if (one.names[0]) board?.reveal(one.names[0]);
  });
  for (const [name, part] of parts) part.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") part.querySelector("title").textContent = [name, ...rows.filter(({ names }) => names.includes(name))
      .map(({ row }) => row.cells[0].innerText.replaceAll("\n", " · "))].join(" · ");
  });
  field.addEventListener("input", () => {
    const typed = field.value.trim().toLowerCase();
    card.hidden = true;
    const exact = rows.flatMap(({ names }) => names).find((name) => name.toLowerCase() === typed) ?? [...parts.keys()].find((name) => name.toLowerCase() === typed);
    if (exact) return choosePlace(exact);
    const kept = rows.filter(({ text, names }) => text.includes(typed) || names.some((name) => name.toLowerCase().startsWith(typed)));
    show(new Set(kept));
    light(new Set(typed ? kept.flatMap(({ names }) => names) : []));
    field.setCustomValidity(kept.length ? "" : box.dataset.wordsNone);
    if (!kept.length) field.reportValidity();
  });
  box.querySelector("[data-find]").addEventListener("submit", (event) => event.preventDefault());
  box.querySelector("[data-all]").addEventListener("click", everything);

  // Arrow keys go to the nearest part that way; Home to the first.
  for (const drawn of box.querySelectorAll("[data-drawn]")) drawn.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const here = [...drawn.querySelectorAll(".part")];
    const from = drawn.querySelector(".part.at");
    if (event.key === "Escape") return everything();
    if (!way || !here.length) return;
    event.preventDefault();
    const middle = (part) => { const { x, y, width, height } = part.getBoundingClientRect(); return [x + width / 2, y + height / 2]; };
    if (!from) return choosePlace(here[0].dataset.designator);
    const [x, y] = middle(from);
    const next = here.map((part) => { const [a, b] = middle(part); const along = (a - x) * way[0] + (b - y) * way[1];
      const across = Math.abs((a - x) * way[1]) + Math.abs((b - y) * way[0]); return { part, along, cost: along + 2 * across }; })
      .filter(({ along }) => along > 1).sort((one, other) => one.cost - other.cost)[0];
    if (next) { choosePlace(next.part.dataset.designator); next.part.scrollIntoView({ block: "nearest", inline: "nearest" }); }
  });
}

// A unit inside a unit is asked for when it is unfolded, however deep it is.
document.addEventListener("toggle", async ({ target }) => {
  const address = target.dataset?.inside;
  if (!address || !target.open || target.dataset.asked) return;
  target.dataset.asked = "yes";
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  const inside = document.createElement("div");
  inside.innerHTML = await answer.text();
  target.append(inside);
}, true);
