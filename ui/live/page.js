// What sliders.js and figures.js share: one of them stands before each. Both meet on the page.

const live = (window.kpiLive ??= { news: {}, boards: new Set(), listeners: new Set(), previews: new Set() });

// An element with attributes; `text` is never read as HTML.
function make(tag, options = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "text") found.textContent = value;
    else if (value !== null && value !== undefined) found.setAttribute(name, value);
  }
  found.append(...children);
  return found;
}

// Words that open at a button beside what they explain; Escape or a click elsewhere closes them.
// Those of a screen reader are told by whatever says `aria-describedby` of their id.
function explained(id, name, text) {
  if (!text) return [];
  const words = make("p", { class: "words", id: `help-${id}`, popover: "auto", text });
  const button = make("button", { type: "button", class: "help", "aria-label": `${name} ?`, "aria-describedby": words.id, text: "?" });
  button.popoverTargetElement = words;
  words.ontoggle = () => beside(words, button.getBoundingClientRect());
  return [button, words];
}

// Below the button, or above where the window ends; never out of the window.
function beside(words, { left, top, bottom }) {
  const { offsetWidth: wide, offsetHeight: high } = words;
  words.style.left = `${Math.max(8, Math.min(left, innerWidth - wide - 8))}px`;
  words.style.top = `${bottom + high + 8 < innerHeight ? bottom + 4 : Math.max(8, top - high - 4)}px`;
}

// What is there already is not written again: screen readers and layout are left in peace.
function put(found, text) {
  if (found.textContent !== text) found.textContent = text;
}

