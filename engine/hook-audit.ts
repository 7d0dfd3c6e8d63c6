// What the audit log says of hooks: that one failed, or takes long. The run has ended, and stays as it ended.

import { auditSystem } from "./audit-trail.ts";
import type { Database } from "./store/database.ts";
import type { DriveEnd } from "./store/run-finish.ts";

/** In the transaction that notes the errors; workspace by workspace, so that two of these never wait for each other. */
export async function auditHookErrors(db: Database, ends: readonly DriveEnd[], now: Date): Promise<void> {
  const failed = ends.flatMap(({ run, workspaceId, next }) =>
    next.kind === "told" && next.error ? [{ run, workspaceId, hook: next.hook, error: next.error }] : [],
  );
  failed.sort((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1));
  for (const { run, workspaceId, hook, error } of failed) {
    const metadata = { hook, error: { name: error.name, message: error.message.slice(0, longestMessage) } };
    await auditSystem(db, { workspaceId, type: "workflow.hook.errored", resource: run, metadata }, now);
  }
}

const longestMessage = 1000;

export async function auditSlowHook(
  db: Database,
  { workspaceId, run, hook, afterMs }: { workspaceId: string; run: string; hook: string; afterMs: number },
  now: Date,
): Promise<void> {
  const metadata = { hook, running_ms: afterMs };
  await auditSystem(db, { workspaceId, type: "workflow.hook.slow", resource: run, metadata }, now);
}
