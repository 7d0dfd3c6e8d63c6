// Turns of a model as they once were. Played again against the real server they show whether the server still leads to
// the same end. They show nothing of how a model would choose today: when a tool's text has changed, a recording is stale.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const Recording = z.strictObject({
  case: z.string(),
  prompt: z.string(),
  /** Of the listing that the model saw. */
  tools: z.string(),
  turns: z.array(
    z.strictObject({
      tool: z.string(),
      /** What an earlier call had answered is a `$from`: ids and tokens are others every time. */
      arguments: z.record(z.string(), z.json()),
      isError: z.boolean(),
    }),
  ),
  answer: z.string(),
});
export type Recording = z.output<typeof Recording>;

/** Made from the cases' own solutions, not by a model: it checks the cases and the server. */
export const reference = "reference";

export async function readRecordings(model: string): Promise<Recording[]> {
  try {
    return z.array(Recording).parse(JSON.parse(await readFile(fileOf(model), "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export async function writeRecordings(model: string, recordings: readonly Recording[]): Promise<void> {
  await mkdir(join(import.meta.dirname, "recordings"), { recursive: true });
  const sorted = [...recordings].sort(
    (a, b) => a.case.localeCompare(b.case) || a.prompt.localeCompare(b.prompt),
  );
  await writeFile(fileOf(model), `${JSON.stringify(sorted, null, 1)}\n`);
}

/** Changes whenever a model would read something else. */
export function hashOf(
  tools: readonly { name: string; description?: string; inputSchema: object }[],
): string {
  const read = tools.map(({ name, description, inputSchema }) => [name, description, inputSchema]);
  return createHash("sha256").update(JSON.stringify(read)).digest("hex").slice(0, 16);
}

function fileOf(model: string): string {
  return join(import.meta.dirname, "recordings", `${model.replaceAll(/[^\w.-]/g, "-")}.json`);
}
