// One text per thing that differs whenever the thing does. Compared, not followed: a change is seen by the next look
// at what is committed, whatever order transactions end in, and none is passed over.

import type { Statements } from "./database.ts";

export const watchable = ["queue", "run", "workflow"] as const;
/** `caller` is the key, or the member, on whose behalf somebody watches: when it may do other things than before. */
export type Watched = { workspaceId: string; kind: (typeof watchable)[number] | "caller"; id: string };

/** The versions, in the order asked for; null for what does not exist. */
export async function readVersions(sql: Statements, things: readonly Watched[]): Promise<(string | null)[]> {
  const rows = await sql<{ version: string | null }[]>`
    select case asked.kind
      when 'queue' then (
        select q.xmin::text || (
          select row(sum(waiting), sum(delayed), sum(active), sum(completed), sum(failed), sum(cancelled),
            sum(pending_approval), sum(guardrail_blocked))::text
          from (
            select waiting, delayed, active, completed, failed, cancelled, pending_approval, guardrail_blocked
              from queue_total where queue_uid = q.uid
            union all
            select waiting, delayed, active, completed, failed, cancelled, pending_approval, guardrail_blocked
              from queue_flow where queue_uid = q.uid
          ) counts)
        from queue q where q.workspace_id = asked.workspace_id and q.name = asked.id)
      when 'run' then (
        select r.status || r.xmin::text || (select row(count(*), max(ended_at))::text from step where run_id = r.id)
        from run r where r.workspace_id = asked.workspace_id and r.id = asked.id)
      when 'caller' then (
        select row(w.suspended_at, w.deleted_at)::text || coalesce(
          (select row(k.revoked_at <= rotor_now(), k.expires_at <= rotor_now(), k.role, k.capabilities, k.allowed_ips,
             m.status, m.role, m.capabilities)::text
           from api_key k left join member m on m.id = k.member_id where k.id = asked.id),
          (select row(m.status, m.role, m.capabilities)::text from member m
           where m.workspace_id = w.id and m.id = asked.id))
        from workspace w where w.id = asked.workspace_id)
      else (
        select w.xmin::text from workflow w where w.workspace_id = asked.workspace_id and w.id = asked.id)
    end as version
    from unnest(${things.map(({ workspaceId }) => workspaceId)}::text[], ${things.map(({ kind }) => kind)}::text[],
      ${things.map(({ id }) => id)}::text[]) with ordinality as asked (workspace_id, kind, id, place)
    order by place`;
  return rows.map(({ version }) => version);
}
