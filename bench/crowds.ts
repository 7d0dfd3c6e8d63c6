// `npm run bench -- crowds [--runs 100000]`: sleeping and waiting runs, in numbers.

import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { openPlace } from "./harness/place.ts";
import { measureSleepers } from "./workflows/sleepers.ts";
import { measureWaiters } from "./workflows/waiters.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "100000" }, part: { type: "string", default: "both" } },
});
const runs = Number(values.runs);
await build(["api"]);
const place = await openPlace();
try {
  if (values.part !== "waiters") {
    const { beforeMb, afterMb, latenessMs, due } = await measureSleepers(place, { runs });
    const at = (share: number) => latenessMs[Math.ceil(latenessMs.length * share) - 1];
    console.log(`${runs} sleeping runs: ${beforeMb.toFixed(0)} → ${afterMb.toFixed(0)} MB`);
    console.log(
      `${due} due in one second: late by p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`,
    );
  }
  if (values.part !== "sleepers") {
    const { matched, waiting, aloneMs, amongManyMs } = await measureWaiters(place, { waiting: runs });
    console.log(
      `an event for ${matched} runs: ${aloneMs.join(", ")} ms; among ${waiting}: ${amongManyMs.join(", ")} ms`,
    );
  }
} finally {
  await place.close();
}
