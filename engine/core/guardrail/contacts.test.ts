import fc from "fast-check";
import { expect, test } from "vitest";
import { contactNumber, contactsOf, entryForm, entryNumber } from "./contacts.ts";

const salt = "ws_test";
const number = (kind: "email" | "domain" | "mention", value: string) =>
  entryNumber(kind, entryForm(kind, value) as string, salt);
const mentions = (payload: unknown, kind: "email" | "domain" | "mention", entry: string) =>
  contactsOf(payload, salt).includes(number(kind, entry));

const name = fc.string({ unit: fc.constantFrom(..."abcdefghijxyz0123456789"), minLength: 1, maxLength: 10 });
const domain = fc
  .tuple(name, fc.constantFrom("com", "io", "example.org", "co.uk"))
  .map((parts) => parts.join("."));
const local = fc.tuple(fc.constantFrom("a", "ann", "b7"), name).map((parts) => parts.join(""));
const words = fc
  .array(fc.constantFrom("Hello", "see", "you", "über", "1.5", "…", "end."), { maxLength: 4 })
  .map((list) => list.join(" "));

/** The same address, as people and programs write it. */
const spelled = (address: string) => {
  const [before, host] = address.split("@") as [string, string];
  return fc.constantFrom(
    address,
    address.toUpperCase(),
    `${before}+news@${host}`,
    `${[...before].join(".")}@${host}`,
    `${before}@mail.${host}`.replace("mail.", ""),
    `${before}\u200b@${host}`,
    `${before}%40${host}`,
    `${before}%2540${host}`,
    `${before}&#64;${host}`,
    `${before}&#x40;${host}`,
    `${before}\\u0040${host}`,
    `cc=x&body=%0D%0A${before}@${host}`,
    `Dear Ann,\\n${before}@${host}`,
    `%FF%0a${before}%40${host}`,
    address.replaceAll(/[!-~]/g, (letter) => String.fromCodePoint(letter.charCodeAt(0) + 0xfee0)),
  );
};

/** Where in a payload a text may stand. */
const placed = (text: string) =>
  fc.constantFrom<unknown>(
    text,
    { to: text },
    { [text]: 1 },
    [[{ deep: [text] }]],
    { raw: JSON.stringify({ inner: [text] }) },
    { twice: JSON.stringify({ raw: JSON.stringify({ to: text }) }) },
    { href: `<a href='mailto:${text}'>` },
  );

test("an address on a list is met in every spelling and at every place", () => {
  fc.assert(
    fc.property(
      fc.tuple(local, domain, words, words).chain(([before, host, left, right]) => {
        const address = `${before}@${host}`;
        return fc.tuple(
          fc.constant(address),
          spelled(address).chain((spelling) => placed(`${left} ${spelling} ${right}`)),
        );
      }),
      ([address, payload]) => {
        expect(mentions(payload, "email", address)).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test("an address that is not there is not met", () => {
  fc.assert(
    fc.property(local, local, domain, (one, other, host) => {
      fc.pre(one !== other);
      expect(mentions({ to: `${one}@${host}` }, "email", `${other}@${host}`)).toBe(false);
    }),
  );
});

test("a domain is met at its addresses and sub-domains, and not at its neighbours", () => {
  fc.assert(
    fc.property(domain, name, local, (host, sub, before) => {
      expect(mentions({ to: `${before}@${sub}.${host}` }, "domain", host)).toBe(true);
      expect(mentions(`https://${sub}.${host}/path`, "domain", `https://${host}`)).toBe(true);
      expect(mentions(`${sub}${host}`, "domain", host)).toBe(false);
      expect(mentions(`${before}@${host}.au`, "domain", host)).toBe(false);
      expect(mentions(`${host}.au`, "mention", host)).toBe(true);
    }),
  );
});

test.each([
  ["rivаlcrm.com", "rivalcrm.com"],
  ["RIVALCRM.COM.", "rivalcrm.com"],
  ["xn--rivlcrm-4fg.com", "rivаlcrm.com"],
  ["rivalcrm。com", "rivalcrm.com"],
  ["_rivalcrm.com_", "rivalcrm.com"],
  ["...rivalcrm.com...", "rivalcrm.com"],
  ["xn--mnchen-3ya.de", "münchen.de"],
  ["https://riv%D0%B0lcrm.com", "rivalcrm.com"],
  ["rivalcrm&#46;com", "rivalcrm.com"],
  ["C:\\new.rivalcrm.com", "rivalcrm.com"],
])("%s is %s", (written, listed) => {
  expect(mentions(`see ${written} now`, "mention", listed)).toBe(true);
});

test.each(["", "no domain", "1.5", "a..b", "-.-", "rival crm.com"])("%j is no domain", (value) => {
  expect(entryForm("domain", value)).toBeUndefined();
});

test("a field called __proto__ is one like any other", () => {
  expect(mentions(JSON.parse('{"__proto__":{"to":"ann@example.com"}}'), "email", "ann@example.com")).toBe(
    true,
  );
});

test("numbers are 64 bits, and never change", () => {
  expect(contactNumber("email:ann@example.com", "ws_1")).toBe("4202754087076155822");
  const numbers = new Set<string>();
  for (let index = 0; index < 200_000; index++)
    numbers.add(contactNumber(`email:ann${index}@example.com`, salt));
  expect(numbers.size).toBe(200_000);
  for (const one of numbers) if (BigInt.asIntN(64, BigInt(one)).toString() !== one) throw new Error(one);
});
