// Jobs: the ledger, their attempts, and the numbers that lists and limits need.
//
// One row per job, and an index entry only where some question needs it: a job is inserted once, claimed once
// per attempt and ended once, and every one of those writes pays for every index.

import { bulk } from "./0002-bulk.ts";

/**
 * The one place where what happens to jobs is told to the rest: in the transaction in which it happens, and only
 * where somebody of the workspace listens.
 */
const lifecycle = `
create table lifecycle_listener (
  workspace_id text not null,
  kind text not null,                      -- job.completed, job.failed, job.stalled, queue.drained, approval.pending …
  primary key (workspace_id, kind)
);

create table lifecycle_event (
  id bigint generated always as identity primary key,
  workspace_id text not null,
  queue_uid bigint not null,
  kind text not null,
  job_ids text[] not null,
  occurred_at timestamptz not null
);

-- Not in SQL, as rotor_now().
create function note_lifecycle(p_workspace text, p_queue bigint, p_kind text, p_ids text[]) returns void language plpgsql as $$
begin
  if p_ids is not null and exists (
    select from lifecycle_listener l where l.workspace_id = p_workspace and l.kind = p_kind) then
    insert into lifecycle_event (workspace_id, queue_uid, kind, job_ids, occurred_at)
    values (p_workspace, p_queue, p_kind, p_ids, rotor_now());
  end if;
end $$;
`;

/**
 * Ends attempts of one queue. An end whose lease is not the job's own any more is refused: somebody else has
 * the job by now. Answers the ids that were accepted; and when keys were given back, the queues in which a job
 * has waited for one of them, else null.
 */
