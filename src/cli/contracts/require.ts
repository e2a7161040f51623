import type { Contract } from '../../core/contract.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { nearest } from '../../drivers/_shared/nearest.ts'
import { contractJson, survived } from './show.ts'

/**
 * Why a contract does not hold a fact such as `delivery=at-least-once`, `survives=power-loss`,
 * `order.scope=key` or `replay`; null where it holds.
 * @throws INVALID_ARGUMENT for a fact that contracts do not have.
 */
export function unmet(contract: Contract, fact: string): string | null {
  const [path = '', wanted = 'true', ...rest] = fact.split('=')
  if (rest.length > 0) throw unknownFact(fact, contract)
  if (path === 'survives') return unmetSurvival(contract, wanted)
  const value = path
    .split('.')
    .reduce<unknown>(
      (from, name) =>
        typeof from === 'object' && from !== null && Object.hasOwn(from, name)
          ? (from as Record<string, unknown>)[name]
          : undefined,
      contract,
    )
  if (value === undefined) throw unknownFact(fact, contract)
  if (typeof value === 'object' && value !== null) {
    return holdsHow(value, wanted) ? null : `it says ${JSON.stringify(value)}`
  }
  if (String(value) === wanted || (wanted === 'true' && value !== 'no' && value !== false))
    return null
  return `it says ${path}=${String(value)}`
}

function unmetSurvival(contract: Contract, loss: string): string | null {
  if (!Object.hasOwn(contract.survives, loss)) {
    throw new NarrowcastError('INVALID_ARGUMENT', `--require survives=${loss}: unknown loss`, {
      hint: `Known are ${Object.keys(contract.survives).join(', ')}`,
    })
  }
  if (survived(contract).includes(loss)) return null
  return `it survives ${survived(contract).join(', ') || 'nothing'}`
}

/** `delay`, `order=key`: the first word of a group of facts stands for the group. */
function holdsHow(value: object, wanted: string): boolean {
  const first = Object.values(value)[0] as unknown
  return wanted === 'true' ? first !== 'no' && first !== 'none' : String(first) === wanted
}

function unknownFact(fact: string, contract: Contract): NarrowcastError {
  const known = Object.keys(contractJson(contract))
  const near = nearest(fact.split(/[=.]/)[0] ?? '', known)
  return new NarrowcastError('INVALID_ARGUMENT', `--require ${fact}: contracts have no such fact`, {
    hint: near ? `Did you mean ${near}?` : `Known are ${known.join(', ')}`,
  })
}
