// Writing new jobs. Requests that arrive together share one statement and one commit; each of them is answered
// only when its rows are durable.

import { type JobState, RotorError } from "@rotorsh/contract";
import { must } from "../must.ts";
import type { Access, Statements } from "./database.ts";

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
  /** What guardrails found; null where nothing is checked. */
  guard: Guarded | null;
};

export type Guarded = {
  /** Hashes of what the payload mentioned before it was redacted; none where it was not. */
  contacts: readonly string[];
  /** True when the job is to be held back until it has been looked at. */
  screen: boolean;
  /** Set when it is blocked. */
  reason?: string;
  failReason?: string;
};

export type Intake =
  | {
      kind: "stored";
      duplicate: boolean;
      state: JobState;
      createdAt: Date;
      payload: string | null;
      tags: string[];
      /** Of a duplicate that was strict: which request it came with. */
      requestKey?: string | null;
    }
  | { kind: "no queue" };

/** What was stored in one queue. */
type Row = {
  queue_uid: string;
  ws: string;
  queue: string;
  created_at: Date | string;
  /** States and ids of the jobs; null when every job of the statement was stored, and all of them wait. */
  states: JobState[] | null;
  ids: string[] | null;
};

type Inserted = { intakes: Intake[]; woken: number[] };

/** Of jobs that are there when they are to be stored, and gone when they are looked at. */
const mostTries = 5;

/** Stores what is new of these jobs; answers one intake per job, in order, and the queues that got work. */
export async function insertJobs(
  sql: Statements,
  jobs: readonly NewJob[],
  access: Access = null,
  tries = mostTries,
): Promise<Inserted> {
  // Written as array literals here: what postgres.js does for each element costs more than the rest of the request.
  const literal = (read: (job: NewJob) => string | number) => `{${jobs.map(read).join(",")}}`;
  const texts = (read: (job: NewJob) => string | null) => literal((job) => quoted(read(job)));
  const jsons = (read: (job: NewJob) => string | null) => jobs.map((job) => jsonOf(read(job))).join(between);
  const numbers = (read: (job: NewJob) => number | null) => literal((job) => read(job) ?? "null");
  const rows = await sql<Row[]>`
    with sent as (
      select * from unnest(
        ${texts((job) => job.workspaceId)}::text::text[], ${texts((job) => job.queueName)}::text::text[],
        ${texts((job) => job.id)}::text::text[], string_to_array(${jsons((job) => job.payload)}::text, ${between}, ''),
        ${numbers((job) => job.delayMs)}::text::bigint[], ${numbers((job) => job.priority)}::text::int[],
        string_to_array(${jsons((job) => (job.tags.length > 0 ? JSON.stringify(job.tags) : null))}::text, ${between}, ''),
        ${texts((job) => job.concurrencyKey)}::text::text[], ${numbers((job) => job.attempts)}::text::int[],
        string_to_array(${jsons((job) => job.backoff)}::text, ${between}, ''), string_to_array(${jsons((job) => job.provenance)}::text, ${between}, ''),
        string_to_array(${jsons((job) => job.guard && JSON.stringify(job.guard))}::text, ${between}, '')::json[]
      ) with ordinality as t (ws, queue, id, payload, delay_ms, priority, tags, ckey, attempts, backoff, provenance, guard, ord)
    ), placed as (
      select s.*, q.uid, q.retry_attempts,
        -- Guardrails come before the approval: what is held back for them is not shown to anybody yet.
        coalesce((s.guard->>'screen')::boolean, false) as held,
        case when s.guard->>'reason' is not null then 'guardrail.blocked'
          when q.approval_required and s.guard->>'screen' is distinct from 'true' then 'pending_approval'
          when s.delay_ms > 0 then 'delayed' else 'waiting' end as state
      from sent s join queue q on q.workspace_id = s.ws and q.name = s.queue
    ), clock as materialized (select rotor_now() as now where check_access(${access})), made as (
      insert into job (queue_uid, id, workspace_id, state, priority, due_at, payload, tags, concurrency_key,
        max_attempts, backoff, provenance, created_at, ended_at, parked, screen_due, contacts, reason, fail_reason)
      select uid, id, ws, state, priority,
        case when delay_ms > 0 then now + delay_ms * interval '1 millisecond' end,
        payload, case when tags is not null then array(select json_array_elements_text(tags::json)) end, ckey,
        coalesce(attempts, retry_attempts), backoff::jsonb, provenance::jsonb, now, case when state = 'guardrail.blocked' then now end, held, case when held then now end,
        case when guard is not null then array(select value::bigint from json_array_elements_text(guard->'contacts')) end,
        guard->>'reason', guard->>'failReason'
      from placed, clock order by ord
      on conflict (queue_uid, id) do nothing
      returning queue_uid, id, seq, state, created_at, tags, workspace_id
    ), tagged as (
      insert into job_tag (queue_uid, workspace_id, tag, seq, job_id)
      select distinct queue_uid, workspace_id, tag, seq, id from made, unnest(tags) tag where made.tags is not null
    ), flowed as (
      insert into queue_flow (queue_uid, workspace_id, at, waiting, delayed, pending_approval, guardrail_blocked, accepted)
      select queue_uid, workspace_id, min(created_at), count(*) filter (where state = 'waiting'),
        count(*) filter (where state = 'delayed'), count(*) filter (where state = 'pending_approval'),
        count(*) filter (where state = 'guardrail.blocked'), count(*)
      from made group by 1, 2 order by 1
    ), counted as (
      -- Sorted, so that two statements lock the counters in the same order; '' counts the whole workspace.
      insert into usage as u (workspace_id, period, queue_name, executions)
      select m.workspace_id, date_trunc('month', min(m.at) at time zone 'UTC')::date, n.name, sum(m.jobs)
      from (select queue_uid, workspace_id, min(created_at) as at, count(*) as jobs from made group by 1, 2) m
      join queue q on q.uid = m.queue_uid, lateral (values (''), (q.name)) n (name)
      group by m.workspace_id, n.name order by m.workspace_id, n.name
      on conflict (workspace_id, period, queue_name) do update set executions = u.executions + excluded.executions
    ), told as materialized (
      -- Once: a plan that does not know how many jobs there are would look at all of them again for each.
      select count(*) = ${jobs.length} and bool_and(state = 'waiting') as plain from made
    )
    -- Usually all is new and waits; to say so row by row would take as long as to write the rows.
    select m.queue_uid, m.workspace_id as ws, q.name as queue, min(m.created_at) as created_at,
      array_agg(m.state) filter (where not p.plain) as states, array_agg(m.id) filter (where not p.plain) as ids
    from made m join queue q on q.uid = m.queue_uid, told p
    group by m.queue_uid, m.workspace_id, q.name`;
  return toIntakes(sql, jobs, rows, tries);
}

