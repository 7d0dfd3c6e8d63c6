import fc from "fast-check";
import { expect, test } from "vitest";
import { toTable } from "./table.ts";
import { width } from "./text.ts";

const header = ["NAME", "STATE", "URL"];
const rows = [
  ["emails", "active", `https://example.com/${"x".repeat(60)}`],
  ["enrichment", "paused", "-"],
];

test("a piped table is complete", () => {
  expect(toTable(header, rows)).toEqual([
    "NAME        STATE   URL",
    `emails      active  https://example.com/${"x".repeat(60)}`,
    "enrichment  paused  -",
  ]);
});

test("on a terminal the widest column gives way", () => {
  expect(toTable(header, rows, 40)).toEqual([
    "NAME        STATE   URL",
    "emails      active  https://example.com…",
    "enrichment  paused  -",
  ]);
});

test("where that is not enough, columns at the right are left out", () => {
  expect(toTable(header, rows, 20)).toEqual([
    "NAME        STATE",
    "emails      active",
    "enrichment  paused",
  ]);
});

test("a table fits whatever room there is", () => {
  const anyRows = fc.array(fc.tuple(fc.string(), fc.string(), fc.string()), { maxLength: 5 });
  fc.assert(
    fc.property(anyRows, fc.integer({ min: 1, max: 100 }), (any, columns) =>
      toTable(header, any, columns).every((line) => width(line) <= columns),
    ),
  );
});
