// The parts of the comparison. Within a round everything is measured in turn, so that whatever else the machine
// does meets all of them.

import type { BullMqPeer, startGraphile } from "./peers.ts";
import type { Rotor } from "./rotor.ts";
import type { Size } from "./size.ts";
import { add, addRate, quantile, type Samples } from "./table.ts";

export type Measured = {
  rotor: Rotor;
  rotorWithRedis: Rotor | undefined;
  bullMqPostgres: BullMqPeer;
  bullMqRedis: BullMqPeer | undefined;
  graphile: ReturnType<typeof startGraphile>;
  graphileBatched: ReturnType<typeof startGraphile>;
};

export async function measureAccept(samples: Samples, size: Size, measured: Measured): Promise<void> {
  const { rotor, bullMqPostgres, bullMqRedis } = measured;
  const { seconds } = size;
  addRate(samples, "accept Rotor", await rotor.singles({ lanes: 64, seconds }));
  addRate(samples, "accept BullMQ-Postgres", await bullMqPostgres.singles({ lanes: 32, seconds }));
  if (bullMqRedis) addRate(samples, "accept BullMQ-Redis", await bullMqRedis.singles({ lanes: 32, seconds }));
  addRate(samples, "batch Rotor", await rotor.batches({ lanes: 4, seconds }));
  addRate(samples, "batch BullMQ-Postgres", await bullMqPostgres.batches({ lanes: 4, seconds }));
}

export async function measureDrain(samples: Samples, { drained }: Size, measured: Measured): Promise<void> {
  const { rotor, rotorWithRedis, bullMqPostgres, bullMqRedis, graphile, graphileBatched } = measured;
  addRate(samples, "drain Rotor", await rotor.drain(drained));
  // The slow ones get fewer jobs: their rate does not depend on it.
  addRate(samples, "drain BullMQ-Postgres", await bullMqPostgres.drain(Math.ceil(drained / 2)));
  addRate(samples, "drain graphile-worker", await graphile.drain(Math.ceil(drained / 2)));
  addRate(samples, "drain graphile-worker batched", await graphileBatched.drain(drained));
  if (rotorWithRedis) addRate(samples, "drain Rotor with Redis", await rotorWithRedis.drain(drained));
  if (bullMqRedis) addRate(samples, "drain BullMQ-Redis", await bullMqRedis.drain(drained));
}

const gapMs = 15;

export async function measureStart(samples: Samples, { delays }: Size, measured: Measured): Promise<void> {
  const note = (name: string, values: number[]) => {
    add(samples, `start ${name} p50 ms`, quantile(values, 0.5));
    add(samples, `start ${name} p99 ms`, quantile(values, 0.99));
  };
  note("Rotor", await measured.rotor.delays(delays, gapMs));
  note("BullMQ-Postgres", await measured.bullMqPostgres.delays(delays, gapMs));
  if (measured.rotorWithRedis) note("Rotor with Redis", await measured.rotorWithRedis.delays(delays, gapMs));
}

export const backlogQueue = "backlog";

export async function measureBacklog(
  samples: Samples,
  { seconds, drained }: Size,
  empty: Rotor,
  full: Rotor,
): Promise<void> {
  addRate(samples, "accept Rotor, queue empty", await empty.singles({ lanes: 64, seconds }));
  addRate(samples, "accept Rotor, queue full", await full.singles({ lanes: 64, seconds }, backlogQueue));
  addRate(samples, "drain Rotor, queue empty", await empty.drain(drained));
  addRate(samples, "drain Rotor, queue full", await full.drain(drained, backlogQueue));
}
