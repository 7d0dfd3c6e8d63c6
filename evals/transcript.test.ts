import { expect, test } from "vitest";
import { Case } from "./case.ts";
import { judge, matches } from "./transcript.ts";

const one = Case.parse({
  id: "pause",
  family: "sibling-confusion",
  toolset: "default",
  prompts: ["Pause the queue", "Hold the queue", "Stop the queue"],
  expect: [[{ tool: "set_queue_state", arguments: { name: "emails", state: { $in: ["paused", "pause"] } } }]],
  forbid: ["drain_queue"],
  max_calls: 2,
});
const turn = (tool: string, args: object) => ({ tool, arguments: { ...args }, result: {}, isError: false });

test("the right tool with one wrong argument is selected, and half right", () => {
  const turns = [turn("queue_stats", {}), turn("set_queue_state", { name: "email", state: "pause" })];
  expect(judge(one, { turns, answer: "" })).toMatchObject({
    selected: true,
    argumentsRight: 1,
    argumentsExpected: 2,
    forbidden: [],
    withinCalls: true,
  });
});

test("a forbidden call counts, whatever else was right", () => {
  const right = turn("set_queue_state", { name: "emails", state: "paused" });
  const verdict = judge(one, { turns: [right, turn("drain_queue", {}), right], answer: "" });
  expect(verdict).toMatchObject({ selected: true, forbidden: ["drain_queue"], withinCalls: false });
});

test.each([
  ["the same", { a: 1 }, { a: 1, b: 2 }, true],
  ["another value", { a: 1 }, { a: 2 }, false],
  ["one of several", { $in: [1, { $match: "^x" }] }, "xy", true],
  ["a list so long", { $count: 2 }, [1, 2], true],
  ["a list of another length", { $count: 2 }, [1], false],
  ["something", { $any: true }, null, true],
  ["nothing", { $any: true }, undefined, false],
])("%s", (_, wanted, got, holds) => {
  expect(matches(wanted, got)).toBe(holds);
});
