// Data to stdout; everything said to a person to stderr.

import { type ErrorCode, isRotorError, type Json, type Problem, RotorError } from "@rotorsh/contract";
import type { Invocation } from "./invocation.ts";
import { type Io, widthOf, write } from "./io.ts";
import { plain, toJson } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { viewOf } from "./views.ts";

export async function printOutput({ io, mode, words }: Invocation, output: Json): Promise<void> {
  if (mode === "quiet") return;
  if (mode === "json") return write(io.stdout, `${toJson(output, 2)}\n`);
  const { lines, secrets, nextCursor } = viewOf(words, output, widthOf(io));
  if (lines.length > 0) await write(io.stdout, `${lines.join("\n")}\n`);
  for (const { name, value } of secrets) {
    const title = `New ${name.replaceAll("_", " ")}:`;
    await write(
      io.stdout,
      `\n${isColoured(io, "stdout") ? `\x1b[1m${title} ${value}\x1b[0m` : `${title} ${value}`}\n`,
    );
    await write(io.stderr, "Copy it now: it is shown once.\n");
  }
  if ("nextCursor" in output && lines.length === 0) await write(io.stderr, "Nothing found.\n");
  if (nextCursor) await write(io.stderr, `There are more: --all, or --cursor ${plain(nextCursor)}\n`);
}

/** Progress and hints; silent where only data is wanted. */
export async function say({ io, mode }: Pick<Invocation, "io" | "mode">, text: string): Promise<void> {
  if (mode !== "quiet") await write(io.stderr, `${text}\n`);
}

/** A program gets what the server would have answered; the words of the command line are for people. */
function bodyOf(error: RotorError | UsageError): object {
  if (!(error instanceof UsageError)) return error.toBody();
  if (isRotorError(error.cause)) return error.cause.toBody();
  const { message, hint } = error;
  return { error: { code: "INVALID_INPUT", message, ...(hint && { hint }) } };
}

export async function printError(io: Io, error: RotorError | UsageError, json: boolean): Promise<void> {
  if (json) return write(io.stdout, `${toJson(bodyOf(error), 2)}\n`);
  const cross = isColoured(io, "stderr") ? "\x1b[31m✗\x1b[0m" : "✗";
  const lines = [
    `${cross} ${error.message.split("\n").map(plain).join("\n  ")}`,
    ...furtherProblems(error),
    ...hintLines(error),
    ...(isRotorError(error) && error.requestId ? [`  request id: ${plain(error.requestId)}`] : []),
  ];
  await write(io.stderr, `${lines.join("\n")}\n`);
}

/** What the server advises is meant for programs; here is how a person does it. */
const hints: Partial<Record<ErrorCode, string>> = {
  UNAUTHENTICATED: "Run `rotor login`, or set ROTOR_API_KEY. A key may be mistyped, expired or revoked.",
  WORKSPACE_REQUIRED: "Pass --workspace ws_…, or set ROTOR_WORKSPACE.",
  WORKSPACE_MISMATCH: "Leave out --workspace and ROTOR_WORKSPACE: this key has one workspace.",
};

function hintLines(error: RotorError | UsageError): string[] {
  const isServers = isRotorError(error) && error.requestId !== undefined;
  const hint = (isServers && hints[error.code]) || error.hint;
  return hint ? [`→ ${plain(hint)}`] : [];
}

/** The message names the first problem; a person wants to see all of them. */
function furtherProblems(error: RotorError | UsageError): string[] {
  if (!(error instanceof RotorError) || !Array.isArray(error.details.problems)) return [];
  const problems = error.details.problems as Partial<Problem>[];
  return problems.slice(1).map(({ path, problem }) => plain(`  ${path} ${problem}`));
}

function isColoured({ env, isTTY }: Io, stream: "stdout" | "stderr"): boolean {
  return isTTY[stream] && !env.NO_COLOR && env.TERM !== "dumb";
}
