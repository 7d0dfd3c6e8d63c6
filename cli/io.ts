// What a command may touch of the world outside. Tests pass their own.

import type { Readable, Writable } from "node:stream";

export type Io = {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
  isTTY: { stdin: boolean; stdout: boolean; stderr: boolean };
  /** Width of the terminal, when there is one. */
  columns?: number | undefined;
  /** Aborted by Ctrl-C. */
  signal?: AbortSignal | undefined;
};

/** The room for a line of data; without a terminal nothing is shortened. */
export function widthOf({ isTTY, columns, env }: Io): number | undefined {
  // Some terminals say that they are 0 wide.
  return isTTY.stdout ? Number(env.COLUMNS) || columns || 80 : undefined;
}

/** Waits where a pipe is full, so that a long list does not pile up in memory. */
export async function write(stream: Writable, text: string): Promise<void> {
  if (stream.write(text) || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "error"]) stream.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) stream.once(event, done);
  });
}

/** Everything piped in, as text. */
export async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
