import type { Contract, ContractRow, Contracts } from '../../core/contract.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { type BrokerUrl, parseBrokerUrl, redactUrl } from '../../core/url.ts'
import { nearest } from '../../drivers/_shared/nearest.ts'
import { drivers } from '../../drivers/registry.ts'
import { channelDefaultsOf, channelWords } from '../../runtime/channelWords.ts'
import { urlDefault } from '../config/settings.ts'

/** What one word of the command line claims. */
export interface Backend {
  readonly name: string
  readonly contracts: Contracts
  /** It was named by a URL, so its settings are in the contracts. */
  readonly isUrl: boolean
}

export const contractRows: readonly ContractRow[] = [
  'queue',
  'stream',
  'broadcast',
  'narrowcast',
  'narrowcast-relay',
]

/** Where a bare name is no URL yet. */
const urls: Readonly<Record<string, string>> = { file: urlDefault }
const leaseMsDefault = 30_000

/**
 * Of a bare name the most that its driver claims, of a URL what its settings leave of that: data,
 * without a connection, and no store is made.
 * @throws NOT_FOUND for an unknown scheme, INVALID_CONFIG for an unknown setting.
 */
export async function claimed(word: string): Promise<Backend> {
  const isUrl = word.includes(':')
  const { leaseMs, ...url } = withoutWords(
    parseBrokerUrl(isUrl ? word : (urls[word] ?? `${word}:`)),
  )
  const load = Object.entries(drivers).find(([scheme]) => scheme === url.scheme)?.[1]
  if (!load) throw noBackend(url.scheme)
  const { contracts } = (await load()).fromUrl(url)
  const isStore = isUrl && url.scheme === 'file'
  return {
    ...{ name: url.scheme, isUrl },
    contracts: isStore ? await ofStore(contracts, url, leaseMs) : contracts,
  }
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
  const known = Object.keys(drivers)
  const near = nearest(scheme, known)
  return new NarrowcastError('NOT_FOUND', `contract: there is no backend ${scheme}`, {
    hint: near ? `Did you mean ${near}?` : `Known are ${known.join(', ')}`,
  })
}
