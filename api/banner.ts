import type { DevKeys } from "./dev-files.ts";

/** Where programs look for the server when nobody says where it is. */
const usual = "http://127.0.0.1:8787";

/** What a person needs after the start: where it is, the keys, and the line that gives it to an agent. */
export function banner({ url, apiKey, agentKey, adminToken }: DevKeys, note: string): string {
  return `
  Rotor ${note}

  URL            ${url}
  API reference  ${url}/docs
  Admin key      ${apiKey}
  Agent key      ${agentKey}   (role developer: cannot approve)
  Operator       ${adminToken}

  Give it to Claude Code:

    claude mcp add --transport http rotor ${url}/mcp --header "Authorization: Bearer ${agentKey}"

  Try it:

    export ROTOR_API_KEY=${apiKey}${url === usual ? "" : `\n    export ROTOR_API_URL=${url}`}
    npx rotor queues create welcome-emails --concurrency 5

`;
}
