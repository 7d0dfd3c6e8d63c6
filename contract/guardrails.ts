// What is checked of every job before it is sent: whom it would reach, whom it names, what it gives away, how it sounds.

import { z } from "zod";
import { confirmable, preview } from "./bulk.ts";
import { operation } from "./operation.ts";
import { isOneLine, isStorable, listOf, notStorable, page, QueueName, Timestamp } from "./primitives.ts";

export const guardStages = ["dnc", "competitor", "pii", "brand_tone"] as const;
export const GuardStage = z.enum(guardStages);
export type GuardStage = z.infer<typeof GuardStage>;

export const piiKinds = ["email", "phone", "ssn", "card"] as const;
export const PiiKind = z.enum(piiKinds);
export type PiiKind = z.infer<typeof PiiKind>;

const PiiMode = z.enum(["redact", "block"]);
const OnError = z.enum(["open", "approval", "block"]);

const longestList = 1_000_000;
/** An answer shows so many entries of a list; the rest is listed page by page. */
export const shownEntries = 1000;

/** Postgres indexes it, and a cursor holds it. */
const isShort = (text: string) => text.length <= 80 || new TextEncoder().encode(text).length <= 320;
const notOneLine = "must be one line without control characters";
const tooLong = "must be at most 320 bytes";

const Email = z
  .string()
  .refine(isShort, tooLong)
  .regex(/^[^@\s]+@[^@\s]+\.[^@\s]+$/)
  .refine(isOneLine, notOneLine)
  .describe("An email address; case, dots before the @ and a +suffix make no difference.");

/** Also `*.example.com`, `@example.com` and a URL are understood; what counts is the domain. */
const Domain = z
  .string()
  .refine(isShort, tooLong)
  .regex(/^@?[^@\s]+\.[^@\s]+$/)
  .refine(isOneLine, notOneLine)
  .describe("A domain; its sub-domains count too.");

const emails = z.array(Email).max(longestList);
const domains = z.array(Domain).max(longestList);

const GuardrailConfig = z.object({
  id: z.string().describe("`grc_…`"),
  dncEmails: z.array(z.string()).describe(`The first ${shownEntries}; list_dnc shows all.`),
  dncDomains: z.array(z.string()).describe(`The first ${shownEntries}.`),
  competitorDomains: z.array(z.string()).describe(`The first ${shownEntries}.`),
  dnc_email_count: z.int(),
  dnc_domain_count: z.int(),
  competitor_domain_count: z.int(),
  piiRedactionEnabled: z.boolean(),
  piiMode: PiiMode,
  pii_kinds: z.array(PiiKind),
  pii_country: z.string().describe("Numbers without a country code are read as this country's."),
  brandToneJudgeEnabled: z.boolean(),
  brandToneRubric: z.string().nullable(),
  brandToneThreshold: z.number(),
  brand_tone_model: z.string(),
  brand_tone_daily_limit: z.int().describe("Judgements a day (UTC); beyond it on_error decides."),
  on_error: OnError.nullable().describe("What happens when the judge cannot answer; null is the default."),
  updated_at: Timestamp.nullable().describe("Null while nothing was ever configured."),
});
export type GuardrailConfig = z.infer<typeof GuardrailConfig>;

const settings = {
  dncEmails: emails.optional().describe("Replaces the addresses that may not be contacted."),
  dncDomains: domains.optional().describe("Replaces the domains that may not be contacted."),
  competitorDomains: domains.optional().describe("Replaces the domains that may not be mentioned."),
  piiRedactionEnabled: z.boolean().optional().describe("True to look for personal data."),
  piiMode: PiiMode.optional().describe(
    "`redact` (the default) replaces personal data by [REDACTED-PHONE] and the like, `block` stops the job.",
  ),
  pii_kinds: z
    .array(PiiKind)
    .min(1)
    .max(piiKinds.length)
    .optional()
    .describe("What counts as personal data; default all four."),
  pii_country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional()
    .describe("ISO country of phone numbers without a country code; default US."),
  brandToneJudgeEnabled: z.boolean().optional().describe("True to have a model judge the tone."),
  brandToneRubric: z
    .string()
    .trim()
    .max(8000)
    .refine(isStorable, notStorable)
    .nullable()
    .optional()
    .describe("What good sounds like, and what to avoid, in plain text."),
  brandToneThreshold: z.number().min(0).max(1).optional().describe("Lowest score that passes; default 0.7."),
  brand_tone_model: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.:@_/-]{0,127}$/)
    .optional()
    .describe("The judge; default claude-haiku-4-5."),
  brand_tone_daily_limit: z
    .int()
    .min(0)
    .max(10_000_000)
    .optional()
    .describe("Judgements a day; default 10,000."),
  on_error: OnError.nullable()
    .optional()
    .describe("When the judge cannot answer. Default: approval where the queue has approvals, else open."),
};

