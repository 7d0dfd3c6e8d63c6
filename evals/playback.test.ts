import { expect, test } from "vitest";
import { Case } from "./case.ts";
import { recordingOf } from "./playback.ts";

const one = Case.parse({
  id: "drain",
  family: "destructive",
  toolset: "default",
  prompts: ["Drain the queue newsletter", "Empty newsletter", "Clear newsletter"],
  expect: [[{ tool: "drain_queue" }]],
});
const turns = (token: string) => [
  {
    tool: "drain_queue",
    arguments: { name: "newsletter" },
    isError: true,
    result: { details: { token, name: "newsletter" } },
  },
  {
    tool: "drain_queue",
    arguments: { name: "newsletter", confirm_token: token },
    isError: false,
    result: {},
  },
];
const record = (token: string) =>
  recordingOf(one, "Empty newsletter", "hash", { turns: turns(token), answer: "" });

test("what an earlier answer gave is recorded by its place, so two recordings of the same are the same", () => {
  expect(record("dev.1.abcdefgh")).toEqual(record("dev.1.stuvwxyz"));
  expect(record("dev.1.abcdefgh").turns[1]?.arguments).toEqual({
    name: "newsletter",
    confirm_token: { $from: ["0", "details", "token"] },
  });
});
