import { Pool } from "undici";

/** What a peer's worker does with a job: the same POST, kept alive, but without a signature. */
export function openPost(url: string, connections: number) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const headers = { "content-type": "application/json" };
  return {
    async post(body: string): Promise<void> {
      const response = await pool.request({ method: "POST", path: pathname, headers, body });
      await response.body.dump();
      if (response.statusCode !== 200) throw new Error(`the receiver answered ${response.statusCode}`);
    },
    close: () => pool.close(),
  };
}
