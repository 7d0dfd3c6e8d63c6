import { invalidInput } from "@rotorsh/contract";

/** Where callbacks may go, as far as the text of a URL can tell; the address is checked when connecting. */
export type CallbackRules = { httpToLoopback: boolean; allowedHosts: readonly string[] };

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export function checkCallbackUrl(text: string | null, rules: CallbackRules): void {
  if (text === null) return;
  const url = new URL(text);
  if (url.username || url.password) refuse("must not contain a user name or password; use callback_headers");
  if (url.hash) refuse("must not contain a fragment");
  if (url.protocol === "https:") return;
  if (rules.allowedHosts.includes(url.hostname)) return;
  if (rules.httpToLoopback && loopback.test(url.hostname)) return;
  refuse(
    rules.httpToLoopback
      ? "must be https, or http to localhost"
      : "must be https; http is only for localhost in dev mode and for hosts in ROTOR_EGRESS_ALLOW",
  );
}

function refuse(problem: string): never {
  throw invalidInput([{ path: "callback_url", problem }]);
}
