// Guardrails as their users meet them: on the way in, right before the dispatch, and past a mistake.

import { contract, type InputOf } from "@rotorsh/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call, codeOf, provenance } from "../testing/index.ts";

let d: Delivering;
let token: string;
beforeAll(async () => {
  d = await startDelivering();
  token = await d.rotor.home.tokenFor({ role: "admin" });
});
afterAll(() => d.stop());

const off: InputOf<typeof contract.guardrails.update> = {
  dncEmails: [],
  dncDomains: [],
  competitorDomains: [],
  piiRedactionEnabled: false,
  piiMode: "redact",
  pii_kinds: ["email", "phone", "ssn", "card"],
};
const ask = () => ({ engine: d.rotor.engine, admin: d.rotor.home.admin });
function guard(sent: InputOf<typeof contract.guardrails.update>) {
  return call(ask().engine, ask().admin, contract.guardrails.update, sent);
}
/** As every request does, it learns from its key what is checked now. */
async function enqueue(name: string, payload: unknown, more: object = {}, key?: string) {
  const caller = await ask().engine.authenticate({ token }, provenance);
  return call(ask().engine, caller, contract.jobs.enqueue, { name, payload, ...more }, key);
}
const receivedBy = (id: string) => d.witness.visits.filter((visit) => visit.id === id);

beforeEach(async () => {
  await guard(off);
});

test("a job for somebody on the do-not-contact list is blocked, visible, and never sent", async () => {
  await guard({ dncEmails: ["ann@example.com"] });
  const name = await d.queue();
  const made = await enqueue(name, { to: "A.Nn+news@EXAMPLE.com", subject: "Hello" });
  expect(made).toMatchObject({
    state: "guardrail.blocked",
    blockedBy: "dnc",
    reason: "An email address in the payload is on the do-not-contact list.",
  });
  const passing = await enqueue(name, { to: "bob@example.com" });
  await expect.poll(async () => (await d.job(name, passing.id)).state, { timeout: 15_000 }).toBe("completed");
  const job = await d.job(name, made.id);
  expect(job).toMatchObject({ state: "guardrail.blocked", blockedBy: "dnc", attempts: [], attempts_made: 0 });
  expect(receivedBy(made.id)).toHaveLength(0);
  const { engine, admin } = ask();
  const listed = await call(engine, admin, contract.jobs.list, { name, state: "guardrail.blocked" });
  expect(listed.data.map(({ id }) => id)).toEqual([made.id]);
  const count = async () => (await call(engine, admin, contract.queues.stats, { name })).guardrail_blocked;
  await expect.poll(count, { timeout: 10_000 }).toBe(1);
  const explained = await call(engine, admin, contract.jobs.explain, { name, id: made.id });
  expect(explained.causes.map(({ code }) => code)).toEqual(["GUARDRAIL_BLOCKED"]);
  expect(explained.next.map(({ operation }) => operation)).toContain("jobs.release");
  expect(await codeOf(call(engine, admin, contract.jobs.retry, { name, id: made.id }))).toBe(
    "JOB_STATE_CONFLICT",
  );
});

test.each([
  ["dncDomains", "noemail.example.org", { to: "x@mail.noemail.example.org" }, "dnc"],
  ["dncDomains", "noemail.example.org", { to: "x@noemail.example.org.au" }, null],
  ["competitorDomains", "rivalcrm.com", { body: "Better than www.RivalCRM.com!" }, "competitor"],
  ["competitorDomains", "rivalcrm.com", { body: "Better than rivаlcrm.com" }, "competitor"],
  ["competitorDomains", "münchen.example", { body: "see http://xn--mnchen-3ya.example/" }, "competitor"],
  [
    "competitorDomains",
    "rivalcrm.com",
    { raw: JSON.stringify({ a: [{ "rivalcrm.com": 1 }] }) },
    "competitor",
  ],
  ["competitorDomains", "rivalcrm.com", { body: "notrivalcrm.com" }, null],
  ["dncEmails", "ann@example.com", { "ann@example.com": 1 }, "dnc"],
  ["dncEmails", "ann@example.com", { link: "https://x.test/?e=ann%40example.com" }, "dnc"],
])("with %s %s, %o is blocked by %s", async (field, entry, payload, by) => {
  await guard({ [field]: [entry] });
  const name = await d.queue({ callback_url: null });
  const made = await enqueue(name, payload);
  expect(made.blockedBy ?? null).toBe(by);
});

