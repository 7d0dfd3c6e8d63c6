import { type Contract, invalidInput, type ParsedInputOf, RotorError } from "@rotorsh/contract";
import { checkConfirmation, previewOf } from "../confirm.ts";
import { entryForm, entryNumber } from "../core/guardrail/contacts.ts";
import { lists as allLists, type ListKind } from "../core/guardrail/verdict.ts";
import { isSupportedCountry } from "../guardrails/phone.ts";
import { tryPayload } from "../guardrails/try.ts";
import { type Context, direct, type Handlers, workspaceOf } from "../handler.ts";
import { newId } from "../ids.ts";
import { must } from "../must.ts";
import * as lists from "../store/guardrail-lists.ts";
import * as store from "../store/guardrails.ts";
import { findQueueSettings } from "../store/queue-config.ts";

type Sent = ParsedInputOf<Contract["guardrails"]["update"]>;

/** The field that a list is sent in. */
const fields = { dnc_email: "dncEmails", dnc_domain: "dncDomains", competitor: "competitorDomains" } as const;

export const guardrails: Handlers<Contract>["guardrails"] = {
  async get(_input, context) {
    const { id } = workspaceOf(context);
    return store.toConfig(context.db, id, (await store.findConfig(context.db, id)) ?? store.unconfigured);
  },

  async update(sent, context) {
    const { id: workspaceId } = workspaceOf(context);
    const row = await store.lockConfig(context.db, workspaceId, newId("grc"));
    const next = changed(row, sent);
    checkTone(row, next, context);
    for (const { kind } of allLists) {
      const list = sent[fields[kind]];
      if (!list) continue;
      const toEntry = entryMaker(kind, context);
      next[kind] = await lists.replaceEntries(context.db, workspaceId, kind, list, toEntry);
    }
    await store.saveConfig(context.db, workspaceId, next);
    await store.noteVersion(context.db, workspaceId);
    const saved = must(await store.findConfig(context.db, workspaceId));
    context.record({ resource: row.id, before: summary(row), after: summary(saved) });
    return store.toConfig(context.db, workspaceId, saved);
  },

  async appendDnc({ emails = [], domains = [] }, context) {
    const { id: workspaceId } = workspaceOf(context);
    if (emails.length + domains.length === 0) {
      throw invalidInput([{ path: "emails", problem: "or domains must have an entry" }]);
    }
    const row = await store.lockConfig(context.db, workspaceId, newId("grc"));
    const add = (kind: ListKind, values: readonly string[], path: string) =>
      lists.addEntries(context.db, workspaceId, kind, values, entryMaker(kind, context, path));
    const more = await add("dnc_email", emails, "emails");
    const moreDomains = await add("dnc_domain", domains, "domains");
    await store.startGuarding(context.db, workspaceId);
    const added = more + moreDomains;
    const counts = { ...row, dnc_email: row.dnc_email + more, dnc_domain: row.dnc_domain + moreDomains };
    if (added > 0) {
      await store.saveCounts(context.db, workspaceId, counts);
      context.record({ resource: row.id, after: { added } });
    }
    return { added, dnc_email_count: counts.dnc_email, dnc_domain_count: counts.dnc_domain };
  },

  listDnc: ({ kind, ...page }, context) =>
    lists.listEntries(context.db, workspaceOf(context).id, `dnc_${kind}`, page),

  async removeDncEmail(input, context) {
    const { id: workspaceId } = workspaceOf(context);
    const row = await store.lockConfig(context.db, workspaceId, newId("grc"));
    const { hash } = entryMaker("dnc_email", context, "email")(input.email, 0);
    const isThere = await lists.removeEntry(context.db, workspaceId, hash, true);
    if (!isThere) throw new RotorError("DNC_ENTRY_NOT_FOUND");
    if (input.dry_run) {
      const seen = { counts: { entries: 1 }, sample: [input.email] };
      return { deleted: false, ...previewOf("guardrails.removeDncEmail", input, seen, 1, context) };
    }
    checkConfirmation("guardrails.removeDncEmail", input, 1, context);
    await lists.removeEntry(context.db, workspaceId, hash, false);
    await store.saveCounts(context.db, workspaceId, { ...row, dnc_email: row.dnc_email - 1 });
    context.record({ resource: row.id, after: { removed: 1 } });
    return { deleted: true };
  },

  test: direct(async ({ payload = {}, queue, judge }, { services, caller }) => {
    const { id } = must(caller.workspace, "a workspace");
    const settings =
      queue === undefined ? undefined : await findQueueSettings(services.databases.sql, id, queue);
    if (queue !== undefined && !settings) throw new RotorError("QUEUE_NOT_FOUND", { name: queue });
    return tryPayload(services, id, payload, {
      judge,
      approvalRequired: settings?.approvalRequired ?? false,
    });
  }),
};

/** A field that was not sent keeps its value. */
function changed(row: store.ConfigRow, sent: Sent): store.ConfigRow {
  const country = sent.pii_country ?? row.pii_country;
  if (!isSupportedCountry(country)) {
    throw invalidInput([{ path: "pii_country", problem: "is no country with phone numbers" }]);
  }
  return {
    ...row,
    pii_enabled: sent.piiRedactionEnabled ?? row.pii_enabled,
    pii_mode: sent.piiMode ?? row.pii_mode,
    pii_kinds: sent.pii_kinds ? [...new Set(sent.pii_kinds)] : row.pii_kinds,
    pii_country: country,
    tone_enabled: sent.brandToneJudgeEnabled ?? row.tone_enabled,
    tone_rubric: sent.brandToneRubric === undefined ? row.tone_rubric : sent.brandToneRubric || null,
    tone_threshold: sent.brandToneThreshold ?? row.tone_threshold,
    tone_model: sent.brand_tone_model ?? row.tone_model,
    tone_daily_limit: sent.brand_tone_daily_limit ?? row.tone_daily_limit,
    on_error: sent.on_error === undefined ? row.on_error : sent.on_error,
  };
}

/** Other settings may be changed also where the key has gone meanwhile. */
function checkTone(row: store.ConfigRow, next: store.ConfigRow, { services }: Context): void {
  if (!next.tone_enabled) return;
  if (next.tone_rubric === null) {
    throw invalidInput([{ path: "brandToneRubric", problem: "is required for the brand tone judge" }]);
  }
  if (!row.tone_enabled && !services.guardrails.hasJudge) throw new RotorError("JUDGE_NOT_CONFIGURED");
}

/** For the audit log: lists are of people who asked to be left alone, so only how long they are. */
function summary(row: store.ConfigRow): object {
  const { dnc_email, dnc_domain, competitor } = row;
  return { ...store.toSettings(row), entries: { dnc_email, dnc_domain, competitor } };
}

/** How a value that was sent is kept and compared. */
function entryMaker(kind: ListKind, context: Context, path: string = fields[kind]) {
  const { id: salt } = workspaceOf(context);
  const { contact } = must(allLists.find((list) => list.kind === kind));
  return (value: string, index: number): lists.Entry => {
    const form = entryForm(contact, value);
    if (form === undefined) {
      const problem = contact === "email" ? "is no email address" : "is no domain";
      throw invalidInput([{ path: path === "email" ? path : `${path}.${index}`, problem }]);
    }
    return { value: value.trim(), hash: entryNumber(contact, form, salt) };
  };
}
