// The scorecard as one page, with its plots drawn as SVG: it needs no network and no script.

import { confusions } from "./retrieval.ts";
import { floors, percent, type Scorecard } from "./scorecard.ts";

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
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616 } td, th { border-color: #444 } }`;

type Judged = Scorecard["retrieval"][number];

function retrieval({ retrieval, lint }: Scorecard): string {
  const bars = retrieval.flatMap(({ address, split, result }: Judged) => [
    {
      label: `${address}, ${split}: recall@1`,
      share: result.recallAt1,
      floor: floorOf(split, floors.recallAt1),
    },
    {
      label: `${address}, ${split}: recall@5`,
      share: result.recallAt5,
      floor: floorOf(split, floors.recallAt5),
    },
  ]);
  return `<h2>L0 and L1: texts</h2><p>${lint.length === 0 ? "No problem" : `${lint.length} problems`} of lint.</p>${chart(bars)}`;
}

/** Nothing is tuned by the held-out half, so it has no floor. */
function floorOf(split: string, floor: number): number | undefined {
  return split === "dev" ? floor : undefined;
}

type Bar = { label: string; share: number; floor: number | undefined };

const row = 26;
const left = 220;
const wide = 420;

function chart(bars: readonly Bar[]): string {
  const drawn = bars.map(({ label, share, floor }, index) => {
    const y = index * row;
    const mark = floor === undefined ? "" : line(left + wide * floor, y);
    return (
      `<text x="${left - 8}" y="${y + 15}" text-anchor="end">${quoted(label)}</text>` +
      `<rect x="${left}" y="${y + 3}" width="${(wide * share).toFixed(1)}" height="16" fill="#4a7fb5"/>${mark}` +
      `<text x="${left + wide + 8}" y="${y + 15}">${percent(share)}</text>`
    );
  });
  return `<svg width="${left + wide + 70}" height="${bars.length * row}" role="img" aria-label="Shares, with floors as lines">${drawn.join("")}</svg>`;
}

function line(x: number, y: number): string {
  return `<line x1="${x}" x2="${x}" y1="${y}" y2="${y + 22}" stroke="#c0392b" stroke-width="2"/>`;
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
        `<h3>What was found first instead: ${address} tools, ${split}</h3>` +
        `<div class="wide"><table class="matrix"><tr>${head}</tr>${body.join("")}</table></div>`
      );
    })
    .join("");
}

function playback({ playback }: Scorecard): string {
  const rows = playback.map(
    ({ case: id, state, why }) =>
      `<tr><td>${quoted(id)}</td><td>${state}</td><td>${quoted(why.join("; "))}</td></tr>`,
  );
  return `<h2>L2: recorded turns on the real server</h2><table>${rows.join("")}</table>`;
}

function hosts({ hosts }: Scorecard): string {
  const rows = hosts.map(
    ({ check, state, why }) => `<tr><td>${quoted(check)}</td><td>${state}</td><td>${quoted(why)}</td></tr>`,
  );
  return `<h2>L3: real hosts, scripted model</h2><table>${rows.join("")}</table>`;
}

function live({ live }: Scorecard): string {
  if ("why" in live) return `<h2>L4: a real model</h2><p>Not run: ${quoted(live.why)}</p>`;
  const families = unique(live.results.map((one) => one.case));
  const bars = families.map((id) => {
    const runs = live.results.filter((one) => one.case === id);
    const right = runs.filter(({ verdict, reached }) => verdict.selected && reached !== false).length;
    return { label: id, share: right / runs.length, floor: undefined };
  });
  return `<h2>L4: ${quoted(live.model)}</h2>${chart(bars)}`;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}

function quoted(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
