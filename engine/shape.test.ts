import { isRotorError } from "@rotorsh/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkShape } from "./shape.ts";
import { cpuTimeMs } from "./testing/cpu-time.ts";

function isRefused(value: unknown, mostFields?: number): boolean {
  try {
    checkShape(value, mostFields);
    return false;
  } catch (error) {
    return isRotorError(error) && error.code === "INVALID_INPUT";
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 ? [value] : { a: value };
  return value;
}

test("64 levels are accepted and 65 are not", () => {
  expect([isRefused(nested(64)), isRefused(nested(65))]).toEqual([false, true]);
});

test("10,000 fields are accepted and one more is not, wherever they are", () => {
  const fields = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 1]));
  expect([isRefused(fields(10_000)), isRefused(fields(10_001))]).toEqual([false, true]);
  expect(isRefused(Array.from({ length: 5001 }, () => ({ a: 1 })))).toBe(true);
});

test("an operation may accept more fields, also in one list", () => {
  const list = Array.from({ length: 300_000 }, () => 1);
  expect([isRefused(list, 1_000_000), isRefused(list, 299_999)]).toEqual([false, true]);
});

test("every ordinary JSON value is accepted, and stays as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const before = JSON.stringify(value);
      expect(isRefused(value)).toBe(false);
      expect(JSON.stringify(value)).toBe(before);
    }),
  );
});

test.each([
  ["a million levels", () => nested(1_000_000)],
  ["a million fields", () => Array.from({ length: 1_000_000 }, () => 1)],
  [
    "as many fields as a body can hold",
    () => Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`f${i}`, 1])),
  ],
  ["a tree of a hundred million leaves", () => tree(100, 4)],
])("R-3: %s are refused within 50 ms", async (_, build) => {
  const value = build();
  expect(await cpuTimeMs(() => expect(isRefused(value)).toBe(true))).toBeLessThan(50);
});

/** Shares its branches, so that only looking at it is large. */
function tree(width: number, depth: number): unknown {
  let level: unknown = 1;
  for (let round = 0; round < depth; round++) level = Array.from({ length: width }, () => level);
  return level;
}

test("a number that is no number any more once it is read is refused", () => {
  expect([isRefused(JSON.parse('{"a":[1e400]}')), isRefused(JSON.parse('{"a":[1e308]}'))]).toEqual([
    true,
    false,
  ]);
});
