// The example as a newcomer runs it: in a process of its own, against a real server.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startWorkflowStage, type WorkflowStage } from "../../sdk/testing/workflow-stage.ts";

let stage: WorkflowStage;

beforeAll(async () => {
  stage = await startWorkflowStage();
});

afterAll(() => stage?.stop());

test("a campaign sleeps, is enriched, approved and opened, and says at each turn what to do", async () => {
  const program = new URL("./app.ts", import.meta.url);
  const app = await stage.startApp(program, ["c_ada", "1h"], { EXAMPLE_PORT: "0" });
  const says = (part: string) =>
    vi.waitFor(() => expect(app.said).toContainEqual(expect.stringContaining(part)), {
      timeout: 15_000,
      interval: 50,
    });
  await says("initial-delay: sleeping");
  const runId = app.said.find((line) => line.startsWith("Started "))?.slice("Started ".length, -1) as string;
  await stage.moveClock("1 hour");
  await says(`approval-gate: waiting. Approve it:  npx rotor runs approve ${runId}`);
  expect(app.said).toContain("Going on with Ada.");
  await stage.rotor.runs.approve(runId, { reason: "she asked for it" });
  await says("wait-for-open: waiting. Open the mail:  npx rotor events send email.opened");
  await stage.rotor.send("email.opened", { contactId: "c_bob" });
  await stage.rotor.send("email.opened", { contactId: "c_ada" });
  expect(await app.exited).toBe(0);
  expect(app.said.at(-1)).toBe(
    'The run is completed: {"status":"complete","contactId":"c_ada","score":82,"emailOpened":true}',
  );
  const { data } = await stage.rotor.events.list({ name: "analytics/contact.scored" });
  expect(data).toHaveLength(1);
});
