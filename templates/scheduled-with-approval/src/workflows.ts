import { createFunction, SignalTimeoutError } from "@rotorsh/sdk";
import { buildReport, deliver } from "./services.ts";

export const scheduledWithApproval = createFunction(
  {
    id: "scheduled-with-approval",
    trigger: { cron: "0 9 * * 1", timezone: "Europe/Berlin" },
    retries: 2,
  },
  async ({ step }) => {
    // In a step: a replay next week must still mean this one.
    const week = await step.run("which-week", () => new Date().toISOString().slice(0, 10));
    const report = await step.run("build-report", () => buildReport(week));
    try {
      const { approved, reason } = await step.waitForApproval("approve-report", {
        prompt: `Deliver the report of ${week}? ${report.summary}`,
        timeout: "24h",
      });
      if (!approved) return { week, status: "rejected" as const, reason: reason ?? null };
    } catch (error) {
      if (!(error instanceof SignalTimeoutError)) throw error;
      return { week, status: "nobody decided" as const };
    }
    await step.run("deliver", () => deliver(report));
    return { week, status: "delivered" as const };
  },
);

export const functions = [scheduledWithApproval];
