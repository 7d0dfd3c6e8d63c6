import { testWorkflow } from "@rotorsh/sdk/testing";
import { expect, test } from "vitest";
import { scheduledWithApproval } from "./workflows.ts";

test("an approved report is delivered", async () => {
  const run = await testWorkflow(scheduledWithApproval, { now: new Date("2027-03-01T08:00:00Z") });
  await run.approve();
  expect(run.output).toMatchObject({ status: "delivered" });
});

test("a rejected one is not, and says why", async () => {
  const run = await testWorkflow(scheduledWithApproval);
  await run.approve({ approved: false, reason: "wrong figures" });
  expect(run.output).toMatchObject({ status: "rejected", reason: "wrong figures" });
});

test("after a day without a decision it is dropped", async () => {
  const run = await testWorkflow(scheduledWithApproval);
  await run.advance("24h");
  expect(run.output).toMatchObject({ status: "nobody decided" });
});
