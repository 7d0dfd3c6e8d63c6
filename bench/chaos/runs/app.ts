// The app of a run of chaos: workflows that write down each step they execute, and what they saw of earlier ones, into
// a file that only grows. It is killed like everything else. `app.ts <ledger> <port> <helper url>`.

import { randomUUID } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { createFunction, type StepTools, workflowListener } from "@rotorsh/sdk";

const [ledgerPath = "", port = "0", helper = ""] = process.argv.slice(2);
const ledger = openSync(ledgerPath, "a");
const now = () => performance.timeOrigin + performance.now();
const write = (line: object) => writeSync(ledger, `${JSON.stringify({ t: now(), ...line })}\n`);

type Ctx = { event: { data: { nonce: string; steps: number } }; step: StepTools; runId: string };

/** Executes one step after the other, each with a value of its own, and tells what it knows of all before. */
function createTrail({ step, runId }: Ctx) {
  const drive = randomUUID().slice(0, 8);
  const seen: string[] = [];
  return {
    seen,
    async take(name: string, more: () => Promise<unknown> = async () => {}) {
      const at = seen.length;
      const value = await step.run(name, async () => {
        write({ run: runId, drive, at, name, seen });
        await more();
        return randomUUID().slice(0, 8);
      });
      seen.push(value as string);
    },
    /** What a wait or an invoked run brought is a value like any other. */
    note: (value: unknown) => seen.push(JSON.stringify(value)),
  };
}

const ask = (what: object) => async () => {
  // Whoever helps is never killed; this process may be.
  await fetch(helper, { method: "POST", body: JSON.stringify(what) });
};

const chain = createFunction({ id: "chain", trigger: { event: "chain.go" }, retries: 5 }, (async (
  ctx: Ctx,
) => {
  const trail = createTrail(ctx);
  for (let n = 0; n < ctx.event.data.steps; n++) await trail.take(`step-${n}`);
  return trail.seen;
}) as never);

const mixed = createFunction({ id: "mixed", trigger: { event: "mixed.go" }, retries: 5 }, (async (
  ctx: Ctx,
) => {
  const { step, runId, event } = ctx;
  const trail = createTrail(ctx);
  // The event is sent while the run is about to wait for it.
  await trail.take("ask-event", ask({ kind: "event", run: runId }));
  trail.note(
    await step.waitForEvent("reply", { event: "replied", match: `data.run == "${runId}"`, timeout: "1h" }),
  );
  await step.sleep("nap", "150ms");
  await trail.take("ask-signal", ask({ kind: "signal", run: runId }));
  trail.note(await step.waitForSignal("gate", { signal: `gate-${runId}`, timeout: "1h" }));
  await step.sendEvent("tell", { name: "echo.go", data: { nonce: `echo-${runId}`, steps: 1 } });
  const { result } = await step.invoke<string[]>("child", {
    workflow: { id: "chain" },
    data: { nonce: `child-${event.data.nonce}`, steps: 2 },
    timeout: "1h",
  });
  trail.note(result);
  const both = await Promise.all(
    ["left", "right"].map((side) => step.run(side, () => `${side}-${randomUUID()}`)),
  );
  trail.note(both);
  await trail.take("last");
  return trail.seen;
}) as never);

const echo = createFunction({ id: "echo", trigger: { event: "echo.go" }, retries: 5 }, (async (ctx: Ctx) => {
  const trail = createTrail(ctx);
  await trail.take("heard");
  return trail.seen;
}) as never);

const server = createServer(workflowListener({ functions: [chain, mixed, echo], sync: false }));
server.keepAliveTimeout = 120_000;
server.listen(Number(port), "127.0.0.1", () => console.log('{"msg":"ready"}'));
