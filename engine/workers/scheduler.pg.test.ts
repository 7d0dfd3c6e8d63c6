// I6: a tick is neither lost nor doubled. Two engines fire the same schedules; the clock is moved, not waited for.

import { contract, type InputOf } from "@rotorsh/contract";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { nextTicks } from "../core/schedule.ts";
import { purgeSchedules } from "../store/purge.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call, codeOf } from "../testing/index.ts";

let rotor: Delivering;

beforeAll(async () => {
  rotor = await startDelivering();
  await rotor.startPeer();
});

afterAll(() => rotor.stop());

// The clock only goes on: what a test leaves behind would fire in the next one.
afterEach(() => rotor.rotor.sql`update schedule set due_at = null, paused_at = rotor_now()`);

type Settings = Omit<InputOf<typeof contract.schedules.create>, "queue" | "cron" | "timezone">;

function admin() {
  return [rotor.rotor.engine, rotor.rotor.home.admin] as const;
}

async function schedule(queue: string, cron: string, settings: Settings = {}) {
  return call(...admin(), contract.schedules.create, { queue, cron, timezone: "UTC", ...settings });
}

const runsOf = async (id: string) =>
  (await call(...admin(), contract.schedules.runs, { id, limit: 200 })).runs;

const now = async () => new Date((await rotor.rotor.sql`select rotor_now() as now`)[0]?.now as Date);

/** Moves the clock just past a schedule's next tick, and waits until that was handled. */
async function tick(id: string): Promise<void> {
  const before = await call(...admin(), contract.schedules.get, { id });
  const next = Date.parse(before.next_fire_at as string);
  const ms = next - (await now()).getTime() + 1;
  if (ms > 0) await rotor.rotor.moveClock(`${ms} milliseconds`);
  await handled(id, before.next_fire_at);
}

async function handled(id: string, due: string | null): Promise<void> {
  const next = async () => (await call(...admin(), contract.schedules.get, { id })).next_fire_at;
  await expect.poll(next, { timeout: 20_000, interval: 20 }).not.toBe(due);
}

test("a schedule fires, its job is delivered, and the history says how that went", async () => {
  const queue = await rotor.queue();
  const { id } = await schedule(queue, "@hourly", { payload: { source: "clearbit" } });
  await tick(id);
  await rotor.settled(queue);
  const [run] = await runsOf(id);
  expect(run).toMatchObject({ status: "fired", manual: false, state: "completed", callback_status: "2xx" });
  const job = await rotor.job(queue, run?.job_id as string);
  expect(job).toMatchObject({ payload: { source: "clearbit" }, enqueued_by: { schedule_id: id } });
  expect(await call(...admin(), contract.schedules.get, { id })).toMatchObject({
    enabled: true,
    last_fired_at: run?.fired_at,
  });
});

/** Ticks in the order of their times, and how many jobs of the queue say that they are of each. */
async function fired(id: string, queue: string): Promise<[string[], Record<string, number>]> {
  const { sql } = rotor.rotor;
  const ticks = await sql`
    select scheduled_for from schedule_run where schedule_id = ${id} and status = 'fired' order by 1`;
  const jobs = await sql`
    select provenance->>'scheduled_for' as tick, count(*)::int as n from job
    where queue_uid = ${await rotor.uidOf(queue)} group by 1`;
  const times = ticks.map(({ scheduled_for: at }) => (at as Date).toISOString());
  return [times, Object.fromEntries(jobs.map(({ tick: at, n }) => [at, n]))];
}

test("I6: two schedulers and a clock that goes forward and back fire each tick of the rule once", async () => {
  const queue = await rotor.queue({ concurrency: 100 });
  const made = await schedule(queue, "*/5 * * * * *", { catch_up: "all" });
  const row = { ...(await rotor.rotor.sql`select * from schedule where id = ${made.id}`)[0] } as never;
  const first = Date.parse(made.next_fire_at as string);
  for (const interval of [
    "40 seconds",
    "7 seconds",
    "8 minutes",
    "-1 hour",
    "1 hour",
    "-3 seconds",
    "30 seconds",
  ]) {
    await rotor.rotor.moveClock(interval);
    const due = async () =>
      Date.parse((await call(...admin(), contract.schedules.get, { id: made.id })).next_fire_at as string);
    await expect.poll(async () => (await due()) > (await now()).getTime(), { timeout: 20_000 }).toBe(true);
  }
  await call(...admin(), contract.schedules.pause, { id: made.id });
  const [times, jobs] = await fired(made.id, queue);
  const wanted = nextTicks(
    { ...(row as object), start_at: null, end_at: null } as never,
    first - 1,
    times.length,
  );
  // Eight minutes are 96 ticks; nothing was too old to be made up for.
  expect(times.length).toBeGreaterThan(100);
  expect(times).toEqual(wanted.map((at) => new Date(at).toISOString()));
  expect(jobs).toEqual(Object.fromEntries(times.map((time) => [time, 1])));
}, 120_000);

