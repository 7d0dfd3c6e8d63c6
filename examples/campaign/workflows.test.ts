// How to test a workflow: in memory, in no time, without a server.

import { testWorkflow } from "@rotorsh/sdk/testing";
import { expect, test } from "vitest";
import { campaign, contactEnricher } from "./workflows.ts";

const start = (contactId: string) =>
  testWorkflow(campaign, { data: { contactId }, workflows: [contactEnricher] });

test("an approved campaign is complete when its mail is opened", async () => {
  const run = await start("c_ada");
  expect(run.status).toBe("sleeping");
  await run.advance("1h");
  expect(run.sent).toEqual([{ name: "analytics/contact.scored", data: { contactId: "c_ada", score: 82 } }]);
  await run.approve();
  await run.send("email.opened", { contactId: "c_bob" });
  expect(run.status).toBe("waiting");
  await run.send("email.opened", { contactId: "c_ada" });
  expect(run.output).toEqual({ status: "complete", contactId: "c_ada", score: 82, emailOpened: true });
});

test("without a decision in two days it is rejected", async () => {
  const run = await start("c_bob");
  await run.advance("3d");
  expect(run.output).toEqual({ status: "auto-rejected", contactId: "c_bob" });
});

test("a contact that does not exist is a failure, after two more tries", async () => {
  const run = await (await start("c_eve")).finish();
  expect(run).toMatchObject({ status: "failed", error: { message: "No contact c_eve." } });
});