test("personal data is redacted before anybody sees it: the job's row, the approver, the handler", async () => {
  await guard({ piiRedactionEnabled: true, piiMode: "redact" });
  const name = await d.queue();
  const { id } = await enqueue(name, { text: "Call 555-867-5309", nested: '{"ssn":"123-45-6789"}' });
  await d.settled(name);
  const redacted = { text: "Call [REDACTED-PHONE]", nested: '{"ssn":"[REDACTED-SSN]"}' };
  expect((await d.job(name, id)).payload).toEqual(redacted);
  expect(JSON.parse(receivedBy(id)[0]?.body ?? "null")).toEqual(redacted);
  const gated = await d.queue({ approval_required: true });
  const asked = await enqueue(gated, { card: 4242424242424242 });
  expect(asked.state).toBe("pending_approval");
  expect((await d.job(gated, asked.id)).payload).toEqual({ card: "[REDACTED-CARD]" });
});

test("with piiMode block the job is stopped, and its reason names kinds, not data", async () => {
  await guard({ piiRedactionEnabled: true, piiMode: "block" });
  const made = await enqueue(await d.queue(), { text: "555-867-5309, ann@example.com" });
  expect(made).toMatchObject({
    blockedBy: "pii",
    reason: "The payload contains personal data: email address, phone number.",
  });
});

test("an earlier stage stops the later ones: a blocked job keeps its payload as it came", async () => {
  await guard({ dncEmails: ["ann@example.com"], piiRedactionEnabled: true, piiMode: "redact" });
  const name = await d.queue();
  const payload = { to: "ann@example.com", phone: "555-867-5309" };
  const { id } = await enqueue(name, payload);
  expect(await d.job(name, id)).toMatchObject({ blockedBy: "dnc", payload });
});

test("a request that is repeated after guardrails began to redact is answered as the first time", async () => {
  const name = await d.queue({ callback_url: null });
  const first = await enqueue(name, { text: "555-867-5309" }, {}, "again");
  await guard({ piiRedactionEnabled: true });
  expect(await enqueue(name, { text: "555-867-5309" }, {}, "again")).toMatchObject({
    id: first.id,
    duplicate: true,
  });
  expect(await codeOf(enqueue(name, { text: "another" }, {}, "again"))).toBe("IDEMPOTENCY_KEY_REUSED");
});

test("a job's row remembers whom it mentioned only where that was redacted", async () => {
  await guard({ piiRedactionEnabled: true, pii_kinds: ["email"] });
  const name = await d.queue({ callback_url: null });
  const kept = async (payload: unknown) => {
    const { id } = await enqueue(name, payload);
    return (await d.rotor.sql`select cardinality(contacts) as n from job where id = ${id}`)[0]?.n;
  };
  expect(await kept({ link: "https://shop.example.com" })).toBe(0);
  expect(await kept({ to: "ann@example.com" })).toBeGreaterThan(0);
});

test("an address that is redacted is still held against the list right before the dispatch", async () => {
  await guard({ piiRedactionEnabled: true, piiMode: "redact" });
  const name = await d.queue();
  const { id } = await enqueue(name, { to: "late@example.com" }, { delay: "1h", concurrencyKey: "late" });
  expect((await d.job(name, id)).payload).toEqual({ to: "[REDACTED-EMAIL]" });
  const { engine, admin } = ask();
  await call(engine, admin, contract.guardrails.appendDnc, { emails: ["LATE@example.com"] });
  await d.rotor.sql`update job set due_at = rotor_now() where id = ${id}`;
  await expect.poll(async () => (await d.job(name, id)).state, { timeout: 15_000 }).toBe("guardrail.blocked");
  expect(await d.job(name, id)).toMatchObject({ blockedBy: "dnc", attempts_made: 0, attempts: [] });
  expect(receivedBy(id)).toHaveLength(0);
  // Its key is free again.
  const next = await enqueue(name, { to: "other@example.com" }, { concurrencyKey: "late" });
  await expect.poll(async () => (await d.job(name, next.id)).state, { timeout: 15_000 }).toBe("completed");
});

test("a retry, a replay and a pull claim end at the same look", async () => {
  await guard({ piiRedactionEnabled: true, pii_kinds: ["ssn"] });
  const { engine, admin } = ask();
  const name = await d.queue({ callback_url: null });
  const { id } = await enqueue(name, { to: "pull@example.com" });
  const claim = () => call(engine, admin, contract.jobs.claim, { name });
  const [claimed] = (await claim()).jobs;
  const end = { id, lease: claimed?.lease as string, outcome: "failed", final: true } as const;
  await call(engine, admin, contract.jobs.end, { name, ends: [end] });
  await call(engine, admin, contract.dlq.replay, { name, job_ids: [id] });
  await call(engine, admin, contract.guardrails.appendDnc, { domains: ["example.com"] });
  expect((await claim()).jobs).toEqual([]);
  expect(await d.job(name, `replay-${id}`)).toMatchObject({ blockedBy: "dnc" });
});

