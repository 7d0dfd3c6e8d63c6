// Stand-ins that print what they would do. Replace them with your own.

export type Contact = { id: string; name: string; email: string };
export type Draft = { subject: string; body: string };

export async function loadContact(id: string): Promise<Contact> {
  return { id, name: "Ada", email: `${id}@example.com` };
}

export async function draftMessage(contact: Contact): Promise<Draft> {
  return { subject: `Hello ${contact.name}`, body: "May we show you something?" };
}

export async function sendMessage(contact: Contact, draft: Draft): Promise<{ messageId: string }> {
  console.log(`to ${contact.email}: ${draft.subject}`);
  return { messageId: `msg_${contact.id}` };
}
