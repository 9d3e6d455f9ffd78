// Draws each chart of the page into its place; expressions are interpreted, never evaluated.
const drawn = JSON.parse(document.getElementById("charts").textContent);
const options = {mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false};
for (const place of document.querySelectorAll("[data-chart]")) {
  vegaEmbed(place, drawn[Number(place.dataset.chart)], options);
}
