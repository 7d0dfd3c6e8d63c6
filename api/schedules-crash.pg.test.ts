// I6 against crashes: servers that fire 300 schedules every second are killed in the middle of it, again and again.

import { once } from "node:events";
import { mintKey } from "@rotorsh/engine";
import { startTestEngine, type TestEngine } from "@rotorsh/engine/testing";
import { Rotor } from "@rotorsh/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerProcess, startServerProcess } from "./testing/server-process.ts";

const count = 300;
const kills = 4;
const apiKey = mintKey("workspace").token;

/** It only has the database; what fires is killed. */
let home: TestEngine;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  home = await startTestEngine();
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.child.exitCode === null && server.stop()));
  await home?.stop();
});

async function start(): Promise<ServerProcess> {
  const server = await startServerProcess({
    ROTOR_ENCRYPTION_KEY: `test:${Buffer.alloc(32, 7).toString("base64")}`,
    ROTOR_API_KEY: apiKey,
    DATABASE_URL: home.url,
  });
  servers.push(server);
  return server;
}

const firedSoFar = async () => Number((await home.sql`select count(*)::int as n from schedule_run`)[0]?.n);

test("servers killed while they fire lose no tick and double none", async () => {
  let server = await start();
  const rotor = new Rotor({ url: server.url, apiKey });
  await rotor.queues.create("pulled");
  const rule = { queue: "pulled", cron: "* * * * * *", timezone: "UTC", catch_up: "all" as const };
  const { id } = await rotor.schedules.create({ ...rule, enabled: false });
  await home.sql`
    insert into schedule (id, workspace_id, name, queue_name, cron, timezone, dst_gap, catch_up, overlap, jitter_seconds,
      next_tick_at, due_at, created_at, updated_at)
    select 'sched_' || md5(n::text), workspace_id, n::text, queue_name, cron, timezone, dst_gap, catch_up, overlap, 0,
      date_trunc('second', rotor_now()), rotor_now(), created_at, updated_at
    from schedule, generate_series(1, ${count}) n where id = ${id}`;
  for (let kill = 0; kill < kills; kill++) {
    const before = await firedSoFar();
    await expect.poll(firedSoFar, { timeout: 30_000, interval: 1 }).toBeGreaterThan(before + count);
    const dead = once(server.child, "exit");
    server.child.kill("SIGKILL");
    await dead;
    server = await start();
  }
  const before = await firedSoFar();
  await expect.poll(firedSoFar, { timeout: 30_000 }).toBeGreaterThan(before + 2 * count);
  await server.stop();
  const ticks = await home.sql`
    select count(*)::int as schedules, bool_and(runs = seconds) as gapless, bool_and(runs = jobs) as each_once
    from (
      select s.id, count(distinct r.scheduled_for) as runs,
        extract(epoch from max(r.scheduled_for) - min(r.scheduled_for)) + 1 as seconds,
        (select count(*) from job j where j.provenance->>'schedule_id' = s.id) as jobs
      from schedule s join schedule_run r on r.schedule_id = s.id and r.status = 'fired' group by s.id
    ) each`;
  expect({ ...ticks[0] }).toEqual({ schedules: count, gapless: true, each_once: true });
}, 120_000);
