// Callers as earlier requests found them. What is kept may be out of date: it is worth what the check of its version
// says, which the statement that does the work makes (`check_access`).

import type { Caller } from "./caller.ts";
import { hashOf } from "./vault/key-token.ts";

/** A caller, and the version that all of it was read at. */
export type Found = { caller: Omit<Caller, "provenance">; access: number };

export type KnownCallers = {
  find(token: string, workspaceId: string | undefined): Found | undefined;
  /** For as long as no deadline of the key passes, in ms. */
  keep(token: string, workspaceId: string | undefined, found: Found, forMs: number): void;
};

const mostKnown = 10_000;
/** A version that comes back, as after the restore of a backup, is believed no longer than this. */
const longestMs = 60_000;

export function createKnownCallers(): KnownCallers {
  const known = new Map<string, Found & { until: number }>();
  let latest = 0;
  return {
    find(token, workspaceId) {
      const found = known.get(nameOf(token, workspaceId));
      return found && performance.now() < found.until ? found : undefined;
    },
    keep(token, workspaceId, found, forMs) {
      // Another version, also an older one: two answers may cross, and a database may be restored.
      if (found.access !== latest || known.size >= mostKnown) known.clear();
      latest = found.access;
      known.set(nameOf(token, workspaceId), {
        ...found,
        until: performance.now() + Math.min(forMs, longestMs),
      });
    },
  };
}

/** By its hash: how long a look takes says nothing of the keys that are known. */
function nameOf(token: string, workspaceId = ""): string {
  return `${hashOf(token)}|${workspaceId}`;
}
