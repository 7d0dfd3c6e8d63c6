// What happens to jobs of a guarded workspace on their way in: they come out blocked, redacted, or marked to be held
// back until the judge has seen them.

import { type GuardRules, reasonCode } from "../core/guardrail/verdict.ts";
import type { NewJob } from "../store/job-intake.ts";
import type { LookAt, Looked } from "./pipeline.ts";
import type { ReadRules } from "./rules.ts";

/** `version` is the workspace's guard_version. */
export type Screen = (jobs: readonly NewJob[], version: number) => Promise<NewJob[]>;

export function createScreen(readRules: ReadRules, lookAt: LookAt): Screen {
  return (jobs, version) =>
    Promise.all(
      jobs.map(async (job) => {
        const rules = await readRules(job.workspaceId, version);
        const looked = await lookAt(job.workspaceId, rules, { payload: JSON.parse(job.payload) as unknown });
        return toScreened(job, rules, looked);
      }),
    );
}

function toScreened(
  job: NewJob,
  rules: GuardRules,
  { block, contacts, isRedacted, payload }: Looked,
): NewJob {
  const guard = {
    contacts,
    screen: block === null && rules.tone !== null,
    ...(block && { reason: reasonCode(block.by), failReason: block.reason }),
  };
  return { ...job, payload: isRedacted ? JSON.stringify(payload) : job.payload, guard };
}
