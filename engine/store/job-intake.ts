// Writing new jobs. Requests that arrive together share one statement and one commit; each of them is answered
// only when its rows are durable.

import type { JobState } from "../core/job.ts";
import type { Statements } from "./database.ts";

export type NewJob = {
  workspaceId: string;
  queueName: string;
  id: string;
  payload: string;
  delayMs: number;
  priority: number;
  tags: readonly string[];
  concurrencyKey: string | null;
  attempts: number | null;
  backoff: string | null;
  provenance: string;
};

export type Intake =
  | {
      kind: "stored";
      duplicate: boolean;
      state: JobState;
      createdAt: Date;
      payload: string | null;
      tags: string[];
    }
  | { kind: "no queue" };

export type StoredQueue = { workspaceId: string; queueName: string };

type Row = { ord: number; created: boolean; state: JobState; created_at: Date; queue_uid: string };

/** Stores what is new of these jobs; answers one intake per job, in order, and the queues that got work. */
export async function insertJobs(
  sql: Statements,
  jobs: readonly NewJob[],
): Promise<{ intakes: Intake[]; woken: number[] }> {
  const column = <T>(read: (job: NewJob) => T): T[] => jobs.map(read);
  const rows = await sql<Row[]>`
    with sent as (
      select * from unnest(
        ${column((job) => job.workspaceId)}::text[], ${column((job) => job.queueName)}::text[],
        ${column((job) => job.id)}::text[], ${column((job) => job.payload)}::text[],
        ${column((job) => job.delayMs)}::bigint[], ${column((job) => job.priority)}::int[],
        ${column((job) => (job.tags.length > 0 ? JSON.stringify(job.tags) : null))}::text[],
        ${column((job) => job.concurrencyKey)}::text[], ${column((job) => job.attempts)}::int[],
        ${column((job) => job.backoff)}::text[], ${column((job) => job.provenance)}::text[]
      ) with ordinality as t (ws, queue, id, payload, delay_ms, priority, tags, ckey, attempts, backoff, provenance, ord)
    ), placed as (
      select s.*, q.uid, q.retry_attempts,
        case when q.approval_required then 'pending_approval' when s.delay_ms > 0 then 'delayed' else 'waiting' end as state
      from sent s join queue q on q.workspace_id = s.ws and q.name = s.queue
    ), clock as materialized (select rotor_now() as now), made as (
      insert into job (queue_uid, id, workspace_id, state, priority, due_at, payload, tags, concurrency_key,
        max_attempts, backoff, provenance, created_at)
      select uid, id, ws, state, priority,
        case when delay_ms > 0 then now + delay_ms * interval '1 millisecond' end,
        payload, case when tags is not null then array(select json_array_elements_text(tags::json)) end, ckey,
        coalesce(attempts, retry_attempts), backoff::jsonb, provenance::jsonb, now
      from placed, clock order by ord
      on conflict (queue_uid, id) do nothing
      returning queue_uid, id, seq, state, created_at, tags, workspace_id
    ), tagged as (
      insert into job_tag (queue_uid, workspace_id, tag, seq, job_id)
      select distinct queue_uid, workspace_id, tag, seq, id from made, unnest(tags) tag where made.tags is not null
    ), flowed as (
      insert into queue_flow (queue_uid, workspace_id, at, waiting, delayed, pending_approval, accepted)
      select queue_uid, workspace_id, min(created_at), count(*) filter (where state = 'waiting'),
        count(*) filter (where state = 'delayed'), count(*) filter (where state = 'pending_approval'), count(*)
      from made group by 1, 2 order by 1
    ), counted as (
      -- Sorted, so that two statements lock the counters in the same order; '' counts the whole workspace.
      insert into usage as u (workspace_id, period, queue_name, executions)
      select p.ws, date_trunc('month', min(m.created_at) at time zone 'UTC')::date, n.name, count(*)
      from made m join placed p on p.uid = m.queue_uid and p.id = m.id, lateral (values (''), (p.queue)) n (name)
      group by p.ws, n.name order by p.ws, n.name
      on conflict (workspace_id, period, queue_name) do update set executions = u.executions + excluded.executions
    )
    select p.ord::int as ord, p.uid as queue_uid, m.id is not null as created, m.state, m.created_at
    from placed p left join made m on m.queue_uid = p.uid and m.id = p.id`;
  return toIntakes(sql, jobs, rows);
}

async function toIntakes(sql: Statements, jobs: readonly NewJob[], rows: readonly Row[]) {
  const intakes: Intake[] = jobs.map(() => ({ kind: "no queue" }));
  const woken = new Set<number>();
  const seen = new Set<string>();
  const duplicates: { index: number; queueUid: string; id: string }[] = [];
  for (const row of [...rows].sort((a, b) => a.ord - b.ord)) {
    const index = row.ord - 1;
    const { id, tags } = jobs[index] as NewJob;
    // The same id twice in one statement: the first is the job, the others are that one again.
    const first = !seen.has(`${row.queue_uid}|${id}`);
    seen.add(`${row.queue_uid}|${id}`);
    if (row.created && first) {
      if (row.state === "waiting") woken.add(Number(row.queue_uid));
      intakes[index] = {
        kind: "stored",
        duplicate: false,
        state: row.state,
        createdAt: row.created_at,
        payload: null,
        tags: [...tags],
      };
    } else {
      duplicates.push({ index, queueUid: row.queue_uid, id });
    }
  }
  if (duplicates.length > 0) await readDuplicates(sql, duplicates, intakes);
  return { intakes, woken: [...woken] };
}

async function readDuplicates(
  sql: Statements,
  duplicates: readonly { index: number; queueUid: string; id: string }[],
  intakes: Intake[],
): Promise<void> {
  const rows = await sql<
    {
      queue_uid: string;
      id: string;
      state: JobState;
      created_at: Date;
      payload: string;
      tags: string[] | null;
    }[]
  >`
    select j.queue_uid, j.id, j.state, j.created_at, j.payload, j.tags from job j
    join unnest(${duplicates.map(({ queueUid }) => queueUid)}::bigint[], ${duplicates.map(({ id }) => id)}::text[]) as d (uid, id)
      on j.queue_uid = d.uid and j.id = d.id`;
  const found = new Map(rows.map((row) => [`${row.queue_uid}|${row.id}`, row]));
  for (const { index, queueUid, id } of duplicates) {
    const row = found.get(`${queueUid}|${id}`);
    if (!row) continue;
    const { state, created_at: createdAt, payload, tags } = row;
    intakes[index] = { kind: "stored", duplicate: true, state, createdAt, payload, tags: tags ?? [] };
  }
}
