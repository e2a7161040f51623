import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { biteNames } from '../checker/bites.ts'
import { knownKeys } from './knownKeys.ts'

const fault = (one: object) => ({ faults: [{ kind: 'churn' }, one] })

test.for([
  [[], {}, ['name', 'title', 'teaches', 'load', 'live', 'settings', 'faults', 'bites']],
  [['load', 'surge'], { load: { surge: {} } }, ['fromShare', 'perSecond']],
  [['bites', 0], { bites: [{}] }, ['is', 'atLeast', 'of']],
  [['faults', 1], fault({ kind: 'any' }), ['kind', 'at', 'times', 'pauseMs']],
  [['faults', 1], fault({ kind: 'broker-crash' }), ['kind', 'at', 'every', 'times', 'forMs']],
  [['faults', 1, 'rule'], fault({ kind: 'network', rule: { kind: 'half' } }), ['kind', 'held']],
] as const)('at %j', ([path, scenario, keys]) => {
  expect(knownKeys(path, scenario)).toEqual(keys)
})

test('the page about the lab names all of them', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/lab/README.md'), 'utf8')
  const keys = ['load', 'live', 'settings'].flatMap((part) => knownKeys([part], { [part]: {} }))
  const bites = [...knownKeys(['bites', 0], { bites: [{}] }), ...biteNames]
  const missing = [...keys, ...bites].filter((key) => !page.includes(`\`${key}\``))
  expect(missing).toEqual([])
})
