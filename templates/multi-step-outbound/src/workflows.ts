import { Rotor } from "@rotorsh/sdk";
import { markAsLead, sendEmail } from "./services.ts";

type Events = {
  "sequence.started": { email: string };
  "email.replied": { email: string };
};

const rotor = new Rotor<Events>();

/** What is sent, and how long a reply to it is waited for. */
const sequence = [
  { template: "intro", wait: "3d" },
  { template: "case-study", wait: "4d" },
  { template: "last-call", wait: "7d" },
];

export const multiStepOutbound = rotor.createFunction(
  { id: "multi-step-outbound", trigger: { event: "sequence.started" }, retries: 3 },
  async ({ event, step }) => {
    const { email } = event.data;
    for (const [index, { template, wait }] of sequence.entries()) {
      await step.run(`send-${template}`, () => sendEmail(email, template));
      const reply = await step.waitForEvent(`reply-to-${template}`, {
        event: "email.replied",
        match: `data.email == "${email}"`,
        timeout: wait,
      });
      if (reply) {
        await step.run("mark-replied", () => markAsLead(email, "replied"));
        return { status: "replied" as const, sent: index + 1 };
      }
    }
    await step.run("mark-silent", () => markAsLead(email, "silent"));
    return { status: "silent" as const, sent: sequence.length };
  },
);

export const functions = [multiStepOutbound];