/** Stands between texts that are JSON: it is no letter of any. Postgres splits them faster than it reads a literal. */
const between = "\u001f";

function jsonOf(json: string | null): string {
  if (json?.includes(between)) throw new Error("not JSON");
  return json ?? "";
}

/** An element of an array literal. */
function quoted(text: string | null): string {
  return text === null ? "null" : `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

type Made = { queueUid: number; state: JobState; createdAt: Date };

/** What was stored, by `keyOf`. */
function madeOf(rows: readonly Row[], jobs: readonly NewJob[]): Map<string, Made> {
  const made = new Map<string, Made>();
  const add = (row: Row, id: string, state: JobState) => {
    const createdAt = new Date(row.created_at);
    made.set(`${row.ws}|${row.queue}|${id}`, { queueUid: Number(row.queue_uid), state, createdAt });
  };
  for (const row of rows) {
    for (const [index, id] of (row.ids ?? []).entries()) add(row, id, must(row.states?.[index]));
  }
  if (made.size > 0) return made;
  const queues = new Map(rows.map((row) => [`${row.ws}|${row.queue}`, row]));
  for (const job of jobs) {
    const row = queues.get(`${job.workspaceId}|${job.queueName}`);
    if (row) add(row, job.id, "waiting");
  }
  return made;
}

/** What was not stored now is there already, or has no queue. */
async function toIntakes(
  sql: Statements,
  jobs: readonly NewJob[],
  rows: readonly Row[],
  tries: number,
): Promise<Inserted> {
  const made = madeOf(rows, jobs);
  const woken = new Set<number>();
  const others: number[] = [];
  const intakes = jobs.map((job, index): Intake => {
    const key = keyOf(job);
    const row = made.get(key);
    if (!row) {
      others.push(index);
      return { kind: "no queue" };
    }
    // The same id twice in one statement: the first is the job, the others are that one again.
    made.delete(key);
    const { state, createdAt, queueUid } = row;
    if (state === "waiting") woken.add(queueUid);
    return { kind: "stored", duplicate: false, state, createdAt, payload: null, tags: [...job.tags] };
  });
  const vanished = others.length > 0 ? await readDuplicates(sql, jobs, others, intakes) : [];
  if (vanished.length > 0) {
    if (tries <= 1) throw new RotorError("UNAVAILABLE");
    const again = vanished.map((index) => jobs[index] as NewJob);
    const inserted = await insertJobs(sql, again, null, tries - 1);
    for (const [at, index] of vanished.entries()) intakes[index] = must(inserted.intakes[at]);
    for (const uid of inserted.woken) woken.add(uid);
  }
  return { intakes, woken: [...woken] };
}

/** Neither a workspace's id nor a queue's name contains the separator. */
function keyOf({ workspaceId, queueName, id }: NewJob): string {
  return `${workspaceId}|${queueName}|${id}`;
}

/** Without a state: the queue is there, and the job is not any more. */
type Duplicate = {
  ws: string;
  queue: string;
  sent_id: string;
  state: JobState | null;
  created_at: Date | string;
  payload: string;
  tags: string[] | null;
  request_key: string | null;
};

/** Fills in what is there; answers the indexes of those that were removed meanwhile. */
async function readDuplicates(
  sql: Statements,
  jobs: readonly NewJob[],
  indexes: readonly number[],
  intakes: Intake[],
): Promise<number[]> {
  const column = <T>(read: (job: NewJob) => T): T[] => indexes.map((index) => read(jobs[index] as NewJob));
  const rows = await sql<Duplicate[]>`
    select d.ws, d.queue, d.id as sent_id, j.state, j.created_at, j.payload, j.tags,
      j.provenance->>'request_key' as request_key
    from unnest(${column((job) => job.workspaceId)}::text[], ${column((job) => job.queueName)}::text[],
      ${column((job) => job.id)}::text[]) as d (ws, queue, id)
    join queue q on q.workspace_id = d.ws and q.name = d.queue
    left join job j on j.queue_uid = q.uid and j.id = d.id`;
  const found = new Map(rows.map((row) => [`${row.ws}|${row.queue}|${row.sent_id}`, row]));
  const vanished: number[] = [];
  for (const index of indexes) {
    const row = found.get(keyOf(jobs[index] as NewJob));
    if (!row) continue;
    const { state, payload, tags } = row;
    if (state === null) {
      vanished.push(index);
      continue;
    }
    const first = { state, createdAt: new Date(row.created_at), payload, tags: tags ?? [] };
    intakes[index] = { kind: "stored", duplicate: true, requestKey: row.request_key, ...first };
  }
  return vanished;
}
