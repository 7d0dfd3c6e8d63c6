// L3: real host programs with a scripted model. It proves plumbing, never judgement.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Check, type Host, install, runnerOf } from "./host.ts";
import { claude } from "./hosts/claude.ts";
import { codex } from "./hosts/codex.ts";
import { gemini } from "./hosts/gemini.ts";
import type { HostResult } from "./scorecard.ts";
import type { Server } from "./server.ts";

const hosts: readonly Host[] = [claude, codex, gemini];

export async function checkHosts(server: Server): Promise<HostResult[]> {
  const results: HostResult[] = [];
  for (const host of hosts) results.push(...(await checkHost(host, server)));
  return results;
}

async function checkHost(host: Host, server: Server): Promise<HostResult[]> {
  const missing = await install(host);
  const home = await mkdtemp(join(tmpdir(), "rotor-host-"));
  try {
    const results: HostResult[] = [];
    for (const { name, run } of host.checks(server, home, runnerOf(host, home))) {
      if (missing) results.push({ check: name, state: "not run", why: missing });
      else results.push(await judged(name, run));
    }
    return results;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function judged(check: string, run: Check["run"]): Promise<HostResult> {
  const why = await run().catch((error: Error) => error.message);
  return { check, state: why === "" ? "passed" : "failed", why: why.slice(0, 500) };
}
