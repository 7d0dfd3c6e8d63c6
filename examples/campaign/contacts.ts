// Stands for a CRM.

const contacts = new Map([
  ["c_ada", { name: "Ada", email: "ada@example.com" }],
  ["c_bob", { name: "Bob", email: "bob@example.com" }],
]);

export function findContact(id: string): { name: string; email: string } {
  const contact = contacts.get(id);
  if (!contact) throw new Error(`No contact ${id}.`);
  return contact;
}

/** Only Ada is known to the enricher; for others the campaign goes on without. */
export function findScore(id: string): { score: number; company: string } | undefined {
  return id === "c_ada" ? { score: 82, company: "Analytical Engines" } : undefined;
}
