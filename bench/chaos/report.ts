// What a run came to, and the whole story where something was wrong.

import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stage } from "./stage.ts";
import type { Story } from "./story.ts";

type Run = { name: string; seed: number; keep: boolean };

export async function report(stage: Stage, story: Story, { name, seed, keep }: Run): Promise<void> {
  const { accusations, lines } = story;
  if (accusations.length === 0) console.log(`${name}: nothing was lost, doubled or stuck`);
  if (accusations.length === 0 && !keep) return;
  const logs = [...stage.apis, ...stage.workers].flatMap((program) =>
    program.said().map((line) => `${program.name} ${line}`),
  );
  const path = join(tmpdir(), `rotor-chaos-${seed}.txt`);
  await writeFile(path, [...lines, "", ...logs, ""].join("\n"));
  if (accusations.length > 0) {
    console.log(lines.slice(-200).join("\n"));
    console.log(`${name}: ${accusations.length} violations; run it again with --seed ${seed}`);
  }
  console.log(`the whole story and the logs: ${path}`);
  for (const line of accusations.slice(0, 20)) console.log(`  ${line}`);
}
