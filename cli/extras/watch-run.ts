import { streams } from "@rotorsh/contract";
import { follow } from "@rotorsh/sdk";
import { exitCodes } from "../exit-codes.ts";
import { type Invocation, sendFor } from "../invocation.ts";
import { write } from "../io.ts";
import { toTable } from "../table.ts";
import { plain, toJson } from "../text.ts";
import { UsageError } from "../usage-error.ts";

const stream = streams.runs.stream;

/** Ends with the run, and its exit code says how. */
export async function watchRun(invocation: Invocation): Promise<number> {
  const { io, args, mode } = invocation;
  const [id, ...more] = args.positionals;
  if (id === undefined || more.length > 0) throw new UsageError("Name one run: `rotor runs watch run_…`.");
  let status = "";
  for await (const { run, steps } of follow(
    sendFor(invocation, false),
    stream,
    { id },
    { signal: io.signal },
  )) {
    if (io.stdout.destroyed) return exitCodes.ok;
    const changed = run.status !== status;
    status = run.status;
    if (mode === "json") await write(io.stdout, `${toJson({ run, steps })}\n`);
    else if (mode === "human") await write(io.stdout, linesOf(steps, changed ? run : undefined));
  }
  return status === "failed" || status === "cancelled" ? exitCodes.runFailed : exitCodes.ok;
}

type Shown = { status: string; error: { name: string; message: string } | null };

/** One line for each step that changed, and one for the run when its status did. */
function linesOf(
  steps: readonly (Shown & { name: string; kind: string; attempts: number })[],
  run: Shown | undefined,
): string {
  const rows = steps.map((step) => [
    step.status,
    step.kind,
    plain(step.name),
    step.attempts > 1 ? `attempt ${step.attempts}` : "",
    problemOf(step),
  ]);
  if (run) rows.push([run.status, "run", "", "", problemOf(run)]);
  return rows.length > 0 ? `${toTable(["STATUS", "KIND", "NAME", "", ""], rows).slice(1).join("\n")}\n` : "";
}

function problemOf({ error }: Shown): string {
  return error ? plain(`${error.name}: ${error.message}`) : "";
}
