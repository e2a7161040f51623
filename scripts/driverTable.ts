import type { Contract, Contracts } from '../src/core/contract.ts'
import { schemesOf } from './driverNames.ts'

interface ContractModule {
  readonly contracts: Contracts
}

/** Rows of a driver: patterns that promise about the same stand together. The most it can promise. */
export async function driverTable(names: readonly string[]): Promise<string> {
  const head = [
    'URL',
    'patterns',
    'delivery',
    'nobody there',
    'survives',
    'order by key',
    'dedupe',
    'replay',
  ]
  const rows = (await Promise.all(names.map(rowsOf))).flat()
  return [head, head.map(() => '---'), ...rows].map(line).join('\n')
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

async function rowsOf(name: string): Promise<string[][]> {
  const { contracts } = (await import(`../src/drivers/${name}/contract.ts`)) as ContractModule
  const patterns = Object.entries(contracts)
  const alike = Map.groupBy(patterns, ([, one]) => `${one.delivery} ${survived(one)}`)
  return [...alike.values()].reverse().map((group) => rowOf(name, group))
}

function rowOf(name: string, patterns: [string, Contract][]): string[] {
  const each = (fact: (contract: Contract) => string) => same(patterns, fact)
  return [
    `[\`${schemesOf(name)[0]}:\`](docs/drivers/${name}.md)`,
    patterns.map(([pattern]) => words(pattern)).join(', '),
    each(({ delivery }) => words(delivery)),
    each(({ noReader }) => nobodyThere[noReader]),
    each(survived),
    each(({ keyOrder }) => (keyOrder === 'no' ? 'no' : 'yes')),
    each(({ dedupe }) => days(dedupe.publishWindowMsMax)),
    each(({ replay }) => (replay ? 'yes' : 'no')),
  ]
}

/** Said once where all patterns agree, else pattern by pattern. */
function same(patterns: [string, Contract][], fact: (contract: Contract) => string): string {
  const facts = patterns.map(([, contract]) => fact(contract))
  if (new Set(facts).size === 1) return facts[0] as string
  return patterns.map(([pattern], at) => `${words(pattern)}: ${facts[at]}`).join(', ')
}

function survived({ survives }: Contract): string {
  const losses = Object.entries(survives).filter(([, answer]) => answer === 'yes')
  return losses.map(([loss]) => words(loss)).join(', ') || 'nothing'
}

function days(windowMs: number | null): string {
  return windowMs === null ? 'no' : `up to ${Math.floor(windowMs / 86_400_000)} days`
}

const nobodyThere = {
  kept: 'kept',
  refused: 'refused',
  'dropped-reported': 'dropped and told',
  'dropped-silently': 'dropped',
} as const satisfies Record<Contract['noReader'], string>

const words = (text: string) => text.replaceAll('-', ' ')
