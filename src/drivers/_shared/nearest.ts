/** Of the known words the one that a mistyped one was most likely meant to be; null: none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  let found: string | null = null
  let least = Math.max(1, Math.floor(word.length / 2)) + 1
  for (const candidate of known) {
    const edits = editsBetween(word.toLowerCase(), candidate.toLowerCase())
    if (edits >= least) continue
    found = candidate
    least = edits
  }
  return found
}

/** Letters to insert, delete or replace. */
function editsBetween(from: string, to: string): number {
  let before = Array.from({ length: to.length + 1 }, (_, length) => length)
  for (let i = 0; i < from.length; i++) {
    const row = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const replaced = (before[j] ?? 0) + (from[i] === to[j] ? 0 : 1)
      row.push(Math.min(replaced, (before[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1))
    }
    before = row
  }
  return before[to.length] ?? 0
}
