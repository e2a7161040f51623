import { below, drawFrom } from '../draw.ts'

/**
 * The order of all runs: A B B A for two subjects. Every second repeat goes backwards, so that what
 * gets slowly better or worse meets all alike, and neighbours are pairs. The first two are in the
 * order given; that of every further two is drawn by the seed.
 */
export function turns<T>(subjects: readonly T[], repeats: number, seed: number): T[] {
  const rounds = Array.from({ length: repeats }, (_, round) => {
    const block = Math.floor(round / 2)
    const forth = block === 0 ? subjects : shuffled(subjects, seed, block)
    return round % 2 === 0 ? forth : forth.toReversed()
  })
  return rounds.flat()
}

/** Each order is as likely as any other. */
function shuffled<T>(subjects: readonly T[], seed: number, block: number): T[] {
  const draw = drawFrom(seed, `turns of block ${block}`)
  const rest = [...subjects]
  return subjects.map((_, at) => rest.splice(below(draw, rest.length)(at), 1)[0] as T)
}
