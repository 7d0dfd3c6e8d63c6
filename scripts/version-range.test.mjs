import { expect, test } from "vitest";
import { satisfies } from "./version-range.mjs";

test.each([
  [">=20", true],
  [">=20.19", true],
  [">=20.19.1", false],
  [">= 10.x", true],
  ["^20.19.0 || >=22.12.0", true],
  ["^20.20", false],
  ["~20.19.0", true],
  ["~20.18", false],
  ["20 || >=22", true],
  ["20.x", true],
  [">=22", false],
  ["<20", false],
  ["<=20", true],
  ["<=20.18", false],
  [">20", false],
  ["18 - 20", true],
  ["18 - 20.18", false],
  [">=18 <20", false],
  ["*", true],
  ["", true],
])("Node 20.19.0 and %s: %s", (range, expected) => {
  expect(satisfies("20.19.0", range)).toBe(expected);
});

test.each([
  ["0.2.9", "^0.2.3", true],
  ["0.3.0", "^0.2.3", false],
  ["0.0.4", "^0.0.3", false],
  ["1.9.0", "^1.2.3", true],
  ["2.0.0", "^1.2.3", false],
])("%s and %s: %s", (version, range, expected) => {
  expect(satisfies(version, range)).toBe(expected);
});

test("a range that is not understood throws", () => {
  expect(() => satisfies("20.19.0", "lts/*")).toThrow("lts/*");
});
