// Workflows, their events, runs, steps, and what runs wait for.
//
// run.changed, step.changed and waiter.changed name the transaction that wrote the row last: who followed a run up to some
// snapshot sees what it has not seen yet, whatever order transactions commit in.
//
// run.due_at is the next time anybody must look at a run: the time of its next drive, or, while one holds it, the
// end of its lease. So one index finds new, woken, sleeping and abandoned runs, and nothing is paid for the rest.

import { byKeysInFunction } from "../by-keys.ts";

const msBetween = `
create function ms_between(p_from timestamptz, p_to timestamptz) returns bigint language sql immutable as $$
  select greatest(0, round(extract(epoch from p_to - p_from) * 1000))::bigint
$$;
`;

/** Claims due runs: gives each a new lease, ends the waits whose time is over, and answers what a drive needs. */
const claimRuns = `
create function claim_runs(p_most int, p_lease_ms int)
returns table (id text, workspace_id text, workflow_id text, token uuid, attempt int, event_id text, event_name text,
               event_ts bigint, input text, parent_run text, failures int, hook text, output text, error text,
               steps int, step_bytes bigint, memos text, tries text, later text)
language plpgsql ${byKeysInFunction} as $$
#variable_conflict use_column
declare
  v_now timestamptz := rotor_now();
  v_ids text[];
begin
  with due as (
    select r.id, w.version_number as version from run r
    left join workflow w on w.workspace_id = r.workspace_id and w.id = r.workflow_id
    where r.due_at <= v_now order by r.due_at limit p_most for update of r skip locked
  ), taken as (
    update run r set lease = gen_random_uuid(), due_at = v_now + p_lease_ms * interval '1 millisecond',
      status = case when r.ended_at is null then 'running' else r.status end,
      look_from = coalesce(r.look_from,
        case when r.started_at is null then r.created_at else greatest(r.since, r.due_at) end),
      started_at = coalesce(r.started_at, v_now),
      versions = case when r.ended_at is not null or due.version is null or r.versions[cardinality(r.versions)] = due.version
        then r.versions
        else r.versions || due.version end,
      waiting_ms = r.waiting_ms + case when r.lease is null and r.ended_at is null then ms_between(r.since, r.due_at) else 0 end,
      queued_ms = r.queued_ms + case when r.lease is null and r.ended_at is null
        then ms_between(greatest(r.since, r.due_at), v_now) else 0 end,
      running_ms = r.running_ms + case when r.lease is not null and r.ended_at is null then ms_between(r.since, v_now) else 0 end,
      since = case when r.ended_at is null then v_now else r.since end, changed = pg_current_xact_id()
    from due where r.id = due.id returning r.id
  )
  select array_agg(taken.id) into v_ids from taken;
  if v_ids is null then return; end if;
  perform end_waits(v_ids, v_now);
  return query
    select r.id, r.workspace_id, r.workflow_id, r.lease, r.attempt, r.event_id, r.event_name, r.event_ts, r.input,
      r.parent_run, r.failures, r.hook, case when r.hook is not null then r.output end,
      case when r.hook is not null then r.error end,
      coalesce(s.steps, 0)::int, coalesce(s.bytes, 0)::bigint, coalesce(s.memos, ''), coalesce(s.tries, ''),
      coalesce(l.keys, '')
    from run r left join lateral (
      select count(*) as steps, sum(octet_length(outcome)) as bytes,
        string_agg('"' || key || '":' || outcome, ',') filter (where outcome is not null) as memos,
        string_agg('"' || key || '":' || attempts, ',') filter (where outcome is null) as tries
      from step where run_id = r.id and r.hook is null
    ) s on true
    left join lateral (
      select string_agg('"' || key || '"', ',') as keys from waiter
      where run_id = r.id and kind = 'retry' and r.hook is null
    ) l on true
    where r.id = any(v_ids);
end $$;

-- Waits that nothing ended in time. A retry leaves no outcome: its step is executed again.
create function end_waits(p_ids text[], p_now timestamptz) returns void language sql as $$
  with over as (
    delete from waiter where run_id = any(p_ids) and due_at <= p_now returning *
  ), forgotten as (
    insert into signal_end (workspace_id, signal, run_id, ended_at)
    select workspace_id, signal, run_id, p_now from over where kind = 'signal'
    on conflict (workspace_id, signal) do update set run_id = excluded.run_id, ended_at = excluded.ended_at
  )
  insert into step as s (run_id, key, workspace_id, name, kind, outcome, attempts, duration_ms, started_at, ended_at, child_run)
  select run_id, key, workspace_id, name, kind,
    case kind
      when 'signal' then json_build_object('error', json_build_object('name', 'SignalTimeoutError',
        'message', 'No signal came in time for step ' || name || '.'))::text
      when 'invoke' then json_build_object('error', json_build_object('name', 'WorkflowTimeoutError',
        'message', 'The invoked run did not end in time for step ' || name || '; it goes on.',
        'data', json_build_object('runId', child_run)))::text
      else '{"ok":null}'
    end,
    1, 0, created_at, p_now, child_run
  from over where kind <> 'retry'
  on conflict (run_id, key) do nothing
$$;
`;

