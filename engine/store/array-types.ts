// Arrays, as postgres.js would learn them from the database by a query of its own on every new connection. That
// query costs a round trip, and a connection that is lost during it ends the process: nobody handles its error.

import { makePgArray } from "drizzle-orm/pg-core";

const text = (value: string) => value;

const elements: Record<string, { array: number; parse(value: string): unknown }> = {
  boolean: { array: 1000, parse: (value) => value === "t" },
  int2: { array: 1005, parse: Number },
  int4: { array: 1007, parse: Number },
  // As postgres.js gives a single one: it may be too large for a number.
  int8: { array: 1016, parse: text },
  float8: { array: 1022, parse: Number },
  text: { array: 1009, parse: text },
  varchar: { array: 1015, parse: text },
  uuid: { array: 2951, parse: text },
};

export const arrayTypes = Object.fromEntries(
  Object.entries(elements).map(([name, { array, parse }]) => [
    `${name}_array`,
    {
      to: array,
      from: [array],
      // Drizzle has made a text of it already.
      serialize: (value: unknown) => (Array.isArray(value) ? makePgArray(value) : value),
      parse: (value: string) => parseArray(value, parse),
    },
  ]),
);

/** One dimension: `{1,NULL,"a \\"quoted\\" text"}`. */
function parseArray(value: string, parse: (element: string) => unknown): unknown[] {
  return [...value.matchAll(/"((?:[^"\\]|\\.)*)"|([^,{}]+)/gs)].map(([, quoted, plain]) => {
    if (quoted !== undefined) return parse(quoted.replaceAll(/\\(.)/gs, "$1"));
    return plain === "NULL" ? null : parse(plain as string);
  });
}
