// The rules of guarded workspaces, kept by version: a request says which version it saw, so an old one is never used.

import type { GuardRules } from "../core/guardrail/verdict.ts";
import type { Databases } from "../store/database.ts";
import { findConfig, toRules, unconfigured } from "../store/guardrails.ts";

export type ReadRules = (workspaceId: string, version: number) => Promise<GuardRules>;

const mostKept = 1000;

export function createRules({ engine }: Pick<Databases, "engine">): ReadRules {
  const kept = new Map<string, { version: number; rules: Promise<GuardRules> }>();
  return (workspaceId, version) => {
    const known = kept.get(workspaceId);
    if (known?.version === version) return known.rules;
    const rules = read(workspaceId);
    if (kept.size >= mostKept) kept.clear();
    kept.set(workspaceId, { version, rules });
    rules.catch(() => kept.delete(workspaceId));
    return rules;
  };

  async function read(workspaceId: string): Promise<GuardRules> {
    return toRules((await findConfig(engine, workspaceId)) ?? unconfigured);
  }
}