/**
 * Keeps finished steps of runs whose lease is still held; the first writer of a step wins (I3), and an older lease
 * keeps nothing (I4). The run's row is locked, so that no new lease is given out in between. Nearly always all of them
 * are kept, and nothing is answered; else one row per record: whether its lease holds, and whether it was kept.
 * Short statements one after the other: starting one large plan for a single step took longer than all of these. One
 * new step alone is the commonest message of a quiet app, and has two of its own.
 */
const keepSteps = `
create function keep_steps(p_records json, p_sends boolean)
returns table (ord int, held boolean, kept boolean) language plpgsql ${byKeysInFunction} as $$
#variable_conflict use_column
declare
  v_now timestamptz := rotor_now();
  v_runs text[];
  v_leases uuid[];
  v_workspaces text[];
  v_kept int;
  s record;
begin
  if json_array_length(p_records) = 1 and not p_sends then
    select p.*, r.workspace_id into s
      from json_to_record(p_records -> 0) as p (
        run text, token uuid, key text, name text, kind text, outcome text, attempt int, ms int)
      join run r on r.id = p.run and r.lease = p.token for share of r;
    insert into step (run_id, key, workspace_id, name, kind, outcome, attempts, duration_ms, running_ms, started_at, ended_at)
      select s.run, s.key, s.workspace_id, s.name, s.kind, s.outcome, s.attempt, s.ms, s.ms,
        v_now - s.ms * interval '1 millisecond', v_now
      where s.run is not null
      on conflict (run_id, key) do nothing;
    -- Else it is looked at as many are.
    if found then return; end if;
  end if;
  select array_agg(id), array_agg(lease), array_agg(workspace_id) into v_runs, v_leases, v_workspaces from (
    select r.id, r.lease, r.workspace_id from run r
    where r.id = any(array(select run from json_to_recordset(p_records) as s (run text)))
    order by r.seq for share) locked;
  insert into step as t (run_id, key, workspace_id, name, kind, outcome, attempts, duration_ms, running_ms, started_at,
      ended_at)
    select s.run, s.key, h.workspace_id, s.name, s.kind, s.outcome, s.attempt, s.ms, s.ms,
      v_now - s.ms * interval '1 millisecond', v_now
    from json_to_recordset(p_records) as s (
      ord int, run text, token uuid, key text, name text, kind text, outcome text, attempt int, ms int)
    join unnest(v_runs, v_leases, v_workspaces) as h (id, lease, workspace_id) on h.id = s.run and h.lease = s.token
    order by s.ord
    on conflict (run_id, key) do update set outcome = excluded.outcome, attempts = excluded.attempts,
      duration_ms = excluded.duration_ms, running_ms = t.running_ms + excluded.running_ms,
      ended_at = excluded.ended_at, error = null, changed = excluded.changed
      where t.outcome is null;
  get diagnostics v_kept = row_count;
  if p_sends then
    insert into event (workspace_id, id, name, data, ts, due_at, source_run, provenance, created_at)
      select t.workspace_id, s.send_id, s.send_name, s.send_data, coalesce(to_timestamp(s.send_ts / 1000.0), v_now),
        greatest(v_now, to_timestamp(s.send_ts / 1000.0)), s.run,
        json_build_object('surface', 'workflow', 'run', s.run), v_now
      from json_to_recordset(p_records) as s (
        run text, token uuid, key text, send_id text, send_name text, send_data text, send_ts bigint)
      join unnest(v_runs, v_leases) as h (id, lease) on h.id = s.run and h.lease = s.token
      cross join lateral (select workspace_id from step
        where run_id = s.run and key = s.key and changed = pg_current_xact_id() offset 0) t
      where s.send_id is not null
      on conflict do nothing;
  end if;
  if v_kept = json_array_length(p_records) then return; end if;
  return query
    select s.ord, h.id is not null, t.key is not null and h.id is not null
    from json_to_recordset(p_records) as s (ord int, run text, token uuid, key text)
    left join unnest(v_runs, v_leases) as h (id, lease) on h.id = s.run and h.lease = s.token
    left join lateral (select key from step
      where run_id = s.run and key = s.key and changed = pg_current_xact_id() offset 0) t on true;
end $$;
`;

