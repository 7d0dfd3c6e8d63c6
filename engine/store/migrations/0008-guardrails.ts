// Guardrails: what a workspace wants checked, its lists, and the jobs that a check stops or holds back. The columns of
// a job that belong to it are made with the job's table.
//
// A list is a million rows at most, found by the number that an entry and what a payload mentions are compared by; no
// process ever holds one.

/**
 * Jobs that a worker has claimed and is about to send, with what their payloads mention now; what they mentioned when
 * they came in is in their rows. Those that are on a list by now are blocked. Those whose payload is not the one that a
 * person approved go back to the gate, with what it is now. In both cases the attempt does not count.
 */
const stopClaimed = `
create function stop_claimed(p_queue bigint, p_lease uuid, p_sent json, p_reasons json,
                             out stopped text[], out woken bigint[])
language plpgsql as $$
#variable_conflict use_column
declare
  v_workspace text;
  v_keys text[];
  v_blocked text[];
begin
  with sent as materialized (
    select p_queue as queue_uid, s.id, s.contacts from json_to_recordset(p_sent) as s (id text, contacts json)
  ), held as materialized (
    select j.queue_uid, j.id, j.workspace_id, j.guard, j.contacts, s.contacts as now,
      j.approval_id is not null and exists (
        select from approval a where a.id = j.approval_id and a.payload_hash <> payload_hash(j.payload)) as is_changed
    from sent s join job j on j.queue_uid = s.queue_uid and j.id = s.id
    where j.state = 'active' and j.lease = p_lease
  ), mentioned as materialized (
    select h.id, h.workspace_id, h.guard, c.hash from held h, lateral (
      select unnest(h.contacts) union select value::bigint from json_array_elements_text(h.now)) c (hash)
  ), listed as (
    -- The first list in the order of the reasons, unless an admin let the job pass it.
    select distinct on (m.id) m.id, r.reason, r.fail_reason
    from mentioned m, lateral (
        -- One look for each number, whatever the plan thinks of a million entries.
        select kind from guardrail_entry where workspace_id = m.workspace_id and hash = m.hash offset 0) e
      join json_to_recordset(p_reasons) as r (kind text, stage text, rank int, reason text, fail_reason text)
        on r.kind = e.kind
    where not coalesce(m.guard->'released' ? r.stage, false)
    order by m.id, r.rank
  ), found as (
    select h.id, h.queue_uid, l.reason, l.fail_reason from held h left join listed l using (id)
    where l.id is not null or h.is_changed
  ), moved as (
    update job j set state = case when f.reason is null then 'pending_approval' else 'guardrail.blocked' end,
      lease = null, lease_until = null, reason = coalesce(f.reason, 'payload_changed'), fail_reason = f.fail_reason,
      approval_id = case when f.reason is not null then j.approval_id end, attempts_made = j.attempts_made - 1,
      ended_at = case when f.reason is not null then rotor_now() end
    from found f
    where j.queue_uid = f.queue_uid and j.id = f.id and j.state = 'active' and j.lease = p_lease
    returning j.id, j.workspace_id, j.concurrency_key, j.state
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, active, guardrail_blocked, pending_approval)
    select p_queue, min(workspace_id), rotor_now(), -count(*), count(*) filter (where state = 'guardrail.blocked'),
      count(*) filter (where state = 'pending_approval')
    from moved having count(*) > 0
  )
  select coalesce(array_agg(id), '{}'), array_agg(id) filter (where state = 'guardrail.blocked'), min(workspace_id),
      array_agg(concurrency_key) filter (where concurrency_key is not null)
    into stopped, v_blocked, v_workspace, v_keys from moved;
  if v_blocked is not null then
    perform note_lifecycle(v_workspace, p_queue, 'guardrail.blocked', v_blocked);
  end if;
  if v_keys is not null then
    woken := release_keys(v_workspace, p_queue, v_keys, stopped);
  end if;
end $$;
`;

/**
 * Jobs that are held back until they have been looked at. screen_due is when somebody must do so: at first the time of
 * the enqueue, then the end of the lease of whoever does. It is the lease's token too, for it only ever grows.
 */
