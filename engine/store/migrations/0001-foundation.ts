// Tenants, identity, queues, limits, idempotency and audit.
//
// Two roles without ownership do all the work of a running server: rotor_app serves one workspace per
// transaction and sees only its rows (row-level security); rotor_engine works across workspaces and names
// the workspace in every statement. Neither can change or remove an audit event.

export const foundation = `
create table clock (only_row boolean primary key default true check (only_row), shift interval not null default '0');
insert into clock default values;

-- The time that deadlines are stored in. Tests move it by the shift; nothing else does.
-- Not in SQL: such a function is planned anew whenever it is called, which takes longer than the look itself.
create function rotor_now() returns timestamptz language plpgsql stable as
  $$ begin return clock_timestamp() + (select shift from clock); end $$;

create table team (
  id text primary key,
  name text not null,
  created_at timestamptz not null
);

create table workspace (
  id text primary key,
  team_id text not null references team,
  name text not null,
  plan text not null,
  requests_per_minute int,
  executions_per_month bigint,
  retention_days int,
  data_key text,               -- wrapped; null once the workspace is deleted, which shreds its secrets
  suspended_at timestamptz,
  deleted_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index workspace_team on workspace (team_id, id);

create table member (
  id text primary key,
  workspace_id text not null references workspace,
  email text not null,
  name text,
  role text not null,
  capabilities text[] not null default '{}',
  status text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index member_email on member (workspace_id, lower(email));

create table api_key (
  id text primary key,
  tier text not null,
  team_id text not null references team,
  workspace_id text references workspace,  -- null for a team key
  queue_name text,
  label text not null,
  role text not null,
  capabilities text[] not null default '{}',
  hash text not null,
  prefix text not null,
  last4 text not null,
  member_id text references member on delete set null,
  parent_id text,
  allowed_ips text[] not null default '{}',
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null
);
create index api_key_workspace on api_key (workspace_id, created_at desc, id desc);
create index api_key_team on api_key (team_id, created_at desc, id desc) where workspace_id is null;
create index api_key_member on api_key (member_id);

create table queue (
  workspace_id text not null references workspace,
  name text not null,
  paused_at timestamptz,
  concurrency int not null,
  retry_attempts int not null,
  backoff jsonb not null,
  timeout_seconds int not null,
  rate_limit jsonb,
  callback_url text,
  callback_headers jsonb not null default '{}',
  secret text,                 -- sealed, like previous_secret
  previous_secret text,
  previous_secret_until timestamptz,
  approval_required boolean not null,
  approval_timeout_seconds int,
  four_eyes boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (workspace_id, name)
);

-- How often anything changed that decides what a caller may do. A process that knows a caller from an earlier request
-- names the version it read in the statement that does the work: it needs no look at the key first, and nothing is done
-- for whoever has lost a right since.
create table access_version (only_row boolean primary key default true check (only_row), version bigint not null,
  changed xid8);
insert into access_version (version) values (1);

create function change_access() returns trigger language plpgsql security definer set search_path from current as
  $$ begin
    update access_version set version = version + 1, changed = pg_current_xact_id()
      where changed is distinct from pg_current_xact_id();
    return null;
  end $$;
-- Deferred, so that the row is locked last of all: no two transactions wait for each other.
create constraint trigger access_by_workspace after update or delete on workspace
  deferrable initially deferred for each row execute function change_access();
create constraint trigger access_by_member after update or delete on member
  deferrable initially deferred for each row execute function change_access();
create constraint trigger access_by_key after delete or update of tier, team_id, workspace_id, queue_name, label, role,
  capabilities, hash, member_id, allowed_ips, expires_at, revoked_at on api_key
  deferrable initially deferred for each row execute function change_access();
create constraint trigger access_by_clock after update on clock
  deferrable initially deferred for each row execute function change_access();

create function check_access(p_version bigint) returns boolean language plpgsql stable as $$ begin
  if p_version is not null and p_version is distinct from (select version from access_version) then
    raise exception 'a caller may have lost a right' using errcode = 'RA001';
  end if;
  return true;
end $$;

create table idempotency (
  key_id text not null,        -- of the API key that sent it
  key_hash text not null,
  workspace_id text not null,
  fingerprint text not null,
  status int not null,
  body text not null,          -- sealed: an answer can hold a secret that is shown once
  created_at timestamptz not null,
  primary key (key_id, key_hash)
);
create index idempotency_age on idempotency (created_at);

create table usage (
  workspace_id text not null,
  period date not null,        -- first day of the month
  queue_name text not null,    -- '' counts the whole workspace
  executions bigint not null,
  primary key (workspace_id, period, queue_name)
) with (fillfactor = 70);

-- Counters that a crash may forget: unlogged, so that counting a request waits for no disk.
create unlogged table rate_window (
  workspace_id text primary key,
  started_at timestamptz not null,
  used bigint not null
) with (fillfactor = 50);

create table audit_head (
  workspace_id text primary key,
  seq bigint not null,
  hash text not null
);

create table audit_event (
  id uuid not null,
  workspace_id text not null,
  seq bigint not null,
  event_type text not null,
  actor_id text not null,
  actor_role text,
  resource_id text,
  metadata jsonb not null,
  surface text not null,
  client text,
  request_id text,
  trace_id text,
  ip_address text,
  user_agent text,
  occurred_at timestamptz not null,
  hash text not null,
  primary key (id, occurred_at)
) partition by range (occurred_at);
create index audit_event_chain on audit_event (workspace_id, seq desc);
create table audit_event_default partition of audit_event default;

create function refuse_change() returns trigger language plpgsql as
  $$ begin raise exception 'audit events are append-only' using errcode = '42501'; end $$;
create trigger audit_event_append_only before update or delete on audit_event
  for each row execute function refuse_change();
-- TRUNCATE of a partition does not fire the parent's trigger: each partition has its own.
create trigger audit_event_no_truncate before truncate on audit_event
  for each statement execute function refuse_change();
create trigger audit_event_no_truncate before truncate on audit_event_default
  for each statement execute function refuse_change();

create function ensure_audit_partitions(at timestamptz) returns void
  language plpgsql security definer set search_path from current as $$
declare
  month date := date_trunc('month', at at time zone 'UTC');
  part text;
begin
  for step in 0..3 loop
    part := 'audit_event_' || to_char(month, 'YYYY_MM');
    if to_regclass(part) is null then
      begin
        execute format(
          'create table %I partition of audit_event for values from (%L) to (%L)',
          part, month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
        execute format(
          'create trigger audit_event_no_truncate before truncate on %I for each statement execute function refuse_change()',
          part);
      exception
        when duplicate_table then null;  -- another process was quicker
        when check_violation then        -- the default partition holds events of this month, and goes on doing so
          raise warning 'no audit partition for %: the default partition holds events of it', part;
      end;
    end if;
    month := month + interval '1 month';
  end loop;
end $$;
select ensure_audit_partitions(rotor_now());
`;
