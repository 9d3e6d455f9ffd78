// A board of sliders. What they stand at comes with the news (news.js), so that a move sends nothing
// of this again; what is moved goes to the server with a running number, and news older than the
// last move are not shown.

const AGAIN = 2000; // milliseconds until a move that is not answered is told again

const LOCK = {
  true: "M12 17a2 2 0 1 0 0-4 2 2 0 0 0 0 4Zm6-9h-1V6A5 5 0 0 0 7 6v2H6a2 2 0 0 0-2 2v10c0 1.1.9 2 2 2h12a2 2 0 0 0 2-2V10a2 2 0 0 0-2-2Zm-9-2a3 3 0 0 1 6 0v2H9V6Z",
  false: "M12 17a2 2 0 1 0 0-4 2 2 0 0 0 0 4Zm6-9H9V6a3 3 0 0 1 5.8-1l1.9-.6A5 5 0 0 0 7 6v2H6a2 2 0 0 0-2 2v10c0 1.1.9 2 2 2h12a2 2 0 0 0 2-2V10a2 2 0 0 0-2-2Z",
};

function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "path");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

// A number as boxes take it: a comma is the decimal point, unless it parts thousands.
function pointed(text) {
  return /^\d{1,3}(,\d{3})+(\.\d*)?$/.test(text.trim()) ? text.replaceAll(",", "") : text.replace(",", ".");
}

function long(bar, width) {
  if (bar.style.width !== width) bar.style.width = width;
}

class Board {
  constructor(root, token) {
    this.root = root;
    this.token = token;
    this.sent = 0;
    this.waiting = []; // moves that the server has not answered yet
    this.held = null; // the slider in the hand
    this.rows = {};
    this.drawn = null;
  }

  // --- drawing

  draw(data) {
    this.data = data;
    const content = JSON.stringify(data);
    if (content !== this.drawn) {
      this.drawn = content;
      const before = this.rows;
      const focused = this.root.getRootNode().activeElement?.closest(".row")?.dataset.id;
      this.held = null;
      this.base = null;
      this.rows = {};
      this.root.classList.toggle("weights", Boolean(data.weights));
      this.root.replaceChildren(...data.groups.map((group) => this.group(group)));
      if (data.reset) this.root.prepend(this.resetButton(data.reset));
      for (const [id, own] of Object.entries(this.rows)) {
        if (before[id]) own.slider.value = before[id].slider.value; // until the news tell of it
        this.told(own, Number(own.slider.value));
      }
      this.rows[focused]?.slider.focus({ preventScroll: true });
    }
    this.show();
  }

  group({ title, rows }) {
    const own = rows.map((row) => this.row(row));
    if (!title) return make("div", { class: "group" }, ...own);
    return make("details", { class: "group" }, make("summary", { text: title }), ...own);
  }

  resetButton(label) {
    this.reset = make("button", { type: "button", class: "reset", text: label });
    this.reset.onclick = () => this.move("", "reset", null);
    return this.reset;
  }

  row(row) {
    const { id, low, high, step } = row;
    const slider = make("input", {
      type: "range", min: low, max: high, step, "aria-label": row.spoken, "aria-describedby": row.help && `help-${id}`,
    });
    slider.oninput = () => this.drag(row, slider);
    slider.onchange = () => this.drop(row, slider);
    // Let go where it was taken: no change is told, so what came meanwhile is shown now.
    slider.onpointerup = slider.onpointercancel = slider.onblur = () => setTimeout(() => this.release(row));
    const own = { row, slider, output: make("output", { "aria-hidden": "true" }) };
    const name = make("span", { class: "name" }, row.name, " ", ...explained(id, row.name, row.help));
    if (row.sign) name.prepend(make("span", { class: `sign ${row.sign.status}`, title: row.sign.word, text: row.sign.text }), " ");
    own.shown = make("span", { class: "shown" });
    const parts = [make("div", { class: "head" }, name, own.shown)];
    if (this.data.weights) parts.push(this.bar(own));
    parts.push(make("div", { class: "slide" }, slider, own.output));
    if (row.typed) parts.push(this.typed(own));
    if (row.lock) parts.push(this.lock(own));
    this.rows[id] = own;
    return make("div", { class: "row", "data-id": id }, ...parts);
  }

  bar(own) {
    own.possible = make("i", { class: "possible" });
    own.earned = make("i", { class: "earned" });
    own.label = make("span", { class: "label" });
    return make("div", { class: "bar" }, make("div", { class: "track" }, own.possible, own.earned), own.label);
  }

  typed(own) {
    const { id, typed } = own.row;
    own.box = make("input", { type: "number", min: 0, step: typed.step, "aria-label": typed.spoken });
    own.box.onbeforeinput = (event) => {
      if (!event.data?.includes(",")) return; // browsers drop it: 12,5 would become 125
      event.preventDefault();
      document.execCommand("insertText", false, pointed(event.data));
    };
    own.box.oninput = () => (own.typing = true);
    own.box.onblur = () => (own.typing = false);
    own.box.onchange = () => {
      own.typing = false;
      if (own.box.value !== "") this.move(id, "typed", own.box.value);
      else this.show();
    };
    return own.box;
  }

