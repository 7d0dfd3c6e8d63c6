// What must hold when a run is over.

import type { Sql } from "postgres";
import { groupBy } from "./group.ts";
import type { Visit } from "./ledger.ts";
import type { Sent } from "./load.ts";
import type { Story } from "./story.ts";

export type JobRow = {
  queue: string;
  id: string;
  nonce: string;
  state: string;
  generation: number;
  attempts_made: number;
  max_attempts: number;
};

export async function readJobs(sql: Sql): Promise<JobRow[]> {
  return sql<JobRow[]>`
    select q.name as queue, j.id, j.payload::json->>'nonce' as nonce, j.state, j.generation, j.attempts_made, j.max_attempts
    from job j join queue q on q.uid = j.queue_uid`;
}

const terminal = new Set(["completed", "failed", "cancelled"]);

export function checkAcknowledged(jobs: readonly JobRow[], sent: readonly Sent[], story: Story): void {
  const byNonce = groupBy(jobs, ({ nonce }) => nonce);
  for (const { nonce, id, queue, cancelledAt } of sent) {
    const found = byNonce.get(nonce) ?? [];
    if (found.length > 1) story.accuse(`I1: ${nonce} is ${found.length} jobs: ${found.map((job) => job.id)}`);
    if (!id) continue;
    const [job] = found;
    if (!job) story.accuse(`I1: ${nonce} was acknowledged as ${id} in ${queue}, and is gone`);
    else if (job.id !== id) story.accuse(`I1: ${nonce} was acknowledged as ${id} and stored as ${job.id}`);
    else if (cancelledAt && job.state !== "cancelled") {
      story.accuse(`I2: ${id} was cancelled, and is ${job.state}`);
    }
  }
  const known = new Set(sent.map(({ nonce }) => nonce));
  for (const { nonce, id, state } of jobs) {
    if (!known.has(nonce)) story.accuse(`I1: nobody sent ${id}`);
    if (!terminal.has(state)) story.accuse(`I2: ${id} has not come to an end: it is ${state}`);
  }
}

export function checkWitness(
  jobs: readonly JobRow[],
  visits: readonly Visit[],
  sent: readonly Sent[],
  story: Story,
): void {
  const byId = groupBy(visits, ({ id }) => id);
  for (const { id, state, generation, attempts_made: attempts } of jobs) {
    const seen = byId.get(id) ?? [];
    if (state === "completed" && !seen.some((visit) => visit.status === 200 && visit.attempt === attempts)) {
      story.accuse(
        `I5: ${id} is completed by attempt ${attempts}, which the handler never answered with 200`,
      );
    }
    for (const [attempt, twice] of groupBy(seen, (visit) => visit.attempt)) {
      if (twice.length > generation) {
        story.accuse(
          `I4: attempt ${attempt} of ${id} was delivered ${twice.length} times in ${generation} generations`,
        );
      }
    }
  }
  for (const { id, cancelledAt } of sent) {
    const late = cancelledAt && (byId.get(String(id)) ?? []).find(({ from }) => from > cancelledAt);
    if (late) story.accuse(`I2: ${id} was delivered after it was cancelled`);
  }
}

export async function checkAttempts(sql: Sql, story: Story): Promise<void> {
  const rows = await sql`
    select j.id, g.generation, g.attempts, g.highest, j.attempts_made, j.max_attempts, j.generation as current
    from job j join (
      select queue_uid, job_id, generation, count(*)::int as attempts, max(attempt) as highest
      from job_attempt group by 1, 2, 3) g on g.queue_uid = j.queue_uid and g.job_id = j.id
    where g.attempts <> g.highest or g.highest > j.max_attempts
      or (g.generation = j.generation and g.highest <> j.attempts_made)`;
  for (const row of rows) story.accuse(`attempts are not 1 to n: ${JSON.stringify(row)}`);
}

const states = ["waiting", "delayed", "active", "completed", "failed", "cancelled", "pending_approval"];

export async function checkNumbers(sql: Sql, story: Story): Promise<void> {
  const counted = await sql`select queue_uid as uid, state, count(*)::int as n from job group by 1, 2`;
  const columns = states.join(", ");
  const sums = states.map((state) => `coalesce(sum(${state}), 0)::int as ${state}`).join(", ");
  const totals = await sql.unsafe(`
    select queue_uid as uid, ${sums} from (
      select queue_uid, ${columns} from queue_total union all select queue_uid, ${columns} from queue_flow) t
    group by 1`);
  for (const row of totals) {
    for (const state of states) {
      const n = counted.find((one) => one.uid === row.uid && one.state === state)?.n ?? 0;
      if (n !== row[state])
        story.accuse(`totals: queue ${row.uid} has ${n} ${state} jobs, and counts ${row[state]}`);
    }
  }
  const [usage] = await sql`
    select (select coalesce(sum(executions), 0)::int from usage where queue_name = '') as executions,
      (select count(*)::int from job) as jobs`;
  if (usage?.executions !== usage?.jobs)
    story.accuse(`usage: ${usage?.jobs} jobs, ${usage?.executions} executions`);
}

export async function checkKeys(sql: Sql, story: Story): Promise<void> {
  const held = await sql`
    select k.key, k.job_id, j.state from job_key k
    left join job j on j.queue_uid = k.queue_uid and j.id = k.job_id where j.state is distinct from 'active'`;
  for (const row of held) story.accuse(`keys: held by nobody: ${JSON.stringify(row)}`);
  const parked = await sql`select id, concurrency_key from job where parked`;
  for (const row of parked) story.accuse(`keys: still waits for its key: ${JSON.stringify(row)}`);
}
