// All that a move sends: to what stands on the page already.
export default function ({ data }) {
  const live = (window.kpiLive ??= { news: {}, listeners: new Set(), previews: new Set() });
  live.news = data;
  for (const follow of [...live.listeners]) follow();
}