const Finding = z.object({
  stage: GuardStage,
  outcome: z
    .enum(["off", "passed", "redacted", "blocked", "unavailable", "not_reached"])
    .describe("`not_reached`: an earlier stage stops the job, so this one would not look at it."),
  reason: z.string().nullable(),
  kinds: z.array(PiiKind).optional().describe("Personal data that was found."),
  score: z.number().optional(),
  judge_reason: z.string().optional().describe("The judge's own words about this payload."),
});

/** A list of 1,000,000 addresses is sent in one body. */
const listLimits = { bodyBytes: 64 * 1024 * 1024, fields: 3_100_000 };

export const guardrails = {
  get: operation({
    route: "GET /v1/guardrails",
    summary: "Get the workspace's guardrails: what is checked of every job before it is sent.",
    synonyms: "guardrail policy dnc opt-out unsubscribe competitor pii redact brand tone",
    tools: { hosted: { name: "get_guardrails", toolset: "guardrails" } },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({}),
    output: GuardrailConfig,
    errors: [],
  }),

  update: operation({
    route: "PATCH /v1/guardrails",
    summary: "Change the workspace's guardrails; the fields passed are replaced, the others stay.",
    description:
      "Applies to all queues. A list that is passed replaces the whole list; to add to it, append to it instead.",
    tools: { hosted: { name: "update_guardrails", toolset: "guardrails" } },
    impact: "write",
    idempotent: true,
    needs: "develop",
    audit: "guardrails.updated",
    limits: listLimits,
    input: z.strictObject(settings),
    output: GuardrailConfig,
    errors: ["INVALID_INPUT", "JUDGE_NOT_CONFIGURED"],
  }),

  appendDnc: operation({
    route: "POST /v1/guardrails/dnc",
    summary: "Add emails or domains to the do-not-contact list (unsubscribe, opt out, suppress).",
    description: "Counts at once, also for jobs that wait already. Adding an entry again changes nothing.",
    synonyms: "unsubscribe opt out suppression blocklist",
    tools: { hosted: { name: "append_dnc", toolset: "guardrails" } },
    impact: "write",
    idempotent: true,
    needs: "develop",
    audit: "guardrails.dnc_appended",
    limits: listLimits,
    input: z.strictObject({
      emails: emails
        .optional()
        .describe("Addresses to add.")
        .meta({ examples: [["ann@example.com"]] }),
      domains: domains.optional().describe("Domains to add."),
    }),
    output: z.object({
      added: z.int().describe("Entries that were not on the list."),
      dnc_email_count: z.int(),
      dnc_domain_count: z.int(),
    }),
    errors: ["INVALID_INPUT"],
  }),

  listDnc: operation({
    route: "GET /v1/guardrails/dnc",
    summary: "List the do-not-contact list, page by page.",
    tools: { hosted: { name: "list_dnc", toolset: "guardrails" } },
    impact: "read",
    idempotent: true,
    needs: "read",
    csv: true,
    input: z.strictObject({
      ...page,
      kind: z.enum(["email", "domain"]).default("email").describe("Addresses or domains."),
    }),
    output: listOf(z.object({ value: z.string(), added_at: Timestamp })),
    errors: ["INVALID_INPUT"],
  }),

  removeDncEmail: operation({
    route: "DELETE /v1/guardrails/dnc/{email}",
    summary: "Take an email address off the do-not-contact list.",
    synonyms: "resubscribe allow do not contact entry",
    tools: { hosted: { name: "remove_dnc", toolset: "guardrails" } },
    positionals: ["email"],
    impact: "destroy",
    idempotent: true,
    needs: "develop",
    audit: "guardrails.dnc_removed",
    input: z.strictObject({ email: Email.meta({ examples: ["ann@example.com"] }), ...confirmable }),
    output: z.object({ deleted: z.boolean(), ...preview }),
    errors: ["INVALID_INPUT", "DNC_ENTRY_NOT_FOUND", "CONFIRMATION_STALE"],
  }),

  test: operation({
    route: "POST /v1/guardrails/test",
    summary: "Say what each guardrail would do with a payload, without a job (dry run).",
    description: "Nothing is stored or sent to a handler. The judge is asked, unless judge is false.",
    synonyms: "dry run would be blocked pii brand tone",
    tools: { hosted: { name: "test_guardrails", toolset: "guardrails" } },
    impact: "read",
    idempotent: true,
    needs: "develop",
    limits: { bodyBytes: 576 * 1024, fields: 10_000 },
    input: z.strictObject({
      payload: z
        .unknown()
        .describe("What a job would carry.")
        .meta({ examples: [{ to: "ann@example.com" }] }),
      queue: QueueName.optional().describe("The queue it is meant for: it decides what on_error does."),
      judge: z.boolean().default(true).describe("False to leave the brand tone judge out."),
    }),
    output: z.object({
      outcome: z.enum(["passes", "redacted", "blocked", "approval"]),
      blockedBy: GuardStage.nullable(),
      reason: z.string().nullable(),
      stages: z.array(Finding),
      payload: z.unknown().describe("What the handler would get."),
    }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND"],
  }),
};
