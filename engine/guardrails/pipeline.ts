// The stages that need no model: do-not-contact, competitor, personal data, in this order, for many jobs at once. Lists
// are asked once for all jobs that come together, and by number, so that a list of a million costs what a short one does.

import type { PiiKind } from "@rotorsh/contract";
import { contactsOf } from "../core/guardrail/contacts.ts";
import {
  type Block,
  type GuardNote,
  type GuardRules,
  type ListKind,
  listedBlock,
  lists,
  piiBlock,
  withoutPii,
} from "../core/guardrail/verdict.ts";
import { createBatcher } from "../store/batch.ts";
import type { Databases } from "../store/database.ts";
import { findListed, type Question } from "../store/guardrail-lists.ts";
import { phonesOf } from "./phone.ts";

export type Looked = {
  /** What the payload mentioned before it was redacted: what it still mentions is seen again before it is sent. */
  contacts: readonly string[];
  hits: ListKind[];
  kinds: PiiKind[];
  /** Where an earlier stage blocks it, what it would be otherwise. */
  payload: unknown;
  isRedacted: boolean;
  block: Block | null;
};

export type Payload = { payload: unknown; contacts?: readonly string[]; note?: GuardNote };

export type LookAt = (workspaceId: string, rules: GuardRules, job: Payload) => Promise<Looked>;

/** Statements under way at once; more only makes the batches smaller. */
const lanes = 2;
/** Numbers in one statement. */
const heaviest = 100_000;

export function createPipeline({ sql }: Pick<Databases, "sql">): LookAt {
  const ask = createBatcher<Question, ListKind[]>((questions) => findListed(sql, questions), {
    lanes,
    weight: ({ hashes }) => hashes.length,
    heaviest,
  });
  return async (workspaceId, rules, { payload, contacts: earlier = [], note = {} }) => {
    const contacts = [...new Set([...earlier, ...contactsOf(payload, workspaceId)])];
    const hits = contacts.length > 0 ? await ask({ workspaceId, hashes: contacts }) : [];
    const looked = judgeLists(rules, note, { payload, contacts, hits });
    return looked.isRedacted ? looked : { ...looked, contacts: earlier };
  };
}

function judgeLists(
  { pii }: GuardRules,
  { released = [] }: GuardNote,
  { payload, contacts, hits }: Pick<Looked, "payload" | "contacts" | "hits">,
): Looked {
  const hit = lists.find(({ kind, stage }) => hits.includes(kind) && !released.includes(stage));
  const listed = hit ? listedBlock(hit.kind) : null;
  const looked = { contacts, hits, payload, kinds: [], isRedacted: false, block: listed };
  if (!pii || released.includes("pii")) return looked;
  const found = withoutPii(payload, pii.kinds, phonesOf(pii.country));
  if (found.kinds.length === 0) return looked;
  if (pii.mode === "block") return { ...looked, kinds: found.kinds, block: listed ?? piiBlock(found.kinds) };
  // What is blocked keeps its payload as it came: whoever looks at it must see why.
  if (listed) return { ...looked, kinds: found.kinds };
  return { ...looked, ...found, isRedacted: true };
}
