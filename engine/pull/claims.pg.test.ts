// Claims and ends of pull workers, where several of them meet.

import { randomUUID } from "node:crypto";
import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../log.ts";
import { claimByName } from "../store/pull.ts";
import { call, startTestEngine, type TestEngine } from "../testing/index.ts";
import { queueUid } from "../testing/work.ts";
import { createPullClaims } from "./claims.ts";
import { createPullEnds } from "./ends.ts";

let rotor: TestEngine;
let made = 0;

beforeAll(async () => {
  rotor = await startTestEngine();
});
afterAll(() => rotor.stop());

async function createQueue(jobs: object[]) {
  const name = `q-${++made}`;
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name, concurrency: 1000 });
  await call(rotor.engine, rotor.home.admin, contract.jobs.addBatch, { name, jobs });
  return { name, uid: await queueUid(rotor.sql, rotor.home.id, name) };
}

const claimOf = (keyId = "key_x") => ({ want: 10, lease: randomUUID(), leaseMs: 60_000, keyId });
const queueOf = (name: string) => ({ workspaceId: rotor.home.id, name });

test("what a caller that went away had claimed is given back, and whoever waits is told", async () => {
  const { name, uid } = await createQueue([{}]);
  const woken: number[] = [];
  const wake = (uids: Iterable<number>) => woken.push(...uids);
  const claims = createPullClaims({
    databases: { sql: rotor.sql } as never,
    wake,
    log: silentLog,
    recheck: async ({ jobs }) => ({ jobs, woken: [] }),
  });
  const request = { queue: queueOf(name), claim: claimOf(), waitMs: 0, signal: AbortSignal.abort() };
  expect(await claims.claim(request)).toMatchObject({ jobs: [] });
  expect(woken).toEqual([uid]);
  expect((await claimByName(rotor.sql, queueOf(name), claimOf()))?.jobs).toMatchObject([{ attempt: 1 }]);
});

test("a claim passes 10,000 jobs that wait for a key, and brings what is behind them", async () => {
  const { name, uid } = await createQueue([{ concurrencyKey: "hot" }]);
  await claimByName(rotor.sql, queueOf(name), claimOf());
  await rotor.sql`
    insert into job (queue_uid, id, workspace_id, state, priority, payload, concurrency_key, max_attempts, provenance, created_at)
    select ${uid}, 'n' || n, ${rotor.home.id}, 'waiting', 0, '{}', 'hot', 3, '{}', rotor_now()
    from generate_series(1, 12000) n`;
  await call(rotor.engine, rotor.home.admin, contract.jobs.enqueue, { name, jobId: "free" });
  const input = { name, want: 5, wait_seconds: 0 };
  const { jobs } = await call(rotor.engine, rotor.home.admin, contract.jobs.claim, input);
  expect(jobs.map(({ id }) => id)).toEqual(["free"]);
});

test("a claim that waited claims nothing any more when its key was revoked or its workspace suspended", async () => {
  const home = await rotor.createWorkspace();
  await call(rotor.engine, home.admin, contract.queues.create, { name: "q" });
  await call(rotor.engine, home.admin, contract.jobs.enqueue, { name: "q" });
  const queue = { workspaceId: home.id, name: "q" };
  const caller = await home.callerFor();
  await rotor.sql`update api_key set revoked_at = rotor_now() where id = ${caller.actorId}`;
  expect(await claimByName(rotor.sql, queue, claimOf(caller.actorId))).toMatchObject({ jobs: [] });
  const other = await home.callerFor();
  await rotor.sql`update workspace set suspended_at = rotor_now() where id = ${home.id}`;
  expect(await claimByName(rotor.sql, queue, claimOf(other.actorId))).toMatchObject({ jobs: [] });
  await rotor.sql`update workspace set suspended_at = null where id = ${home.id}`;
  expect((await claimByName(rotor.sql, queue, claimOf(other.actorId)))?.jobs).toHaveLength(1);
});

test("an end that the database refuses does not fail those of other queues that are sent with it", async () => {
  const [bad, good] = [await createQueue([{}]), await createQueue([{}])];
  await rotor.sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
    create trigger refuse before update on job for each row
      when (new.queue_uid = ${bad.uid} and new.state = 'completed') execute function refuse()`);
  const ends = createPullEnds({ databases: { sql: rotor.sql } as never, wake: () => {} });
  const endOf = async ({ name, uid }: { name: string; uid: number }) => {
    const claim = claimOf();
    const claimed = await claimByName(rotor.sql, queueOf(name), claim);
    const id = claimed?.jobs[0]?.id as string;
    return () => ends(uid, [{ id, lease: claim.lease, outcome: "completed", reason: "", final: false }]);
  };
  const send = [await endOf(bad), await endOf(good)];
  const [refused, taken] = await Promise.allSettled(send.map((one) => one()));
  expect([refused?.status, taken?.status]).toEqual(["rejected", "fulfilled"]);
});
