// Lengths of time as people write them.

import { z } from "zod";

const longestSeconds = 31_536_000;
const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function secondsOf(duration: string): number {
  const parts = [...duration.matchAll(/(\d+)([a-z]+)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit ?? ""] ?? 0), 0);
}

export const Duration = z
  .union([
    z.number().min(0).max(longestSeconds),
    z
      .string()
      .max(32)
      .regex(/^(\d{1,9}(ms|s|m|h|d|w))+$/, "must be seconds, or a duration such as 90s or 1h30m")
      .refine((duration) => secondsOf(duration) <= longestSeconds, "must be at most a year"),
  ])
  .describe("Seconds, or a duration such as `90s`, `1h30m`, `2d`; at most a year.")
  .meta({ examples: ["90s"] });

export function lastsASecond(duration: z.output<typeof Duration>): boolean {
  return (typeof duration === "number" ? duration : secondsOf(duration)) >= 1;
}