const screening = `
create function claim_screening(p_most int, p_lease_ms int)
returns table (queue_uid bigint, id text, workspace_id text, payload text, contacts text[], guard jsonb, due text,
               queue_name text, approval_required boolean)
language sql as $$
  with due as (
    select queue_uid, id from job
    where screen_due <= (select rotor_now()) and screen_due is not null and state in ('waiting', 'delayed')
    order by screen_due limit p_most for update skip locked
  ), claimed as (
    update job j set screen_due = rotor_now() + p_lease_ms * interval '1 millisecond'
    from due d where j.queue_uid = d.queue_uid and j.id = d.id
    returning j.queue_uid, j.id, j.workspace_id, j.payload, j.contacts::text[], j.guard, j.screen_due::text
  )
  select c.*, q.name, q.approval_required from claimed c join queue q on q.uid = c.queue_uid
$$;

-- An end that comes after its lease was taken by another, or after the job was cancelled, changes nothing. Answers the
-- queues that may have got work.
create function end_screening(p_ends json) returns bigint[] language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz := rotor_now();
  v_blocked json;
  v_queues bigint[];
begin
  with sent as materialized (
    select * from json_to_recordset(p_ends) as e (queue_uid bigint, id text, due timestamptz, outcome text,
      payload text, contacts json, reason text, fail_reason text, guard jsonb)
  ), found as (
    select j.ctid as at, j.state as was, s.*, case
        when s.outcome = 'blocked' then 'guardrail.blocked'
        when s.outcome = 'approval' then 'pending_approval'
        -- Approved already, and still what was approved.
        when q.approval_required and (j.approval_id is null or s.payload is not null) then 'pending_approval'
        else j.state end as state
    from sent s, queue q, lateral (
      select ctid, state, approval_id from job
      where queue_uid = s.queue_uid and id = s.id and screen_due = s.due and state in ('waiting', 'delayed')
      for update) j
    where q.uid = s.queue_uid
  ), ended as (
    update job j set state = f.state, parked = false, screen_due = null, payload = coalesce(f.payload, j.payload),
      contacts = array(select value::bigint from json_array_elements_text(f.contacts)), guard = f.guard,
      reason = f.reason, fail_reason = f.fail_reason, ended_at = case when f.state = 'guardrail.blocked' then v_now end
    from found f where j.ctid = f.at
    returning j.queue_uid, j.id, j.workspace_id, f.was, j.state
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, waiting, delayed, pending_approval, guardrail_blocked)
    select queue_uid, min(workspace_id), v_now, -count(*) filter (where was = 'waiting'),
      -count(*) filter (where was = 'delayed'), count(*) filter (where state = 'pending_approval'),
      count(*) filter (where state = 'guardrail.blocked')
    from ended where was <> state group by queue_uid order by queue_uid
  )
  select array_agg(distinct queue_uid) filter (where state = 'waiting'),
      json_agg(json_build_object('ws', workspace_id, 'uid', queue_uid, 'id', id)) filter (where state = 'guardrail.blocked')
    into v_queues, v_blocked from ended;
  perform note_lifecycle(ws, uid, 'guardrail.blocked', array_agg(id))
    from json_to_recordset(v_blocked) as b (ws text, uid bigint, id text) group by ws, uid;
  return coalesce(v_queues, '{}');
end $$;
`;

/** As the table's owner: what listens is not the business of a request. */
const noteBlocked = `
create function note_blocked() returns trigger language plpgsql security definer set search_path from current as $$
begin
  perform note_lifecycle(new.workspace_id, new.queue_uid, 'guardrail.blocked', array[new.id]);
  return null;
end $$;

create trigger job_blocked after insert on job for each row
  when (new.state = 'guardrail.blocked') execute function note_blocked();
`;

export const guardrails = `
-- Null while nothing is checked; else another number after every change of what is.
alter table workspace add column guard_version bigint;

create table guardrail_config (
  workspace_id text primary key,
  id text not null,
  pii_enabled boolean not null default false,
  pii_mode text not null default 'redact',
  pii_kinds text[] not null default '{email,phone,ssn,card}',
  pii_country text not null default 'US',
  tone_enabled boolean not null default false,
  tone_rubric text,
  tone_threshold double precision not null default 0.7,
  tone_model text not null default 'claude-haiku-4-5',
  tone_daily_limit int not null default 10000,
  on_error text,
  dnc_email int not null default 0,        -- how many entries each list has: counting a million takes too long
  dnc_domain int not null default 0,
  competitor int not null default 0,
  updated_at timestamptz not null
);

create table guardrail_entry (
  workspace_id text not null,
  kind text not null,                      -- dnc_email, dnc_domain or competitor
  value text not null,                     -- as it was written
  hash bigint not null,                    -- what it is compared by
  added_at timestamptz not null,
  primary key (workspace_id, hash)
);
create index guardrail_entry_list on guardrail_entry (workspace_id, kind, value);

-- Judgements asked for, so that a budget holds over all processes.
create table guardrail_usage (
  workspace_id text not null,
  day date not null,
  judged int not null,
  primary key (workspace_id, day)
);

${stopClaimed}
${screening}
${noteBlocked}
`;
