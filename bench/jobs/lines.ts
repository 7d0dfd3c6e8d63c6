import type { Line } from "./table.ts";

/** What is promised, as ratios to something measured in the same rounds. */
export const lines: readonly Line[] = [
  {
    what: "accept, single POSTs over 64 connections, to BullMQ-Postgres add ×32",
    ours: "accept Rotor",
    theirs: "accept BullMQ-Postgres",
    must: 2,
    goal: 4,
  },
  {
    what: "accept, batches of 500, to BullMQ-Postgres addBulk",
    ours: "batch Rotor",
    theirs: "batch BullMQ-Postgres",
    must: 1,
    goal: 1.5,
  },
  {
    what: "drain by HTTP ×32, to a BullMQ-Postgres worker",
    ours: "drain Rotor",
    theirs: "drain BullMQ-Postgres",
    must: 3,
  },
  {
    what: "drain by HTTP ×32, to graphile-worker, batched",
    ours: "drain Rotor",
    theirs: "drain graphile-worker batched",
    must: 0,
    goal: 0.6,
  },
  {
    what: "drain by HTTP ×32 with Redis, to a BullMQ-Redis worker",
    ours: "drain Rotor with Redis",
    theirs: "drain BullMQ-Redis",
    must: 0.8,
    goal: 1.2,
  },
  {
    what: "enqueue → handler starts, idle, p50 ms, to BullMQ-Postgres",
    ours: "start Rotor p50 ms",
    theirs: "start BullMQ-Postgres p50 ms",
    must: 3,
    goal: 1.5,
    atMost: true,
  },
  {
    what: "accept with a full queue, to an empty one",
    ours: "accept Rotor, queue full",
    theirs: "accept Rotor, queue empty",
    must: 0.8,
    goal: 0.95,
  },
  {
    what: "drain with a full queue, to an empty one",
    ours: "drain Rotor, queue full",
    theirs: "drain Rotor, queue empty",
    must: 0.8,
    goal: 0.95,
  },
];
