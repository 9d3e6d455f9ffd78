// What a page found: metrics, bars and tables, drawn from the news (news.js). A slider
// in the hand shows its score here at once.

const blocks = {
  lead: ({ text }) => make("p", { class: "lead", text }),
  note: ({ text }) => make("p", { class: "note", text }),
  heading: ({ text, help }) => make("div", { class: "heading" }, make("h2", { text }), ...explained(text, text, help)),
  metrics: ({ items }) => make("div", { class: "metrics" }, ...items.flatMap(metric)),
  bars: ({ rows }) => make("div", { class: "bars", role: "list" }, ...rows.map(bar)),
  table: ({ head, rows }) => table(head, rows),
  fold: ({ title, content }) =>
    make("details", { "data-fold": title }, make("summary", { text: title }), ...content.map(draw)),
};

const draw = (block) => blocks[block.kind](block);

function metric({ id, label, value, change, note, help }) {
  const found = make("div", { class: "metric", "data-metric": id });
  const [button, ...words] = explained(id, label, help);
  found.append(make("div", { class: "label" }, label, ...(button ? [" ", button] : [])));
  found.append(make("div", { class: "value", text: value }));
  if (change) {
    const down = change.startsWith("-");
    const text = (down ? "\u2193 \u2212" : "\u2191 +") + change.slice(1);
    found.append(make("div", { class: `change ${down ? "down" : "up"}`, text }));
  }
  if (note) found.append(make("div", { class: "note", text: note }));
  return [found, ...words]; // words are no part of a figure
}

function bar({ name, reach, label, better }) {
  const fill = make("i", { class: `${better ? "better" : "worse"} ${reach < 0 ? "left" : "right"}` });
  fill.style.width = `${Math.abs(reach) * 50}%`;
  const track = make("div", { class: "track", "aria-hidden": "true" }, fill);
  return make("div", { class: "bar", role: "listitem" }, make("span", { text: name }), track, make("b", { text: label }));
}

function table(head, rows) {
  const top = make("tr", {}, ...head.map((text) => make("th", { scope: "col", text })));
  const body = rows.map((cells) => {
    const [first, ...others] = cells;
    return make("tr", {}, make("th", { scope: "row", text: first }), ...others.map((text) => make("td", { text })));
  });
  return make("div", { class: "scroll", tabindex: 0 }, make("table", {}, make("thead", {}, top), make("tbody", {}, ...body)));
}

// Only what differs is put into the page; what the reader has unfolded stays so.
function fill(root, content) {
  const fresh = content.map(draw);
  fresh.forEach((found, at) => {
    const old = root.children[at];
    if (!old) root.append(found);
    else if (!old.isEqualNode(found)) {
      const open = [...old.querySelectorAll("details[open]"), ...(old.open ? [old] : [])].map((own) => own.dataset.fold);
      for (const own of [found, ...found.querySelectorAll("details")]) {
        if (open.includes(own.dataset.fold)) own.open = true;
      }
      if (!old.isEqualNode(found)) old.replaceWith(found);
    }
  });
  while (root.children.length > fresh.length) root.lastElementChild.remove();
}

// The answer of the page is Streamlit's own text: it is there before any component, then told here.
function answer(text, older) {
  for (const own of document.querySelectorAll(".st-key-answer strong")) {
    put(own, text ?? own.textContent);
    own.style.opacity = older ? 0.55 : "";
  }
}

function preview(root, { waiting, score, grade }) {
  root.classList.add("waiting");
  answer(null, true);
  if (waiting) return;
  const total = root.querySelector('[data-metric="score"]');
  if (!total) return;
  put(total.querySelector(".value"), score);
  const note = total.querySelector(".note");
  if (note) put(note, grade);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".figures");
  root.follow ??= () => {
    if ([...live.boards].some((board) => board.busy())) return; // older than the last move
    const content = live.news.slots?.[data.slot];
    if (content) fill(root, content);
    root.classList.remove("waiting");
    answer(live.news.answer, false);
  };
  root.tell ??= (found) => preview(root, found);
  live.listeners.add(root.follow);
  live.previews.add(root.tell);
  root.follow();
  return () => {
    live.listeners.delete(root.follow);
    live.previews.delete(root.tell);
  };
}
