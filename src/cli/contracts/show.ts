import type { Contract } from '../../core/contract.ts'
import { showDuration, showLimit } from '../output/quantities.ts'
import type { Json } from '../output/table.ts'
import { wrap } from '../output/wrap.ts'

/** A contract as JSON: the data itself. */
export function contractJson(contract: Contract): { readonly [name: string]: Json } {
  return JSON.parse(JSON.stringify(contract)) as { readonly [name: string]: Json }
}

/** One line per fact, in the words of the contract. */
export function contractFacts(contract: Contract): readonly (readonly [string, string])[] {
  const { stored, counts, order, redelivery, delay, dedupe } = contract
  const copies = stored.copies === 1 ? '1 copy' : `${stored.copies} copies`
  const kept = order.afterRetry === 'kept' ? '' : ', lost after a retry'
  return [
    ['delivery', contract.delivery],
    ['stored', stored.in === 'nowhere' ? 'nowhere' : `${stored.in}, ${copies}`],
    ['survives', survival(contract)],
    ['settle', `${contract.settle}, fenced by ${contract.fencing}`],
    ['counts', `failures ${counts.failures}, crashes ${counts.crashes}`],
    ['release', contract.release],
    ['order', order.scope === 'none' ? 'none' : `${order.scope}, across ${order.across}${kept}`],
    ['keyOrder', contract.keyOrder],
    ['redelivery', `${redelivery.how}, within ${showDuration(redelivery.withinMs)}`],
    [
      'delay',
      delay.how === 'no' ? 'no' : `${delay.how}, late by at most ${showDuration(delay.errorMs)}`,
    ],
    [
      'dedupe',
      `publish ${dedupe.publishWindowMsMax === null ? 'no' : 'yes'}, consume ${dedupe.consume}`,
    ],
    ['positions', contract.positions],
    ['replay', yes(contract.replay)],
    ['retention', yes(contract.retention)],
    ['seek', yes(contract.seek)],
    ['pause', yes(contract.pause)],
    ['deadLetters', yes(contract.deadLetters)],
    ['manage', typeof contract.manage === 'string' ? contract.manage : yes(contract.manage)],
    ['peek', contract.peek],
    ['depth', contract.depth],
    ['watchdog', yes(contract.watchdog)],
    ['noReader', contract.noReader],
    ['receivers', contract.receivers],
    ['resumes', yes(contract.resumes)],
    ['tells', contract.tells.join(' ') || 'nothing'],
    ['wake', `within ${showDuration(contract.wakeMs)}`],
    ['payload', payload(contract)],
    ['plainData', yes(contract.plainData)],
    ['source', contract.source],
  ]
}

/** What a channel takes whose program asks for nothing else. */
const payloadBytesDefault = 1_048_576

function payload({ payloadBytesMax: most }: Contract): string {
  if (most <= payloadBytesDefault) return `at most ${showLimit(most)}`
  return `${showLimit(payloadBytesDefault)} unless payloadBytesMax is given, at most ${showLimit(most)}`
}

/** The losses that nothing is lost by. */
export function survived({ survives }: Contract): string[] {
  return Object.entries(survives).flatMap(([loss, holds]) => {
    if (holds === 'yes') return [loss]
    return typeof holds === 'object' ? [`${loss} (but ${showDuration(holds.lossWindowMs)})`] : []
  })
}

function survival(contract: Contract): string {
  const yes = survived(contract).join(' ') || 'nothing'
  const unknown = Object.entries(contract.survives).flatMap(([loss, holds]) =>
    holds === 'unknown' ? [loss] : [],
  )
  return unknown.length === 0 ? yes : `${yes}; not known: ${unknown.join(' ')}`
}

const factColumns = 13

/** The contract in lines of two columns, the values wrapped to the width. */
export function contractLines(contract: Contract, width: number): string[] {
  return contractFacts(contract).flatMap(([name, value]) => {
    const [first = '', ...more] = wrap(value, width - factColumns)
    return [name.padEnd(factColumns) + first, ...more.map((line) => ' '.repeat(factColumns) + line)]
  })
}

function yes(is: boolean): string {
  return is ? 'yes' : 'no'
}
