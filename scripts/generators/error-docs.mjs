// docs/errors.md: the table of errors, for people who read files.

import { errorCodes, errorTable } from "../../contract/errors.ts";

export function generate() {
  const rows = [...errorCodes]
    .sort((a, b) => errorTable[a].status - errorTable[b].status)
    .map((code) => {
      const { status, message, hint = "", retryable } = errorTable[code];
      return `| \`${code}\` | ${status} | ${cell(message)} | ${cell(hint)} | ${retryable ? "yes" : ""} |`;
    });
  return { "docs/errors.md": `${introduction}${rows.join("\n")}\n` };
}

function cell(text) {
  return text.replaceAll("|", "\\|").replaceAll(/\{(\w+)\}/g, "`{$1}`");
}

const introduction = `<!-- Made from contract/errors.ts by \`npm run generate\`; do not edit. -->

# Errors

Every surface fails in the same words. REST sends this body, with the status of the table:

\`\`\`json
{
  "error": {
    "code": "QUEUE_NOT_FOUND",
    "message": "There is no queue emials.",
    "hint": "List the queues to see their names.",
    "details": { "name": "emials" },
    "request_id": "req_019a53c0f1d24b6e8f0a1c2d3e4f5a6b"
  }
}
\`\`\`

- Tell errors apart by \`code\`. Sentences may be improved at any time.
- \`details\` holds what the sentences are filled with. Data of jobs and handlers never appears in an error.
- \`request_id\` is also the header \`x-request-id\`, and stands in the server's log.
- MCP answers the same body as the text of a result with \`isError\`, and adds which call comes next. The CLI prints
  message and hint, and ends with an exit code by status (\`rotor help exit-codes\`). The SDK throws \`RotorError\`.
- *Again* says that the same request may succeed later without a change. The SDK repeats it by itself.
- 429 and 503 carry \`Retry-After\`. Both are safe to repeat for reads, and for writes with an \`Idempotency-Key\`.

| Code | Status | Message | What to do | Again |
| --- | --- | --- | --- | --- |
`;
