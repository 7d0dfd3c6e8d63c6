// The receiver's ledger, read back, and what it says about limits.

import { readFile } from "node:fs/promises";
import type { Limits } from "./knobs.ts";
import { leaseGraceMs, queues } from "./plan.ts";
import type { Story } from "./story.ts";

export type Visit = {
  id: string;
  attempt: number;
  queue: string;
  key: string | undefined;
  nonce: string;
  from: number;
  to: number;
  status: number;
};

export async function readLedger(path: string): Promise<Visit[]> {
  const visits = new Map<number, Visit>();
  const lines = (await readFile(path, "utf8")).split("\n").filter(Boolean);
  for (const line of lines) {
    const { visit, at, t, status, ...about } = JSON.parse(line);
    if (at === "start") visits.set(visit, { ...about, from: t, to: Number.POSITIVE_INFINITY, status: 0 });
    else Object.assign(visits.get(visit) as Visit, { to: t, status });
  }
  return [...visits.values()];
}

/** How long the receiver may take to notice that the caller has gone, before a new request of the same slot. */
const noticeMs = 50;
/** A claim may come so long before the request that follows from it. */
const claimMs = 1000;

type Freeze = { from: number; to: number };

/**
 * When the slot that a visit stands for is free again. A caller that was frozen keeps its connection for longer
 * than its lease: from the end of that on another may have the job, which is what at-least-once means.
 */
function freedAt({ queue, from, to }: Visit, freezes: readonly Freeze[]): number {
  const plan = queues.find(({ name }) => name === queue);
  const longest = (plan?.timeoutSeconds ?? 0) * 1000;
  const hung = to - from > longest - 100;
  if (!hung) return to;
  const frozen = freezes.some((freeze) => freeze.from < to && freeze.to > from);
  return frozen ? Math.min(to, from + leaseGraceMs - claimMs) : to - noticeMs;
}

/** Accuses where more was under way at once than `most` allows when a visit began. */
function sweep(
  visits: readonly Visit[],
  freezes: readonly Freeze[],
  most: (visit: Visit) => number,
  accuse: (visit: Visit, under: Visit[], allowed: number) => void,
): void {
  const underWay: { visit: Visit; until: number }[] = [];
  for (const visit of [...visits].sort((a, b) => a.from - b.from)) {
    for (let at = underWay.length - 1; at >= 0; at--) {
      if ((underWay[at] as { until: number }).until <= visit.from) underWay.splice(at, 1);
    }
    underWay.push({ visit, until: freedAt(visit, freezes) });
    const allowed = most(visit);
    if (underWay.length > allowed)
      accuse(
        visit,
        underWay.map((one) => one.visit),
        allowed,
      );
  }
}

export function checkLimits(
  visits: readonly Visit[],
  limits: Limits,
  freezes: readonly Freeze[],
  story: Story,
): void {
  const describe = (under: Visit[]) =>
    under.map(({ id, attempt, from, to }) => `${id}#${attempt} [${since(from)}, ${since(to)}]`).join(", ");
  const since = (t: number) => ((t - story.startedAt) / 1000).toFixed(3);
  for (const { name } of queues) {
    const own = visits.filter(({ queue }) => queue === name);
    const most = ({ from }: Visit) => limits.most(name, from - claimMs, from);
    sweep(own, freezes, most, (_, under, allowed) =>
      story.accuse(`slots: ${under.length} jobs of ${name} at once, ${allowed} allowed: ${describe(under)}`),
    );
  }
  for (const key of new Set(visits.flatMap((visit) => visit.key ?? []))) {
    const own = visits.filter((visit) => visit.key === key);
    sweep(
      own,
      freezes,
      () => 1,
      (_, under) => story.accuse(`keys: ${key} doubled: ${describe(under)}`),
    );
  }
}
