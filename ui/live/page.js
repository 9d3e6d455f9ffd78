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

// What is there already is not written again: screen readers and layout are left in peace.
function put(found, text) {
  if (found.textContent !== text) found.textContent = text;
}

