import { nameOf, type Pick } from './pick.ts'

/**
 * One after the other, in the order of their names: who comes takes its place among them, who goes
 * leaves none. Remembers nothing but whose turn it was.
 */
export function roundRobin(): Pick {
  let last = ''
  return (candidates) => {
    let first = candidates[0]
    let next = null as typeof first | null
    for (const one of candidates) {
      const name = nameOf(one)
      if (name < nameOf(first)) first = one
      if (name > last && (next === null || name < nameOf(next))) next = one
    }
    const chosen = next ?? first
    last = nameOf(chosen)
    return chosen
  }
}