/**
 * Single rows, by an index of which another one shares the first columns. Only the right one has them in this order:
 * by equality alone the other would do as well, for who believes that the table is empty.
 */
const byOneIndex = `
create function runs_of_keys(p_asked json) returns table (ord int, id text) language plpgsql ${byKeysInFunction} set enable_sort = off as $$
#variable_conflict use_column
begin
  return query select a.ord, r.id from json_to_recordset(p_asked) as a (ord int, ws text, wf text, ikey text)
    cross join lateral (
      select id, idempotency_key as ikey from run
      where workspace_id = a.ws and workflow_id = a.wf and idempotency_key >= a.ikey
      order by idempotency_key limit 1 offset 0) r
    where r.ikey = a.ikey;
end $$;

create function published_at(p_workspace text, p_event text) returns timestamptz language plpgsql stable
${byKeysInFunction} set enable_sort = off as $$
declare v_event record;
begin
  if p_event is null then return null; end if;
  select id, published_at into v_event from event
    where workspace_id = p_workspace and id >= p_event order by id limit 1;
  return case when v_event.id = p_event then v_event.published_at end;
end $$;
`;

/** New runs, which are counted with them; one row for each that has a workflow. A run under a known key is not made. */
const insertRuns = `
create function insert_runs(p_runs json, p_lease_ms int, p_access bigint default null)
returns table (ord int, named text, created boolean) language plpgsql ${byKeysInFunction} as $$
#variable_conflict use_column
declare v_now timestamptz := rotor_now();
begin
  if p_access is not null and not check_access(p_access) then return; end if;
  return query with placed as (
    select s.*, w.version_number, coalesce(s.event_name, w.trigger_event, w.id) as called
    from json_to_recordset(p_runs) as s (
      ord int, id text, ws text, wf text, ikey text, event_id text, event_name text, event_ts bigint, input text,
      provenance jsonb, parent_run text, parent_key text, replay_of text, as_child boolean, lease uuid)
    join workflow w on w.workspace_id = s.ws and w.id = s.wf
    where w.archived_at is null and (w.trigger_type = 'event' or not coalesce(s.as_child, false))
  ), made as (
    insert into run (id, workspace_id, workflow_id, version_number, status, event_id, event_name, event_ts, input,
      idempotency_key, parent_run, parent_key, replay_of, lease, due_at, since, started_at, look_from, versions, provenance,
      created_at)
    select id, ws, wf, version_number, case when lease is null then 'pending' else 'running' end, event_id, called, event_ts,
      input, ikey, parent_run, parent_key, replay_of, lease,
      case when lease is null then v_now else v_now + p_lease_ms * interval '1 millisecond' end, v_now,
      case when lease is not null then v_now end, case when lease is not null then v_now end,
      case when lease is null then '{}' else array[version_number] end, provenance, v_now
    from placed order by ord
    on conflict (workspace_id, workflow_id, idempotency_key) where idempotency_key is not null do nothing
    returning id, workspace_id, created_at
  ), counted as (
    insert into usage as u (workspace_id, period, queue_name, executions)
    select workspace_id, date_trunc('month', min(created_at) at time zone 'UTC')::date, '', count(*)
    from made group by workspace_id order by workspace_id
    on conflict (workspace_id, period, queue_name) do update set executions = u.executions + excluded.executions
  )
  select p.ord, p.called, m.id is not null from placed p left join made m on m.id = p.id;
end $$;
`;

