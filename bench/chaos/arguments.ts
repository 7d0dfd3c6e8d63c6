import { parseArgs } from "node:util";

export type Arguments = { of: "jobs" | "runs"; seconds: number; seed: number; redis: boolean; keep: boolean };

export function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      of: { type: "string", default: "jobs" },
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
      redis: { type: "boolean" },
      keep: { type: "boolean", default: false },
    },
    allowNegative: true,
  });
  const seed = Number(values.seed);
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seed) || !Number.isFinite(seconds) || seconds <= 0) {
    throw new Error("--seed takes a whole number, --seconds a number above 0");
  }
  const { of } = values;
  if (of !== "jobs" && of !== "runs") throw new Error("--of takes jobs or runs");
  return { of, seconds, seed, redis: values.redis ?? seed % 2 === 0, keep: values.keep };
}
