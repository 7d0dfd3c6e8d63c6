// Which handlers a request goes to, remembered by its address: clients ask for the same few again and again, and to
// find them among all routes takes longer than to count a request.

import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

const mostRemembered = 1000;
const longestPath = 200;

export class RememberingRouter<T> implements Router<T> {
  readonly name = "RememberingRouter";
  readonly #router = new TrieRouter<T>();
  readonly #known = new Map<string, Result<T>>();

  add(method: string, path: string, handler: T): void {
    this.#known.clear();
    this.#router.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    const name = `${method} ${path}`;
    const known = this.#known.get(name);
    if (known) return known;
    const found = this.#router.match(method, path);
    if (this.#known.size >= mostRemembered) this.#known.clear();
    if (path.length <= longestPath) this.#known.set(name, found);
    return found;
  }
}
