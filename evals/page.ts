// The scorecard as one page, with its plots drawn as SVG: it needs no network and no script.

import { splits } from "./case.ts";
import { confusions } from "./retrieval.ts";
import { floors, measuresOf, percent, type Scorecard } from "./scorecard.ts";
import { wilson } from "./statistics.ts";
import { isRight } from "./transcript.ts";

export function pageOf(card: Scorecard): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Rotor: how well agents find its tools</title>
<style>${style}</style>
<h1>How well agents find Rotor's tools</h1>
<p>Made ${quoted(card.made)}. Every figure names its layer. Only L4, a real model, says how well an agent chooses; L1 says how
findable a tool is, L2 that the server still leads to the same end, L3 that the plumbing of real hosts works.</p>
${retrieval(card)}
${confusion(card)}
${playback(card)}
${hosts(card)}
${live(card)}
</html>
`;
}

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse } td, th { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #ddd }
td.n { text-align: right; font-variant-numeric: tabular-nums } svg text { font: 12px system-ui, sans-serif; fill: currentColor }
.wide { overflow-x: auto } .matrix { font-size: 13px } .matrix thead th { writing-mode: vertical-rl; text-align: end }
summary { cursor: pointer } .failed { color: #c0392b; font-weight: bold }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616 } td, th { border-color: #444 } }`;

function retrieval({ retrieval, lint, drops }: Scorecard): string {
  const bars = retrieval.flatMap(({ address, split, result }): Bar[] => {
    const limits = [
      [1, floors.recallAt1],
      [5, floors.recallAt5],
    ] as const;
    return limits.map(([within, floor]) => ({
      label: `${address} tools, ${split}: recall@${within}`,
      successes: result.searches.filter(({ rank }) => rank <= within).length,
      trials: result.searches.length,
      floor: split === "dev" ? floor : undefined,
    }));
  });
  const worse = drops.map((drop) => `<p class="failed">${quoted(drop)}</p>`).join("");
  const problems = lint.map((problem) => `<p class="failed">${quoted(problem)}</p>`).join("");
  return (
    `<h2>L0: lint of the tools' texts</h2>${problems || "<p>No problems.</p>"}` +
    "<h2>L1: lexical search for a tool</h2><p>How often the right tool comes first, or among the first five. Red lines are " +
    `floors; nothing is tuned by the held-out half, so it has none. ${whiskers}</p>${chart(bars)}${worse}`
  );
}

const whiskers = "Thin lines are 95 % intervals.";

type Bar = { label: string; successes: number; trials: number; floor?: number | undefined };

const row = 26;
const left = 250;
const wide = 420;

function chart(bars: readonly Bar[]): string {
  const drawn = bars.map(({ label, successes, trials, floor }, index) => {
    const y = index * row;
    const share = trials === 0 ? 0 : successes / trials;
    const { low, high } = wilson(successes, trials);
    const mark = floor === undefined ? "" : line(at(floor), at(floor), y + 1, y + 21, "#c0392b", 2);
    return (
      `<text x="${left - 8}" y="${y + 15}" text-anchor="end">${quoted(label)}</text>` +
      `<rect x="${left}" y="${y + 3}" width="${(wide * share).toFixed(1)}" height="16" fill="#4a7fb5"/>` +
      `${line(at(low), at(high), y + 11, y + 11, "currentColor", 1)}${mark}` +
      `<text x="${left + wide + 8}" y="${y + 15}">${trials === 0 ? "none" : percent(share)} of ${trials}</text>`
    );
  });
  const size = `width="${left + wide + 110}" height="${bars.length * row}"`;
  return `<svg ${size} role="img" aria-label="Shares as bars">${drawn.join("")}</svg>`;
}

function at(share: number): number {
  return Number((left + wide * share).toFixed(1));
}

function line(x1: number, x2: number, y1: number, y2: number, colour: string, width: number): string {
  return `<line x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}" stroke="${colour}" stroke-width="${width}"/>`;
}

/**
 * Rows are the tools that were wanted, columns those that came first; rows where nothing went wrong are left out, and so is
 * the held-out half: nobody is to mend what it misses.
 */
function confusion({ retrieval }: Scorecard): string {
  return retrieval
    .filter(({ split }) => split === "dev")
    .map(({ address, split, result }) => {
      const rows = confusions(result.searches);
      if (rows.length === 0) return "";
      const columns = unique(rows.flatMap(({ got }) => got.map(({ name }) => name)));
      const head = ["wanted", "itself", ...columns].map((name) => `<th>${quoted(name)}</th>`).join("");
      const body = rows.map(({ wanted, right, got }) => {
        const counts = columns.map((column) => got.find(({ name }) => name === column)?.count ?? "");
        const cells = [right, ...counts].map((count) => `<td class="n">${count}</td>`);
        return `<tr><th>${quoted(wanted)}</th>${cells.join("")}</tr>`;
      });
      return (
        `<h3>Confusion matrix: ${address} tools, ${split}; columns were found first</h3>` +
        `<div class="wide"><table class="matrix"><thead><tr>${head}</tr></thead>${body.join("")}</table></div>`
      );
    })
    .join("");
}

function playback({ playback }: Scorecard): string {
  const states = ["failed", "stale", "passed", "set up"] as const;
  const lists = states.map((state) => {
    const ones = playback.filter((one) => one.state === state);
    const rows = ones.map(
      ({ case: id, why }) => `<tr><td>${quoted(id)}</td><td>${quoted(why.join("; "))}</td></tr>`,
    );
    const open = state === "failed" ? " open" : "";
    return `<details${open}><summary>${ones.length} ${state}</summary><table>${rows.join("")}</table></details>`;
  });
  return `<h2>L2: recorded turns on the real server</h2>${lists.join("")}`;
}

function hosts({ hosts }: Scorecard): string {
  const rows = hosts.map(
    ({ check, state, why }) =>
      `<tr><td>${quoted(check)}</td><td class="${quoted(state)}">${state}</td><td>${quoted(why)}</td></tr>`,
  );
  const table = rows.length === 0 ? "<p>Not run.</p>" : `<table>${rows.join("")}</table>`;
  return `<h2>L3: real hosts, scripted model</h2>${table}`;
}

function live({ live }: Scorecard): string {
  if ("why" in live) return `<h2>L4: a real model</h2><p>Not run: ${quoted(live.why)}.</p>`;
  const bars = splits.flatMap((split) => {
    const results = live.results.filter((one) => one.split === split);
    return measuresOf(results).map(({ name, ...counts }) => ({ label: `${split}: ${name}`, ...counts }));
  });
  const cases = unique(live.results.map((one) => one.case)).map((id) => {
    const runs = live.results.filter((one) => one.case === id);
    const successes = runs.filter((one) => one.reached !== false && isRight(one.verdict)).length;
    return { label: id, successes, trials: runs.length };
  });
  return (
    `<h2>L4: ${quoted(live.model)}</h2><p>Of forbidden calls fewer are better. ${whiskers}</p>${chart(bars)}` +
    `<h3>Runs that were right in everything, by case</h3>${chart(cases)}`
  );
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}

function quoted(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
