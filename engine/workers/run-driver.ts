// Drives runs: claims those that are due, asks their apps to go on, and writes down how far they came. A claim
// takes as many as this process has room for; leases are renewed as long as the app works.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterDrive, afterFailure, type Next, oversized, tooLarge } from "../core/drive-end.ts";
import { type DriveAnswer, postDrive } from "../drivers/workflow.ts";
import type { Services } from "../handler.ts";
import { auditSlowHook } from "../hook-audit.ts";
import { openSigningKey, signingKeyOf } from "../signing-keys.ts";
import { isUnavailable } from "../store/database.ts";
import { type ClaimedRun, claimRuns, findTarget, renewLeases } from "../store/run-claim.ts";
import type { DriveEnd } from "../store/run-finish.ts";
import type { Loop } from "./housekeeping.ts";

/** Drives under way in one process. */
const mostInFlight = 1000;
const largestClaim = 200;
/** A process that is not heard of for so long has lost its runs; they are driven again, elsewhere. */
const leaseMs = 20_000;
const renewEveryMs = 5000;
const pollEveryMs = 100;
const targetMs = 1000;
const suspendedMs = 30_000;
const pauseAfterFailureMs = 250;
const mostStores = 40;

const unstorable = {
  name: "UnstorableError",
  message: "What the app answered cannot be stored. A value may hold text that no database takes.",
};

type Served = { url: string; keys: string[]; suspended: boolean; hasHooks: boolean };
type Held = { run: string; token: string; since: number };

export type DriverOptions = {
  checkpointUrl?: string | undefined;
  /** A hook that takes longer is noted in the audit log; 30 seconds unless told. */
  slowHookMs?: number | undefined;
};

