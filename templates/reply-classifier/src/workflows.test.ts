import { testWorkflow } from "@rotorsh/sdk/testing";
import { expect, test } from "vitest";
import { applyRules } from "./services.ts";
import { replyClassifier } from "./workflows.ts";

const reply = (text: string) => ({ from: "ada@example.com", text });

test("a clear reply is routed at once", async () => {
  const run = await testWorkflow(replyClassifier, {
    data: reply("Sounds good, call me"),
    steps: { classify: { intent: "interested", confidence: 0.9 } },
  });
  expect(run.sent).toEqual([{ name: "reply.interested", data: { from: "ada@example.com" } }]);
});

test("where the model is unsure, a person decides", async () => {
  const run = await testWorkflow(replyClassifier, {
    data: reply("hm"),
    steps: { classify: { intent: "interested", confidence: 0.3 } },
  });
  expect(run.status).toBe("waiting");
  await run.approve({ approved: false });
  expect(run.output).toMatchObject({ intent: "other" });
});

test.each([
  ["please unsubscribe", "unsubscribe"],
  ["not now, maybe next quarter", "not-now"],
  ["happy to meet", "interested"],
  ["xyz", "other"],
])("the rules find in %s: %s", (text, intent) => {
  expect(applyRules(text).intent).toBe(intent);
});