/**
 * Publishes events in one statement where nothing is to be decided: nobody waits for them, and no filter stands before
 * the workflows they trigger. Answers one row for each event that is new, and one per run; nothing at all, and nothing is
 * done, where somebody has to look. The lock is that of whoever registers a wait (I7).
 */
const publishPlain = `
create function publish_plain(p_events json, p_ids text[], p_leases uuid[], p_lease_ms int, p_access bigint)
returns table (ord int, ts bigint, run text, workflow text, lease uuid) language plpgsql ${byKeysInFunction} as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_decide boolean;
  v_ords int[];
  v_workflows text[];
  v_at int := 1;
  v_runs json[] := '{}';
  v_last int := 0;
  v_run json;
  v_placed int;
  e record;
begin
  if p_access is not null and not check_access(p_access) then return; end if;
  perform pg_advisory_xact_lock_shared(h) from (
    select distinct hashtextextended(lock, 0) as h from json_to_recordset(p_events) as e (lock text) order by 1) locks;
  v_now := rotor_now();
  select coalesce(bool_or(w.trigger_filter is not null), false) or count(w.id) > cardinality(p_ids)
      or exists (select from json_to_recordset(p_events) as e (ws text, name text)
        cross join lateral (select from waiter where workspace_id = e.ws and event = e.name offset 0) v),
      array_agg(e.ord order by e.ord, w.id), array_agg(w.id order by e.ord, w.id)
    into v_decide, v_ords, v_workflows
    from json_to_recordset(p_events) as e (ord int, ws text, name text)
    join workflow w on w.workspace_id = e.ws and w.trigger_event = e.name and w.archived_at is null;
  if v_decide then return; end if;
  ts := extract(epoch from v_now) * 1000;
  for e in select * from json_to_recordset(p_events) as e (
    ord int, ws text, id text, name text, data text, provenance jsonb)
  loop
    insert into event (workspace_id, id, name, data, ts, published_at, provenance, created_at)
      values (e.ws, e.id, e.name, e.data, v_now, v_now, e.provenance, v_now) on conflict (workspace_id, id) do nothing;
    continue when not found;
    ord := e.ord;
    return next;
    while v_ords[v_at] <= ord loop
      if v_ords[v_at] = ord then
        v_last := v_last + 1;
        v_runs[v_last] := json_build_object('ord', v_last, 'of', ord, 'id', p_ids[v_last], 'ws', e.ws,
          'wf', v_workflows[v_at], 'event_id', e.id, 'event_name', e.name, 'event_ts', ts, 'input', e.data,
          'provenance', json_build_object('event', e.id), 'lease', p_leases[v_last]);
      end if;
      v_at := v_at + 1;
    end loop;
  end loop;
  for v_placed in select i.ord from insert_runs(array_to_json(v_runs), p_lease_ms) i order by i.ord loop
    v_run := v_runs[v_placed];
    ord := v_run ->> 'of';
    run := v_run ->> 'id';
    workflow := v_run ->> 'wf';
    lease := v_run ->> 'lease';
    return next;
  end loop;
end $$;
`;

