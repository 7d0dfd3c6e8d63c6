import { parseArgs } from "node:util";

export type Size = {
  rounds: number;
  /** Seconds of each accept measurement. */
  seconds: number;
  drained: number;
  delays: number;
  /** Jobs that wait in the full queue, and are delivered at the end. */
  backlog: number;
};

const full: Size = { rounds: 3, seconds: 4, drained: 20_000, delays: 200, backlog: 1_000_000 };
const quick: Size = { rounds: 1, seconds: 1.5, drained: 5000, delays: 60, backlog: 60_000 };

/** A round before those that count: code that runs for the first time is slow in every engine. */
export const warmUp: Size = { rounds: 1, seconds: 1, drained: 1000, delays: 20, backlog: 0 };

export const parts = ["singles", "batches", "drain", "redis", "start", "backlog"] as const;
export type Part = (typeof parts)[number];

export type Arguments = { size: Size; wanted: readonly Part[]; quick: boolean; alone: boolean };

/** `--quick`, `--rounds 5`, `--only singles,drain`, `--backlog 100000`, and `--alone` without the others. */
export function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string" },
      backlog: { type: "string" },
      alone: { type: "boolean", default: false },
    },
  });
  const size = { ...(values.quick ? quick : full) };
  if (values.rounds) size.rounds = Number(values.rounds);
  if (values.backlog) size.backlog = Number(values.backlog);
  const wanted = values.only?.split(",") ?? parts;
  const unknown = wanted.find((name) => !parts.includes(name as Part));
  if (unknown) throw new Error(`there is no part ${unknown}; there are ${parts.join(", ")}`);
  return { size, wanted: wanted as Part[], quick: values.quick, alone: values.alone };
}
