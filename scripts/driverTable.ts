import type { Contract, Contracts } from '../src/core/contract.ts'

interface ContractModule {
  readonly contracts: Contracts
}

/** One row per driver, made from its contracts: the most that it can promise. */
export async function driverTable(names: readonly string[]): Promise<string> {
  const head = ['URL', 'patterns', 'delivery', 'survives', 'order', 'dedupe on publish', 'replay']
  const rows = await Promise.all(names.map(row))
  return [head, head.map(() => '---'), ...rows].map(line).join('\n')
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

async function row(name: string): Promise<string[]> {
  const { contracts } = (await import(`../src/drivers/${name}/contract.ts`)) as ContractModule
  const patterns = Object.entries(contracts)
  const each = (fact: (contract: Contract) => string) => same(patterns, fact)
  return [
    `[\`${name}:\`](docs/drivers/${name}.md)`,
    patterns.map(([pattern]) => pattern).join(', '),
    each(({ delivery }) => words(delivery)),
    each(survived),
    each(({ order }) => (order.scope === 'none' ? 'none' : `by ${order.scope}`)),
    each(({ dedupe }) => days(dedupe.publishWindowMsMax)),
    each(({ replay }) => (replay ? 'yes' : 'no')),
  ]
}

/** Said once where all patterns agree, else pattern by pattern. */
function same(patterns: [string, Contract][], fact: (contract: Contract) => string): string {
  const facts = patterns.map(([, contract]) => fact(contract))
  if (new Set(facts).size === 1) return facts[0] as string
  return patterns.map(([pattern], at) => `${pattern}: ${facts[at]}`).join(', ')
}

function survived({ survives }: Contract): string {
  const losses = Object.entries(survives).filter(([, answer]) => answer === 'yes')
  return losses.map(([loss]) => words(loss)).join(', ') || 'nothing: it lives in the process'
}

function days(windowMs: number | null): string {
  return windowMs === null ? 'no' : `up to ${Math.floor(windowMs / 86_400_000)} days`
}

const words = (text: string) => text.replaceAll('-', ' ')