test("I6: the clock set forward by an hour misses ticks, and back by an hour makes none again", async () => {
  const queue = await rotor.queue({ concurrency: 100 });
  const ids = await Promise.all(
    (["skip", "last", "all"] as const).map(
      async (catch_up) => (await schedule(queue, "*/10 * * * *", { catch_up })).id,
    ),
  );
  const before = (await call(...admin(), contract.schedules.get, { id: ids[0] as string })).next_fire_at;
  await rotor.rotor.moveClock("61 minutes");
  await Promise.all(ids.map((id) => handled(id, before)));
  const found = await Promise.all(
    ids.map(async (id) => (await runsOf(id)).map(({ status, reason }) => reason ?? status)),
  );
  const [skipped, last, all] = found.map((run) => ({
    fired: run.filter((what) => what === "fired").length,
    missed: run.filter((what) => what === "missed").length,
  }));
  // The newest of the ticks is in time when the hour ended within a minute of it.
  expect(skipped?.fired).toBeLessThanOrEqual(1);
  expect(skipped?.missed).toBe(1);
  expect(last).toEqual({ fired: 1, missed: 1 });
  expect(all?.missed).toBe(0);
  expect([6, 7]).toContain(all?.fired);
  await rotor.rotor.moveClock("-61 minutes");
  await call(...admin(), contract.schedules.update, { id: ids[2] as string, cron: "*/20 * * * *" });
  const next = Date.parse(
    (await call(...admin(), contract.schedules.get, { id: ids[2] as string })).next_fire_at as string,
  );
  expect(next).toBeGreaterThan((await now()).getTime() + 55 * 60_000);
}, 60_000);

test("I6: of 3,000 schedules that are due at once each fires exactly once", async () => {
  const queue = await rotor.queue({ callback_url: null });
  const { id } = await schedule(queue, "@hourly");
  await rotor.rotor.sql`
    insert into schedule (id, workspace_id, name, queue_name, cron, timezone, dst_gap, catch_up, overlap, jitter_seconds,
      next_tick_at, due_at, created_at, updated_at)
    select 'sched_' || md5(n::text), workspace_id, name || n, queue_name, cron, timezone, dst_gap, catch_up, overlap, 0,
      next_tick_at, due_at, created_at, updated_at from schedule, generate_series(2, 3000) n where id = ${id}`;
  await tick(id);
  const counts = async () => {
    const [row] = await rotor.rotor.sql`
      select count(*)::int as runs, count(distinct schedule_id)::int as schedules, count(distinct job_id)::int as jobs
      from schedule_run where queue_name = ${queue} and status = 'fired'`;
    return { ...row, stored: (await rotor.states(queue)).waiting };
  };
  const each = { runs: 3000, schedules: 3000, jobs: 3000, stored: 3000 };
  await expect.poll(counts, { timeout: 30_000 }).toEqual(each);
}, 60_000);

test("with overlap skip no tick fires while the last job is not finished", async () => {
  const queue = await rotor.queue({ callback_url: null });
  const { id } = await schedule(queue, "@hourly", { overlap: "skip" });
  await tick(id);
  await tick(id);
  expect((await runsOf(id)).map(({ status, reason }) => [status, reason])).toEqual([
    ["skipped", "overlap"],
    ["fired", null],
  ]);
  await rotor.rotor.sql`update job set state = 'completed' where queue_uid = ${await rotor.uidOf(queue)}`;
  await tick(id);
  expect((await runsOf(id))[0]).toMatchObject({ status: "fired", reason: null });
  await rotor.rotor.sql`
    update job set state = 'guardrail.blocked' where queue_uid = ${await rotor.uidOf(queue)} and state = 'waiting'`;
  await tick(id);
  expect((await runsOf(id))[0]).toMatchObject({ status: "fired", reason: null });
});

test("a paused schedule fires nothing, and what it did not fire is never made up for", async () => {
  const queue = await rotor.queue({ callback_url: null });
  const { id } = await schedule(queue, "@hourly", { catch_up: "all" });
  expect(await call(...admin(), contract.schedules.pause, { id })).toMatchObject({
    status: "paused",
    next_fire_at: null,
  });
  await rotor.rotor.moveClock("5 hours");
  const resumed = await call(...admin(), contract.schedules.resume, { id });
  expect(Date.parse(resumed.next_fire_at as string)).toBeGreaterThan((await now()).getTime());
  expect(await runsOf(id)).toEqual([]);
});

