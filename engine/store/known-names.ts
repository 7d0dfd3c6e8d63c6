// Names that a caller may have meant.

import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

/** A workspace with more than this many hears of those that come first. */
const most = 2000;

export type Named = "QUEUE" | "WORKFLOW";

export async function listNames(db: Database, workspaceId: string, kind: Named): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(
    kind === "QUEUE"
      ? sql`select name from queue where workspace_id = ${workspaceId} order by name limit ${most}`
      : sql`
        select name from (
          select id as name from workflow where workspace_id = ${workspaceId} and archived_at is null
          union select trigger_event from workflow
            where workspace_id = ${workspaceId} and archived_at is null and trigger_event is not null
        ) known order by name limit ${most}`,
  );
  return rows.map(({ name }) => name);
}