const endJobs = `
-- A plan is kept until Postgres has looked at a table again, which takes it up to a minute: after a burst it is one for
-- a small table, and reads all of it. So plans are made anew whenever the table has doubled.
create function plan_anew_if_grown() returns void language plpgsql as $$
declare
  v_pages bigint := pg_relation_size('job') / 8192;
  v_planned bigint := coalesce(nullif(current_setting('rotor.job_pages', true), '')::bigint, 0);
begin
  if v_pages > 2 * v_planned + 50 then
    execute 'discard plans';
  elsif v_pages * 2 + 50 > v_planned then
    return;
  end if;
  perform set_config('rotor.job_pages', v_pages::text, false);
end $$;

create function end_jobs(p_queue bigint, p_ends json, out accepted text[], out woken bigint[]) language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz := rotor_now();
  v_workspace text;
  v_keys text[];
  v_completed text[];
  v_failed text[];
  v_stalled text[];
begin
  accepted := '{}';
  if json_array_length(p_ends) = 0 then return; end if;
  perform plan_anew_if_grown();
  if not exists (select from queue where uid = p_queue) then
    woken := drop_ends(p_queue, p_ends);
    return;
  end if;
  with sent as materialized (
    select p_queue as queue_uid, e.* from json_to_recordset(p_ends) as e (
      id text, lease uuid, state text, due_ms bigint, result text, reason text, fail_reason text,
      fingerprint text, started_ms bigint, status int, response text, error text)
  ), ended as (
    update job j set
      state = e.state, lease = null, lease_until = null,
      due_at = case when e.state = 'delayed' then v_now + e.due_ms * interval '1 millisecond' end,
      result = e.result, reason = e.reason, fail_reason = e.fail_reason, fingerprint = e.fingerprint,
      ended_at = case when e.state in ('completed', 'failed') then v_now end
    -- Not p_queue, and above not inlined: of a queue that is newer than its statistics the planner thinks that it is
    -- empty, and reads all of it to find one job.
    from sent e
    where j.queue_uid = e.queue_uid and j.id = e.id and j.state = 'active' and j.lease = e.lease
    returning j.id, j.workspace_id, j.generation, j.attempts_made, j.state, j.reason, j.concurrency_key, j.started_at,
      e.started_ms::int as ms, e.status, e.response, e.error
  ), noted as (
    insert into job_attempt (queue_uid, job_id, workspace_id, generation, attempt, started_at, duration_ms, status, response, error)
    select p_queue, id, workspace_id, generation, attempts_made, v_now - ms * interval '1 millisecond', ms, status, response, error
    from ended
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, active, waiting, delayed, completed, failed, attempts, run_ms)
    select p_queue, min(workspace_id), v_now, -count(*), count(*) filter (where state = 'waiting'),
      count(*) filter (where state = 'delayed'), count(*) filter (where state = 'completed'),
      count(*) filter (where state = 'failed'), count(*), array_agg(ms)
    from ended having count(*) > 0
  )
  select min(workspace_id), coalesce(array_agg(id), '{}'), array_agg(concurrency_key) filter (where concurrency_key is not null),
      array_agg(id) filter (where state = 'completed'), array_agg(id) filter (where state = 'failed'),
      array_agg(id) filter (where reason = 'stalled')
    into v_workspace, accepted, v_keys, v_completed, v_failed, v_stalled from ended;
  if exists (select from lifecycle_listener where workspace_id = v_workspace) then
    perform note_lifecycle(v_workspace, p_queue, 'job.completed', v_completed);
    perform note_lifecycle(v_workspace, p_queue, 'job.failed', v_failed);
    perform note_lifecycle(v_workspace, p_queue, 'job.stalled', v_stalled);
  end if;
  if v_keys is not null then
    woken := release_keys(v_workspace, p_queue, v_keys, accepted);
  end if;
end $$;

-- The queue was deleted: how its jobs end is of no interest any more, but others may wait for their keys.
create function drop_ends(p_queue bigint, p_ends json) returns bigint[] language plpgsql as $$
declare
  v_ids text[];
  v_keys text[];
  v_workspace text;
  v_woken bigint[];
begin
  select array_agg(j.id), array_agg(j.concurrency_key), min(j.workspace_id) into v_ids, v_keys, v_workspace from job j
  join json_to_recordset(p_ends) as e (id text, lease uuid) on j.id = e.id and j.lease = e.lease
  where j.queue_uid = p_queue and j.state = 'active';
  v_woken := release_keys(v_workspace, p_queue, v_keys, v_ids);
  perform remove_jobs(p_queue, v_ids);
  return v_woken;
end $$;

-- Gives keys back, and lets the first job that waits for each of them, in every queue, be claimed again. Keys are
-- locked in their order, as a claim that looks for held ones does.
create function release_keys(p_workspace text, p_queue bigint, p_keys text[], p_ids text[]) returns bigint[]
language plpgsql as $$
begin
  delete from job_key k using (
    select key from job_key where workspace_id = p_workspace and key = any(p_keys) and queue_uid = p_queue
      and job_id = any(p_ids) order by key for update) own
  where k.workspace_id = p_workspace and k.key = own.key;
  return unpark(p_workspace, p_keys);
end $$;

-- Answers the queues in which there was such a job.
create function unpark(p_workspace text, p_keys text[]) returns bigint[] language sql as $$
  with freed as (
    update job j set parked = false
    from (
      select distinct on (w.concurrency_key, w.queue_uid) w.queue_uid, w.id
      from job w where w.workspace_id = p_workspace and w.parked and w.concurrency_key = any(p_keys)
        and w.screen_due is null
      order by w.concurrency_key, w.queue_uid, w.seq
    ) first
    where j.queue_uid = first.queue_uid and j.id = first.id and j.parked
    returning j.queue_uid
  )
  select coalesce(array_agg(distinct queue_uid), '{}') from freed
$$;
`;

/**
 * Claims jobs of one queue within its free slots, its rate, its keys and the bytes that the caller has room for. The
 * queue's row is locked first, so two workers never count the same free slot. A job whose key is held is parked:
 * claims do not meet it again until the holder ends.
 *
 * Keys are taken once, in their order, and before anything else of another queue is locked; what comes after waits for
 * nobody. So no two claims can wait for each other.
 */