test("jitter fires later, and the tick keeps its time", async () => {
  const queue = await rotor.queue({ callback_url: null });
  const made = await schedule(queue, "0 * * * *", { jitter_seconds: 600 });
  const { ticks } = await call(...admin(), contract.schedules.next, { id: made.id, count: 1 });
  expect(ticks[0]?.fires_at).toBe(made.next_fire_at);
  await tick(made.id);
  const [run] = await runsOf(made.id);
  expect(run?.scheduled_for).toBe(ticks[0]?.scheduled_for);
  expect(Date.parse(run?.fired_at as string)).toBeGreaterThanOrEqual(Date.parse(made.next_fire_at as string));
});

test("a tick beyond the quota is recorded as failed, and counts nothing", async () => {
  const home = await rotor.rotor.createWorkspace("free");
  const { engine, operator } = rotor.rotor;
  await call(engine, operator, contract.admin.updateWorkspace, { id: home.id, executions_per_month: 1 });
  await call(engine, home.admin, contract.queues.create, { name: "limited" });
  const rule = { queue: "limited", cron: "@hourly", timezone: "UTC" };
  const { id, next_fire_at } = await call(engine, home.admin, contract.schedules.create, {
    ...rule,
    catch_up: "all",
  });
  await rotor.rotor.moveClock("3 hours");
  const due = async () => (await call(engine, home.admin, contract.schedules.get, { id })).next_fire_at;
  await expect.poll(due, { timeout: 20_000 }).not.toBe(next_fire_at);
  const { runs } = await call(engine, home.admin, contract.schedules.runs, { id });
  expect(runs.map(({ status, reason }) => reason ?? status)).toEqual([
    "quota_exceeded",
    "quota_exceeded",
    "fired",
  ]);
  expect((await call(engine, home.admin, contract.usage.current, {})).executions.total).toBe(1);
  const byHand = call(engine, await home.callerFor({ role: "admin" }), contract.schedules.fireNow, { id });
  expect(await codeOf(byHand)).toBe("QUOTA_EXCEEDED");
  // A suspended workspace makes nothing either.
  await call(engine, operator, contract.admin.updateWorkspace, { id: home.id, suspended: true });
  await rotor.rotor.moveClock("1 hour");
  const newest = async () =>
    (
      await rotor.rotor
        .sql`select reason from schedule_run where schedule_id = ${id} order by scheduled_for desc limit 1`
    )[0]?.reason;
  await expect.poll(newest, { timeout: 20_000 }).toBe("workspace_suspended");
});

test("a tick whose queue is gone is recorded as failed, and a schedule that cannot fire holds up no other", async () => {
  const [gone, stays] = [
    await rotor.queue({ callback_url: null }),
    await rotor.queue({ callback_url: null }),
  ];
  const [lost, broken, fine] = [
    await schedule(gone, "@hourly"),
    await schedule(stays, "@hourly", { name: "broken" }),
    await schedule(stays, "@hourly", { name: "fine" }),
  ];
  await rotor.rotor.sql`delete from queue where name = ${gone}`;
  await rotor.rotor.sql`update schedule set timezone = 'Mars/Olympus' where id = ${broken.id}`;
  await tick(fine.id);
  await handled(lost.id, lost.next_fire_at);
  expect((await runsOf(lost.id))[0]).toMatchObject({
    status: "failed",
    reason: "queue_deleted",
    job_id: null,
  });
  expect((await runsOf(fine.id))[0]).toMatchObject({ status: "fired" });
  await rotor.rotor.sql`delete from schedule where id = ${broken.id}`;
});

test("history outlives its schedule for as long as jobs are kept", async () => {
  const queue = await rotor.queue({ callback_url: null });
  const { id } = await schedule(queue, "@hourly");
  await tick(id);
  await call(...admin(), contract.schedules.delete, { id });
  expect(await codeOf(call(...admin(), contract.schedules.get, { id }))).toBe("SCHEDULE_NOT_FOUND");
  expect(await runsOf(id)).toHaveLength(1);
  await rotor.rotor
    .sql`update schedule_run set fired_at = fired_at - interval '91 days' where schedule_id = ${id}`;
  await purgeSchedules(rotor.rotor.sql, 100);
  expect(await codeOf(runsOf(id))).toBe("SCHEDULE_NOT_FOUND");
});
