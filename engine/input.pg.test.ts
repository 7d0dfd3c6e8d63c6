// T-4 and L-4: what an operation does not know, a caller cannot set; what a line cannot hold, nobody can name.

import { contract, isRead } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildThings, call, codeOf, startTestEngine, type TestEngine } from "./testing/index.ts";
import { sampledOperations } from "./testing/samples.ts";

let rotor: TestEngine;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

/** Fields that every table or object has, and no caller may write. */
const forbidden = [
  "workspace_id",
  "workspaceId",
  "created_at",
  "createdAt",
  "updated_at",
  "member_id",
  "team_id",
  "hash",
  "secret",
  "__proto__",
  "constructor",
  "prototype",
];

/** A fingerprint of all that is stored, but for what reading itself changes. */
async function stored(): Promise<string> {
  const [row] = await rotor.sql`
    select md5(string_agg(t::text, ',' order by t::text)) as sum from (
      select to_jsonb(w)::text as t from workspace w union all select to_jsonb(m)::text from member m
      union all select (to_jsonb(k) - 'last_used_at')::text from api_key k
      union all select to_jsonb(q)::text from queue q union all select to_jsonb(j)::text from job j
      union all select to_jsonb(a)::text from audit_event a) t`;
  return row?.sum as string;
}

const writes = sampledOperations.filter(({ operation }) => !isRead(operation));

test.each(writes.map((sampled) => [sampled.name, sampled] as const))(
  "T-4: %s refuses every field it does not know, and writes nothing",
  async (_, { operation, sample, noun }) => {
    const things = await buildThings(rotor, rotor.home);
    const caller = noun === "admin" ? rotor.operator : rotor.home.admin;
    const before = await stored();
    const unknown = forbidden.filter((field) => !(field in operation.input.shape) || field === "__proto__");
    for (const field of unknown) {
      // Parsed from text, as a body is: only so can an object have its own field __proto__.
      const known = JSON.stringify(sample(things)).slice(1, -1);
      const input = JSON.parse(`{${known}${known && ","}"${field}":{"role":"admin"}}`);
      expect([field, await codeOf(rotor.engine.callAs(caller)(operation, input))]).toEqual([
        field,
        "INVALID_INPUT",
      ]);
    }
    expect(await stored()).toBe(before);
  },
);

test("T-4: an unknown field inside a field is refused too, with the nearest known one", async () => {
  const input = { name: "x", backoff: { delayy: 5 } };
  const error = await rotor.engine
    .callAs(rotor.home.admin)(contract.queues.create, input)
    .catch((caught) => caught);
  expect(error.details.problems).toEqual([
    { path: "backoff.delayy", problem: "is not a known field", nearest: "delay" },
  ]);
});

const unprintable = ["a\r\nb", "a\u0000b", "a\u001b[31mb", "a\u2028b", "a\ud800b"];

test.each(unprintable.map((text) => [JSON.stringify(text), text]))(
  "L-4: %s is refused wherever a text is named or looked for",
  async (_, text) => {
    const { admin } = rotor.home;
    const engine = rotor.engine;
    const codes = await Promise.all(
      [
        call(engine, admin, contract.apiKeys.create, { label: text }),
        call(engine, admin, contract.members.invite, { email: "a@example.com", name: text }),
        call(engine, admin, contract.workspaces.update, { id: rotor.home.id, name: text }),
        call(engine, admin, contract.queues.create, { name: text }),
        call(engine, admin, contract.queues.create, { name: "h", callback_headers: { a: text } }),
        call(engine, admin, contract.audit.list, { resource_id: text }),
        call(engine, admin, contract.audit.list, { event_type: text }),
        call(engine, admin, contract.audit.list, { actor_id: text }),
      ].map((made) => codeOf(made)),
    );
    expect(new Set(codes)).toEqual(new Set(["INVALID_INPUT"]));
  },
);

test("L-4: a URL is stored without line breaks, and is refused with any other control character", async () => {
  const create = (name: string, url: string) =>
    call(rotor.engine, rotor.home.admin, contract.queues.create, { name, callback_url: url });
  expect((await create("lines", "https://a.example/\r\nb")).callback_url).toBe("https://a.example/b");
  expect(await codeOf(create("nul", "https://a.example/\u0000b"))).toBe("INVALID_INPUT");
  expect(await codeOf(create("half", "https://a.example/\ud800b"))).toBe("INVALID_INPUT");
});

test("L-4: what a program says of itself is one line in the audit log, and the chain still verifies", async () => {
  const home = await rotor.createWorkspace();
  const provenance = {
    ...home.admin.provenance,
    userAgent: "evil\r\nFAKE LINE\u0000",
    client: "a\u2028b\ud800",
  };
  await call(rotor.engine, { ...home.admin, provenance }, contract.queues.create, { name: "q" });
  const { data } = await call(rotor.engine, home.admin, contract.audit.list, { event_type: "queue." });
  expect(data[0]).toMatchObject({ user_agent: "evil��FAKE LINE�", client: "a�b�" });
  expect(await call(rotor.engine, home.admin, contract.audit.verify, {})).toMatchObject({ valid: true });
});
