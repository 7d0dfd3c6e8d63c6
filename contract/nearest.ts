/** The known word closest to what was written, if it is close enough to be what was meant. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  // A long word is not a typing slip, and the distance costs length × length.
  if (written.length > 64) return undefined;
  let best: { word: string; distance: number } | undefined;
  for (const word of known) {
    const distance = editDistance(written.toLowerCase(), word.toLowerCase());
    if (!best || distance < best.distance) best = { word, distance };
  }
  const allowed = Math.max(2, Math.floor(written.length / 3));
  return best && best.distance <= allowed ? best.word : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
