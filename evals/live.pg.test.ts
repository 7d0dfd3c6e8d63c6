// L4 with a scripted model: it tells nothing of models, only that what is measured is right.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Case } from "./case.ts";
import { judgeLive, type LiveCase } from "./live.ts";
import { type ModelStub, type Script, startModelStub } from "./model-stub.ts";
import { describe } from "./scorecard.ts";
import { type Server, startServer } from "./server.ts";

const pause: LiveCase = {
  split: "dev",
  ...Case.parse({
    id: "pause",
    family: "sibling-confusion",
    toolset: "default",
    prompts: ["Pause emails", "Drain emails", "Imagine a tool"],
    setup: [{ operation: "queues.create", input: { name: "emails" } }],
    expect: [[{ tool: "set_queue_state", arguments: { name: "emails", state: "paused" } }]],
    forbid: ["drain_queue"],
    end_state: [{ operation: "queues.get", input: { name: "emails" }, matches: { state: "paused" } }],
  }),
};

const tools: Record<string, [name: string, input: Record<string, unknown>]> = {
  "Pause emails": ["set_queue_state", { name: "emails", state: "paused" }],
  "Drain emails": ["drain_queue", { name: "emails" }],
  "Imagine a tool": ["hold_queue", { name: "emails" }],
};

const script: Script = ({ text }) => {
  const [, [name, input] = []] = Object.entries(tools).find(([prompt]) => text.includes(prompt)) ?? [];
  return text.includes("tool_result")
    ? { type: "text", text: "done" }
    : { type: "tool_use", id: "toolu_1", name: name as string, input: input ?? {} };
};

let server: Server;
let model: ModelStub;
beforeAll(async () => {
  [server, model] = await Promise.all([startServer(), startModelStub(script)]);
}, 120_000);
afterAll(async () => {
  await model?.close();
  await server?.stop();
});

test("choices, arguments, forbidden calls and end states are counted, and the first runs recorded", async () => {
  const access = { name: "stub", apiKey: "stub", baseURL: model.url };
  const { results, recordings } = await judgeLive(server, [pause], access, 3);
  const of = (prompt: string) => results.filter((one) => one.prompt === prompt);
  expect(results).toHaveLength(9);
  for (const one of of("Pause emails")) {
    expect(one).toMatchObject({ reached: true, calls: 1, verdict: { selected: true, argumentsRight: 2 } });
  }
  for (const one of of("Drain emails")) {
    expect(one).toMatchObject({ reached: false, verdict: { selected: false, forbidden: ["drain_queue"] } });
  }
  for (const one of of("Imagine a tool")) {
    expect(one).toMatchObject({ reached: false, verdict: { selected: false, forbidden: [] } });
  }
  expect(recordings.map(({ prompt, turns }) => [prompt, turns[0]?.isError])).toEqual([
    ["Pause emails", false],
    ["Drain emails", true],
    ["Imagine a tool", true],
  ]);
  const live = { model: "stub", results };
  const lines = describe({ made: "", lint: [], retrieval: [], drops: [], playback: [], hosts: [], live });
  expect(lines.slice(-6)).toEqual([
    "L4 live         stub, dev: 9 runs, shares with their 95 % intervals",
    "                selection 0.333 (0.121 to 0.646, n = 9)",
    "                arguments 0.333 (0.163 to 0.563, n = 18)",
    "                end state 0.333 (0.121 to 0.646, n = 9)",
    "                forbidden 0.333 (0.121 to 0.646, n = 9)",
    "                pass^3 0.333  calls 1.0  tokens 4.0",
  ]);
});
