// Pull queues: workers that wait on the broker, and jobs that are given back.

export const pull = `
-- Until then some worker of a pull queue waits on the broker and wants to be told of work.
alter table queue_load add column awaited_until timestamptz not null default '-infinity';

-- Claims whose jobs were not begun, because the worker stopped or never got the answer: the jobs wait again, and
-- it costs them no attempt. The queue's row is locked first, as by every claim.
create function hand_back(p_queue bigint, p_leases uuid[], out handed_back int, out woken bigint[])
language plpgsql as $$
declare
  v_workspace text;
  v_ids text[];
  v_keys text[];
begin
  perform from queue_load where queue_uid = p_queue for update;
  with back as (
    update job j set state = 'waiting', attempts_made = attempts_made - 1, lease = null, lease_until = null,
      started_at = null
    where j.queue_uid = p_queue and j.state = 'active' and j.lease = any(p_leases)
    returning j.id, j.workspace_id, j.concurrency_key
  ), flowed as (
    insert into queue_flow (queue_uid, workspace_id, at, waiting, active)
    select p_queue, min(workspace_id), rotor_now(), count(*), -count(*) from back having count(*) > 0
  )
  select min(workspace_id), array_agg(id), array_agg(concurrency_key) filter (where concurrency_key is not null)
    into v_workspace, v_ids, v_keys from back;
  if v_keys is not null then
    woken := release_keys(v_workspace, p_queue, v_keys, v_ids);
  end if;
  handed_back := coalesce(cardinality(v_ids), 0);
end $$;
`;
