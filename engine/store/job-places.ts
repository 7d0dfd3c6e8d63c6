// Where jobs of an id are. An id is unique in its queue only, so each queue is asked by its key.

import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

export type JobPlace = { workspaceId: string; queue: string };

type Within = { workspaceId?: string | undefined; queue?: string | undefined };

/** Two at most: then it has to be said which is meant. */
export async function findJobPlaces(
  db: Database,
  id: string,
  { workspaceId, queue }: Within,
): Promise<JobPlace[]> {
  const rows = await db.execute<{ workspace_id: string; name: string }>(sql`
    select q.workspace_id, q.name from queue q
    where ${workspaceId === undefined ? sql`true` : sql`q.workspace_id = ${workspaceId}`}
      and ${queue === undefined ? sql`true` : sql`q.name = ${queue}`}
      and exists (select from job j where j.queue_uid = q.uid and j.id = ${id} offset 0)
    limit 2`);
  return rows.map((row) => ({ workspaceId: row.workspace_id, queue: row.name }));
}
