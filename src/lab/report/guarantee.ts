import type { Contract } from '../../core/contract.ts'
import { deliveryWords } from './headline.ts'

/** What a contract outlasts: 0 nothing, 1 a worker's crash, 2 a restart of the broker, 3 its crash, 4 power loss. */
export type Level = 0 | 1 | 2 | 3 | 4

export interface Guarantee {
  readonly delivery: Contract['delivery']
  readonly level: Level
}

const ladder = ['worker-crash', 'broker-restart', 'broker-crash', 'power-loss'] as const
const words = ['live only', 'worker crash', 'broker restart', 'broker crash', 'power loss'] as const

/** Each level holds only where all below it do. */
export function guaranteeOf(contract: Contract): Guarantee {
  const { delivery, survives } = contract
  const missing = ladder.findIndex((loss) => survives[loss] !== 'yes')
  const level = missing === -1 ? ladder.length : missing
  return { delivery, level: (delivery === 'at-most-once' ? 0 : level) as Level }
}

/** `at least once, broker crash` */
export function guaranteeWords(guarantee: Guarantee): string {
  return `${deliveryWords(guarantee)}, ${words[guarantee.level]}`
}

/** The strongest first. */
export function byStrength(a: Guarantee, b: Guarantee): number {
  const rank = ({ delivery, level }: Guarantee) => (delivery === 'at-least-once' ? 10 : 0) + level
  return rank(b) - rank(a)
}

/** Of at least one contract: a broker may have kept less than its driver claims in one run. */
export function weakestOf(contracts: readonly Contract[]): Guarantee {
  return contracts.map(guaranteeOf).sort(byStrength).at(-1) as Guarantee
}
