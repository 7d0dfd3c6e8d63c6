// How much processor time everything in this run takes: this process and all its descendants, with those of theirs
// that have ended. On a machine that others use too it says more than the time that passes.

import { readdirSync, readFileSync } from "node:fs";

const msPerTick = 10;

export function startCpu(): { usPerJob(jobs: number): number } {
  const before = usedMs();
  return { usPerJob: (jobs) => ((usedMs() - before) * 1000) / jobs };
}

/** NaN where there is no /proc. */
function usedMs(): number {
  const all = readProcesses();
  const own = new Set([process.pid]);
  // Parents come before their children, except where process ids began anew; twice is enough for that.
  for (let pass = 0; pass < 2; pass++) {
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
  }
  return all
    .filter(({ pid }) => own.has(pid))
    .reduce((sum, { ms }) => sum + ms, all.length > 0 ? 0 : Number.NaN);
}

type Process = { pid: number; parent: number; ms: number };

function readProcesses(): Process[] {
  try {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.flatMap((pid) => readProcess(Number(pid)) ?? []).sort((a, b) => a.pid - b.pid);
  } catch {
    return [];
  }
}

function readProcess(pid: number): Process | undefined {
  try {
    // After the name, which may hold anything: state, parent … user, system, and the same of ended children.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { pid, parent: Number(fields[1]), ms: ticks * msPerTick };
  } catch {
    return undefined; // It has ended since.
  }
}
