import { plans } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { limitsOf } from "./plan.ts";

const none = { requestsPerMinute: null, executionsPerMonth: null, retentionDays: null };

test.each(plans)("the plan %s says every limit", (plan) => {
  const limits = limitsOf(plan, none);
  expect(limits.retentionDays).toBeGreaterThan(0);
  expect(limits.auditRetentionDays).toBeGreaterThan(0);
});

test("the plan unlimited limits neither requests nor executions", () => {
  expect(limitsOf("unlimited", none)).toMatchObject({ requestsPerMinute: null, executionsPerMonth: null });
});

test("a limit set by hand wins over the plan's, and zero counts as one", () => {
  const custom = { requestsPerMinute: 5, executionsPerMonth: 0, retentionDays: 400 };
  for (const plan of plans) expect(limitsOf(plan, custom)).toMatchObject(custom);
});