export function startRunDriver(
  services: Services,
  { checkpointUrl, slowHookMs = 30_000 }: DriverOptions,
): Loop {
  const { databases, workflows, log } = services;
  const targets = new Map<string, { target: Promise<Served | undefined>; readAt: number }>();
  const held = new Map<string, Held>();
  const stopping = new AbortController();
  let wakes = 0;
  /** There were more due runs than a claim takes: new ones have to wait for their turn. */
  let isBehind = false;
  let claiming: Promise<void> | undefined;

  function wake(): void {
    wakes++;
    if (claiming || stopping.signal.aborted) return;
    claiming = claim().finally(() => {
      claiming = undefined;
    });
  }

  async function claim(): Promise<void> {
    for (let seen = -1; seen !== wakes && !stopping.signal.aborted; ) {
      seen = wakes;
      const want = Math.min(mostInFlight - held.size, largestClaim);
      if (want <= 0) return;
      try {
        const runs = await claimRuns(databases.engine, want, leaseMs);
        workflows.feed.touch(runs.map(({ id }) => id));
        for (const run of runs) void drive(run);
        isBehind = runs.length === want;
        if (isBehind) seen = -1;
      } catch (error) {
        log.warn({ err: error }, "claiming runs failed; trying again");
        await sleep(pauseAfterFailureMs, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  }

  async function drive(run: ClaimedRun): Promise<void> {
    const place = randomUUID();
    const token = `${run.id}.${run.token}`;
    held.set(place, { run: run.id, token: run.token, since: performance.now() });
    if (run.hook === null) workflows.sizes.begin(token, { steps: run.steps, bytes: run.stepBytes });
    const slow = run.hook === null ? undefined : setTimeout(() => void noteSlowHook(run), slowHookMs);
    try {
      await finish(run, await attempt(run));
    } catch (error) {
      // Its lease runs out, and it is driven again.
      log.warn({ err: error, run: run.id }, "a drive could not be ended");
    } finally {
      clearTimeout(slow);
      workflows.sizes.end(token);
      const wasFull = isBehind || held.size >= mostInFlight;
      held.delete(place);
      // Others were left for want of room; what else is due, whoever made it so has said.
      if (wasFull) wake();
    }
  }

  async function attempt(run: ClaimedRun): Promise<{ next: Next; answer?: DriveAnswer; hasHooks?: boolean }> {
    const served = await targetOf(run);
    if (!served) return { next: withoutWorkflow(run) };
    if (served.suspended)
      return { next: { kind: "again", inMs: suspendedMs, failures: run.failures, error: null } };
    const error = run.hook === null ? tooLarge(run.steps, run.stepBytes) : undefined;
    if (error) return { next: { kind: "failed", error } };
    const { url: serveUrl, keys } = served;
    const answer = await postDrive(services.outbound, { run, serveUrl, keys, checkpointUrl });
    const random = Math.random();
    if ("failure" in answer) return { next: afterFailure(run, answer.failure, random) };
    const { result } = answer;
    const problem = oversized(result) ?? workflows.sizes.add(`${run.id}.${run.token}`, result.steps);
    // Before this, every step that could be kept was: what is too large cannot be.
    if (problem && run.hook === null) return { next: { kind: "failed", error: problem } };
    return { next: afterDrive(run, result, random), answer, hasHooks: served.hasHooks };
  }

  /** It goes on all the same. */
  async function noteSlowHook({ id: run, workspaceId, hook }: ClaimedRun): Promise<void> {
    const what = { workspaceId, run, hook: hook as string, afterMs: slowHookMs };
    await databases
      .acrossWorkspaces((db, now) => auditSlowHook(db, what, now))
      .catch((error: unknown) => log.warn({ err: error, run }, "a slow hook is missing from the audit log"));
  }

  async function finish(
    run: ClaimedRun,
    { next, answer, hasHooks = true }: Awaited<ReturnType<typeof attempt>>,
  ): Promise<void> {
    const result = answer && "result" in answer && run.hook === null ? answer.result : undefined;
    const end = {
      run: run.id,
      workspaceId: run.workspaceId,
      token: run.token,
      isAlone: run.parent === null,
      hasHooks,
    };
    // Only a run that brought results along can have brought one that nobody asked for.
    const asked = result?.state === "completed" && run.steps > 0 ? result.asked : null;
    try {
      await store({ ...end, steps: result?.steps ?? [], asked, next });
    } catch (error) {
      if (isUnavailable(error) || run.hook !== null) throw error;
      // Driven again it would end the same way, for ever.
      log.error({ err: error, run: run.id }, "the end of a drive cannot be stored");
      await store({ ...end, steps: [], asked: null, next: { kind: "failed", error: unstorable } });
    }
  }

  /** As long as the lease is renewed, a database that is away for a moment loses nothing. */
  async function store(end: DriveEnd): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await workflows.finish(end);
      } catch (error) {
        if (!isUnavailable(error) || attempt === mostStores || stopping.signal.aborted) throw error;
        await sleep(pauseAfterFailureMs);
      }
    }
  }

  function targetOf({ workspaceId, workflowId }: ClaimedRun): Promise<Served | undefined> {
    const name = `${workspaceId}|${workflowId}`;
    const known = targets.get(name);
    if (known && performance.now() - known.readAt < targetMs) return known.target;
    const target = readTarget(workspaceId, workflowId);
    targets.set(name, { target, readAt: performance.now() });
    target.catch(() => targets.delete(name));
    return target;
  }

  async function readTarget(workspaceId: string, workflowId: string): Promise<Served | undefined> {
    const target = await findTarget(databases.engine, workspaceId, workflowId);
    if (!target) return undefined;
    const owner = { id: workspaceId, dataKey: target.keys.dataKey };
    let { sealed } = target.keys;
    if (sealed.length === 0) sealed = [(await signingKeyOf(databases.engine, services.vault, owner)).sealed];
    const keys = sealed.map((key) => openSigningKey(services.vault, owner, key));
    const { suspended, hasHooks } = target;
    return { url: target.serveUrl, keys, suspended, hasHooks };
  }

  async function renew(): Promise<void> {
    const now = performance.now();
    const old = [...held.values()].filter(({ since }) => now - since > renewEveryMs);
    if (old.length > 0) await renewLeases(databases.engine, old, leaseMs);
  }

  const every = (ms: number, work: () => Promise<void> | void) => {
    const round = async () => {
      while (!stopping.signal.aborted) {
        await Promise.resolve()
          .then(work)
          .catch((error: unknown) =>
            log.warn({ err: error }, "a round of the run driver failed; the next tries again"),
          );
        await sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});
      }
    };
    return round();
  };
  const rounds = [
    every(pollEveryMs, wake),
    every(renewEveryMs, renew),
    every(pollEveryMs, workflows.publishDue),
  ];
  workflows.onWake(wake);
  workflows.setDriver({
    room: () => (isBehind || stopping.signal.aborted ? 0 : Math.max(0, mostInFlight / 2 - held.size)),
    leaseMs,
    drive(runs) {
      for (const run of runs) void drive(run);
    },
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all([...rounds, claiming]);
      await drained(held);
    },
  };
}

/** A run under way goes on as long as the drain time allows; the lease of what is cut off runs out. */
async function drained(held: ReadonlyMap<string, Held>): Promise<void> {
  const until = performance.now() + 5000;
  while (held.size > 0 && performance.now() < until) await sleep(10);
}

function withoutWorkflow({ workflowId, hook }: ClaimedRun): Next {
  const message = `The workflow "${workflowId}" is not registered any more, so its run cannot go on.`;
  const error = { name: "WorkflowGoneError", message };
  return hook === null ? { kind: "failed", error } : { kind: "told", hook, error };
}
