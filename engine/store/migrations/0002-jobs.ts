// Jobs: the ledger, their attempts, and the numbers that lists and limits need.
//
// One row per job, and an index entry only where some question needs it: a job is inserted once, claimed once
// per attempt and ended once, and every one of those writes pays for every index.

export const jobs = `
alter table queue add column uid bigint generated always as identity;
create unique index queue_uid on queue (uid);

create table job (
  queue_uid bigint not null,
  id text not null,
  workspace_id text not null,
  seq bigint generated always as identity,
  generation int not null default 1,
  state text not null,
  parked boolean not null default false,   -- waits for another job with its concurrency key
  priority int not null,
  due_at timestamptz,
  payload text,                            -- the JSON text that is delivered, byte for byte
  tags text[],
  concurrency_key text,
  attempts_made int not null default 0,
  max_attempts int not null,
  backoff jsonb,                           -- null: the queue's
  lease uuid,
  lease_until timestamptz,
  result text,
  reason text,                             -- why it failed, as a code
  fail_reason text,                        -- and in words
  fingerprint text,
  replayed_as text,
  provenance jsonb not null,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  primary key (queue_uid, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index job_by_state on job (queue_uid, state, seq);
create index job_ready on job (queue_uid, priority, seq) where state = 'waiting' and not parked;
create index job_due on job (due_at) where state = 'delayed';
create index job_leased on job (lease_until) where state = 'active';
create index job_parked on job (workspace_id, concurrency_key, seq) where parked;

create table job_tag (
  queue_uid bigint not null,
  tag text not null,
  seq bigint not null,
  job_id text not null,
  primary key (queue_uid, tag, seq)
);

create table job_attempt (
  queue_uid bigint not null,
  job_id text not null,
  workspace_id text not null,
  generation int not null,
  attempt int not null,
  started_at timestamptz not null,
  duration_ms int not null,
  status int,                              -- of the response; null when there was none
  response text,
  error text,
  primary key (queue_uid, job_id, generation, attempt)
);

-- Held by the one active job of a key.
create table job_key (
  workspace_id text not null,
  key text not null,
  queue_uid bigint not null,
  job_id text not null,
  primary key (workspace_id, key)
);

-- One row per queue: its lock makes claims count the free slots one after the other.
create table queue_load (
  queue_uid bigint primary key,
  window_started_at timestamptz not null default '-infinity',
  window_used int not null default 0
) with (fillfactor = 50);

-- Changes of a queue's counts, appended so that no statement waits for another, and folded into the totals
-- every second.
create table queue_flow (
  id bigint generated always as identity primary key,
  queue_uid bigint not null,
  workspace_id text not null,
  at timestamptz not null,
  waiting int not null default 0,
  delayed int not null default 0,
  active int not null default 0,
  completed int not null default 0,
  failed int not null default 0,
  cancelled int not null default 0,
  pending_approval int not null default 0,
  guardrail_blocked int not null default 0,
  accepted int not null default 0,
  attempts int not null default 0,
  run_ms int[]                             -- durations of the attempts that ended
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

create table queue_total (
  queue_uid bigint primary key,
  workspace_id text not null,
  waiting bigint not null default 0,
  delayed bigint not null default 0,
  active bigint not null default 0,
  completed bigint not null default 0,
  failed bigint not null default 0,
  cancelled bigint not null default 0,
  pending_approval bigint not null default 0,
  guardrail_blocked bigint not null default 0
) with (fillfactor = 50);

-- Throughput and durations per minute; a duration falls into the bucket of its power of two.
create table queue_minute (
  queue_uid bigint not null,
  workspace_id text not null,
  minute timestamptz not null,
  accepted bigint not null default 0,
  completed bigint not null default 0,
  failed bigint not null default 0,
  attempts bigint not null default 0,
  buckets bigint[] not null,
  primary key (queue_uid, minute)
) with (fillfactor = 70);

${workQueueFunction()}
`;

/**
 * Ends attempts and claims jobs of one queue, in one trip and one commit. The queue's row is locked first, so
 * two workers never count the same free slot. An end whose lease is not the job's own any more is refused.
 */
function workQueueFunction(): string {
  return `
create type job_end as (
  id text, lease uuid, state text, due_ms bigint, result text, reason text, fail_reason text, fingerprint text,
  started_at timestamptz, duration_ms int, status int, response text, error text);

create function work_queue(p_queue bigint, p_ends job_end[], p_want int, p_lease uuid, p_lease_ms int)
returns table (kind text, id text, payload text, tags text[], generation int, attempt int, max_attempts int,
               backoff jsonb, created_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_queue queue%rowtype;
  v_free int;
  v_ended int := 0;
  v_claimed int := 0;
  v_found int;
begin
  perform 1 from queue_load where queue_uid = p_queue for update;
  if not found then
    insert into queue_load (queue_uid) values (p_queue) on conflict do nothing;
    perform 1 from queue_load where queue_uid = p_queue for update;
  end if;
  v_now := rotor_now();
  select * into v_queue from queue where uid = p_queue;

  if cardinality(p_ends) > 0 then
    create temp table if not exists ended_job (like job) on commit delete rows;
    return query
      with ended as (
        update job j set
          state = e.state, lease = null, lease_until = null,
          due_at = case when e.state = 'delayed' then v_now + e.due_ms * interval '1 millisecond' end,
          result = e.result, reason = e.reason, fail_reason = e.fail_reason, fingerprint = e.fingerprint,
          ended_at = case when e.state in ('completed', 'failed') then v_now end
        from unnest(p_ends) e
        where j.queue_uid = p_queue and j.id = e.id and j.state = 'active' and j.lease = e.lease
        returning j.id, j.workspace_id, j.generation, j.attempts_made, j.state, j.concurrency_key,
          e.started_at, e.duration_ms, e.status, e.response, e.error
      ), noted as (
        insert into job_attempt (queue_uid, job_id, workspace_id, generation, attempt, started_at, duration_ms, status, response, error)
        select p_queue, id, workspace_id, generation, attempts_made, started_at, duration_ms, status, response, error
        from ended
        on conflict do nothing
      ), flowed as (
        insert into queue_flow (queue_uid, workspace_id, at, active, waiting, delayed, completed, failed, attempts, run_ms)
        select p_queue, min(workspace_id), v_now, -count(*), count(*) filter (where state = 'waiting'),
          count(*) filter (where state = 'delayed'), count(*) filter (where state = 'completed'),
          count(*) filter (where state = 'failed'), count(*), array_agg(duration_ms)
        from ended having count(*) > 0
      )
      select 'ended', id, null, null::text[], generation, attempts_made, null::int, null::jsonb, null::timestamptz from ended;
  end if;
end $$;
`;
}
