// A campaign that uses every step primitive. `contact-enricher` is a workflow of its own that the first one invokes.

import {
  createFunction,
  NonRetriableError,
  SignalTimeoutError,
  WorkflowFailedError,
  WorkflowTimeoutError,
} from "@rotorsh/sdk";
import { findContact, findScore } from "./contacts.ts";

export const contactEnricher = createFunction(
  { id: "contact-enricher", trigger: { event: "contact.added" }, retries: 1 },
  async ({ event, step }) => {
    const score = await step.run("look-up-score", () => findScore(event.data.contactId));
    // Stored as JSON, undefined is null.
    if (score === null) throw new NonRetriableError(`Nobody knows ${event.data.contactId}.`);
    return score;
  },
);

type Requested = { contactId: string; delay?: string };
type Enriched = { score: number; company: string };

export const campaign = createFunction(
  {
    id: "campaign",
    trigger: { event: "campaign.requested" },
    retries: 2,
    onFailure: ({ error, ctx }) => console.log(`${ctx.runId} failed: ${error.message}`),
  },
  async ({ event, step, logger }) => {
    const { contactId, delay = "1h" } = event.data as Requested;

    // Executed once; what it returns is stored, and every replay gets that.
    const profile = await step.run("fetch-profile", () => findContact(contactId));

    // Nothing runs and nothing is held open meanwhile.
    await step.sleep("initial-delay", delay);
    logger.info(`Going on with ${profile.name}.`);

    // Another workflow does this part. The timeout is required.
    const enriched = await step
      .invoke<Enriched>("enrich-contact", { workflow: contactEnricher, data: { contactId }, timeout: "5m" })
      .then(({ result }) => result)
      .catch((error: unknown) => {
        if (error instanceof WorkflowFailedError || error instanceof WorkflowTimeoutError)
          return { score: 0, company: "unknown" };
        throw error;
      });

    // Published together with the step, so never twice and never not.
    await step.sendEvent("notify-analytics", {
      name: "analytics/contact.scored",
      data: { contactId, score: enriched.score },
    });

    // A person decides: in the CLI, over REST or MCP, by a key that may approve.
    let decision: { approved: boolean; reason?: string };
    try {
      decision = await step.waitForApproval("approval-gate", {
        timeout: "48h",
        prompt: `Write to ${profile.name} (${enriched.company}, score ${enriched.score})?`,
      });
    } catch (error) {
      if (error instanceof SignalTimeoutError) return { status: "auto-rejected", contactId };
      throw error;
    }
    if (!decision.approved) return { status: "rejected", contactId, reason: decision.reason ?? null };

    const [subject, body] = await step.parallel("draft", [
      () => `Hello ${profile.name}`,
      () => `How are things at ${enriched.company}?`,
    ]);
    await step.run("send-mail", () => logger.info(`To ${profile.email}: ${subject}. ${body}`));

    // Null when it does not come in time.
    const opened = await step.waitForEvent<{ openedAt: string }>("wait-for-open", {
      event: "email.opened",
      match: `data.contactId == "${contactId}"`,
      timeout: "7d",
    });
    return { status: "complete", contactId, score: enriched.score, emailOpened: opened !== null };
  },
);
