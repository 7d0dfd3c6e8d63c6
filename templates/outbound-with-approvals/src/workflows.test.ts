import { testWorkflow } from "@rotorsh/sdk/testing";
import { expect, test } from "vitest";
import { outbound } from "./workflows.ts";

const start = () => testWorkflow(outbound, { data: { contactId: "c_1" } });

test("an approved message is sent, and its reply is noticed", async () => {
  const run = await start();
  await run.approve();
  await run.send("outreach.replied", { contactId: "c_2", text: "who is this?" });
  expect(run.status).toBe("waiting");
  await run.send("outreach.replied", { contactId: "c_1", text: "yes" });
  expect(run.output).toMatchObject({ status: "sent", messageId: "msg_c_1", replied: true });
});

test("a rejected message is not sent", async () => {
  const run = await start();
  await run.approve({ approved: false, reason: "too early" });
  expect(run.output).toEqual({ status: "not sent", contactId: "c_1" });
});

test("neither is one that nobody decides about", async () => {
  const run = await start();
  await run.advance("48h");
  expect(run.output).toEqual({ status: "not sent", contactId: "c_1" });
});
