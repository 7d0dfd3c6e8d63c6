import { contract, type InputOf, type RotorError } from "@rotorsh/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { call, codeOf, startTestEngine, type TestEngine } from "../testing/index.ts";

let rotor: TestEngine;
let queue: string;
let made = 0;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

beforeEach(async () => {
  queue = `queue-${++made}`;
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name: queue });
});

const { schedules } = contract;

function ask<Op extends (typeof schedules)[keyof typeof schedules]>(
  operation: Op,
  input: InputOf<Op>,
  key?: string,
) {
  return call(rotor.engine, rotor.home.admin, operation, input, key);
}

const create = (more: Partial<InputOf<typeof schedules.create>> = {}) =>
  ask(schedules.create, { queue, cron: "0 9 * * 1-5", timezone: "America/New_York", ...more });

async function problemsOf(result: Promise<unknown>): Promise<string[]> {
  const error = (await result.catch((caught) => caught)) as RotorError;
  const problems = error.details.problems as { path: string; problem: string }[];
  return problems.map(({ path, problem }) => `${path} ${problem}`);
}

test("of many that take a name at once one gets it, and the others are told that it is taken", async () => {
  const made = await Promise.all(
    Array.from({ length: 8 }, (_, n) => create({ name: `racer-${queue}-${n}` })),
  );
  const name = `won-${queue}`;
  const codes = await Promise.all(made.map(({ id }) => codeOf(ask(schedules.update, { id, name }))));
  expect(codes.toSorted()).toEqual([...Array(7).fill("SCHEDULE_EXISTS"), "ok"]);
});

test("what was documented under two names is accepted and answered under both", async () => {
  const { queue: _, ...rest } = { queue, cron: "@daily", timezone: "UTC" };
  const row = await ask(schedules.create, { ...rest, queue_name: queue, job_data: { source: "clearbit" } });
  expect(row).toMatchObject({
    queue,
    queue_name: queue,
    payload: { source: "clearbit" },
    job_data: { source: "clearbit" },
  });
  expect(row.external_id).toMatch(/^sched_[0-9a-f]{32}$/);
  expect(row.id).toBe(row.external_id);
  expect(await problemsOf(create({ queue_name: "other" }))).toEqual([
    "queue_name disagrees with queue; send one of them",
  ]);
  expect(await problemsOf(create({ payload: 1, job_data: 2 }))).toEqual([
    "job_data disagrees with payload; send one of them",
  ]);
});

test.each([
  [{ cron: "0 0 30 2 *" }, "cron never fires: there is no such day"],
  [{ cron: "* * *" }, "cron must have 5 fields"],
  [{ timezone: "+05:30" }, "timezone is not an IANA time zone"],
  [{ timezone: "Mars/Olympus" }, "timezone is not an IANA time zone"],
  [{ end_at: "2020-01-01T00:00:00Z" }, "end_at leaves no time at which it would fire"],
  [{ start_at: "2030-01-02T00:00:00Z", end_at: "2030-01-01T00:00:00Z" }, "end_at is before start_at"],
  [{ workflow: "w" }, "workflow does not go with queue"],
  [{ name: "sched_mine" }, "name must not begin with sched_"],
])("%j is refused, and the field named", async (more, problem) => {
  expect((await problemsOf(create(more)))[0]).toContain(problem);
});

test("a time zone is required, and so is something to fire at", async () => {
  const without = { queue, cron: "@daily" } as InputOf<typeof schedules.create>;
  expect(await problemsOf(ask(schedules.create, without))).toEqual(["timezone is required"]);
  const nowhere = ask(schedules.create, { cron: "@daily", timezone: "UTC" });
  expect(await problemsOf(nowhere)).toEqual(["queue is required, or else workflow"]);
  expect(await codeOf(create({ queue: "nowhere" }))).toBe("QUEUE_NOT_FOUND");
  expect(await codeOf(create({ queue: undefined, workflow: "nowhere" }))).toBe("WORKFLOW_NOT_FOUND");
});

test("a schedule without a name gets its queue's, and a second one another", async () => {
  const [first, second] = [await create(), await create()];
  expect(first.name).toBe(queue);
  expect(second.name).toMatch(new RegExp(`^${queue}-[0-9a-f]{8}$`));
  expect(await codeOf(create({ name: queue }))).toBe("SCHEDULE_EXISTS");
});

