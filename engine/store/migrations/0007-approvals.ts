// Approvals of jobs. A job that waits for a person has exactly one pending approval, whichever statement put it
// there: the triggers see to it, and cost a comparison for every other job.

/** Nobody has to remember to open an approval, or to close it when the job is cancelled or removed. */
const gate = `
create function open_approval() returns trigger language plpgsql as $$
declare
  v_now timestamptz := rotor_now();
begin
  insert into approval (id, workspace_id, queue_uid, queue_name, job_id, generation, because, asked_by, due_at, created_at)
  select 'apv_' || replace(gen_random_uuid()::text, '-', ''), new.workspace_id, new.queue_uid, q.name, new.id,
    new.generation, new.reason, new.provenance, v_now + q.approval_timeout_seconds * interval '1 second', v_now
  from queue q where q.uid = new.queue_uid;
  perform note_approvals(new.workspace_id, new.queue_uid, 'approval.pending', array[new.id]);
  return null;
end $$;

-- What was decided is not pending any more, and stays as it is.
create function close_approval() returns trigger language plpgsql as $$
begin
  update approval set status = 'cancelled', decided_at = rotor_now()
  where queue_uid = old.queue_uid and job_id = old.id and status = 'pending';
  return null;
end $$;

create trigger job_gated after insert on job for each row
  when (new.state = 'pending_approval') execute function open_approval();
create trigger job_gated_again after update of state on job for each row
  when (new.state = 'pending_approval' and old.state <> 'pending_approval') execute function open_approval();
create trigger job_ungated after update of state on job for each row
  when (old.state = 'pending_approval' and new.state <> 'pending_approval') execute function close_approval();
create trigger job_gone after delete on job for each row
  when (old.state = 'pending_approval') execute function close_approval();
`;

/**
 * For whoever finds out before a job is sent that a person should see it, whatever its queue says. Takes jobs that
 * have not started; \`p_because\` is a code, shown with the approval. Answers how many there were.
 */
const holdForApproval = `
create function hold_for_approval(p_queue bigint, p_ids text[], p_because text) returns int language plpgsql as $$
declare
  v_workspace text;
  v_keys text[];
  v_held int;
begin
  with found as (
    select j.ctid as at, j.state from job j
    where j.ctid = any(array(select find_jobs(p_queue, p_ids))) and j.state in ('waiting', 'delayed') for update
  ), held as (
    -- What guardrails have not looked at yet, they look at when it is approved.
    update job j set state = 'pending_approval', parked = j.screen_due is not null, reason = p_because
    from found f where j.ctid = f.at
    returning j.workspace_id, j.concurrency_key, f.state
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, pending_approval, waiting, delayed)
    select p_queue, min(workspace_id), rotor_now(), count(*), -count(*) filter (where state = 'waiting'),
      -count(*) filter (where state = 'delayed')
    from held having count(*) > 0
  )
  select min(workspace_id), array_agg(distinct concurrency_key) filter (where concurrency_key is not null), count(*)
    into v_workspace, v_keys, v_held from held;
  -- One of them may have been the one that its key's next holder was chosen to be.
  if v_keys is not null then
    perform unpark(v_workspace, v_keys);
  end if;
  return v_held;
end $$;
`;

/**
 * Carries out decisions about jobs that the caller has locked: approvals that are pending still, whose jobs go on
 * or fail. Answers those that were carried out.
 */
const decideApprovals = `
create function payload_hash(p_payload text) returns text language sql immutable as $$
  select 'sha256:' || encode(sha256(convert_to(coalesce(p_payload, '{}'), 'UTF8')), 'hex')
$$;

create function decide_approvals(p_decisions json, p_by jsonb) returns table (id text, queue_uid bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz := rotor_now();
  v_done jsonb;
begin
  with sent as materialized (
    select * from json_to_recordset(p_decisions) as d (id text, status text, reason text, fail_reason text)
  ), decided as (
    update approval a set status = s.status, reason = s.reason, decided_at = v_now, decided_by = p_by,
      payload_hash = payload_hash(j.payload)
    from sent s, approval x, lateral (
      select payload from job where queue_uid = x.queue_uid and id = x.job_id and state = 'pending_approval' offset 0) j
    where x.id = s.id and a.id = x.id and a.status = 'pending'
    returning a.id, a.workspace_id, a.queue_uid, a.job_id, a.status, s.fail_reason
  ), moved as (
    -- The wait that was asked for counts from the enqueue: what is left of it is still waited for.
    update job j set
      state = case when d.status = 'rejected' then 'failed' when j.due_at > v_now then 'delayed' else 'waiting' end,
      approval_id = case when d.status = 'approved' then d.id end,
      due_at = case when d.status = 'approved' then greatest(j.due_at, v_now) end,
      reason = case when d.status = 'rejected' then 'rejected' end, fail_reason = d.fail_reason,
      fingerprint = case when d.status = 'rejected' then 'rejected' end,
      ended_at = case when d.status = 'rejected' then v_now end
    from decided d where j.queue_uid = d.queue_uid and j.id = d.job_id
    returning d.id, j.queue_uid, j.workspace_id, j.id as job_id, j.state
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, pending_approval, waiting, delayed, failed)
    select queue_uid, min(workspace_id), v_now, -count(*), count(*) filter (where state = 'waiting'),
      count(*) filter (where state = 'delayed'), count(*) filter (where state = 'failed')
    from moved group by queue_uid order by queue_uid
  )
  select jsonb_agg(to_jsonb(m)) into v_done from moved m;
  perform note_approvals(workspace_id, queue_uid,
      case when state = 'failed' then 'approval.rejected' else 'approval.approved' end, array_agg(job_id)),
    case when state = 'failed' then note_approvals(workspace_id, queue_uid, 'job.failed', array_agg(job_id)) end
  from jsonb_to_recordset(v_done) as m (workspace_id text, queue_uid bigint, job_id text, state text)
  group by workspace_id, queue_uid, state;
  return query select m.id, m.queue_uid from jsonb_to_recordset(v_done) as m (id text, queue_uid bigint);
end $$;
`;

export const approvals = `
-- The key that decided what a schedule fires: its jobs are that key's doing.
alter table schedule add column set_by text;

create table approval (
  id text primary key,
  workspace_id text not null,
  seq bigint generated always as identity,
  queue_uid bigint not null,
  queue_name text not null,                -- of then: the queue may be gone
  job_id text not null,
  generation int not null,
  status text not null default 'pending',  -- pending, approved, rejected or cancelled
  because text,                            -- why a person is asked, when it is not the queue's rule
  asked_by jsonb not null,                 -- the job's provenance
  due_at timestamptz,                      -- then it is rejected
  payload_hash text,                       -- of what was decided about
  reason text,
  decided_at timestamptz,
  decided_by jsonb,
  created_at timestamptz not null
);
create unique index approval_pending on approval (queue_uid, job_id) where status = 'pending';
create index approval_of_job on approval (queue_uid, job_id, seq);
create index approval_by_status on approval (workspace_id, status, seq);
create index approval_by_queue on approval (workspace_id, queue_name, status, seq);
create index approval_due on approval (due_at) where status = 'pending' and due_at is not null;
create index approval_age on approval (decided_at) where decided_at is not null;

-- As the table's owner: what listens is not the business of a request.
create function note_approvals(p_workspace text, p_queue bigint, p_kind text, p_jobs text[]) returns void
language sql security definer set search_path from current as $$
  select note_lifecycle(p_workspace, p_queue, p_kind, p_jobs)
$$;

${gate}
${holdForApproval}
${decideApprovals}
`;
