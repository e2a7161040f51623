/** Of the random part of a worker's id, so many characters at least where the label is not enough. */
const randomMin = 2
const randomLength = 8

/**
 * Short names of workers: the label of an id `<label>-<8 random>`, and more of it only where two
 * look alike. The short name is a prefix of the id, so it can be typed.
 */
export function shortNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const all = [...new Set(ids)]
  return new Map(all.map((id) => [id, shortest(id, all)]))
}

function shortest(id: string, all: readonly string[]): string {
  const label = id.slice(0, -(randomLength + 1))
  const others = all.filter((other) => other !== id)
  if (label !== '' && !others.some((other) => other.startsWith(label))) return label
  for (let length = label.length + 1 + randomMin; length < id.length; length++) {
    const prefix = id.slice(0, length)
    if (!others.some((other) => other.startsWith(prefix))) return prefix
  }
  return id
}
