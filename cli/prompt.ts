// Questions to a person. They go to stderr, so that stdout stays data.

import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { type Io, write } from "./io.ts";
import { Interrupted } from "./usage-error.ts";

/** The line that was typed; undefined when the input ended instead. A secret is not shown while it is typed. */
export async function ask(io: Io, question: string, { secret = false } = {}): Promise<string | undefined> {
  await write(io.stderr, question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: io.stdin,
    output: secret ? nowhere : io.stderr,
    terminal: io.isTTY.stdin,
  });
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("close", () => resolve(undefined));
      lines.once("SIGINT", () => reject(new Interrupted()));
    });
  } finally {
    lines.close();
    if (secret) await write(io.stderr, "\n");
  }
}

export async function confirm(io: Io, question: string): Promise<boolean> {
  const answer = await ask(io, `${question} [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}
