import { NarrowcastError } from '../../core/errors.ts'
import type { Pattern } from '../../core/message.ts'
import { parseBrokerUrl, redactUrl } from '../../core/url.ts'
import { nearest } from '../../drivers/_shared/nearest.ts'

/** What an experiment is made on. */
export interface Subject {
  readonly backend: string
  readonly pattern: Pattern
  readonly profile: string
  /** Null: the lab starts the broker itself. */
  readonly url: string | null
}

export interface Backend {
  readonly name: string
  readonly patterns: readonly Pattern[]
  readonly profiles: readonly string[]
  readonly defaultPattern: Pattern
}

const patterns: readonly Pattern[] = ['broadcast', 'narrowcast', 'queue', 'stream']
const profileDefault = 'default'
/** Schemes whose backends are not called like them. */
const families: Readonly<Record<string, string>> = {
  ...{ rediss: 'redis', amqp: 'rabbitmq', amqps: 'rabbitmq', kafkas: 'kafka' },
}

/**
 * `redis-list`, `file:stream`, `redis-list:queue@safe`; `redis` is the engine that the pattern needs.
 * @throws INVALID_ARGUMENT for a word that nothing is called, with the nearest; UNSUPPORTED where
 * the backend does not offer the pattern.
 */
export function namedSubject(
  word: string,
  asked: Pattern | null,
  backends: readonly Backend[],
): Subject {
  refuseBrokenUrl(word, backends)
  const [, name = '', ofWord = null, profile = profileDefault] =
    /^([^:@]*)(?::([^:@]*))?(?:@(.*))?$/.exec(word) ?? []
  if (ofWord !== null) checkPattern(word, ofWord)
  if (ofWord !== null && asked !== null && ofWord !== asked) {
    const text = `--on ${word} and --pattern ${asked} name two patterns`
    throw new NarrowcastError('INVALID_ARGUMENT', text)
  }
  const wished = (ofWord as Pattern | null) ?? asked
  const backend = backendOf(name, wished, backends)
  const pattern = wished ?? backend.defaultPattern
  if (!backend.patterns.includes(pattern)) {
    throw new NarrowcastError('UNSUPPORTED', `${backend.name} has no ${pattern}`, {
      driver: backend.name,
      hint: `It has ${backend.patterns.join(', ')}.`,
    })
  }
  if (!backend.profiles.includes(profile)) {
    throw unknownWord(`--on ${word}: ${backend.name} has no profile`, profile, backend.profiles)
  }
  return { backend: backend.name, pattern, profile, url: null }
}

/** A broker that runs already. @throws as `namedSubject`, and INVALID_CONFIG for what is no URL. */
export function givenSubject(
  url: string,
  asked: Pattern | null,
  backends: readonly Backend[],
): Subject {
  const { scheme, options } = parseBrokerUrl(url)
  refuseProfile(url, backends)
  const engine =
    options.get('queue') === 'stream' && asked !== 'broadcast' && asked !== 'narrowcast'
  const name = engine ? 'redis-stream' : (families[scheme] ?? scheme)
  if (!backends.some((one) => one.name === name || one.name.startsWith(`${name}-`))) {
    const near = nearest(scheme, [
      ...backends.flatMap((one) => familyOf(one.name)),
      ...Object.keys(families),
    ])
    if (near !== null) {
      throw new NarrowcastError('INVALID_ARGUMENT', `${redactUrl(url)}: there is no ${scheme}:`, {
        hint: `Did you mean ${near}:?`,
      })
    }
    throw new NarrowcastError('UNSUPPORTED', `the lab has no experiments for ${redactUrl(url)}`, {
      hint: `It has them for ${backends.map((one) => one.name).join(', ')}`,
    })
  }
  return { ...namedSubject(name, asked, backends), url }
}

/** @throws INVALID_ARGUMENT for `redis://host@safe`, which would be a host of that name. */
function refuseProfile(url: string, backends: readonly Backend[]): void {
  const profile = /@([a-z]+)$/.exec(url)?.[1]
  if (!backends.some(({ profiles }) => profiles.some((one) => one === profile))) return
  const text = `${redactUrl(url)}: @${profile} is a profile, and stands behind no URL`
  throw new NarrowcastError('INVALID_ARGUMENT', text, {
    hint: `Profiles are of brokers that the lab starts. A host of that name: @${profile}:6379`,
  })
}

/** @throws INVALID_ARGUMENT for `redis-list://host`, and for what is no name and may hold a password. */
function refuseBrokenUrl(word: string, backends: readonly Backend[]): void {
  const [name = '', ...more] = word.split(':')
  const profile = /@([^@]*)$/.exec(word)?.[1]
  const isProfile = backends.some(({ profiles }) => profiles.some((one) => one === profile))
  const hasLogin = /:.*@/.test(word) && !isProfile
  const isLikeUrl = word.includes('://')
  if (!isLikeUrl && !hasLogin && more.length < 2) return
  const shown = isLikeUrl ? redactUrl(word) : word.replace(/:.*@/, ':***@')
  const isBackend = isLikeUrl && backends.some((one) => one.name === name)
  const text = isBackend
    ? `${name} is the name of a backend, and no URL begins with it`
    : 'it is no BACKEND[:PATTERN][@PROFILE], and no URL'
  throw new NarrowcastError('INVALID_ARGUMENT', `--on ${shown}: ${text}`, {
    hint: 'One that the lab starts: --on redis-list. One that runs: --on redis://HOST:PORT, for redis-stream with ?queue=stream',
  })
}

/** `file:` names a store, `file:stream` and `redis-list` a backend. */
export function isUrl(word: string): boolean {
  return /^[a-z][a-z0-9+]*:(\/\/|[./~]|$)/i.test(word)
}

/** By its own name, or the first word of it: then what offers the pattern. */
function backendOf(name: string, pattern: Pattern | null, backends: readonly Backend[]): Backend {
  const exact = backends.find((one) => one.name === name)
  if (exact) return exact
  const family = backends.filter((one) => one.name.startsWith(`${name}-`))
  const wanted = pattern ?? 'queue'
  const found = family.find((one) => one.patterns.includes(wanted)) ?? family[0]
  if (name !== '' && found) return found
  throw unknownWord('--on: there is no backend', name, [
    ...new Set(backends.flatMap((one) => [one.name, familyOf(one.name)])),
  ])
}

function checkPattern(word: string, pattern: string): void {
  if (patterns.some((one) => one === pattern)) return
  throw unknownWord(`--on ${word}: there is no pattern`, pattern, patterns)
}

/** `what "word"`, with the nearest of those there are, or all of them. */
export function unknownWord(what: string, word: string, known: readonly string[]): NarrowcastError {
  const near = nearest(word, known)
  return new NarrowcastError('INVALID_ARGUMENT', `${what} ${JSON.stringify(word)}`, {
    hint: near ? `Did you mean ${near}?` : `Expected one of ${known.join(', ')}`,
  })
}

function familyOf(name: string): string {
  return name.split('-')[0] as string
}
