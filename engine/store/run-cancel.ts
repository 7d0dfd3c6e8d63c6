// Cancelling runs, with everything they invoked that has not ended.

import { sql } from "drizzle-orm";
import { goByKeys } from "./by-keys.ts";
import type { Database } from "./database.ts";
import { endRuns, lockRuns } from "./run-end.ts";

const deepest = 100;

/** Answers the ids of all that were cancelled, in any order. */
export async function cancelRuns(
  db: Database,
  workspaceId: string,
  ids: readonly string[],
): Promise<string[]> {
  await goByKeys(db);
  const cancelled: string[] = [];
  // A child may be created while its parent is being locked; another round finds it. Afterwards there are no more,
  // because who creates a child holds its parent's lock.
  for (let round = 0; round < deepest; round++) {
    const tree = await findTree(db, workspaceId, [...ids, ...cancelled]);
    if (tree.length === 0) break;
    await lockRuns(db, tree);
    cancelled.push(
      ...(await endRuns(
        db,
        tree.map((run) => ({ run, status: "cancelled" as const })),
      )),
    );
  }
  return cancelled;
}

async function findTree(db: Database, workspaceId: string, roots: readonly string[]): Promise<string[]> {
  const rows = await db.execute<{ id: string; open: boolean }>(sql`
    with recursive tree as (
      select r.id, r.open from json_array_elements_text(${JSON.stringify(roots)}::text::json) as a (id)
      cross join lateral (
        select id, workspace_id, ended_at is null as open from run where id = a.id offset 0) r
      where r.workspace_id = ${workspaceId}
      union
      select r.id, true from tree t
      cross join lateral (
        select id, workspace_id from run where parent_run = t.id and ended_at is null offset 0) r
      where r.workspace_id = ${workspaceId}
    )
    select id, open from tree where open`);
  return rows.map(({ id }) => id);
}
