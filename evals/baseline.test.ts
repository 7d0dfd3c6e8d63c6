import { expect, test } from "vitest";
import { drops, measureBaseline, readBaseline } from "./baseline.ts";

test("no tool is harder to find than it was", async () => {
  expect(drops(await readBaseline(), await measureBaseline())).toEqual([]);
});

test("the baseline knows every prompt", async () => {
  const [before, now] = await Promise.all([readBaseline(), measureBaseline()]);
  expect(Object.keys(before.all)).toEqual(Object.keys(now.all).sort());
});

const before = { default: { "stop it": 1 }, all: { "stop it": 1, "start it": 2, "count it": 7 } };

test("a drop names the prompts that are found later, with their ranks", () => {
  const now = { ...before, all: { "stop it": 3, "start it": 6, "count it": 7 } };
  expect(drops(before, now)).toEqual([
    'all: recall@1 fell, 1 → 0 of 3; found later: "stop it" (1 → 3)',
    'all: recall@5 fell, 2 → 1 of 3; found later: "start it" (2 → 6)',
  ]);
});

test("as many gains as losses are no drop, and neither are new or removed prompts", () => {
  const now = { ...before, all: { "stop it": 2, "start it": 1, "pause it": 9 } };
  expect(drops(before, now)).toEqual([]);
});
