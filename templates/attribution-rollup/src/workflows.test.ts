import { testWorkflow } from "@rotorsh/sdk/testing";
import { expect, test } from "vitest";
import { attributionRollup } from "./workflows.ts";

test("all pages of a day are added up by channel", async () => {
  const run = await testWorkflow(attributionRollup);
  expect(run.output).toMatchObject({ pages: 2, totals: { email: 150, ads: 80 } });
});

test("a page that cannot be read is read again, and nothing is counted twice", async () => {
  let isDown = true;
  const run = await testWorkflow(attributionRollup, {
    steps: {
      "page-2": () => {
        if (!isDown) return { touches: [{ channel: "email", revenue: 30 }], next: null };
        isDown = false;
        throw new Error("the warehouse is down");
      },
    },
  });
  await run.finish();
  expect(run.output).toMatchObject({ totals: { email: 150, ads: 80 } });
});