test("an admin's release lets a job pass the stage that stopped it, and no other", async () => {
  await guard({ dncEmails: ["ann@example.com"], piiRedactionEnabled: true });
  const { engine, admin } = ask();
  const name = await d.queue();
  const { id } = await enqueue(name, { to: "ann@example.com", phone: "555-867-5309" });
  const developer = await d.rotor.home.callerFor({ role: "developer" });
  expect(await codeOf(call(engine, developer, contract.jobs.release, { name, id }))).toBe("FORBIDDEN");
  await call(engine, admin, contract.jobs.release, { name, id });
  await expect.poll(async () => (await d.job(name, id)).state, { timeout: 15_000 }).toBe("completed");
  expect(JSON.parse(receivedBy(id)[0]?.body ?? "null")).toEqual({
    to: "[REDACTED-EMAIL]",
    phone: "[REDACTED-PHONE]",
  });
  expect((await d.job(name, id)).guardrail).toMatchObject({ released: ["dnc"] });
  expect(await codeOf(call(engine, admin, contract.jobs.release, { name, id }))).toBe("JOB_STATE_CONFLICT");
  const { data } = await call(engine, admin, contract.audit.list, { resource_id: id });
  expect(data.map(({ event_type: type }) => type)).toContain("job.released");
  expect(JSON.stringify(data)).not.toContain("ann@");
});

test("a released job of a queue with approvals goes to the gate", async () => {
  await guard({ competitorDomains: ["rivalcrm.com"] });
  const { engine, admin } = ask();
  const name = await d.queue({ approval_required: true });
  const { id } = await enqueue(name, { body: "rivalcrm.com" });
  await call(engine, admin, contract.jobs.release, { name, id });
  await expect.poll(async () => (await d.job(name, id)).state, { timeout: 15_000 }).toBe("pending_approval");
});

test("lists: an update replaces, an append adds, a removal takes any spelling", async () => {
  const { engine, admin } = ask();
  const append = (emails: string[]) => call(engine, admin, contract.guardrails.appendDnc, { emails });
  const first = await guard({ dncEmails: ["a@example.com", "A@Example.com", "b@example.com"] });
  expect(first).toMatchObject({ dnc_email_count: 2, dncEmails: ["a@example.com", "b@example.com"] });
  expect(first.id).toMatch(/^grc_[0-9a-f]{32}$/);
  expect(await append(["b@example.com", "c@example.com"])).toMatchObject({ added: 1, dnc_email_count: 3 });
  const remove = (email: string) => call(engine, admin, contract.guardrails.removeDncEmail, { email });
  expect(await remove("C+x@EXAMPLE.com")).toEqual({ deleted: true });
  expect(await codeOf(remove("c@example.com"))).toBe("DNC_ENTRY_NOT_FOUND");
  expect(await guard({ piiMode: "block" })).toMatchObject({ dnc_email_count: 2, piiMode: "block" });
  expect(await guard({ dncEmails: ["z@example.com"] })).toMatchObject({ dncEmails: ["z@example.com"] });
  expect(await codeOf(guard({ dncDomains: ["no domain.x"] }))).toBe("INVALID_INPUT");
});

test("the dry run says what each stage would do", async () => {
  await guard({ dncEmails: ["ann@example.com"], piiRedactionEnabled: true });
  const { engine, admin } = ask();
  const run = (payload: unknown) => call(engine, admin, contract.guardrails.test, { payload });
  expect(await run({ to: "bob@example.com" })).toMatchObject({
    outcome: "redacted",
    payload: { to: "[REDACTED-EMAIL]" },
    stages: [
      { stage: "dnc", outcome: "passed" },
      { stage: "competitor", outcome: "off" },
      { stage: "pii", outcome: "redacted", kinds: ["email"] },
      { stage: "brand_tone", outcome: "off" },
    ],
  });
  expect(await run({ to: "ann@example.com" })).toMatchObject({
    outcome: "blocked",
    blockedBy: "dnc",
    stages: [{ outcome: "blocked" }, { outcome: "off" }, { outcome: "not_reached" }, { outcome: "off" }],
  });
});

test("an Idempotency-Key meets its own redacted job again", async () => {
  await guard({ piiRedactionEnabled: true });
  const name = await d.queue();
  const again = () => enqueue(name, { to: "k@example.com" }, {}, "guarded-key");
  const first = await again();
  expect(await again()).toMatchObject({ id: first.id, duplicate: true });
});

test("another workspace's lists block nothing here", async () => {
  const other = await d.rotor.createWorkspace();
  const { engine } = ask();
  await call(engine, other.admin, contract.guardrails.update, { dncEmails: ["ann@example.com"] });
  expect((await enqueue(await d.queue(), { to: "ann@example.com" })).state).toBe("waiting");
});

test("brand tone is refused where the server has no key, with a word on what to do", async () => {
  const refused = guard({ brandToneJudgeEnabled: true, brandToneRubric: "Calm." });
  await expect(refused).rejects.toMatchObject({
    code: "JUDGE_NOT_CONFIGURED",
    hint: expect.stringContaining("ANTHROPIC_API_KEY"),
  });
});
