import { Rotor, SignalTimeoutError } from "@rotorsh/sdk";
import { classify, type Intent } from "./services.ts";

type Events = { "reply.received": { from: string; text: string } };

const rotor = new Rotor<Events>();

/** Below it, a person decides. */
const sure = 0.7;

export const replyClassifier = rotor.createFunction(
  { id: "reply-classifier", trigger: { event: "reply.received" }, retries: 3 },
  async ({ event, step }) => {
    const { from, text } = event.data;
    const verdict = await step.run("classify", () => classify(text));
    let intent: Intent = verdict.intent;
    if (verdict.confidence < sure) {
      try {
        const { approved } = await step.waitForApproval("review", {
          prompt: `Is the reply of ${from} "${intent}"?`,
          timeout: "24h",
        });
        if (!approved) intent = "other";
      } catch (error) {
        if (!(error instanceof SignalTimeoutError)) throw error;
        intent = "other";
      }
    }
    await step.sendEvent("route", { name: `reply.${intent}`, data: { from } });
    return { from, intent, confidence: verdict.confidence };
  },
);

export const functions = [replyClassifier];
