// The parts of the comparison. Within a round everything is measured in turn, so that whatever else the machine
// does meets all of them.

import type { BullMqPeer, GraphilePeer } from "./peers.ts";
import type { Rate } from "./rate.ts";
import type { Rotor } from "./rotor.ts";
import type { Size } from "./size.ts";
import { add, addRate, quantile, type Samples } from "./table.ts";

/** Without peers, and without Redis, where they are not wanted or there is none. */
export type Measured = {
  rotor: Rotor;
  rotorWithRedis: Rotor | undefined;
  bullMqPostgres: BullMqPeer | undefined;
  bullMqRedis: BullMqPeer | undefined;
  graphile: GraphilePeer | undefined;
  graphileBatched: GraphilePeer | undefined;
};

type Rated = Promise<Rate> | undefined;

async function note(samples: Samples, name: string, rate: Rated): Promise<void> {
  const measured = await rate;
  if (measured) addRate(samples, name, measured);
}

async function measureSingles(samples: Samples, { seconds }: Size, measured: Measured): Promise<void> {
  const { rotor, bullMqPostgres, bullMqRedis } = measured;
  await note(samples, "accept Rotor", rotor.singles({ lanes: 64, seconds }));
  await note(samples, "accept BullMQ-Postgres", bullMqPostgres?.singles({ lanes: 32, seconds }));
  await note(samples, "accept BullMQ-Redis", bullMqRedis?.singles({ lanes: 32, seconds }));
}

async function measureBatches(samples: Samples, { seconds }: Size, measured: Measured): Promise<void> {
  const { rotor, bullMqPostgres } = measured;
  await note(samples, "batch Rotor", rotor.batches({ lanes: 4, seconds }));
  await note(samples, "batch BullMQ-Postgres", bullMqPostgres?.batches({ lanes: 4, seconds }));
}

async function measureDrain(samples: Samples, { drained }: Size, measured: Measured): Promise<void> {
  const { rotor, bullMqPostgres, graphile, graphileBatched } = measured;
  await note(samples, "drain Rotor", rotor.drain(drained));
  // The slow ones get fewer jobs: their rate does not depend on it.
  await note(samples, "drain BullMQ-Postgres", bullMqPostgres?.drain(Math.ceil(drained / 2)));
  await note(samples, "drain graphile-worker", graphile?.drain(Math.ceil(drained / 2)));
  await note(samples, "drain graphile-worker batched", graphileBatched?.drain(drained));
}

async function measureDrainWithRedis(
  samples: Samples,
  { drained }: Size,
  { rotorWithRedis, bullMqRedis }: Measured,
): Promise<void> {
  await note(samples, "drain Rotor with Redis", rotorWithRedis?.drain(drained));
  await note(samples, "drain BullMQ-Redis", bullMqRedis?.drain(drained));
}

const gapMs = 15;

async function measureStart(samples: Samples, { delays }: Size, measured: Measured): Promise<void> {
  const { rotor, bullMqPostgres, rotorWithRedis } = measured;
  const noteDelays = async (name: string, measuring: Promise<number[]> | undefined) => {
    const values = await measuring;
    if (!values) return;
    add(samples, `start ${name} p50 ms`, quantile(values, 0.5));
    add(samples, `start ${name} p99 ms`, quantile(values, 0.99));
  };
  await noteDelays("Rotor", rotor.delays(delays, gapMs));
  await noteDelays("BullMQ-Postgres", bullMqPostgres?.delays(delays, gapMs));
  await noteDelays("Rotor with Redis", rotorWithRedis?.delays(delays, gapMs));
}

/** In the order in which they are measured. */
export const measures = [
  ["singles", measureSingles],
  ["batches", measureBatches],
  ["drain", measureDrain],
  ["redis", measureDrainWithRedis],
  ["start", measureStart],
] as const;

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
