// All that a move sends, both ways: to what stands on the page already, and from its sliders.
export default function ({ data, setTriggerValue }) {
  const live = (window.kpiLive ??= { news: {}, boards: new Set(), listeners: new Set(), previews: new Set() });
  const send = (moves) => setTriggerValue("moved", moves);
  Object.assign(live, { news: data, send });
  for (const board of [...live.boards]) board.show(); // first: figures wait for sliders that are moved
  for (const follow of [...live.listeners]) follow();
  return () => {
    if (live.send === send) Object.assign(live, { news: {}, send: null });
  };
}
