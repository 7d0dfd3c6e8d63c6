// I6: a tick is neither lost nor doubled. Two engines fire the same schedules; the clock is moved, not waited for.

import { contract, type InputOf } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call } from "../testing/index.ts";

let rotor: Delivering;

beforeAll(async () => {
  rotor = await startDelivering();
  await rotor.startPeer();
});

afterAll(() => rotor.stop());

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
  const { id } = await schedule(queue, "0 0 1 1 *", { payload: { source: "clearbit" } });
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
