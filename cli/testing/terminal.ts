// A terminal for tests: what is typed or piped in, and what came out.

import { PassThrough, Writable } from "node:stream";
import type { Io } from "../io.ts";
import { run } from "../run.ts";

export type Session = {
  env?: Io["env"];
  /** Piped in; on a terminal, typed. */
  input?: string;
  isTerminal?: boolean;
  columns?: number;
  signal?: AbortSignal;
};

export type Outcome = { exitCode: number; stdout: string; stderr: string };

export async function rotor(argv: readonly string[], session: Session = {}): Promise<Outcome> {
  const { env = {}, input, isTerminal = false, columns, signal } = session;
  const said = { stdout: "", stderr: "" };
  const collect = (name: keyof typeof said) =>
    new Writable({
      write(chunk, _encoding, done) {
        said[name] += chunk;
        done();
      },
    });
  const stdin = new PassThrough();
  if (input !== undefined) stdin.write(input);
  // A person does not close the keyboard.
  if (!isTerminal) stdin.end();
  const exitCode = await run(argv, {
    stdin,
    stdout: collect("stdout"),
    stderr: collect("stderr"),
    env: { NO_COLOR: "1", ...env },
    isTTY: { stdin: isTerminal, stdout: isTerminal, stderr: isTerminal },
    columns,
    signal,
  });
  return { exitCode, ...said };
}
