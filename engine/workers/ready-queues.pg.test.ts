// Which queues the regular look finds: those with something to do that nobody may have been told of.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findReadyQueues } from "../store/job-work.ts";
import { markAwaited } from "../store/pull.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call } from "../testing/index.ts";

let work: Delivering;

beforeAll(async () => {
  work = await startDelivering({ workers: false });
});

afterAll(() => work.stop());

test("a paused queue, a suspended workspace's and a pull queue that nobody waits for are passed over", async () => {
  const { rotor } = work;
  const [ready, paused, pull, awaited] = [
    await work.queue(),
    await work.queue(),
    await work.queue({ callback_url: null }),
    await work.queue({ callback_url: null }),
  ];
  for (const name of [ready, paused, pull, awaited]) await work.add(name);
  await work.queue();
  await call(rotor.engine, rotor.home.admin, contract.queues.setState, { name: paused, state: "paused" });
  const awaitedUid = await work.uidOf(awaited);
  await rotor.sql`insert into queue_load (queue_uid) values (${awaitedUid})`;
  await markAwaited(rotor.sql, awaitedUid, 600);
  expect(await findReadyQueues(rotor.sql)).toEqual([await work.uidOf(ready), awaitedUid]);
  const suspended = { id: rotor.home.id, suspended: true };
  await call(rotor.engine, rotor.operator, contract.admin.updateWorkspace, suspended);
  expect(await findReadyQueues(rotor.sql)).toEqual([]);
});
