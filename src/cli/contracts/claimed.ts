import type { Contract, ContractRow, Contracts } from '../../core/contract.ts'
import type { BrokerInfo, Driver } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { type BrokerUrl, parseBrokerUrl, redactUrl } from '../../core/url.ts'
import { nearest } from '../../drivers/_shared/nearest.ts'
import { driverNames, drivers } from '../../drivers/registry.ts'
import { channelDefaultsOf, channelWords } from '../../runtime/channelWords.ts'
import { urlDefault } from '../config/settings.ts'
import { ofServer } from './ofServer.ts'

/** What one word of the command line claims. */
export interface Backend {
  readonly name: string
  readonly contracts: Contracts
  /** It was named by a URL, so its settings are in the contracts. */
  readonly isUrl: boolean
  /** What its server does not tell. */
  readonly unknown: BrokerInfo['unknown']
}

export const contractRows: readonly ContractRow[] = [
  'queue',
  'stream',
  'broadcast',
  'narrowcast',
  'narrowcast-relay',
]

/** Where a bare name is no URL yet. */
const urls: Readonly<Record<string, string>> = { file: urlDefault, rabbitmq: 'amqp:' }
const leaseMsDefault = 30_000

/** Settings of a URL by which a driver claims different things. */
const choices: Readonly<Record<string, readonly string[]>> = {
  redis: ['queue=list', 'queue=stream'],
}

/** A backend with a choice is there once for each where these differ. */
export async function claimedAll(words: readonly string[], timeoutMs: number): Promise<Backend[]> {
  return (await Promise.all(words.map((word) => claimed(word, timeoutMs)))).flat()
}

/**
 * Of a bare name the most that its driver claims. Of a URL what its settings leave of that: without
 * a connection where there is no server, and no store is made; else as the server says itself.
 * @throws NOT_FOUND for an unknown scheme, INVALID_CONFIG for an unknown setting, CONNECT_FAILED …
 */
async function claimed(word: string, timeoutMs: number): Promise<Backend[]> {
  if (word.includes(':')) return [await ofUrl(parseBrokerUrl(word), timeoutMs)]
  const url = urls[word] ?? `${word}:`
  const chosen = choices[word] ?? ['']
  const each = await Promise.all(
    chosen.map(async (choice) => {
      const { driver } = await driverOf(parseBrokerUrl(choice === '' ? url : `${url}?${choice}`))
      return { name: choice === '' ? word : `${word} ?${choice}`, contracts: driver.contracts }
    }),
  )
  return joined(word, each).map((one) => ({ ...one, isUrl: false, unknown: [] }))
}

type Claims = Pick<Backend, 'name' | 'contracts'>

/** Rows that no choice changes stand once, under the bare name. */
function joined(word: string, each: readonly Claims[]): Claims[] {
  const isSame = (row: ContractRow) =>
    new Set(each.map(({ contracts }) => JSON.stringify(contracts[row]))).size === 1
  const some = (contracts: Contracts, wanted: boolean) =>
    Object.fromEntries(
      contractRows.flatMap((row) =>
        contracts[row] && isSame(row) === wanted ? [[row, contracts[row]]] : [],
      ),
    ) as Contracts
  const first = each[0] as Claims
  if (each.length === 1) return [first]
  const differing = each.map(({ name, contracts }) => ({ name, contracts: some(contracts, false) }))
  return [{ name: word, contracts: some(first.contracts, true) }, ...differing]
}

async function ofUrl(given: BrokerUrl, timeoutMs: number): Promise<Backend> {
  const { driver, url, leaseMs } = await driverOf(given)
  const { name } = driver
  const known = { name, isUrl: true, unknown: [] }
  if (name === 'memory') return { ...known, contracts: driver.contracts }
  if (name === 'file') return { ...known, contracts: await ofStore(driver.contracts, url, leaseMs) }
  const { contracts, info } = await ofServer(driver, leaseMs, timeoutMs)
  return { name, contracts, isUrl: true, unknown: info.unknown }
}

async function driverOf(given: BrokerUrl) {
  const { leaseMs, ...url } = withoutWords(given)
  const load = Object.entries(drivers).find(([scheme]) => scheme === url.scheme)?.[1]
  if (!load) throw noBackend(url.scheme)
  return { driver: (await load()).fromUrl(url) as Driver, url, leaseMs }
}

/** The URL with the driver's own settings alone, and the lease that the others ask for. */
function withoutWords(url: BrokerUrl): BrokerUrl & { readonly leaseMs: number } {
  const [own, words] = [new Map(url.options), {} as Record<string, string>]
  for (const word of [...channelWords, 'timeout']) {
    const value = own.get(word)
    if (value !== undefined && word !== 'timeout') words[word] = value
    own.delete(word)
  }
  const { leaseMs = leaseMsDefault } = channelDefaultsOf(`URL ${redactUrl(url.text)}`, words)
  return { ...url, options: own, leaseMs }
}

async function ofStore(most: Contracts, { options }: BrokerUrl, leaseMs: number) {
  const { contractOf } = await import('../../drivers/file/contract.ts')
  const sync = options.get('sync') === 'full' ? 'full' : 'normal'
  const rows = contractRows.flatMap((row): [ContractRow, Contract][] => {
    if (!most[row]) return []
    const [pattern, via] = row === 'narrowcast-relay' ? (['narrowcast', 'relay'] as const) : [row]
    return [[row, contractOf({ pattern, via: via ?? 'direct', leaseMs }, sync)]]
  })
  return Object.fromEntries(rows) as Contracts
}

function noBackend(scheme: string): NarrowcastError {
  const known = [...driverNames]
  const near = nearest(scheme, known)
  return new NarrowcastError('NOT_FOUND', `contract: there is no backend ${scheme}`, {
    hint: near ? `Did you mean ${near}?` : `Known are ${known.join(', ')}`,
  })
}
