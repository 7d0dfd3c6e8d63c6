import { testWorkflow } from "@rotorsh/sdk/testing";
import { expect, test } from "vitest";
import { enrichmentDag } from "./workflows.ts";

const data = { contactId: "c_1", domain: "example.com" };

test("the answers of all providers are merged and scored", async () => {
  const run = await testWorkflow(enrichmentDag, { data });
  expect(run.output).toMatchObject({ facts: { company: "example", employees: 110 }, score: 31 });
  expect(run.sent).toEqual([{ name: "contact.enriched", data: { contactId: "c_1", score: 31 } }]);
});

test("a provider that fails for good is left out", async () => {
  const run = await testWorkflow(enrichmentDag, { data, steps: { headcount: new Error("down") } });
  await run.finish();
  expect(run.output).toMatchObject({ facts: { company: "example" }, score: 20 });
});