const claimJobs = `
-- The jobs that come first, which are locked now, within so many bytes: where they are, whether any of them has a key,
-- and how many were looked at. Planned once, because planning this takes longer than doing it; and the same whether
-- the queue was empty at that time or not, because there is one index in this order. Nothing else may be called here:
-- it would be planned under the same restrictions.
create function first_jobs(p_queue bigint, p_most int, p_bytes bigint, out places tid[], out keyed boolean, out looked int)
language plpgsql set plan_cache_mode = force_generic_plan set enable_sort = off set enable_seqscan = off
  set enable_bitmapscan = off as $$
begin
  select array_agg(c.place) filter (where c.before < p_bytes),
      bool_or(c.has_key) filter (where c.before < p_bytes), count(*)
    into places, keyed, looked from (
    -- The first one always: a job that is larger than the room left goes alone.
    select f.place, f.has_key, sum(f.bytes) over (rows unbounded preceding) - f.bytes as before from (
      select j.ctid as place, j.concurrency_key is not null as has_key, coalesce(octet_length(j.payload), 0) as bytes
      from job j where j.queue_uid = p_queue and j.state = 'waiting' and not j.parked
      order by j.priority, j.seq limit p_most for update skip locked) f) c;
end $$;

-- In the order of their places; the same plan for any table, as above.
create function start_jobs(p_places tid[], p_now timestamptz, p_lease uuid, p_until timestamptz)
returns table (id text, seq bigint, payload text, tags text[], generation int, attempt int, max_attempts int,
               backoff jsonb)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_indexscan = off
  set enable_bitmapscan = off as $$
begin
  return query
    update job j set state = 'active', attempts_made = j.attempts_made + 1, lease = p_lease, due_at = null,
      lease_until = p_until, started_at = p_now
    from unnest(p_places) f (place) where j.ctid = f.place
    returning j.id, j.seq, j.payload, j.tags, j.generation, j.attempts_made, j.max_attempts, j.backoff;
end $$;

-- Of jobs that the caller has locked those without a key, and those whose key was free and is theirs now.
create function take_keys(p_queue bigint, inout places tid[]) language plpgsql as $$
#variable_conflict use_column
begin
  with found as (
    select f.turn, f.place, j.id, j.workspace_id, j.concurrency_key
    from unnest(places) with ordinality as f (place, turn), lateral (
      select * from job where ctid = f.place offset 0) j
  ), keyed as (
    insert into job_key as k (workspace_id, key, queue_uid, job_id)
    select distinct on (concurrency_key) workspace_id, concurrency_key, p_queue, id
    from found where concurrency_key is not null order by concurrency_key, turn
    on conflict do nothing
    returning k.job_id
  )
  select array_agg(place order by turn) into places
  from found where concurrency_key is null or id in (select job_id from keyed);
end $$;

create function claim_jobs(p_queue bigint, p_want int, p_bytes bigint, p_lease uuid, p_lease_ms int)
returns table (id text, seq bigint, payload text, tags text[], generation int, attempt int, max_attempts int,
               backoff jsonb)
language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_queue queue%rowtype;
  v_load queue_load%rowtype;
  v_free int;
  v_first record;
  v_rest boolean;
  v_claimed int := 0;
  v_ready int := 0;
  v_parked int;
  v_rate int;
begin
  if p_want <= 0 then return; end if;
  select * into v_load from queue_load where queue_uid = p_queue for update;
  if not found then
    insert into queue_load (queue_uid) values (p_queue) on conflict do nothing;
    select * into v_load from queue_load where queue_uid = p_queue for update;
  end if;
  v_now := rotor_now();
  select * into v_queue from queue where uid = p_queue;
  if not found or v_queue.paused_at is not null then return; end if;
  v_free := least(p_want, v_queue.concurrency
    - (select count(*) from job a where a.queue_uid = p_queue and a.state = 'active'));
  if jsonb_typeof(v_queue.rate_limit) = 'object' then
    v_rate := (v_queue.rate_limit->>'max')::int;
    if v_load.window_started_at + (v_queue.rate_limit->>'period_seconds')::int * interval '1 second' <= v_now then
      v_load.window_started_at := v_now;
      v_load.window_used := 0;
    end if;
    v_free := least(v_free, v_rate - v_load.window_used);
  end if;
  if v_free <= 0 then return; end if;
  v_first := first_jobs(p_queue, v_free, p_bytes);
  if v_first.keyed then
    v_first.places := take_keys(p_queue, v_first.places);
  end if;
  return query select * from start_jobs(v_first.places, v_now, p_lease, v_now + p_lease_ms * interval '1 millisecond');
  get diagnostics v_claimed = row_count;
  -- Others are left only where all places were taken, or room or keys were missing.
  v_rest := v_first.looked = v_free or v_claimed < v_first.looked;
  v_free := v_free - v_claimed;
  -- More than one round only where many wait for keys; bounded, so that no statement runs for long.
  for round in 1..20 loop
    exit when v_free <= 0 or not v_rest;
    -- A holder that we share the lock with waits for us, and then sees whom we parked. One that is ending right now
    -- is passed over: whoever waits for it stays ready.
    with held as (
      select k.key from job_key k
      where k.workspace_id = v_queue.workspace_id and k.key in (
        select c.concurrency_key from (
          select concurrency_key from job c
          where c.queue_uid = p_queue and c.state = 'waiting' and not c.parked
          order by c.priority, c.seq limit 500) c)
      for share skip locked
    ), ready as (
      select c.queue_uid, c.id, c.concurrency_key from job c
      where c.queue_uid = p_queue and c.state = 'waiting' and not c.parked
      order by c.priority, c.seq limit 500 for update skip locked
    ), parked as (
      update job j set parked = true from ready r
      where j.queue_uid = r.queue_uid and j.id = r.id and r.concurrency_key in (select key from held)
      returning 1
    )
    select (select count(*) from ready), (select count(*) from parked) into v_ready, v_parked;
    exit when v_ready = 0 or v_parked < v_ready;
  end loop;
  -- There may be something to start behind those that were put aside: whoever called should call again.
  if v_free > 0 and v_ready > 0 then
    perform set_config('rotor.looked_at_all', 'no', true);
  end if;
  if v_claimed > 0 then
    insert into queue_flow (queue_uid, workspace_id, at, waiting, active)
      values (p_queue, v_queue.workspace_id, v_now, -v_claimed, v_claimed);
    if v_rate is not null then
      update queue_load set window_started_at = v_load.window_started_at, window_used = v_load.window_used + v_claimed
        where queue_uid = p_queue;
    end if;
    -- The last job that waited is on its way.
    if v_free > 0 and not exists (select from job w where w.queue_uid = p_queue and w.state = 'waiting') then
      perform note_lifecycle(v_queue.workspace_id, p_queue, 'queue.drained', '{}');
    end if;
  end if;
end $$;
`;

