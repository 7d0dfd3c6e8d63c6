import { type contract, type ParsedInputOf, RotorError } from "@rotorsh/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  changeSettings,
  defaultSettings,
  loosensGate,
  type QueueSettings,
  secretAction,
} from "./queue-settings.ts";

type Sent = Omit<ParsedInputOf<typeof contract.queues.update>, "name">;

const backoff = fc.record({
  type: fc.constantFrom("fixed" as const, "exponential" as const),
  delay: fc.nat(86_400_000),
  jitter: fc.constantFrom(0, 0.2, 1),
});
const rateLimit = fc.record({
  max: fc.integer({ min: 1, max: 100 }),
  period_seconds: fc.integer({ min: 1, max: 60 }),
});
const url = fc.constantFrom("https://a.example/", "https://b.example/hook");

const anySent = fc.record(
  {
    concurrency: fc.integer({ min: 1, max: 1000 }),
    retry_attempts: fc.integer({ min: 1, max: 100 }),
    backoff,
    timeout_seconds: fc.integer({ min: 1, max: 900 }),
    rate_limit: fc.option(rateLimit),
    callback_url: fc.option(url),
    callback_headers: fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom("1", "2")),
    approval_required: fc.boolean(),
    approval_timeout_seconds: fc.option(fc.integer({ min: 60, max: 600 })),
    four_eyes: fc.boolean(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Sent>;

const anySettings: fc.Arbitrary<QueueSettings> = anySent.map((sent) => changeSettings(defaultSettings, sent));

test("nothing sent changes nothing", () => {
  fc.assert(
    fc.property(anySettings, (current) => {
      expect(changeSettings(current, {})).toEqual(current);
    }),
  );
});

test("the same change twice is the change once", () => {
  fc.assert(
    fc.property(anySettings, anySent, (current, sent) => {
      const once = changeSettings(current, sent);
      expect(changeSettings(once, sent)).toEqual(once);
    }),
  );
});

const columnOf: Record<string, keyof QueueSettings> = {
  concurrency: "concurrency",
  retry_attempts: "retryAttempts",
  backoff: "backoff",
  timeout_seconds: "timeoutSeconds",
  rate_limit: "rateLimit",
  callback_url: "callbackUrl",
  callback_headers: "callbackHeaders",
  approval_required: "approvalRequired",
  approval_timeout_seconds: "approvalTimeoutSeconds",
  four_eyes: "fourEyes",
};

test("each field sent takes the value sent, null included, and every other keeps its own", () => {
  fc.assert(
    fc.property(anySettings, anySent, (current, sent) => {
      const next = changeSettings(current, sent);
      for (const [field, column] of Object.entries(columnOf)) {
        const value = sent[field as keyof Sent];
        expect(next[column]).toEqual(value === undefined ? current[column] : value);
      }
    }),
  );
});

test("attempts and backoff may come under BullMQ's name, and both names together if they agree", () => {
  const backoff = { type: "fixed" as const, delay: 5, jitter: 0 };
  const named = { retry_attempts: 7, backoff };
  const aliased = { defaultJobOptions: { attempts: 7, backoff } };
  const expected = changeSettings(defaultSettings, named);
  expect(changeSettings(defaultSettings, aliased)).toEqual(expected);
  expect(changeSettings(defaultSettings, { ...named, ...aliased })).toEqual(expected);
});

test("two names for one setting that disagree are refused: INVALID_INPUT", () => {
  const act = () =>
    changeSettings(defaultSettings, { retry_attempts: 2, defaultJobOptions: { attempts: 3 } });
  expect(act).toThrow(RotorError);
  expect(act).toThrow(/defaultJobOptions\.attempts disagrees with retry_attempts/);
});

test("a queue has a secret exactly as long as it has a callback URL", () => {
  fc.assert(
    fc.property(anySettings, fc.boolean(), (settings, had) => {
      const action = secretAction(had, settings, false);
      const has = { keep: had, mint: true, rotate: true, drop: false }[action];
      expect(has).toBe(settings.callbackUrl !== null);
    }),
  );
});

test("rotating makes a new secret; the first one is minted, and without a callback URL there is none to rotate", () => {
  const callback = { ...defaultSettings, callbackUrl: "https://a.example/" };
  expect(secretAction(true, callback, true)).toBe("rotate");
  expect(secretAction(false, callback, true)).toBe("mint");
  expect(() => secretAction(true, defaultSettings, true)).toThrow(/needs a callback_url/);
});

test.each([
  ["a duration", { approval_timeout: "1h30m" }, 5400],
  ["seconds", { approval_timeout: 90 }, 90],
  ["both, agreeing", { approval_timeout: "2m", approval_timeout_seconds: 120 }, 120],
  ["no end", { approval_timeout: null }, null],
])("the time for an approval may be given as %s", (_, sent, seconds) => {
  const before = { ...defaultSettings, approvalTimeoutSeconds: 7 };
  expect(changeSettings(before, sent).approvalTimeoutSeconds).toBe(seconds);
});

test("a gate is looser when it is gone, or when one person is enough; not when it is stricter", () => {
  const closed = { ...defaultSettings, approvalRequired: true, fourEyes: true };
  expect(loosensGate(closed, { ...closed, approvalRequired: false })).toBe(true);
  expect(loosensGate(closed, { ...closed, fourEyes: false })).toBe(true);
  expect(loosensGate(defaultSettings, closed)).toBe(false);
  expect(loosensGate(closed, { ...closed, concurrency: 9 })).toBe(false);
});
