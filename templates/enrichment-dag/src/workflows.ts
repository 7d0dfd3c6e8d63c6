import { Rotor, StepError } from "@rotorsh/sdk";
import { askCompanyData, askHeadcount, askTechnologies, type Facts, score } from "./services.ts";

type Events = {
  "contact.created": { contactId: string; domain: string };
  "contact.enriched": { contactId: string; score: number };
};

const rotor = new Rotor<Events>();

export const enrichmentDag = rotor.createFunction(
  { id: "enrichment-dag", trigger: { event: "contact.created" }, retries: 2 },
  async ({ event, step, logger }) => {
    const { contactId, domain } = event.data;
    const ask = async (provider: string, work: () => Promise<Facts>): Promise<Facts> => {
      try {
        return await step.run(provider, work);
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        logger.warn(`${provider} has no answer for ${domain}`);
        return {};
      }
    };
    const answers = await Promise.all([
      ask("company-data", () => askCompanyData(domain)),
      ask("headcount", () => askHeadcount(domain)),
      ask("technologies", () => askTechnologies(domain)),
    ]);
    const facts: Facts = Object.assign({}, ...answers);
    const points = await step.run("score", () => score(facts));
    await step.sendEvent("announce", { name: "contact.enriched", data: { contactId, score: points } });
    return { contactId, facts, score: points };
  },
);

export const functions = [enrichmentDag];