test("each field can be changed alone, by name or id, and the others stay", async () => {
  const before = await create({ name: `each-${made}`, payload: { a: 1 } });
  const changes = [
    { cron: "0 3 * * *" },
    { timezone: "Europe/London" },
    { payload: { b: 2 } },
    { catch_up: "all" },
    { overlap: "skip" },
    { dst_gap: "skip" },
    { dst_overlap: "twice" },
    { jitter_seconds: 30 },
    { start_at: "2099-01-01T00:00:00.000Z" },
    { start_at: null },
    { end_at: "2099-01-01T00:00:00.000Z" },
    { enabled: false },
    { enabled: true },
    { name: `renamed-${made}` },
  ] as const;
  let expected: object = before;
  for (const [index, change] of changes.entries()) {
    const changed = await ask(schedules.update, { id: index % 2 ? before.id : before.name, ...change });
    expected = { ...expected, ...change, ...("payload" in change && { job_data: change.payload }) };
    const { next_fire_at, next_fire_local, updated_at, status, ...rest } = changed;
    expect({ ...expected, ...rest }).toEqual(expected);
    expect(rest).toMatchObject(change);
    expect(status).toBe(changed.enabled ? "active" : "paused");
    expect(next_fire_at === null).toBe(!changed.enabled);
  }
});

test("an upsert makes, changes and pauses; what it is not told stays", async () => {
  const name = `upsert-${made}`;
  const rule = { name, queue, cron: "0 9 * * *", timezone: "UTC" };
  expect(await ask(schedules.upsert, rule)).toMatchObject({ name, created: true, enabled: true });
  expect(await ask(schedules.upsert, { name, cron: "0 10 * * *" })).toMatchObject({
    cron: "0 10 * * *",
    created: false,
  });
  expect(await ask(schedules.upsert, { name, enabled: false })).toMatchObject({
    status: "paused",
    cron: "0 10 * * *",
  });
  expect(await problemsOf(ask(schedules.upsert, { name: "fresh" }))).toEqual([
    "cron is required",
    "timezone is required",
    "queue is required, or else workflow",
  ]);
  expect(await codeOf(ask(schedules.upsert, { ...rule, name: "sched_nobody" }))).toBe("SCHEDULE_NOT_FOUND");
});

test("a change of a schedule whose tick is due fires that tick first, and then by the new rule", async () => {
  const { id } = await create({ cron: "@hourly", timezone: "UTC" });
  await rotor.moveClock("1 hour");
  const changed = await ask(schedules.update, { id, cron: "0 0 * * *" });
  const { ticks } = await ask(schedules.next, { id, count: 2 });
  expect(ticks[0]?.scheduled_for).toBe(changed.next_fire_at);
  expect(Date.parse(ticks[0]?.scheduled_for as string)).toBeLessThan(Date.parse(changed.updated_at));
  expect(ticks[1]?.local).toMatch(/T00:00:00\+00:00$/);
});

test("the preview shows changes of the clocks, and what a paused schedule would do", async () => {
  const { id } = await create({ cron: "30 2 * * *", start_at: "2027-03-13T12:00:00Z", enabled: false });
  const preview = await ask(schedules.next, { id, count: 2 });
  expect(preview).toMatchObject({ enabled: false, timezone: "America/New_York" });
  expect(preview.ticks.map(({ local }) => local)).toEqual([
    "2027-03-14T03:30:00-04:00",
    "2027-03-15T02:30:00-04:00",
  ]);
});

test("fired by hand it makes a job at once, paused or not, and once per idempotency key", async () => {
  const { id, next_fire_at } = await create({ payload: { a: 1 } });
  const fired = await ask(schedules.fireNow, { id }, "once");
  expect(await ask(schedules.fireNow, { id }, "once")).toEqual(fired);
  await ask(schedules.pause, { id });
  await ask(schedules.fireNow, { id });
  const { runs } = await ask(schedules.runs, { id });
  expect(runs).toHaveLength(2);
  expect(runs[1]).toMatchObject({
    id: fired.id,
    manual: true,
    status: "fired",
    job_id: fired.jobId,
    state: "waiting",
  });
  const job = await call(rotor.engine, rotor.home.admin, contract.jobs.get, {
    name: queue,
    id: fired.jobId as string,
  });
  expect(job).toMatchObject({ payload: { a: 1 }, enqueued_by: { schedule_id: id, surface: "rest" } });
  expect((await ask(schedules.resume, { id })).next_fire_at).toBe(next_fire_at);
});

