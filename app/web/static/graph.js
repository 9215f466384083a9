// Draws the genealogy. Groups larger than FEW are one node until somebody unfolds a part of them, so that ten thousand
// boards are as readable as ten; what is not unfolded is never handed to the layout.
const FEW = 12;
const AT_ONCE = 60;

const place = document.querySelector("[data-picture]");
const canvas = place.querySelector("[data-canvas]");
const about = place.querySelector("[data-about]");
const groups = place.querySelector("[data-groups]");
const firstWords = [...about.childNodes].map((node) => node.cloneNode(true));
const words = place.dataset;

/** What is unfolded of a graph: a plain calculation, without the drawing. */
class Folding {
  constructor(graph) {
    this.nodes = new Map(graph.nodes.map((node) => [node.key, node]));
    this.edges = graph.edges;
    this.root = graph.root;
    this.groups = new Map();
    for (const node of graph.nodes) {
      if (node.key === graph.root || !node.group) continue;
      const name = `${node.kind} ${node.group}`;
      if (!this.groups.has(name)) this.groups.set(name, []);
      this.groups.get(name).push(node.key);
    }
    this.shown = new Set();
    this.foldedIn = new Map();
    this.fold();
  }

  fold() {
    this.shown = new Set(this.nodes.keys());
    for (const members of this.groups.values()) {
      if (members.length > FEW) members.forEach((key) => this.shown.delete(key));
    }
  }

  unfold(name) {
    this.groups.get(name).filter((key) => !this.shown.has(key)).slice(0, AT_ONCE).forEach((key) => this.shown.add(key));
  }

  reveal(key) {
    this.shown.add(key);
  }

  /** Nodes and edges to draw: hidden members stand in for themselves as their group, each edge once. */
  visible() {
    const standsIn = new Map();
    const folded = [];
    for (const [name, members] of this.groups) {
      const hidden = members.filter((key) => !this.shown.has(key));
      if (!hidden.length) continue;
      const first = this.nodes.get(hidden[0]);
      folded.push({ key: `group:${name}`, name, count: hidden.length, kind: first.kind, group: first.group });
      hidden.forEach((key) => standsIn.set(key, `group:${name}`));
    }
    const nodes = [...this.nodes.values()].filter((node) => this.shown.has(node.key));
    const edges = new Map();
    for (const edge of this.edges) {
      const source = standsIn.get(edge.source) ?? edge.source;
      const target = standsIn.get(edge.target) ?? edge.target;
      if (source === target) continue;
      const key = `${source}\n${target}`;
      const known = edges.get(key);
      const single = source === edge.source && target === edge.target;
      if (known) known.evidence = weaker(known.evidence, edge.evidence);
      else edges.set(key, { source, target, says: single ? edge.says : "", evidence: edge.evidence });
    }
    return { nodes, folded, edges: [...edges.values()] };
  }
}

function weaker(one, other) {
  const order = [undefined, null, "exact", "bounded", "inferred"];
  return order.indexOf(one) > order.indexOf(other) ? one : other;
}

const short = (text) => (text.length > 26 ? `${text.slice(0, 12)}…${text.slice(-12)}` : text);

function wordsOf(folded) {
  const [what, ...name] = folded.group.split(" ");
  const kind = what === "components" ? words.wordsComponents : folded.kind === "unit" ? words.wordsUnits : words.wordsPackages;
  return words.wordsMore
    .replace("{count}", `${folded.count.toLocaleString(document.documentElement.lang)} ${kind}`)
    .replace("{group}", name.join(" ") || what);
}

/** A frame as wide as its words: what is drawn small is not read. */
const widthOf = (label) => Math.min(Math.max(label.length * 9 + 40, 90), 190);

function elements(visible) {
  return [
    ...visible.nodes.map((node) => ({ data: { id: node.key, label: short(node.label), kind: node.kind, width: widthOf(short(node.label)) } })),
    ...visible.folded.map((one) => ({
      data: { id: one.key, label: wordsOf(one), kind: one.kind, name: one.name, folded: "yes", width: 190 },
    })),
    ...visible.edges.map((edge) => ({
      data: { id: `${edge.source}>${edge.target}`, source: edge.source, target: edge.target, label: short(edge.says), evidence: edge.evidence ?? "exact" },
    })),
  ];
}