/**
 * Both in one trip and one commit. The first row, without an id, says how many ends were accepted. Where they gave
 * keys back nothing is claimed: a claim may wait for a key that another queue's end is giving back, and if that
 * one's claim waited for ours, neither would go on. A last row without an id says that there was more than one
 * statement may look at.
 */
const workJobs = `
create function work_jobs(p_queue bigint, p_ends json, p_want int, p_bytes bigint, p_lease uuid, p_lease_ms int)
returns table (accepted int, woken bigint[], id text, seq bigint, payload text, tags text[], generation int,
               attempt int, max_attempts int, backoff jsonb)
language plpgsql as $$
#variable_conflict use_column
begin
  perform from queue_load where queue_uid = p_queue for update;
  if json_array_length(p_ends) = 0 then perform plan_anew_if_grown(); end if;
  select cardinality(e.accepted), e.woken into accepted, woken from end_jobs(p_queue, p_ends) e;
  return next;
  if woken is not null then return; end if;
  accepted := null;
  return query select null::int, null::bigint[], c.* from claim_jobs(p_queue, p_want, p_bytes, p_lease, p_lease_ms) c;
  if current_setting('rotor.looked_at_all', true) = 'no' then
    return next;
  end if;
end $$;
`;

/**
 * Folds appended changes into totals and minutes. Durations go into 24 buckets, each twice as long as the one
 * before; a percentile read from them is right to within its bucket.
 */
