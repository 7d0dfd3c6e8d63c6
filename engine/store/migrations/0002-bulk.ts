// Jobs, continued: what happens to many of them at once, and what is left of a queue that was deleted.
//
// Every function takes a bounded number of ids, so that its caller decides how much one transaction may hold. Rows
// are found one by one (`offset 0` keeps it so) and then met by their ctid: right after a burst the statistics know
// nothing of a queue, and a planner that takes it for empty would compare every id with every row. A row that
// somebody changes in the meantime has another ctid, and is left alone.

/** Answers how many were removed. */
const removeJobs = `
-- Called as array(select …), so that it runs once and in the snapshot of its statement.
create function find_jobs(p_queue bigint, p_ids text[]) returns setof tid language sql stable as $$
  select j.ctid from unnest(p_ids) i (id), lateral (
    select ctid from job where queue_uid = p_queue and job.id = i.id offset 0) j
$$;

create function remove_jobs(p_queue bigint, p_ids text[]) returns int language plpgsql as $$
declare
  v_workspace text;
  v_keys text[];
  v_removed int;
begin
  with gone as (
    delete from job j where j.ctid = any(array(select find_jobs(p_queue, p_ids)))
    returning j.id, j.workspace_id, j.seq, j.state, j.tags, j.concurrency_key
  ), untagged as (
    delete from job_tag where ctid = any(array(
      select t.ctid from (select seq, unnest(tags) as tag from gone) g, lateral (
        select ctid from job_tag where queue_uid = p_queue and tag = g.tag and seq = g.seq offset 0) t))
  ), unattempted as (
    delete from job_attempt where ctid = any(array(
      select a.ctid from gone g, lateral (
        select ctid from job_attempt where queue_uid = p_queue and job_id = g.id offset 0) a))
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, waiting, delayed, active, completed, failed, cancelled,
      pending_approval, guardrail_blocked)
    select p_queue, min(workspace_id), rotor_now(), -count(*) filter (where state = 'waiting'),
      -count(*) filter (where state = 'delayed'), -count(*) filter (where state = 'active'),
      -count(*) filter (where state = 'completed'), -count(*) filter (where state = 'failed'),
      -count(*) filter (where state = 'cancelled'), -count(*) filter (where state = 'pending_approval'),
      -count(*) filter (where state = 'guardrail.blocked')
    from gone having count(*) > 0
  )
  select min(workspace_id), array_agg(distinct concurrency_key) filter (where concurrency_key is not null), count(*)
    into v_workspace, v_keys, v_removed from gone;
  -- One of them may have been the one that its key's next holder was chosen to be.
  if v_keys is not null then
    perform unpark(v_workspace, v_keys);
  end if;
  return v_removed;
end $$;

-- Removes jobs that have not started, oldest first; answers how many. What a removed replay was made of is a dead
-- letter again.
create function drain_jobs(p_queue bigint, p_state text, p_most int) returns int language plpgsql as $$
declare
  v_ids text[];
  v_replayed text[];
begin
  select array_agg(id), array_agg(provenance->>'replay_of') filter (where provenance ? 'replay_of')
    into v_ids, v_replayed from (
    select id, provenance from job where queue_uid = p_queue and state = p_state order by seq limit p_most
    for update skip locked) found;
  if v_replayed is not null then
    update job j set replayed_as = null
    where j.ctid = any(array(select find_jobs(p_queue, v_replayed))) and j.replayed_as = any(v_ids);
  end if;
  return remove_jobs(p_queue, v_ids);
end $$;
`;

/**
 * What a person rejected stays rejected. A failed job that nobody has approved goes to the gate, if its queue has one
 * by now: a retry is no way around it.
 */
const reopenJobs = `
create function reopen_jobs(p_queue bigint, p_ids text[]) returns int language sql as $$
  with opened as (
    update job j set
      state = case when q.approval_required and j.approval_id is null then 'pending_approval' else 'waiting' end,
      parked = false, due_at = rotor_now(), generation = j.generation + 1, attempts_made = 0, result = null,
      reason = null, fail_reason = null, fingerprint = null, replayed_as = null, ended_at = null
    from queue q
    where j.ctid = any(array(select find_jobs(p_queue, p_ids))) and q.uid = p_queue and j.state = 'failed'
      and j.reason is distinct from 'rejected'
    returning j.workspace_id, j.state
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, failed, waiting, pending_approval)
    select p_queue, min(workspace_id), rotor_now(), -count(*), count(*) filter (where state = 'waiting'),
      count(*) filter (where state = 'pending_approval')
    from opened having count(*) > 0
  )
  select count(*)::int from opened
$$;
`;

