import { testWorkflow } from "@rotorsh/sdk/testing";
import { expect, test } from "vitest";
import { eventDrivenEnrichment } from "./workflows.ts";

test("every contact of the campaign is enriched, and the rest of the system is told", async () => {
  const run = await testWorkflow(eventDrivenEnrichment, { data: { campaignId: "spring" } });
  expect(run.output).toEqual({ campaignId: "spring", count: 5 });
  expect(run.sent).toEqual([{ name: "campaign.enriched", data: { campaignId: "spring", count: 5 } }]);
});

test("a provider that fails for a moment is asked again", async () => {
  let calls = 0;
  const run = await testWorkflow(eventDrivenEnrichment, {
    data: { campaignId: "spring" },
    steps: {
      "enrich-spring-1": () => {
        calls++;
        if (calls === 1) throw new Error("busy");
        return { id: "spring-1", email: "person1@example.com", company: "example.com" };
      },
    },
  });
  await run.finish();
  expect(calls).toBe(2);
  expect(run.output).toMatchObject({ count: 5 });
});
