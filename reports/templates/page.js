// What a reader can do on a page: pictures that fit, folding, tables in another order, the browser of counter-examples.
// The page is complete without this file. It reads no address but the part behind #, and writes no markup.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const { draw } = window.voirdireCharts;

  // ---------------------------------------------------------------------------------------------------- pictures
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
  draw();
  addEventListener("resize", later);
  // a text that scrolls can be scrolled by keyboard, too
  const scrolls = (root) => {
    for (const text of root.querySelectorAll(".judged")) if (text.scrollHeight > text.clientHeight + 1) text.tabIndex = 0;
  };
  scrolls(document);
  document.addEventListener("toggle", (event) => { if (event.target.open) { draw(event.target); scrolls(event.target); } }, true);

  // On paper nothing can be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const each of folded) each.open = true;
    draw();
  });
  addEventListener("afterprint", () => { for (const each of folded) each.open = false; });

  // Escape hides the explanation of a term until the pointer or the focus moves on.
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") document.body.classList.add("quiet"); });
  for (const kind of ["pointerover", "focusin"])
    document.addEventListener(kind, (event) => { if (event.target.closest?.(".tip")) document.body.classList.remove("quiet"); });

  // ------------------------------------------------------------------------------------------------------ tables
  const number = (text) => {
    const plain = text.replace(/^[^\d.+-]*/, "").replace(/,/g, "").replace(/^\+/, "");
    const value = parseFloat(plain);
    return Number.isNaN(value) ? null : value;
  };
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const given = cell.dataset.order ?? cell.textContent.trim();
    return column ? number(given) ?? given.toLowerCase() : given.toLowerCase();
  };
  const compare = (a, b) => {
    if (a === b) return 0;
    if (a === "" || a === "–") return 1;
    if (b === "" || b === "–") return -1;
    if (typeof a === typeof b) return a < b ? -1 : 1;
    return typeof a === "number" ? -1 : 1;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      // a heading that explains itself keeps its button; the order hangs on one of its own behind it
      const button = document.createElement("button");
      button.type = "button";
      button.className = "by";
      if (head.querySelector(".tip")) { button.textContent = "⇅"; button.setAttribute("aria-label", "sort by this column"); head.append(" ", button); }
      else { button.append(...head.childNodes); head.append(button); }
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
        rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
        body.append(...rows.map((pair) => pair[1]));
      });
    });
  }

  // ------------------------------------------------------------------------------------------- counter-examples
  const open = (id) => {
    let at = $(decodeURIComponent(id));
    if (at?.matches(".example")) at.querySelector("details").open = true;
    else for (const inner of at?.querySelectorAll(":scope > details") ?? []) inner.open = true;
    for (let outer = at?.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
    return at;
  };
  const follow = () => {
    try { const at = location.hash.length > 1 && open(location.hash.slice(1)); if (at) at.scrollIntoView(); }
    catch { /* a malformed % sequence names nothing */ }
  };
  addEventListener("hashchange", follow);
  follow();

  const list = $("v-list");
  if (!list) return;
  const items = [...list.children].map((element) => ({ element, ...element.dataset, text: null }));
  const said = (item) => (item.text ??= item.element.textContent.toLowerCase());
  const orders = {
    order: (a, b) => a.order - b.order,
    size: (a, b) => b.size - a.size || a.order - b.order,
    again: (a, b) => b.again - a.again || a.order - b.order,
    case: (a, b) => a.case.localeCompare(b.case, "en") || a.order - b.order,
  };
  let sorted = "order";
  const refresh = () => {
    const words = $("v-search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const probe = $("v-probe").value, change = $("v-change").value, by = $("v-sort").value;
    let shown = 0;
    for (const item of items) {
      const fits = (!probe || item.probe === probe) && (!change || item.change === change) && words.every((w) => said(item).includes(w));
      item.element.hidden = !fits;
      shown += fits;
    }
    if (by !== sorted) list.append(...[...items].sort(orders[by]).map((item) => item.element));
    sorted = by;
    $("v-none").hidden = shown > 0;
    $("v-count").textContent = shown === items.length ? `${items.length} counter-examples` : `${shown} of ${items.length} counter-examples`;
  };
  for (const id of ["v-search", "v-probe", "v-change", "v-sort"]) $(id).addEventListener("input", refresh);
  $("v-all").addEventListener("click", (event) => {
    const inner = items.filter((item) => !item.element.hidden).map((item) => item.element.querySelector("details"));
    const opening = inner.some((each) => !each.open);
    for (const each of inner) each.open = opening;
    event.target.textContent = opening ? "Close all" : "Open all";
  });
  $("v-tools").hidden = false;
  refresh();
})();