test("a queue takes its schedules with it, and says so before", async () => {
  const { id } = await create();
  const { deleted, counts } = await call(rotor.engine, rotor.home.admin, contract.queues.delete, {
    name: queue,
    dry_run: true,
  });
  expect([deleted, counts?.schedules]).toEqual([false, 1]);
  await call(rotor.engine, rotor.home.admin, contract.queues.delete, { name: queue });
  expect(await codeOf(ask(schedules.get, { id }))).toBe("SCHEDULE_NOT_FOUND");
});

test("a workflow's cron trigger is a schedule that comes, changes and goes with its registration", async () => {
  const id = `nightly-${made}`;
  const name = `workflow:${id}`;
  const serve_url = "https://app.example.com/api/rotor";
  const register = (more: object) =>
    call(rotor.engine, rotor.home.admin, contract.functions.register, { id, serve_url, ...more });
  await register({ trigger_cron: "0 2 * * *", trigger_timezone: "Europe/Berlin" });
  expect(await ask(schedules.get, { id: name })).toMatchObject({
    workflow: id,
    registered: true,
    queue: null,
  });
  expect(await codeOf(ask(schedules.update, { id: name, cron: "@daily" }))).toBe("SCHEDULE_REGISTERED");
  expect(await codeOf(ask(schedules.delete, { id: name }))).toBe("SCHEDULE_REGISTERED");
  await ask(schedules.pause, { id: name });
  await register({ trigger_cron: "0 4 * * *", trigger_timezone: "Europe/Berlin" });
  expect(await ask(schedules.get, { id: name })).toMatchObject({ cron: "0 4 * * *", status: "paused" });
  const { runId } = await ask(schedules.fireNow, { id: name });
  const run = await call(rotor.engine, rotor.home.admin, contract.runs.get, { id: runId as string });
  expect(run).toMatchObject({
    workflow: id,
    event: { name: "rotor/schedule.fired" },
    input: { schedule: name },
  });
  expect(await problemsOf(register({ trigger_cron: "0 0 31 2 *", trigger_timezone: "+01:00" }))).toHaveLength(
    2,
  );
  await register({ trigger_event: "user.created" });
  expect(await codeOf(ask(schedules.get, { id: name }))).toBe("SCHEDULE_NOT_FOUND");
  await register({ trigger_cron: "@daily", trigger_timezone: "UTC" });
  await call(rotor.engine, rotor.home.admin, contract.functions.archive, { id });
  expect(await codeOf(ask(schedules.get, { id: name }))).toBe("SCHEDULE_NOT_FOUND");
});

test("the operator sees which schedules do not fire as they should, and fires any", async () => {
  const { engine, operator, sql } = rotor;
  const [good, late] = [await create({ name: `good-${made}` }), await create({ name: `late-${made}` })];
  await sql`update schedule set due_at = rotor_now() - interval '2 minutes' where id = ${late.id}`;
  const { data } = await call(engine, operator, contract.admin.listSchedules, {
    id: rotor.home.id,
    limit: 200,
  });
  const drift = Object.fromEntries(data.map((row) => [row.id, row.drift]));
  expect([drift[good.id], drift[late.id]]).toEqual([false, true]);
  expect(await call(engine, operator, contract.admin.fireSchedule, { id: good.id, dry_run: true })).toEqual({
    fired: false,
  });
  const { jobId } = await call(engine, operator, contract.admin.fireSchedule, { id: good.id });
  expect((await ask(schedules.runs, { id: good.id })).runs).toMatchObject([{ job_id: jobId, manual: true }]);
});

test("lists are pages by name, of one queue or workflow too", async () => {
  for (const letter of ["a", "b", "c"]) await create({ name: `${letter}-${made}` });
  const { data, nextCursor } = await ask(schedules.list, { queue, limit: 2 });
  expect(data.map(({ name }) => name)).toEqual([`a-${made}`, `b-${made}`]);
  const rest = await ask(schedules.list, { queue, limit: 2, cursor: nextCursor as string });
  expect([rest.data.map(({ name }) => name), rest.nextCursor]).toEqual([[`c-${made}`], null]);
  const id = data[0]?.id as string;
  for (let fire = 0; fire < 3; fire++) await ask(schedules.fireNow, { id });
  const first = await ask(schedules.runs, { id, limit: 2 });
  const second = await ask(schedules.runs, { id, limit: 2, cursor: first.nextCursor as string });
  expect(new Set([...first.runs, ...second.runs].map((run) => run.id)).size).toBe(3);
  expect(second.nextCursor).toBeNull();
});
