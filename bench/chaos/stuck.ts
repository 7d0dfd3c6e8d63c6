// What holds things up, as Postgres sees it: printed when a run does not come to rest.

import type { Sql } from "postgres";
import type { Story } from "./story.ts";

const questions: Record<string, string> = {
  jobs: `select q.name, j.state, j.parked, count(*)::int as n, min(j.due_at - rotor_now()) as due_in,
      min(j.lease_until - rotor_now()) as lease_for, q.paused_at, q.concurrency, min(j.id) as one
    from job j join queue q on q.uid = j.queue_uid where j.state not in ('completed', 'failed', 'cancelled')
    group by q.name, j.state, j.parked, q.paused_at, q.concurrency`,
  keys: "select * from job_key limit 20",
  locks: `select a.pid, left(a.query, 120) as query, a.wait_event, pg_blocking_pids(a.pid) as blocked_by
    from pg_stat_activity a where cardinality(pg_blocking_pids(a.pid)) > 0`,
  activity: `select pid, application_name, state, wait_event_type, wait_event, now() - xact_start as open_for,
      left(query, 100) as query from pg_stat_activity where datname = current_database() and state <> 'idle'`,
};

export async function tellWhatIsStuck(sql: Sql, story: Story): Promise<void> {
  for (const [name, question] of Object.entries(questions)) {
    const rows = await sql.unsafe(question).catch((error: Error) => [{ error: error.message }]);
    for (const row of rows) story.tell(`stuck, ${name}: ${JSON.stringify(row)}`);
  }
}
