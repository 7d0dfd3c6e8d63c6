import { testWorkflow } from "@rotorsh/sdk/testing";
import { expect, test } from "vitest";
import { multiStepOutbound } from "./workflows.ts";

const start = () => testWorkflow(multiStepOutbound, { data: { email: "ada@example.com" } });

test("the first reply ends the sequence", async () => {
  const run = await start();
  await run.advance("3d");
  await run.send("email.replied", { email: "ada@example.com" });
  expect(run.output).toEqual({ status: "replied", sent: 2 });
});

test("without a reply all e-mails are sent, days apart", async () => {
  const run = await start();
  await run.advance("14d");
  expect(run.output).toEqual({ status: "silent", sent: 3 });
  expect(run.steps.map(({ id }) => id)).toContain("send-last-call");
});

test("somebody else's reply does not count", async () => {
  const run = await start();
  await run.send("email.replied", { email: "bob@example.com" });
  expect(run.status).toBe("waiting");
});