  lock(own) {
    own.lock = make("button", { type: "button", class: "lock", "aria-label": own.row.lock, title: own.row.lock });
    own.lock.onclick = () => this.move(own.row.id, "lock", own.lock.getAttribute("aria-pressed") !== "true");
    return own.lock;
  }

  // --- moving

  drag(row, slider) {
    this.held = row.id;
    this.told(this.rows[row.id], Number(slider.value));
    const { base } = this;
    if (!this.data.weights || !base) return;
    const weights = withShare(base.weights, row.id, slider.value, base.locked);
    this.weigh({ ...base, weights }, row.id);
  }

  drop(row, slider) {
    this.held = null;
    if (this.base) {
      const weights = withShare(this.base.weights, row.id, slider.value, this.base.locked);
      this.base = { ...this.base, weights };
      this.weigh(this.base, null);
    }
    this.move(row.id, "slide", Number(slider.value));
  }

  release(row) {
    if (this.held !== row.id) return;
    this.held = null;
    this.show();
    for (const follow of [...live.listeners]) follow();
  }

  move(id, how, value) {
    this.sent += 1;
    this.waiting.push([this.sent, id, how, value]);
    for (const tell of live.previews) tell({ waiting: true });
    this.tell(AGAIN);
  }

  // Again and again, ever more seldom: a connection that broke takes what was told with it.
  tell(pause) {
    clearTimeout(this.again);
    if (!this.waiting.length || !live.boards.has(this)) return;
    live.send?.({ board: this.token, moves: this.waiting });
    this.again = setTimeout(() => this.tell(2 * pause), pause);
  }

  busy() {
    return this.waiting.length > 0 || this.held !== null;
  }

  // --- showing

  told({ row, slider, output }, value) {
    const figure = Math.abs(value).toFixed(row.digits).replace(".", this.data.point);
    const sign = value < 0 ? "\u2212" : row.plus && value > 0 ? "+" : "";
    const said = sign + figure + row.unit;
    if (output.textContent === said) return;
    output.textContent = said;
    slider.setAttribute("aria-valuetext", said);
    slider.style.setProperty("--at", (value - row.low) / (row.high - row.low));
  }

  // The news of the server, unless a newer move is under way or a slider is in the hand.
  show() {
    if (!live.news.stands) return;
    const { rows, moved, weights } = live.news.stands;
    const answered = live.news.done[this.token] ?? 0;
    this.waiting = this.waiting.filter(([number]) => number > answered);
    if (this.busy() || Object.keys(this.rows).some((id) => !rows[id])) return; // or of other sliders
    for (const [id, own] of Object.entries(this.rows)) {
      const stands = rows[id];
      own.slider.value = stands.value;
      if (own.slider.disabled !== stands.locked) own.slider.disabled = stands.locked;
      this.told(own, stands.value);
      put(own.shown, stands.shown);
      if (own.box && !own.typing && Number(own.box.value) !== Number(stands.typed)) own.box.value = stands.typed;
      if (own.lock && own.lock.getAttribute("aria-pressed") !== String(stands.locked)) {
        own.lock.setAttribute("aria-pressed", stands.locked);
        own.lock.replaceChildren(icon(LOCK[stands.locked]));
      }
    }
    if (this.reset) this.reset.disabled = !moved;
    if (!this.data.weights || !weights) return;
    const fractions = (found) =>
      Object.fromEntries(Object.entries(found).map(([id, text]) => [id, text === null ? null : parse(text)]));
    this.base = {
      ...weights,
      weights: fractions(weights.weights),
      scores: fractions(weights.scores),
      locked: new Set(weights.locked),
    };
    this.weigh(this.base, null);
  }

  // Bars, shares and total for these weights; the slider in the hand stays where it is.
  weigh(base, held) {
    const { lines, total } = scored(base.weights, base);
    const shares = sharesOf(base.weights);
    const { point, weights: texts } = this.data;
    const widest = Object.values(lines).reduce((most, { share }) => (less(most, share) ? share : most), [1n, 100n]);
    const width = (part) => `${Number(units(times(over(part, widest), [100n, 1n]), 3)) / 1000}%`;
    for (const [id, own] of Object.entries(this.rows)) {
      const { share, points } = lines[id];
      const percent = Number(units(times(shares[id], [100n, 1n]), 0));
      if (id !== held) own.slider.value = percent;
      this.told(own, percent); // where locked shares leave less room, less than the thumb says
      long(own.possible, width(share));
      long(own.earned, points ? width(less(share, points) ? share : points) : "0%");
      const hundred = (part) => written(times(part, [100n, 1n]), 1, point);
      put(
        own.label,
        points
          ? texts.points.replace("{points}", hundred(points)).replace("{share}", hundred(share))
          : texts.missing,
      );
    }
    const grade = total && texts.grades.filter(([mark]) => !less(total, parse(mark))).at(-1)?.[1];
    const said = total ? written(times(total, [100n, 1n]), 1, point) : "\u2014";
    this.preview = { score: said, grade: grade ?? "" };
    if (held !== null) for (const tell of live.previews) tell(this.preview);
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".board");
  root.board ??= new Board(root, crypto.getRandomValues(new Uint32Array(2)).join("-"));
  live.boards.add(root.board);
  root.board.draw(data);
  return () => {
    live.boards.delete(root.board);
    for (const follow of [...live.listeners]) follow();
  };
}
