import { expect, test } from 'vitest'
import type { LabEvent } from '../../lab/evidence/evidence.ts'
import { incidentLine } from './incidentLine.ts'

const span = { fromNs: 0n, toNs: 0n }
const worker = { role: 'worker', actor: 3, ...span } as const

test.for([
  ['SIGKILL worker 3', { event: 'KILL', incarnation: 0, ...worker }],
  ['SIGSTOP worker 3', { event: 'STOP', incarnation: 0, ...worker }],
  ['worker 3 is back', { event: 'SUBSCRIBED', incarnation: 1, ...worker }],
  [null, { event: 'SUBSCRIBED', incarnation: 0, ...worker }],
  [null, { event: 'READY', incarnation: 1, ...worker }],
  ['worker 3 has left', { event: 'LEAVE', incarnation: 0, ...worker }],
  ['worker 3 ended by itself', { event: 'EXIT', incarnation: 0, ...worker }],
  ['worker 3 is cut off', { event: 'NET_ON', incarnation: 0, ...worker }],
  ['the broker is killed', { event: 'BROKER_DOWN', how: 'crash', ...span }],
  ['the broker is stopped', { event: 'BROKER_DOWN', how: 'stop', ...span }],
  ['the broker is back', { event: 'BROKER_UP', ...span }],
] as readonly (readonly [string | null, LabEvent])[])('tells %s', ([line, event]) => {
  expect(incidentLine(event)).toBe(line)
})
