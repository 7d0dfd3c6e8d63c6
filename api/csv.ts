// A whole list as CSV: the pages of the operation one after the other, streamed, so that a million rows need
// no more memory than one page.

import type { Json, Operation } from "@rotorsh/contract";

const pageSize = 200;

export function csvStream(
  operation: Operation,
  readPage: (page: Json) => Promise<Json>,
): ReadableStream<Uint8Array> {
  const columns = columnsOf(operation);
  const encoder = new TextEncoder();
  let cursor: string | null | undefined;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(toLine(columns)));
    },
    async pull(controller) {
      const page = await readPage({ limit: pageSize, ...(cursor && { cursor }) });
      const rows = page.data as Json[];
      controller.enqueue(
        encoder.encode(rows.map((row) => toLine(columns.map((name) => row[name]))).join("")),
      );
      cursor = page.nextCursor as string | null;
      if (cursor === null) controller.close();
    },
  });
}

function columnsOf({ output }: Operation): string[] {
  const list = output.shape.data as unknown as { element: { shape: Record<string, unknown> } };
  return Object.keys(list.element.shape);
}

function toLine(values: readonly unknown[]): string {
  return `${values.map(toCell).join(",")}\r\n`;
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  // A spreadsheet would run a cell that begins like this as a formula.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