const foldFlow = `
create function duration_slot(p_ms int) returns int language sql immutable as $$
  -- A logarithm would be exact in numeric only, and then takes longer than delivering the job.
  select width_bucket(p_ms, '{2,4,8,16,32,64,128,256,512,1024,2048,4096,8192,16384,32768,65536,131072,262144,524288,'
    '1048576,2097152,4194304,8388608}'::int[])
$$;

create function fold_flow(p_most int) returns int language plpgsql as $$
declare v_folded int;
begin
  -- Alone, so that totals are locked in one order; whoever comes second has nothing to do.
  if not pg_try_advisory_xact_lock(hashtextextended('fold_flow', 0)) then return 0; end if;
  with gone as (
    delete from queue_flow where id in (select id from queue_flow order by id limit p_most) returning *
  ), totals as (
    insert into queue_total as t (queue_uid, workspace_id, waiting, delayed, active, completed, failed, cancelled,
      pending_approval, guardrail_blocked)
    select queue_uid, min(workspace_id), sum(waiting), sum(delayed), sum(active), sum(completed), sum(failed),
      sum(cancelled), sum(pending_approval), sum(guardrail_blocked)
    from gone group by queue_uid
    on conflict (queue_uid) do update set
      waiting = t.waiting + excluded.waiting, delayed = t.delayed + excluded.delayed,
      active = t.active + excluded.active, completed = t.completed + excluded.completed,
      failed = t.failed + excluded.failed, cancelled = t.cancelled + excluded.cancelled,
      pending_approval = t.pending_approval + excluded.pending_approval,
      guardrail_blocked = t.guardrail_blocked + excluded.guardrail_blocked
  ), bucket as (
    select queue_uid, date_trunc('minute', at) as minute, duration_slot(ms) as slot,
      count(*) as n
    from gone, unnest(run_ms) ms group by 1, 2, 3
  ), minute as (
    select queue_uid, min(workspace_id) as workspace_id, date_trunc('minute', at) as minute, sum(accepted) as accepted,
      sum(greatest(completed, 0)) as completed, sum(greatest(failed, 0)) as failed, sum(attempts) as attempts
    from gone group by 1, 3
  ), minutes as (
    insert into queue_minute as m (queue_uid, workspace_id, minute, accepted, completed, failed, attempts, buckets)
    select u.queue_uid, u.workspace_id, u.minute, u.accepted, u.completed, u.failed, u.attempts, array(
      select coalesce((select b.n from bucket b where b.queue_uid = u.queue_uid and b.minute = u.minute and b.slot = g), 0)
      from generate_series(0, 23) g order by g)
    from minute u
    on conflict (queue_uid, minute) do update set
      accepted = m.accepted + excluded.accepted, completed = m.completed + excluded.completed,
      failed = m.failed + excluded.failed, attempts = m.attempts + excluded.attempts,
      buckets = array(select a + b from unnest(m.buckets, excluded.buckets) with ordinality as x (a, b, n) order by n)
  )
  select count(*) into v_folded from gone;
  return v_folded;
end $$;
`;

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
  approval_id text,                        -- of the approval that let it pass
  contacts bigint[],                       -- whom and what the payload mentioned before it was redacted, as hashes
  guard jsonb,                             -- how guardrails judged it, and which of them it was let pass
  screen_due timestamptz,                  -- parked until guardrails have looked at it: then somebody must
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
create index job_screening on job (screen_due) where screen_due is not null and state in ('waiting', 'delayed');

create table job_tag (
  queue_uid bigint not null,
  workspace_id text not null,
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
create index queue_minute_age on queue_minute (minute);

${lifecycle}
${endJobs}
${claimJobs}
${workJobs}
${foldFlow}
${bulk}
`;
