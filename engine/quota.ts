// A month's executions, where work and count are one transaction.

import { type Plan, RotorError } from "@rotorsh/contract";
import { monthOf } from "./core/period.ts";
import type { Access, Database } from "./store/database.ts";
import { countExecutions } from "./store/usage.ts";

export type Allowance = {
  workspaceId: string;
  /** Executions the workspace may have this month; null for no quota. */
  quota: number | null;
  plan: Plan;
  /** What is to be checked of the caller; see Caller.known. */
  access: Access;
};

/** Does what counts executions in the caller's transaction, which is undone when it passed the quota. */
export async function withinQuota<T>(
  db: Database,
  { workspaceId, quota, plan }: Allowance,
  now: Date,
  work: () => Promise<T>,
): Promise<T> {
  if (quota === null) return work();
  const count = async () => (await countExecutions(db, workspaceId, now)).total;
  const refuse = () => {
    const resetAt = monthOf(now).to.toISOString();
    return new RotorError("QUOTA_EXCEEDED", { limit: quota, used: quota, plan, resetAt });
  };
  // Before anything else: a repeated key must not be answered by a workspace that is over its quota.
  if ((await count()) >= quota) throw refuse();
  const done = await work();
  if ((await count()) > quota) throw refuse();
  return done;
}
