import { Rotor, SignalTimeoutError } from "@rotorsh/sdk";
import { draftMessage, loadContact, sendMessage } from "./services.ts";

type Events = {
  "outreach.requested": { contactId: string };
  "outreach.replied": { contactId: string; text: string };
};

const rotor = new Rotor<Events>();

export const outbound = rotor.createFunction(
  { id: "outbound-with-approvals", trigger: { event: "outreach.requested" }, retries: 2 },
  async ({ event, step }) => {
    const { contactId } = event.data;
    const contact = await step.run("load-contact", () => loadContact(contactId));
    const draft = await step.run("draft-message", () => draftMessage(contact));

    let approved = false;
    try {
      const decision = await step.waitForApproval("approve-message", {
        prompt: `Send "${draft.subject}" to ${contact.email}?`,
        timeout: "48h",
      });
      approved = decision.approved;
    } catch (error) {
      // Nobody decided: that is a no.
      if (!(error instanceof SignalTimeoutError)) throw error;
    }
    if (!approved) return { status: "not sent" as const, contactId };

    const { messageId } = await step.run("send-message", () => sendMessage(contact, draft));
    const reply = await step.waitForEvent("wait-for-reply", {
      event: "outreach.replied",
      match: `data.contactId == "${contactId}"`,
      timeout: "7d",
    });
    return { status: "sent" as const, contactId, messageId, replied: reply !== null };
  },
);

export const functions = [outbound];
