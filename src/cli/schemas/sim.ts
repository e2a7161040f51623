import {
  answer,
  count,
  dryRun,
  type Fields,
  list,
  many,
  ms,
  object,
  orNull,
  type Shape,
  text,
} from './schema.ts'

const totals: Fields = {
  started: count,
  complete: count,
  abandoned: count,
  rescued: count,
  timed_out: count,
  hits: count,
  forfeits: count,
  refusals: count,
  errors: count,
}
const missing = many(object({ user: text, why: text }))
const hero: Fields = {
  id: count,
  name: text,
  alignment: text,
  intelligence: count,
  strength: count,
  speed: count,
  durability: count,
  power: count,
  combat: count,
}

/** What the simulator prints. */
export const simSchemas: Readonly<Record<string, Shape>> = {
  'sim.server': [{ url: text, port: count, processes: count, state: text }, dryRun],
  'sim.server.summary': answer({
    ...totals,
    records: count,
    dropped: count,
    kept: count,
    died: count,
  }),
  'sim.bots': [
    {
      players: count,
      games: count,
      played: count,
      hits: count,
      skipped: orNull(count),
      missing,
      duration_ms: ms,
    },
    dryRun,
  ],
  // Over sockets, and by the engine alone.
  'sim.run': [
    {
      players: count,
      games: count,
      ...totals,
      records: count,
      dropped: count,
      kept: count,
      missing,
      duration_ms: ms,
    },
    { players: count, games: count, hits: count, records: count, dropped: count, duration_ms: ms },
    dryRun,
  ],
  'sim.heroes': list(hero),
  'sim.heroes.import': list(hero),
}
