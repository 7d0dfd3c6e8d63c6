// Collects a response body as text that may be stored: at most so many bytes, valid UTF-8, without NUL, which
// Postgres refuses in text. What does not fit is counted and dropped.

export type ResponseText = {
  add(chunk: Buffer): void;
  /** Bytes received, kept or not. */
  readonly received: number;
  read(): { body: string; truncated: boolean };
};

/** A receiver may send single bytes; joining now and then keeps a small body from becoming 65,536 objects. */
const mostChunks = 64;

export function createResponseText(mostBytes: number): ResponseText {
  let chunks: Buffer[] = [];
  let kept = 0;
  let received = 0;
  return {
    add(chunk) {
      received += chunk.length;
      if (kept === mostBytes) return;
      const part = chunk.length > mostBytes - kept ? chunk.subarray(0, mostBytes - kept) : chunk;
      chunks.push(part);
      kept += part.length;
      if (chunks.length > mostChunks) chunks = [Buffer.concat(chunks)];
    },
    get received() {
      return received;
    },
    read() {
      const [only] = chunks;
      const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks);
      return toText(bytes, mostBytes, received > kept);
    },
  };
}

function toText(bytes: Buffer, mostBytes: number, cut: boolean): { body: string; truncated: boolean } {
  // At a cut the last character may be half there: streaming leaves it out instead of replacing it.
  const decoded = cut ? new TextDecoder().decode(bytes, { stream: true }) : bytes.toString("utf8");
  const text = decoded.includes("\0") ? decoded.replaceAll("\0", "") : decoded;
  // A replaced byte takes three.
  if (text.length * 3 <= mostBytes || Buffer.byteLength(text) <= mostBytes)
    return { body: text, truncated: cut };
  const fitting = Buffer.from(text).subarray(0, mostBytes);
  return { body: new TextDecoder().decode(fitting, { stream: true }), truncated: true };
}
