// Schedules, and what each of their ticks came to.
//
// schedule.due_at is the next time anybody must look at a schedule; null while it is paused, or has ended. What a
// tick makes, its run, and the next tick are written in one transaction (I6). Whether a job or a run has ended is
// never copied: whoever wants to know looks at it.

export const schedules = `
create table schedule (
  id text primary key,
  workspace_id text not null,
  name text not null,
  queue_name text,                         -- makes jobs of this queue …
  workflow_id text,                        -- … or runs of this workflow
  registered boolean not null default false, -- came with the workflow, and goes with it
  cron text not null,
  timezone text not null,
  payload text,                            -- JSON, as it is delivered
  dst_gap text not null,
  dst_overlap text,                        -- null: as the expression suggests
  catch_up text not null,
  overlap text not null,
  start_at timestamptz,
  end_at timestamptz,
  jitter_seconds int not null,
  paused_at timestamptz,
  next_tick_at timestamptz,
  due_at timestamptz,                      -- the next tick, and its jitter
  last_tick_at timestamptz,                -- no tick up to it is ever made again
  last_fired_at timestamptz,
  last_made text,                          -- the job or run that was made last
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (workspace_id, name),
  check ((queue_name is null) <> (workflow_id is null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
-- None by queue or workflow: each tick would pay for it, and who asks has the workspace's few thousand to look at.
create index schedule_due_jobs on schedule (due_at) where workflow_id is null and due_at is not null;
create index schedule_due_runs on schedule (due_at) where workflow_id is not null and due_at is not null;

-- One row per tick, and per fire by hand. It outlives its schedule.
create table schedule_run (
  schedule_id text not null,
  scheduled_for timestamptz not null,
  by_hand text not null default '',        -- tells fires by hand apart; empty for ticks
  id text not null,
  workspace_id text not null,
  status text not null,                    -- fired, skipped, failed
  reason text,
  missed_from timestamptz,                 -- stands for every tick since this one
  queue_name text,
  job_id text,
  run_id text,
  fired_at timestamptz not null,
  primary key (schedule_id, scheduled_for, by_hand)
) with (autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05);
create index schedule_run_age on schedule_run (workspace_id, fired_at);
`;
