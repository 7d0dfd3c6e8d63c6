// Tables that fit the terminal; piped ones are complete.

import { cut, pad, width } from "./text.ts";

const gap = "  ";
const widestCell = 40;
const narrowestCell = 8;

/** `columns` is the room there is; without one nothing is shortened. */
export function toTable(header: readonly string[], rows: readonly string[][], columns?: number): string[] {
  const lines = [header.slice(), ...rows];
  if (columns === undefined) return format(lines, widthsOf(lines));
  const widths = fit(
    widthsOf(lines).map((wide) => Math.min(wide, widestCell)),
    columns,
  );
  return format(
    lines.map((line) => widths.map((wide, index) => cut(line[index] ?? "", wide))),
    widths,
  );
}

function widthsOf(lines: readonly string[][]): number[] {
  return (lines[0] ?? []).map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ""))));
}

/** Narrows the widest column as far as is bearable, then leaves out columns from the right. */
function fit(widths: number[], columns: number): number[] {
  const total = () => widths.reduce((sum, wide) => sum + wide, gap.length * (widths.length - 1));
  while (total() > columns) {
    const widest = widths.indexOf(Math.max(...widths));
    const wide = widths[widest] as number;
    if (wide > narrowestCell * 2 || (widths.length === 1 && wide > 1)) widths[widest] = wide - 1;
    else if (widths.length > 1) widths.pop();
    else break;
  }
  return widths;
}

function format(lines: readonly string[][], widths: readonly number[]): string[] {
  return lines.map((line) =>
    line
      .slice(0, widths.length)
      .map((cell, index) => pad(cell, widths[index] ?? 0))
      .join(gap)
      .trimEnd(),
  );
}
