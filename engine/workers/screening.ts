// Looks at the jobs that are held back for guardrails: those that a model must judge, those that an admin released past
// one stage, and those that came in by another way than an enqueue. A process that dies leaves its leases behind, and
// another looks at the same jobs when they are over; the model is then asked again, the job goes on once.

import { setTimeout as sleep } from "node:timers/promises";
import { type GuardNote, reasonCode, toneOutcome } from "../core/guardrail/verdict.ts";
import type { Services } from "../handler.ts";
import { findGuardVersion } from "../store/guardrails.ts";
import { claimScreening, endScreening, type HeldJob, type ScreeningEnd } from "../store/screening.ts";
import type { Loop } from "./housekeeping.ts";

/** Jobs under way in one process: each waits for a model most of its time. */
const mostAtOnce = 16;
/** Longer than two tries of the judge. */
const leaseMs = 60_000;
const pollEveryMs = 100;

export function startScreening(services: Services): Loop {
  const { databases, log, wake } = services;
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  async function round(): Promise<void> {
    while (!stopping.signal.aborted && underWay.size < mostAtOnce) {
      const held = await claimScreening(databases.sql, mostAtOnce - underWay.size, leaseMs);
      for (const job of held) start(job);
      if (held.length === 0) return;
    }
  }

  function start(job: HeldJob): void {
    const done = look(services, job)
      .then((end) => endScreening(databases.sql, job, end))
      .then(wake)
      // Its lease runs out, and it is looked at again.
      .catch((error: unknown) => log.warn({ err: error, jobId: job.id }, "a job could not be screened"))
      .finally(() => underWay.delete(done));
    underWay.add(done);
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await round().catch((error: unknown) => {
        log.warn({ err: error }, "claiming jobs to screen failed; trying again");
      });
      const pause = sleep(pollEveryMs, undefined, { signal: stopping.signal }).catch(() => {});
      // With every place taken there is nothing to claim until one is free.
      await (underWay.size < mostAtOnce ? pause : Promise.race([...underWay, stopped(stopping.signal)]));
    }
    await Promise.all(underWay);
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function look(services: Services, job: HeldJob): Promise<ScreeningEnd> {
  const { workspaceId, note, contacts } = job;
  const passed = {
    outcome: "passed",
    payload: null,
    contacts,
    reason: null,
    failReason: null,
    note,
  } as const;
  const version = await findGuardVersion(services.databases.sql, workspaceId);
  // Switched off meanwhile.
  if (version === null) return passed;
  const { readRules, lookAt, judge } = services.guardrails;
  const rules = await readRules(workspaceId, version);
  const looked = await lookAt(workspaceId, rules, { ...job, payload: JSON.parse(job.payload) as unknown });
  const known = { ...passed, contacts: looked.contacts };
  if (looked.block) return blocked(known, looked.block.by, looked.block.reason, note);
  const redacted = { ...known, payload: looked.isRedacted ? JSON.stringify(looked.payload) : null };
  if (!rules.tone || note.released?.includes("brand_tone")) return redacted;
  const judgement = await judge(workspaceId, rules.tone, looked.payload);
  const outcome = toneOutcome(judgement, rules.tone.threshold, rules.onError, job.approvalRequired);
  if (outcome.kind === "approval") return { ...redacted, outcome: "approval", reason: outcome.because };
  const judged = { ...note, ...outcome.note };
  if (outcome.kind === "passed") return { ...redacted, note: judged };
  return blocked(redacted, outcome.block.by, outcome.block.reason, judged);
}

function blocked(
  end: ScreeningEnd,
  by: Parameters<typeof reasonCode>[0],
  failReason: string,
  note: GuardNote,
): ScreeningEnd {
  return { ...end, outcome: "blocked", reason: reasonCode(by), failReason, note };
}