/** The leases that are still held, for longer. The rows are locked in the order that everybody locks them in. */
const renewLeases = `
create function renew_leases(p_held json, p_lease_ms int) returns void language plpgsql ${byKeysInFunction} as $$
begin
  perform 1 from run where id = any(array(select run from json_to_recordset(p_held) as h (run text))) order by seq for update;
  update run r set due_at = rotor_now() + p_lease_ms * interval '1 millisecond'
    from json_to_recordset(p_held) as h (run text, token uuid) where r.id = h.run and r.lease = h.token;
end $$;
`;

/** The commonest end of a drive in one statement: runs without a parent end, with the last of their steps; by whose leases. */
const endAlone = `
-- Steps and ends of one statement: all their runs are locked first, in the order that everybody locks them in.
create function lock_runs(p_steps json, p_ends json) returns void language plpgsql ${byKeysInFunction} as $$
begin
  perform 1 from run where id = any(array(
    select run from json_to_recordset(p_steps) as s (run text) union select run from json_to_recordset(p_ends) as e (run text)))
    order by seq for update;
end $$;

create function end_alone(p_steps json, p_sends boolean, p_ends json) returns setof text language plpgsql ${byKeysInFunction} as $$
declare
  v_now timestamptz;
  v_ids text[];
  v_hook text;
  e record;
begin
  select array_agg(id) into v_ids from (
    select r.id from run r join json_to_recordset(p_ends) as p (run text, token uuid) on r.id = p.run and r.lease = p.token
    order by r.seq for update of r) held;
  if v_ids is null then return; end if;
  if json_array_length(p_steps) > 0 then perform keep_steps(p_steps, p_sends); end if;
  v_now := rotor_now();
  for e in select r.workspace_id, r.workflow_id, p.*
    from json_to_recordset(p_ends) as p (run text, token uuid, status text, output text, error text, hook text)
    join run r on r.id = p.run and r.lease = p.token
    where r.id = any(v_ids) and r.ended_at is null
  loop
    select e.hook into v_hook from workflow w
      where w.workspace_id = e.workspace_id and w.id = e.workflow_id and e.hook = any(w.hooks) and w.archived_at is null;
    update run r set status = e.status, output = e.output, error = e.error, ended_at = v_now, lease = null, failures = 0,
      hook = v_hook, due_at = case when v_hook is not null then v_now end,
      running_ms = r.running_ms + ms_between(r.since, v_now), since = v_now, changed = pg_current_xact_id()
      where r.id = e.run and r.ended_at is null;
    delete from waiter where run_id = e.run;
    return next e.run || '.' || e.token;
  end loop;
end $$;
`;

