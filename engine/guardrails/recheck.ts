// The last look before a job is sent: lists may have grown since it came in, and not every job came in by an enqueue.
// What a person approved is sent as it was then, or not at all.

import { contactsOf } from "../core/guardrail/contacts.ts";
import type { Databases } from "../store/database.ts";
import type { ClaimedJob } from "../store/job-work.ts";
import { stopClaimed } from "../store/screening.ts";

export type Claimed = { queueUid: number; workspaceId: string; lease: string; jobs: ClaimedJob[] };

/** Those that may be sent; the others are blocked, or wait for a person again, and their attempts do not count. */
export type Recheck = (claimed: Claimed) => Promise<{ jobs: ClaimedJob[]; woken: number[] }>;

export function createRecheck({ sql }: Pick<Databases, "sql">): Recheck {
  return async ({ queueUid, workspaceId, lease, jobs }) => {
    const sent = jobs.map(({ id, payload }) => ({
      id,
      contacts: contactsOf(JSON.parse(payload) as unknown, workspaceId),
    }));
    const { stopped, woken } = await stopClaimed(sql, queueUid, lease, sent);
    return { jobs: stopped.size > 0 ? jobs.filter(({ id }) => !stopped.has(id)) : jobs, woken };
  };
}
