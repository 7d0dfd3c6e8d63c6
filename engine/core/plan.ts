// What each plan allows. A plan never switches a feature off.

import type { Plan } from "@rotorsh/contract";

export type Limits = {
  requestsPerMinute: number | null;
  executionsPerMonth: number | null;
  retentionDays: number;
  auditRetentionDays: number;
};

const auditRetentionDays = 365;

const limitsByPlan: Record<Plan, Limits> = {
  free: { requestsPerMinute: 60, executionsPerMonth: 10_000, retentionDays: 7, auditRetentionDays },
  pro: { requestsPerMinute: 300, executionsPerMonth: 100_000, retentionDays: 30, auditRetentionDays },
  team: { requestsPerMinute: 1000, executionsPerMonth: 1_000_000, retentionDays: 90, auditRetentionDays },
  enterprise: { requestsPerMinute: null, executionsPerMonth: null, retentionDays: 365, auditRetentionDays },
  unlimited: { requestsPerMinute: null, executionsPerMonth: null, retentionDays: 90, auditRetentionDays },
};

/** Limits an operator set by hand for one workspace; null where the plan decides. */
export type CustomLimits = {
  requestsPerMinute: number | null;
  executionsPerMonth: number | null;
  retentionDays: number | null;
};

export function limitsOf(plan: Plan, custom: CustomLimits): Limits {
  const limits = limitsByPlan[plan];
  return {
    requestsPerMinute: custom.requestsPerMinute ?? limits.requestsPerMinute,
    executionsPerMonth: custom.executionsPerMonth ?? limits.executionsPerMonth,
    retentionDays: custom.retentionDays ?? limits.retentionDays,
    auditRetentionDays: limits.auditRetentionDays,
  };
}
