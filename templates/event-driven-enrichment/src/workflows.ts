import { Rotor } from "@rotorsh/sdk";
import { contactsOf, type Enriched, enrich, store } from "./services.ts";

type Events = {
  "campaign.started": { campaignId: string };
  "campaign.enriched": { campaignId: string; count: number };
};

const rotor = new Rotor<Events>();

/** How many are asked for at the same time. */
const batchSize = 20;

export const eventDrivenEnrichment = rotor.createFunction(
  { id: "event-driven-enrichment", trigger: { event: "campaign.started" }, retries: 3 },
  async ({ event, step }) => {
    const { campaignId } = event.data;
    const contacts = await step.run("load-contacts", () => contactsOf(campaignId));
    const enriched: Enriched[] = [];
    for (let start = 0; start < contacts.length; start += batchSize) {
      const batch = contacts.slice(start, start + batchSize);
      enriched.push(
        ...(await Promise.all(
          batch.map((contact) => step.run(`enrich-${contact.id}`, () => enrich(contact))),
        )),
      );
    }
    const count = await step.run("store", () => store(enriched));
    await step.sendEvent("announce", { name: "campaign.enriched", data: { campaignId, count } });
    return { campaignId, count };
  },
);

export const functions = [eventDrivenEnrichment];
