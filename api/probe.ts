// Asks whoever answers at an address whether it is a Rotor, and this one.

const probeMs = 2000;

/** True when a Rotor answers there, and takes this key. */
export async function opens(url: string, apiKey: string): Promise<boolean> {
  return (await probe(`${url}/v1/whoami`, apiKey))?.status === 200;
}

/** Undefined when nothing there speaks HTTP. */
export async function probe(url: string, apiKey: string | undefined): Promise<Response | undefined> {
  try {
    const headers = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
    return await fetch(url, { headers, signal: AbortSignal.timeout(probeMs) });
  } catch {
    return undefined;
  }
}