function style() {
  const colour = (name) => getComputedStyle(place).getPropertyValue(name).trim();
  const resolved = (name) => {
    const probe = document.createElement("i");
    probe.style.color = colour(name);
    place.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const [text, quiet, surface, sunken] = ["--text", "--quiet", "--surface", "--sunken"].map(resolved);
  const border = { unit: resolved("--good"), package: resolved("--accent"), lot: resolved("--warn") };
  const shape = { unit: "round-rectangle", package: "ellipse", lot: "hexagon" };
  return [
    { selector: "node", style: {
      label: "data(label)", color: text, "font-size": 13, "text-valign": "center", "text-wrap": "wrap", "text-max-width": 170,
      width: "data(width)", height: 44, "background-color": surface, "border-width": 2,
    } },
    ...Object.keys(shape).map((kind) => ({ selector: `node[kind="${kind}"]`, style: { shape: shape[kind], "border-color": border[kind] } })),
    { selector: "node[folded]", style: { "border-style": "dashed", "background-color": sunken, height: 60, "font-weight": 700 } },
    { selector: "node:selected, node.root", style: { "border-width": 5 } },
    { selector: "edge", style: {
      width: 2, "line-color": quiet, "target-arrow-color": quiet, "target-arrow-shape": "triangle", "curve-style": "bezier",
      label: "data(label)", "font-size": 13, color: text, "text-background-color": surface, "text-background-opacity": 0.85,
      "text-rotation": "autorotate", "min-zoomed-font-size": 9,
    } },
    { selector: 'edge[evidence="bounded"]', style: { "line-style": "dashed" } },
    { selector: 'edge[evidence="inferred"]', style: { "line-style": "dotted" } },
  ];
}

/** Layers from left to right; the members of a group that was unfolded stand in a block behind the last layer. */
function arrange(picture, folding, visible) {
  const blocks = visible.folded
    .map(({ name }) => picture.collection(folding.groups.get(name).filter((key) => folding.shown.has(key)).map((key) => picture.getElementById(key)[0])))
    .filter((block) => block.length > FEW);
  const inBlocks = blocks.reduce((all, block) => all.union(block), picture.collection());
  picture.elements().not(inBlocks).not(inBlocks.connectedEdges())
    .layout({ name: "dagre", rankDir: "LR", nodeSep: 14, rankSep: canvas.clientWidth < 800 ? 70 : 110, animate: false, fit: false }).run();
  const layers = picture.nodes().not(inBlocks).boundingBox();
  const rows = Math.max(FEW, Math.ceil(Math.sqrt(3 * inBlocks.length)));
  let left = layers.x2 + 220;
  for (const block of blocks) {
    block.forEach((node, index) => {
      node.position({ x: left + 205 * Math.floor(index / rows), y: layers.y1 + 52 * (index % rows) });
    });
    left += 205 * Math.ceil(block.length / rows) + 60;
  }
}

function draw(graph) {
  const folding = new Folding(graph);
  canvas.replaceChildren();
  if (graph.left_out) {
    const message = document.querySelector("[data-left-out]");
    message.querySelector("[data-count]").textContent = graph.left_out.toLocaleString(document.documentElement.lang);
    message.hidden = false;
  }
  const picture = cytoscape({ container: canvas, style: style(), minZoom: 0.05, maxZoom: 2.5, wheelSensitivity: 0.4 });
  const show = (fit = true) => {
    const visible = folding.visible();
    picture.elements().remove();
    picture.add(elements(visible));
    picture.getElementById(graph.root).addClass("root");
    arrange(picture, folding, visible);
    if (fit) picture.fit(undefined, 24);
    if (fit && picture.zoom() > 1.2) { picture.zoom(1.2); picture.center(); }
    canvas.dataset.drawn = picture.nodes().length;
    groups.replaceChildren(...visible.folded.map((one) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "plain";
      button.textContent = wordsOf(one);
      button.addEventListener("click", () => { folding.unfold(one.name); show(); });
      return button;
    }));
  };
  const tell = (node) => {
    const part = place.querySelector("[data-of-node]").content.cloneNode(true);
    part.querySelector("[data-label]").textContent = node.label;
    part.querySelector("[data-says]").textContent = [node.says, node.group?.replace(/^\w+ /, "")].filter(Boolean).join(" · ");
    const [page, centre] = addresses(node);
    part.querySelector("[data-open]").href = page;
    part.querySelector("[data-centre]").href = centre;
    if (node.key === graph.root) part.querySelector("[data-centre]").remove();
    about.replaceChildren(part);
  };
  picture.on("tap", "node", ({ target }) => {
    if (target.data("folded")) { folding.unfold(target.data("name")); show(); }
    else tell(folding.nodes.get(target.id()));
  });
  picture.on("tap", (event) => { if (event.target === picture) about.replaceChildren(...firstWords.map((node) => node.cloneNode(true))); });
  place.querySelector("[data-fit]").addEventListener("click", () => picture.fit(undefined, 24));
  place.querySelector("[data-fold]").addEventListener("click", () => { folding.fold(); show(); });
  const field = place.querySelector("input[type=search]");
  const names = place.querySelector("datalist");
  field.addEventListener("input", () => {
    const typed = field.value.toLowerCase();
    const fitting = typed ? [...folding.nodes.values()].filter((node) => node.label.toLowerCase().includes(typed)).slice(0, 20) : [];
    names.replaceChildren(...fitting.map((node) => { const option = document.createElement("option"); option.value = node.label; return option; }));
  });
  place.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = field.value.trim().toLowerCase();
    const all = [...folding.nodes.values()];
    const found = all.find((node) => node.label.toLowerCase() === typed) ?? all.find((node) => typed && node.label.toLowerCase().includes(typed));
    field.setCustomValidity(found ? "" : words.wordsNothing);
    field.reportValidity();
    if (!found) { field.addEventListener("input", () => field.setCustomValidity(""), { once: true }); return; }
    folding.reveal(found.key);
    show(false);
    const node = picture.getElementById(found.key);
    node.select();
    picture.center(node);
    picture.zoom({ level: 1, position: node.position() });
    tell(found);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => picture.style(style()));
  show();
}

function addresses(node) {
  const name = encodeURIComponent(node.label);
  if (node.kind === "unit") return [`/units?serial=${name}`, `/graph?serial=${name}`];
  if (node.kind === "package") return [`/package?identifier=${name}`, `/graph?package=${name}`];
  const part = node.part_number ? `&part_number=${encodeURIComponent(node.part_number)}` : "";
  return [`/where-used?lot=${name}${part}`, `/graph?lot=${name}${part}`];
}

if (globalThis.cytoscape && globalThis.cytoscapeDagre) {
  cytoscape.use(cytoscapeDagre);
  fetch(words.picture, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)))
    .then(draw)
    .catch(() => { canvas.textContent = words.wordsFailed; });
} else {
  canvas.replaceChildren();
}
