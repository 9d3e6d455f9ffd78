// Puts words in place of those that widgets write. Only names of parts, and text in places that
// hold nothing but Streamlit's own words, are touched; React writes them again only if they change.

const PLACES = [
  "stSkipToContent", "stTopNavSection", "InputInstructions", "stTooltipContent", "stTooltipErrorContent",
  "stFileUploaderDropzone", "stFileUploaderDropzoneInstructions", "stDateInputFieldsScroller",
].map((id) => `[data-testid="${id}"]`).join(", ");
const EMPTY = '[role="listbox"][data-empty], [data-testid="stSelectboxVirtualDropdown"], [data-testid="stMultiSelectDropdown"]';
const NAMES = ["aria-label", "placeholder"];
const NAMED = "button, input, textarea, nav, section, a";

const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// "{size}MB per file" is known whatever its size, and gives it to the words put in its place.
function known([from, to]) {
  const [before, name, after] = from.split(/\{(\w+)\}/);
  if (!name) return (text) => (text === from ? to : null);
  const shape = new RegExp(`^${literal(before)}(.+)${literal(after)}$`);
  return (text) => (shape.test(text) ? to.replace(`{${name}}`, text.match(shape)[1]) : null);
}

class Widgets {
  constructor(words) {
    this.words = words.map(known);
    this.watch = new MutationObserver((changes) => changes.forEach((change) => this.look(change)));
    this.within(document.body);
    this.watch.observe(document.body, {
      subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: NAMES,
    });
  }

  said(text) {
    const bare = text.trim();
    for (const word of bare ? this.words : []) {
      const found = word(bare);
      if (found !== null) return text.replace(bare, () => found);
    }
    return text;
  }

  look({ type, target, attributeName, addedNodes }) {
    if (type === "attributes") this.name(target, attributeName);
    else if (type === "characterData") this.text(target);
    else addedNodes.forEach((node) => (node.nodeType === Node.TEXT_NODE ? this.text(node) : this.within(node)));
  }

  within(root) {
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    for (const part of [root, ...root.querySelectorAll("[aria-label], [placeholder]")]) {
      for (const name of NAMES) this.name(part, name);
    }
    const places = `${PLACES}, ${EMPTY}`;
    const own = root.closest(places) ? [root] : root.querySelectorAll(places);
    for (const place of own) {
      const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) this.text(texts.currentNode);
    }
  }

  name(part, name) {
    const text = part.matches(NAMED) && part.getAttribute(name);
    const said = text && this.said(text);
    if (said && said !== text) part.setAttribute(name, said);
  }

  text(node) {
    if (!node.parentElement?.closest(PLACES) && !node.parentElement?.closest(EMPTY)) return;
    const said = this.said(node.nodeValue);
    if (said !== node.nodeValue) node.nodeValue = said;
  }
}

export default function ({ data, parentElement }) {
  parentElement.widgets?.watch.disconnect();
  parentElement.widgets = new Widgets(data.words);
  return () => parentElement.widgets.watch.disconnect();
}
