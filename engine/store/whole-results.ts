// postgres.js gives each row its place in the result by a counter, which it resets only when a statement succeeds. After
// one that fails, or loses its connection, with rows already sent, the next result on that connection would begin with as
// many holes. Rows are appended instead, whatever the counter says.

import postgres from "postgres";

type Appending = { forEachFn: (row: unknown, result: unknown[]) => void };

/** For every statement of this process: postgres.js has no option for it. */
export function appendRows(): void {
  // A statement nobody awaits is not sent.
  const statement = postgres({ max: 1 }).unsafe("");
  const prototype: Appending = Object.getPrototypeOf(statement);
  prototype.forEachFn = (row, result) => {
    result.push(row);
  };
}
