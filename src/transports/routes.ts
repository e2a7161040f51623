import { wrongOption } from '../runtime/checks.ts'

/** Where records go. Data, not code, so that it survives the way into a worker thread. */
export interface Route {
  /** Fields that the record must have, with these very values; a name may be a path, `task.host`. */
  when?: Record<string, string | number | boolean | null>
  channel: string
  /** Never dropped: what cannot be sent now is spilled to disk. @default false */
  keep?: boolean
}

/** Where one record goes. */
export interface Destination {
  readonly channel: string
  readonly keep: boolean
}

/** The value at a path like `task.game_token`; undefined where there is none. */
export function valueAt(record: unknown, path: readonly string[]): unknown {
  let value = record
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

/**
 * With `routes` only the first route that matches decides. Without, a record goes to the channel
 * named in its field `channel`, else to `channel` of the options. null: the record is skipped.
 * @throws INVALID_ARGUMENT for a route without a channel.
 */
export function router(options: {
  readonly routes?: readonly Route[] | undefined
  readonly channel?: string | undefined
}): (record: object) => Destination | null {
  const { routes, channel } = options
  if (!routes) {
    const fallback = channel === undefined ? null : { channel, keep: false }
    return (record) => {
      const named = (record as { channel?: unknown }).channel
      return typeof named === 'string' && named !== '' ? { channel: named, keep: false } : fallback
    }
  }
  const rules = routes.map((route, n) => compile(route, n))
  return (record) => rules.find((rule) => rule.matches(record))?.destination ?? null
}

function compile(route: Route, n: number) {
  if (typeof route?.channel !== 'string' || route.channel === '') {
    throw wrongOption(`routes[${n}].channel`, 'the name of a channel', route?.channel)
  }
  const wanted = Object.entries(route.when ?? {}).map(
    ([name, value]) => [name.split('.'), value] as const,
  )
  return {
    destination: { channel: route.channel, keep: route.keep ?? false },
    matches: (record: object) => wanted.every(([path, value]) => valueAt(record, path) === value),
  }
}
