// In every measured page, before its own scripts: when a key was pressed, what came over the
// socket, and when the page last changed (elements, their text, what is drawn on a canvas).
(() => {
  const seen = (window.__seen = { pressed: 0, changed: 0, drawn: 0, received: 0, bytes: 0, messages: 0 });
  const now = () => performance.now();
  const clear = () => Object.assign(seen, { pressed: 0, changed: 0, drawn: 0, received: 0, bytes: 0, messages: 0 });
  window.__clear = clear;
  window.addEventListener("keydown", () => { if (!seen.pressed) seen.pressed = now(); }, true);
  const Socket = window.WebSocket;
  window.WebSocket = new Proxy(Socket, {
    construct(Kind, given) {
      const socket = new Kind(...given);
      socket.addEventListener("message", ({ data }) => {
        seen.received = now();
        seen.messages += 1;
        seen.bytes += data.byteLength ?? data.size ?? data.length;
      });
      return socket;
    },
  });
  for (const name of ["fillRect", "clearRect", "fill", "stroke", "fillText", "drawImage"]) {
    const draw = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...given) {
      seen.drawn = now();
      return draw.apply(this, given);
    };
  }
  // What is drawn inside a shadow root (our components) counts like any other change.
  const what = { childList: true, subtree: true, characterData: true, attributes: true };
  const watch = (root, inside) => new MutationObserver((found) => {
    const main = document.querySelector('[data-testid="stMain"]');
    if (main && found.some(({ target }) => main.contains(inside ?? target))) seen.changed = now();
  }).observe(root, what);
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (...given) {
    const root = attach.apply(this, given);
    watch(root, this);
    return root;
  };
  const start = () => watch(document.documentElement);
  if (document.documentElement) start();
  else document.addEventListener("readystatechange", start, { once: true });
})();