export const workflows = `
create table workflow (
  workspace_id text not null references workspace,
  id text not null,
  name text not null,
  serve_url text not null,
  trigger_type text not null,
  trigger_event text,
  trigger_filter text,
  trigger_cron text,
  trigger_timezone text,
  retries int not null,
  hooks text[] not null,
  content_hash text,                       -- of the code, as the app says
  version text not null,                   -- hash of what was registered
  version_number int not null,
  archived_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (workspace_id, id)
);
create table workflow_version (
  workspace_id text not null,
  workflow_id text not null,
  number int not null,
  version text not null,
  definition jsonb not null,
  created_at timestamptz not null,
  primary key (workspace_id, workflow_id, number)
);
create index workflow_triggered on workflow (workspace_id, trigger_event) where archived_at is null;

create table event (
  workspace_id text not null,
  id text not null,
  seq bigint generated always as identity,
  name text not null,
  data text not null,                      -- JSON
  ts timestamptz not null,
  due_at timestamptz,                      -- when it is to be published; null once it is
  published_at timestamptz,
  source_run text,                         -- the run that sent it
  provenance jsonb not null,
  created_at timestamptz not null,
  primary key (workspace_id, id)
);
create index event_newest on event (workspace_id, seq);
create index event_published on event (workspace_id, name, published_at, seq);
create index event_due on event (due_at) where due_at is not null;

create table run (
  id text primary key,
  workspace_id text not null,
  seq bigint generated always as identity,
  workflow_id text not null,
  version_number int not null,
  status text not null,
  attempt int not null default 1,          -- of the function as a whole
  event_id text,                           -- null when it was triggered by name
  event_name text not null,
  event_ts bigint not null,
  input text not null,                     -- JSON
  idempotency_key text,
  parent_run text,
  parent_key text,
  replay_of text,
  lease uuid,
  due_at timestamptz,
  since timestamptz not null,              -- of its being queued, waiting or driven as it is now
  queued_ms bigint not null default 0,     -- before that
  waiting_ms bigint not null default 0,
  running_ms bigint not null default 0,
  versions int[] not null default '{}',    -- of the workflow, as it was driven
  look_from timestamptz,                   -- events since then count for a wait that the next drive registers: it is
                                           -- when the run could go on, and stays until a drive has come to a wait
  failures int not null default 0,         -- drives in a row that came to nothing
  output text,
  error text,
  hook text,                               -- the app is still to be told of the end
  hook_errors jsonb,
  unasked text[],                          -- steps with a result that the code did not ask for any more
  provenance jsonb not null,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  changed xid8 not null default pg_current_xact_id()
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index run_due on run (due_at) where due_at is not null;
create index run_by_status on run (workspace_id, status, seq);
create index run_by_workflow on run (workspace_id, workflow_id, seq);
create index run_by_event on run (workspace_id, event_id) where event_id is not null;
create index run_children on run (parent_run) where parent_run is not null;
create unique index run_idempotent on run (workspace_id, workflow_id, idempotency_key)
  where idempotency_key is not null;

create table step (
  run_id text not null,
  key text not null,
  workspace_id text not null,
  seq bigint generated always as identity,
  name text not null,
  kind text not null,
  outcome text,                            -- JSON of {ok} or {error}; null while it is tried again
  error text,                              -- of the last attempt, while it is tried again
  attempts int not null,
  duration_ms int not null,                -- of the last attempt
  running_ms bigint not null default 0,    -- of all of them
  waiting_ms bigint not null default 0,    -- between them
  started_at timestamptz not null,
  ended_at timestamptz not null,
  child_run text,
  event_id text,                           -- the event that ended the wait; it ends no other wait of the run later
  changed xid8 not null default pg_current_xact_id(),
  primary key (run_id, key)
) with (autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05);
create index step_event on step (run_id, event_id) where event_id is not null;

create table waiter (
  run_id text not null,
  key text not null,
  workspace_id text not null,
  name text not null,
  kind text not null,
  due_at timestamptz not null,
  event text,
  match text,
  match_path text,                         -- of an equality that every matching event fulfils
  match_value text,
  signal text,
  approval jsonb,
  child_run text,
  created_at timestamptz not null,
  changed xid8 not null default pg_current_xact_id(),
  primary key (run_id, key)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index waiter_event on waiter (workspace_id, event, match_path, match_value) where event is not null;
create unique index waiter_signal on waiter (workspace_id, signal) where signal is not null;
create unique index waiter_child on waiter (child_run) where child_run is not null;

-- Paths that waits for an event compare; few, so that an event knows which of its fields to look waiters up by.
create table waiter_path (
  workspace_id text not null,
  event text not null,
  path text not null,
  primary key (workspace_id, event, path)
);

-- Signals that are over: completed, or not come in time.
create table signal_end (
  workspace_id text not null,
  signal text not null,
  run_id text not null,
  ended_at timestamptz not null,
  primary key (workspace_id, signal)
);
create index signal_end_aged on signal_end (ended_at);

create table signing_key (
  workspace_id text primary key references workspace,
  sealed text not null,
  previous text,
  previous_until timestamptz,
  created_at timestamptz not null
);

${msBetween}
${claimRuns}
${keepSteps}
${renewLeases}
${endAlone}
${byOneIndex}
${insertRuns}
${publishPlain}
`;
