// Stand-ins that print what they would do. Replace them with your own.

export async function sendEmail(to: string, template: string): Promise<{ messageId: string }> {
  console.log(`${template} to ${to}`);
  return { messageId: `${template}-${to}` };
}

export async function markAsLead(email: string, outcome: "replied" | "silent"): Promise<void> {
  console.log(`${email}: ${outcome}`);
}
