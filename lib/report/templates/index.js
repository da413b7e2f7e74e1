"use strict";
const filters = ["flow", "state", "client", "text"].map((id) => document.getElementById(id));
const rows = [...document.querySelectorAll("#runs tbody tr")];
function show() {
  const [flow, state, client, text] = filters.map((filter) => filter.value);
  let shown = 0;
  for (const row of rows) {
    const fits = (!flow || row.dataset.flow === flow) && (!state || row.dataset.state === state) &&
      (!client || row.dataset.clients.split(" ").includes(client)) &&
      (!text || row.textContent.toLowerCase().includes(text.toLowerCase()));
    row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  document.getElementById("shown").textContent = `${shown} of ${rows.length} runs`;
}
filters.forEach((filter) => filter.addEventListener("input", show));
show();
