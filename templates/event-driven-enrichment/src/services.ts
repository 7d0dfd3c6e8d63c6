// Stand-ins. Replace them with your own.

export type Contact = { id: string; email: string };
export type Enriched = Contact & { company: string };

export async function contactsOf(campaignId: string): Promise<Contact[]> {
  return [1, 2, 3, 4, 5].map((n) => ({ id: `${campaignId}-${n}`, email: `person${n}@example.com` }));
}

export async function enrich(contact: Contact): Promise<Enriched> {
  return { ...contact, company: contact.email.split("@")[1] ?? "unknown" };
}

export async function store(contacts: readonly Enriched[]): Promise<number> {
  console.log(`stored ${contacts.length}`);
  return contacts.length;
}
