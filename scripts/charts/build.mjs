// npm ci && npm run build
//
// Writes reports/templates/plot.min.js and the licences of all that is in it, reports/templates/plot.LICENSES.txt.
// package-lock.json pins every package by its hash, so that the same bytes come out; tests/reports/test_report_charts.py
// holds their SHA-256.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const target = new URL("../../reports/templates/", import.meta.url);
const result = await build({
  entryPoints: ["entry.js"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "Plot",
  charset: "ascii",
  legalComments: "none",
  target: "es2020",
  metafile: true,
  write: false,
});

const packages = new Set();
for (const [input, { bytesInOutput }] of Object.values(result.metafile.outputs).flatMap((o) => Object.entries(o.inputs))) {
  if (!bytesInOutput) continue;
  const found = input.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[1]);
}
const licences = ["plot.min.js is Observable Plot with the parts of D3 that it needs. The packages in it:\n"];
for (const name of [...packages].sort()) {
  const folder = `node_modules/${name}`;
  const about = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (!file || !existsSync(`${folder}/${file}`)) throw new Error(`${name} has no licence file`);
  licences.push(`${"-".repeat(100)}\n${name} ${about.version} (${about.license})\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`);
}
writeFileSync(new URL("plot.LICENSES.txt", target), licences.join("\n"));

const text = result.outputFiles[0].text;
// the file is put into a <script> of a page: nothing in it may end that
if (/<\/script|<!--/i.test(text)) throw new Error("the bundle would end its own script element");
if (/\beval\(|new Function\(/.test(text)) throw new Error("the bundle makes code of text");
writeFileSync(new URL("plot.min.js", target), `/* Observable Plot 0.6.17 and parts of D3, ISC; licences: plot.LICENSES.txt in voirdire */\n${text}`);
console.log(`${packages.size} packages, ${text.length} bytes`);