const replayJobs = `
create function replay_id(p_id text) returns text language sql immutable as $$
  -- An id that was replayed over and over must still fit into a path.
  select 'replay-' || case when length(p_id) > 500 then md5(p_id) else p_id end
$$;

-- Makes one new job of each failed one that was not replayed yet, and marks the failed one. Where a job of the
-- replay's name is there already, nothing is made, and the failed one stays a dead letter.
create function replay_jobs(p_queue bigint, p_ids text[], p_provenance jsonb)
returns table (id text, replay text) language sql as $$
  with source as (
    select * from job j
    where j.ctid = any(array(select find_jobs(p_queue, p_ids))) and j.state = 'failed' and j.replayed_as is null
      and j.reason is distinct from 'rejected'
    order by j.seq for update
  ), made as (
    insert into job (queue_uid, id, workspace_id, state, priority, payload, tags, concurrency_key, max_attempts,
      backoff, approval_id, contacts, guard, provenance, created_at)
    select p_queue, replay_id(s.id), s.workspace_id,
      case when q.approval_required and s.approval_id is null then 'pending_approval' else 'waiting' end,
      s.priority, s.payload, s.tags, s.concurrency_key, s.max_attempts, s.backoff,
      s.approval_id, s.contacts, s.guard, p_provenance || jsonb_build_object('replay_of', s.id,
        'author_key_id', coalesce(s.provenance->>'author_key_id', s.provenance->>'key_id')), rotor_now()
    from source s join queue q on q.uid = p_queue order by s.seq
    on conflict (queue_uid, id) do nothing
    returning id, workspace_id, seq, state, tags, provenance->>'replay_of' as source_id
  ), tagged as (
    insert into job_tag (queue_uid, workspace_id, tag, seq, job_id)
    select distinct p_queue, workspace_id, tag, seq, id from made, unnest(tags) tag
  ), marked as (
    update job j set replayed_as = replay_id(j.id)
    where j.ctid = any(array(select found.ctid from made m, lateral (
      select ctid from job where queue_uid = p_queue and job.id = m.source_id offset 0) found))
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, waiting, pending_approval)
    select p_queue, min(workspace_id), rotor_now(), count(*) filter (where state = 'waiting'),
      count(*) filter (where state = 'pending_approval')
    from made having count(*) > 0
  )
  select source_id, id from made
$$;

-- A replay in steps: 1 %, 10 %, all. Its jobs are listed so that it can be seen how they ended.
create table replay (
  id text primary key,
  workspace_id text not null,
  queue_uid bigint not null,
  queue_name text not null,
  filter jsonb not null,
  state text not null,                     -- running, completed or stopped
  stopped_because text,
  stage int not null default 0,
  total int not null,                      -- how many were found at the start
  up_to_seq bigint not null,               -- what fails later is not its business
  after_seq bigint not null default 0,
  walked boolean not null default false,   -- true when there is nothing left to send
  sent int not null default 0,
  completed int not null default 0,
  failed int not null default 0,
  gone int not null default 0,             -- cancelled or removed before they ended
  max_error_rate double precision not null,
  provenance jsonb not null,
  looked_at timestamptz not null,
  created_at timestamptz not null,
  ended_at timestamptz
);
create index replay_running on replay (looked_at) where state = 'running';
create index replay_ended on replay (ended_at) where ended_at is not null;

create table replay_job (
  replay_id text not null,
  workspace_id text not null,
  job_id text not null,
  ended boolean not null default false,
  primary key (replay_id, job_id)
);
create index replay_job_open on replay_job (replay_id) where not ended;
`;

const goneQueues = `
-- Queues that were deleted, until their rows are removed.
create table queue_gone (
  queue_uid bigint primary key,
  workspace_id text not null,
  deleted_at timestamptz not null
);

-- A job whose delivery is under way keeps its row, and with it its key, until the delivery ends or its lease does.
create function purge_gone(p_queue bigint, p_most int) returns int language plpgsql as $$
declare
  v_ids text[];
  v_keys text[];
  v_workspace text;
begin
  select array_agg(id), array_agg(concurrency_key), min(workspace_id) into v_ids, v_keys, v_workspace from (
    select id, concurrency_key, workspace_id from job
    where queue_uid = p_queue and (state <> 'active' or lease_until < rotor_now())
    limit p_most for update skip locked) found;
  if v_ids is null then return 0; end if;
  perform release_keys(v_workspace, p_queue, v_keys, v_ids);
  return remove_jobs(p_queue, v_ids);
end $$;
`;

export const bulk = `${removeJobs}${reopenJobs}${replayJobs}${goneQueues}`;
