import { contract, type Operation } from "@rotorsh/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toRequest } from "./request.ts";

const { queues, audit } = contract;
const op = (operation: unknown) => operation as Operation;

test("a write carries what is not in the path as its body", () => {
  const request = toRequest(op(queues.update), { name: "emails", concurrency: 5 });
  expect(request).toMatchObject({ method: "PATCH", path: "/v1/queues/emails", body: { concurrency: 5 } });
  expect(request.query.size).toBe(0);
});

test("a read and a delete carry it as their query, with text as it is and the rest as JSON", () => {
  const list = toRequest(op(audit.list), { event_type: "queue.", limit: 5, actor_id: undefined });
  expect(list.body).toBeUndefined();
  expect(Object.fromEntries(list.query)).toEqual({ event_type: "queue.", limit: "5" });
  const remove = toRequest(op(queues.delete), { name: "emails", with_jobs: true });
  expect([remove.path, remove.query.toString()]).toEqual(["/v1/queues/emails", "with_jobs=true"]);
});

test("a name in the path never becomes another path", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (name) => {
      fc.pre(name !== "." && name !== "..");
      const { path } = toRequest(op(queues.get), { name });
      const url = new URL(path, "http://localhost");
      expect(url.pathname.split("/").slice(0, -1)).toEqual(["", "v1", "queues"]);
      expect(decodeURIComponent(url.pathname.split("/").at(-1) ?? "")).toBe(name);
    }),
  );
});

test.each([undefined, null, "", ".", ".."])("a path part of %j is refused: INVALID_INPUT", (name) => {
  expect(() => toRequest(op(queues.delete), { name })).toThrow(
    expect.objectContaining({ code: "INVALID_INPUT" }),
  );
});

test.each([null, "emails", ["emails"]])("an input of %j is refused: INVALID_INPUT", (input) => {
  expect(() => toRequest(op(queues.list), input)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
});
