// What reports/templates/charts.js uses of Observable Plot, and nothing else: the rest is shaken off.
export {
  axisX, axisY, cell, dot, frame, line, link, plot, pointer, rect, ruleX, ruleY, text, tickX, tip,
} from "@observablehq/plot";
