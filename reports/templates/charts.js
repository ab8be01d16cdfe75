// The pictures of a page, drawn with Observable Plot from the numbers in #data. Here is only how they look.
// Colours are the page's own variables, so that light, dark and print need nothing of this file.
"use strict";
window.voirdireCharts = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const COLOR = { violated: "var(--bad)", inconclusive: "var(--open)", holds: "var(--good)", not_applicable: "var(--soft)" };
  const style = { fontFamily: "inherit", fontSize: "12.5px", background: "none", color: "var(--ink)", overflow: "visible" };
  const ink = "var(--ink)", soft = "var(--soft)", paper = "var(--paper)", band = "var(--band)", line = "var(--line)";
  const tipped = { fill: paper, stroke: line, textPadding: 9, fontSize: 13, lineWidth: 26 };

  // ".2", "-.2", "0", "1": as the rest of the page prints numbers
  const bare = (v) => (Math.abs(v) < 1e-9 ? "0" : String(+v.toFixed(2)).replace(/^(-?)0\./, "$1."));
  const signed = (v) => (v == null ? "–" : Math.abs(v) < 0.005 ? ".00" : (v > 0 ? "+" : "") + v.toFixed(2).replace(/^(-?)0\./, "$1."));
  const percent = (v) => `${Math.round(100 * v)} %`;
  const known = (...keys) => (row) => keys.every((k) => row[k] != null);
  const steps = (from, to, step) => Array.from({ length: Math.floor((to - from) / step + 1.0001) }, (_, k) => +(Math.ceil(from / step - 1e-9) * step + k * step).toFixed(4)).filter((v) => v <= to + 1e-9);

  // Rows with the name at the left, or above each row where there is no room.
  function layout(width, rows) {
    const narrow = width < 560;
    const tall = narrow ? 44 : 25;
    return { narrow, tall, left: narrow ? 4 : Math.min(230, 24 + 7.4 * Math.max(...rows.map((r) => r.label.length))), up: narrow ? -15 : 0 };
  }

  function names(rows, at, x) {
    return [
      Plot.text(rows.filter((r) => !r.head), { y: "key", x: () => x, dx: -at.left, dy: at.up, text: "sign", fill: (r) => COLOR[r.decision], textAnchor: "start", fontWeight: 700 }),
      Plot.text(rows.filter((r) => !r.head), { y: "key", x: () => x, dx: 18 - at.left, dy: at.up, text: "label", textAnchor: "start", fill: ink }),
      Plot.text(rows.filter((r) => r.head), { y: "key", x: () => x, dx: -at.left, dy: at.narrow ? 6 : 4, text: "label", textAnchor: "start", fill: soft, fontWeight: 600, fontSize: 12 }),
    ];
  }

  function forest(width) {
    const { rows: found, range, floor, flips: flipping } = data.forest;
    if (!found.length) return null;
    const rows = [];
    for (const r of found) {
      if (rows.at(-1)?.family !== r.family) rows.push({ key: `family ${r.family}`, family: r.family, label: r.family, head: true });
      rows.push({ ...r, key: r.probe, label: r.probe, value: `${signed(r.effect)}  ${r.shown}`, left: r.from ?? range[0], right: r.to ?? range[1] });
    }
    const at = layout(width, rows);
    const keys = rows.map((r) => r.key), body = rows.filter((r) => !r.head);
    const flips = !at.narrow && width > 820 && body.some(known("flips"));
    const height = 48 + keys.length * at.tall;
    const right = at.narrow ? 6 : 150;
    const y = { domain: keys, axis: null, padding: 0.1 };
    const step = range[1] - range[0] > 1.4 ? 0.5 : 0.2;
    const main = Plot.plot({
      width: flips ? width - 170 : width, height, marginLeft: at.left, marginRight: right, marginTop: 44, marginBottom: 4, style,
      x: { domain: range, axis: null, clamp: true }, y,
      marks: [
        Plot.axisX({ anchor: "top", ticks: steps(range[0], range[1], step), tickFormat: (v) => (v > 0 ? "+" : "") + bare(v), tickSize: 0, color: soft }),
        Plot.rect(body.filter((r) => r.banded), { x1: "left", x2: "right", y: "key", fill: band, insetTop: at.narrow ? 16 : 1, insetBottom: 1 }),
        Plot.text([0], { frameAnchor: "top", x: 0, dy: -38, text: () => "effect", fill: soft }),
        Plot.ruleX([0], { stroke: soft }),
        Plot.ruleY(body.filter(known("low", "high")), { y: "key", x1: "low", x2: "high", stroke: (r) => (r.decision === "violated" ? COLOR.violated : ink), strokeWidth: 2.5, strokeLinecap: "round", dy: at.narrow ? 6 : 0 }),
        Plot.dot(body.filter(known("sham")), { y: "key", x: "sham", symbol: "diamond", r: 4.5, stroke: soft, fill: paper, strokeWidth: 1.5, dy: at.narrow ? 6 : 0 }),
        Plot.dot(body, { y: "key", x: "effect", r: 5, fill: (r) => (r.decision === "violated" ? COLOR.violated : ink), stroke: paper, strokeWidth: 1.5, dy: at.narrow ? 6 : 0 }),
        ...names(rows, at, range[0]),
        Plot.text(body, { y: "key", x: () => range[1], dx: at.narrow ? 4 : right - 2, dy: at.up, text: "value", textAnchor: "end", fill: ink }),
        Plot.tip(body, Plot.pointer({ y: "key", x: "effect", title: "says", maxRadius: 30, ...tipped })),
      ],
    });
    if (!flips) return main;
    const most = Math.max(0.2, ...body.map((r) => Math.max(r.flips ?? 0, r.retest ?? 0)));
    const side = Plot.plot({
      width: 150, height, marginLeft: 6, marginRight: 14, marginTop: 44, marginBottom: 4, style,
      x: { domain: [0, Math.ceil(most * 10) / 10], axis: null }, y,
      marks: [
        Plot.axisX({ anchor: "top", ticks: [0, Math.ceil(most * 10) / 10], tickFormat: percent, tickSize: 0, color: soft }),
        Plot.text([0], { frameAnchor: "top-left", dx: -6, dy: -38, text: () => flipping, textAnchor: "start", fill: soft }),
        floor == null ? null : Plot.rect([0], { x1: 0, x2: floor, fill: line, fillOpacity: 0.45 }),
        Plot.tickX(body.filter(known("retest")), { y: "key", x: "retest", stroke: soft, strokeWidth: 2, insetTop: 4, insetBottom: 4 }),
        Plot.dot(body.filter(known("flips")), { y: "key", x: "flips", r: 4, fill: ink, stroke: paper }),
        Plot.tip(body.filter(known("flips")), Plot.pointer({ y: "key", x: "flips", maxRadius: 20, title: (r) => `${flipping}: ${percent(r.flips)} under the edit${r.retest == null ? "" : `, ${percent(r.retest)} when asked the same again`}`, ...tipped })),
      ],
    });
    const pair = document.createElement("div");
    pair.className = "pair";
    pair.append(main, side);
    return pair;
  }

  function dials(width) {
    const { points, worst } = data.dials;
    const seen = points.filter(known("x", "y"));
    const some = points[0] ?? {};
    const limit = some.x_limit, floor = some.y_limit;
    const place = (v) => Math.min(v, worst);
    const only = points.length === 1;
    const least = only ? 0 : Math.min(0.4, Math.floor(10 * Math.min(1, ...seen.map((p) => p.y_low ?? p.y))) / 10);
    const missing = seen.length ? [] : [!points.some(known("x")) && !points.some(known("y")) ? "nothing was measured" : points.some(known("x")) ? "quality was not measured" : "no sway was measured"];
    return Plot.plot({
      width: Math.min(width, only ? 430 : 640), height: Math.min(width, only ? 430 : 640) * 0.74, marginLeft: 62, marginBottom: 44, marginTop: 12, marginRight: 12, style,
      x: { domain: [worst, 0], axis: null }, y: { domain: [least, 1], axis: null },
      marks: [
        Plot.frame({ fill: "var(--panel)", stroke: line }),
        limit != null && floor != null ? Plot.rect([0], { x1: limit, x2: 0, y1: floor, y2: 1, fill: band }) : null,
        limit != null && floor != null ? Plot.text([0], { x: 0, y: floor, dx: -6, dy: -8, text: () => "within limits", textAnchor: "end", fill: COLOR.holds, fontSize: 11 }) : null,
        Plot.axisX({ ticks: steps(0, worst, 0.1), tickFormat: (v) => (v >= worst - 1e-9 ? `${bare(v)}+` : bare(v)), label: null, color: soft }),
        Plot.axisY({ ticks: [0, 0.5, 1].filter((v) => v >= least), tickFormat: percent, label: null, color: soft }),
        Plot.text([0], { frameAnchor: "bottom-right", dy: 36, text: () => "worst effect: stays put →", textAnchor: "end", fill: ink }),
        Plot.text([0], { frameAnchor: "top-left", dx: -52, dy: 20, rotate: -90, text: () => "sees quality →", textAnchor: "end", fill: ink }),
        Plot.link(seen.filter(known("x_low", "x_high")), { x1: (p) => place(p.x_low), x2: (p) => place(p.x_high), y1: "y", y2: "y", stroke: ink, strokeWidth: 2 }),
        Plot.link(seen.filter(known("y_low", "y_high")), { x1: (p) => place(p.x), x2: (p) => place(p.x), y1: "y_low", y2: "y_high", stroke: ink, strokeWidth: 2 }),
        Plot.dot(seen, { x: (p) => place(p.x), y: "y", r: 7, fill: ink, stroke: paper, strokeWidth: 2 }),
        ...(only ? [] : [0, 1]).map((odd) => Plot.text(seen.filter((_, k) => k % 2 === odd), { x: (p) => place(p.x), y: "y", dx: 11, dy: odd ? 13 : -12, text: "label", textAnchor: "start", fill: ink, fontWeight: 600 })),
        seen.length ? null : Plot.ruleX(points.filter(known("x")), { x: (p) => place(p.x), stroke: ink, strokeDasharray: "4 5", strokeWidth: 2 }),
        seen.length ? null : Plot.ruleY(points.filter(known("y")), { y: "y", stroke: ink, strokeDasharray: "4 5", strokeWidth: 2 }),
        Plot.text(missing, { frameAnchor: "middle", text: (t) => t, fill: ink }),
      ],
    });
  }

  // One row a share: where the judge stands (●) and where the reference stands (┃).
  function shares(width, rows, { value, reference, segment, text, title }) {
    if (!rows.length) return null;
    const at = layout(width, rows);
    const most = Math.min(1, Math.ceil(10 * Math.max(0.3, ...rows.map((r) => Math.max(r[value], r[reference] ?? 0)))) / 10);
    return Plot.plot({
      width: Math.min(width, 760), height: 34 + rows.length * at.tall, marginLeft: at.left, marginRight: at.narrow ? 6 : 70, marginTop: 28, marginBottom: 4, style,
      x: { domain: [0, most], axis: null }, y: { domain: rows.map((r) => r.label), axis: null, padding: 0.1 },
      marks: [
        Plot.axisX({ anchor: "top", ticks: steps(0, most, most > 0.5 ? 0.25 : 0.1), tickFormat: percent, tickSize: 0, color: soft }),
        Plot.ruleX([0], { stroke: line }),
        segment ? Plot.ruleY(rows.filter(known(reference)), { y: "label", x1: reference, x2: value, stroke: (r) => COLOR[r.decision] ?? ink, strokeWidth: 5, strokeOpacity: 0.45, dy: at.narrow ? 6 : 0 }) : null,
        Plot.tickX(rows.filter(known(reference)), { y: "label", x: reference, stroke: soft, strokeWidth: 3, insetTop: at.narrow ? 16 : 4, insetBottom: 4 }),
        Plot.dot(rows, { y: "label", x: value, r: 5, fill: ink, stroke: paper, strokeWidth: 1.5, dy: at.narrow ? 6 : 0 }),
        Plot.text(rows, { y: "label", x: () => 0, dx: -at.left, dy: at.up, text: "label", textAnchor: "start", fill: ink }),
        Plot.text(rows, { y: "label", x: () => most, dx: at.narrow ? 4 : 66, dy: at.up, text, textAnchor: "end", fill: ink }),
        Plot.tip(rows, Plot.pointer({ y: "label", x: value, maxRadius: 30, title, ...tipped })),
      ],
    });
  }

  const position = (width) =>
    shares(width, data.position.map((r) => ({ ...r, label: r.says })), {
      value: "value", reference: "chance", text: "shown", title: (r) => `${r.says}: ${r.shown}${r.chance == null ? "" : `; a coin ${percent(r.chance)}`}`,
    });

  const attacks = (width) =>
    shares(width, data.attacks.map((r) => ({ ...r, label: r.probe })), {
      value: "raw", reference: "floor", segment: true, text: (r) => signed(r.net),
      title: (r) => `${r.probe}: wins ${percent(r.raw)}, ${percent(r.floor)} of it anyway; net ${signed(r.net)}`,
    });

  function doses(width) {
    if (!data.doses.length) return null;
    const points = data.doses.flatMap((c) => c.points.map((p) => ({ ...p, probe: c.probe })));
    const ends = points.flatMap((p) => [p.effect, p.low ?? p.effect, p.high ?? p.effect]);
    const wide = width > 620;
    return Plot.plot({
      width: Math.min(width, wide ? 320 * Math.min(3, data.doses.length) : width), height: (wide ? 220 : 200) * (wide ? 1 : data.doses.length) + 40, marginLeft: 44, marginTop: 26, marginBottom: 34, style,
      x: { type: "point", axis: null, domain: [...new Set(points.map((p) => p.dose))].sort((a, b) => a - b) }, y: { domain: [Math.min(-0.1, ...ends), Math.max(0.3, ...ends)], axis: null },
      [wide ? "fx" : "fy"]: { label: null, axis: null },
      marks: [
        Plot.frame({ stroke: line }),
        Plot.axisX({ label: "dose", color: soft, tickFormat: bare, tickSize: 0 }), Plot.axisY({ ticks: 5, tickFormat: (v) => (v > 0 ? "+" : "") + bare(v), label: null, color: soft }),
        Plot.ruleY([0], { stroke: soft }),
        Plot.ruleX(points.filter(known("low", "high")), { x: "dose", y1: "low", y2: "high", [wide ? "fx" : "fy"]: "probe", stroke: ink, strokeWidth: 2 }),
        Plot.line(points, { x: "dose", y: "effect", z: "probe", [wide ? "fx" : "fy"]: "probe", stroke: soft }),
        Plot.dot(points, { x: "dose", y: "effect", [wide ? "fx" : "fy"]: "probe", r: 5, fill: ink, stroke: paper }),
        Plot.text(data.doses, { [wide ? "fx" : "fy"]: "probe", text: "probe", frameAnchor: "top-left", dx: 2, dy: -16, fontWeight: 600, fill: ink }),
      ],
    });
  }

  // Judges across, probes down; the colour is the size and direction, a star what differs from the first judge.
  function heat({ runs, cells }, width) {
    if (!cells.length) return null;
    const probes = [...new Set(cells.map((c) => c.probe))];
    const narrow = width < 560;
    const left = Math.min(narrow ? 140 : 230, 16 + 7.2 * Math.max(...probes.map((p) => p.length)));
    const room = Math.floor((left - 12) / 7);
    const tint = (c) => {
      const share = Math.round(Math.min(1, Math.abs(c.value) / 0.4) * 78);
      return `color-mix(in oklab, ${c.value < 0 ? "var(--low)" : "var(--high)"} ${share}%, var(--panel))`;
    };
    return Plot.plot({
      width: Math.min(width, left + 150 * runs.length), height: 34 + probes.length * 27, marginLeft: left, marginTop: 30, marginRight: 4, marginBottom: 4, style,
      x: { domain: runs, axis: null, padding: 0.03 }, y: { domain: probes, axis: null, padding: 0.06 }, color: { type: "identity" },
      marks: [
        Plot.axisX({ anchor: "top", tickSize: 0, color: ink, label: null }),
        Plot.cell(cells, { x: "run", y: "probe", fill: tint, rx: 3 }),
        Plot.text(probes, { y: (p) => p, frameAnchor: "left", dx: -left, textAnchor: "start", text: (p) => (p.length > room ? `${p.slice(0, room - 1)}…` : p), fill: ink }),
        Plot.text(cells, { x: "run", y: "probe", text: (c) => `${c.decision === "violated" ? "✗ " : ""}${c.shown}${c.differs ? " *" : ""}`, fill: ink, fontWeight: (c) => (c.differs ? 700 : 400) }),
        Plot.tip(cells, Plot.pointer({ x: "run", y: "probe", title: "says", maxRadius: 40, ...tipped })),
      ],
    });
  }

  function drift(width) {
    if (!data.drift.length) return null;
    const names = data.drift.map((d) => d.probe);
    const points = data.drift.flatMap((d) => d.points.map((p) => ({ ...p, probe: d.probe, day: `${p.date} ${p.run}` })));
    const across = Math.max(1, Math.min(3, Math.floor(width / 250)));
    const at = (probe) => names.indexOf(probe);
    const days = [...new Set(points.toSorted((a, b) => (a.time < b.time ? -1 : 1)).map((p) => p.day))];
    const shown = days.length > 6 ? days.filter((_, k) => k % Math.ceil(days.length / 4) === 0) : days;
    const cells = { fx: (p) => at(p.probe) % across, fy: (p) => Math.floor(at(p.probe) / across) };
    return Plot.plot({
      width, height: Math.ceil(names.length / across) * 170 + 40, marginLeft: 44, marginTop: 26, marginBottom: 30, marginRight: 14, style,
      x: { type: "point", domain: days, axis: null }, y: { axis: null, nice: true, zero: true }, fx: { axis: null, padding: 0.08 }, fy: { axis: null, padding: 0.2 },
      marks: [
        Plot.frame({ stroke: line }),
        Plot.axisY({ ticks: 4, tickFormat: bare, label: null, color: soft, tickSize: 0 }),
        Plot.axisX({ ticks: shown, tickFormat: (d) => (days.length > 4 ? d.slice(5, 10) : d.slice(0, 10)), label: null, color: soft, tickSize: 0 }),
        Plot.ruleY([0], { stroke: soft }),
        Plot.ruleX(points, { x: "day", y1: "low", y2: "high", ...cells, stroke: ink, strokeWidth: 2 }),
        Plot.line(points, { x: "day", y: "value", z: "probe", ...cells, stroke: soft }),
        Plot.dot(points, { x: "day", y: "value", ...cells, r: 4.5, fill: ink, stroke: paper }),
        Plot.text(data.drift, { fx: (d) => at(d.probe) % across, fy: (d) => Math.floor(at(d.probe) / across), text: (d) => `${d.probe}${d.stands ? " *" : ""}`, frameAnchor: "top-left", dy: -15, fontWeight: 600, fill: ink }),
        Plot.tip(points, Plot.pointer({ x: "day", y: "value", ...cells, maxRadius: 20, title: (p) => `${p.probe}, ${p.run} of ${p.date}: ${bare(p.value)} [${bare(p.low)}, ${bare(p.high)}]${p.served ? `, served as ${p.served}` : ""}`, ...tipped })),
      ],
    });
  }

  const all = {
    forest, dials, position, attacks, doses, drift,
    heat: (width) => heat(data.heat, width),
    transfer: (width) => heat(data.transfer, width),
  };

  // Draws every picture that is in view of the page's width; one in a folded part waits until it is unfolded.
  function draw(root = document) {
    for (const place of root.querySelectorAll("[data-chart]")) {
      const width = Math.floor(place.getBoundingClientRect().width);
      if (!width || place.dataset.width === String(width)) continue;
      place.dataset.width = String(width);
      const picture = all[place.dataset.chart](width);
      place.replaceChildren();
      if (!picture) continue;
      const shown = document.createElement("div");
      shown.setAttribute("role", "img");
      shown.setAttribute("aria-label", place.dataset.label);
      shown.append(picture);
      // what stands in the picture is read from the tables; a screen reader gets the label
      for (const svg of shown.querySelectorAll("svg")) svg.setAttribute("aria-hidden", "true");
      place.append(shown);
    }
  }
  return { draw, all };
})();
