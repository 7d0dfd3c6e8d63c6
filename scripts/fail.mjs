/** Ends a script with what went wrong, without a stack: the message is for the person who ran it. */
export function fail(error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
