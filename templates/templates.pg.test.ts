// Each starter project against a real server, from its first event to its end.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWorkflowStage, type WorkflowStage } from "../sdk/testing/workflow-stage.ts";

let stage: WorkflowStage;
beforeAll(async () => {
  stage = await startWorkflowStage();
});
afterAll(() => stage?.stop());

type Act = (runId: string) => Promise<unknown>;
const nothing: Act = async () => {};
const approve: Act = async (runId) => {
  await stage.until(runId, "waiting");
  await stage.rotor.runs.approve(runId, { reason: "fine" });
};
const send =
  (name: string, data: object): Act =>
  async (runId) => {
    await stage.until(runId, ({ steps }) => steps.at(-1)?.status === "waiting");
    await stage.rotor.send(name, data);
  };

const cases: [name: string, data: object, acts: Act[], output: object][] = [
  [
    "outbound-with-approvals",
    { contactId: "c_1" },
    [
      approve,
      (runId) => stage.until(runId, ({ steps }) => steps.some(({ name }) => name === "wait-for-reply")),
      send("outreach.replied", { contactId: "c_1", text: "yes" }),
    ],
    { status: "sent", replied: true },
  ],
  [
    "multi-step-outbound",
    { email: "ada@example.com" },
    [send("email.replied", { email: "ada@example.com" })],
    { status: "replied", sent: 1 },
  ],
  ["event-driven-enrichment", { campaignId: "spring" }, [nothing], { count: 5 }],
  ["scheduled-with-approval", {}, [approve], { status: "delivered" }],
  ["enrichment-dag", { contactId: "c_1", domain: "example.com" }, [nothing], { score: 31 }],
  ["attribution-rollup", {}, [nothing], { totals: { email: 150, ads: 80 } }],
  [
    "reply-classifier",
    { from: "ada@example.com", text: "happy to meet" },
    [nothing],
    { intent: "interested" },
  ],
];

test.each(cases)("%s runs from its start to its end", async (name, data, acts, output) => {
  const app = await stage.startApp(new URL(`./${name}/src/server.ts`, import.meta.url), [], {
    PORT: String(await freePort()),
  });
  await expect
    .poll(() => stage.rotor.functions.list(), { timeout: 15_000 })
    .toMatchObject({
      data: expect.arrayContaining([expect.objectContaining({ id: name })]),
    });
  const runId = await stage.trigger(name, data);
  for (const act of acts) await act(runId);
  const run = await stage.until(runId, "completed");
  expect(run.output).toMatchObject(output);
  await app.stop();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
