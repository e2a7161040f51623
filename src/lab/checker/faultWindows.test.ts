import { expect, it } from 'vitest'
import type { LabEvent, Role } from '../evidence/evidence.ts'
import { faultWindows } from './faultWindows.ts'
import type { TimedEvent } from './history.ts'

const roleOf: Readonly<Record<string, Role>> = { w: 'worker', p: 'producer', r: 'relay' }

/** `w0.1`: worker 0, its second start. Without a name: the broker. */
function event(name: LabEvent['event'], ns: number, who = '', how: TimedEvent['how'] = null) {
  const [actor, incarnation] = who.slice(1).split('.').map(Number)
  const role = roleOf[who.charAt(0)]
  const id = role ? { role, actor: actor as number, incarnation: incarnation as number } : null
  return { event: name, fromNs: ns, toNs: ns + 1, actor: id, how }
}

const seen = (...events: readonly TimedEvent[]) =>
  faultWindows(events, 900).map(({ fault, fromNs, toNs }) => [fault, fromNs, toNs])

it('a killed worker is back when its next start has subscribed', () => {
  const events = [
    event('KILL', 10, 'w0.0'),
    event('EXIT', 11, 'w0.0'),
    event('SUBSCRIBED', 12, 'w0.0'), // told late, by who is dead
    event('SUBSCRIBED', 13, 'w1.1'),
    event('READY', 14, 'p0.1'),
    event('READY', 15, 'w0.1'),
    event('SUBSCRIBED', 20, 'w0.1'),
    event('SUBSCRIBED', 30, 'w0.2'),
  ]
  expect(seen(...events)).toEqual([['kill', 10, 21]])
  expect(faultWindows(events, 900)[0]?.actor).toEqual({ role: 'worker', actor: 0, incarnation: 0 })
})

it('a killed producer or relay is back when its next start is ready', () => {
  expect(
    seen(
      event('KILL', 10, 'p0.0'),
      event('KILL', 11, 'r0.0'),
      event('READY', 20, 'p0.1'),
      event('READY', 30, 'r0.1'),
    ),
  ).toEqual([
    ['kill', 10, 21],
    ['kill', 11, 31],
  ])
})

it('a stopped actor is back when it is continued, or replaced', () => {
  expect(
    seen(
      event('STOP', 10, 'w0.0'),
      event('STOP', 11, 'w1.0'),
      event('CONT', 12, 'w2.0'),
      event('CONT', 20, 'w0.0'),
      event('STOP', 25, 'w0.0'),
      event('SUBSCRIBED', 30, 'w1.1'),
    ),
  ).toEqual([
    ['stop', 10, 21],
    ['stop', 11, 31],
    ['stop', 25, 900],
  ])
})

it('a network is back for whichever start runs by then', () => {
  expect(
    seen(
      event('NET_ON', 10, 'w0.0'),
      event('SUBSCRIBED', 15, 'w0.1'),
      event('NET_OFF', 20, 'w1.0'),
      event('NET_OFF', 30, 'w0.1'),
    ),
  ).toEqual([['network', 10, 31]])
})

it('a broker is back when it is up', () => {
  expect(
    seen(
      event('BROKER_UP', 1),
      event('BROKER_DOWN', 10, '', 'stop'),
      event('SUBSCRIBED', 15, 'w0.0'),
      event('BROKER_UP', 20),
      event('BROKER_DOWN', 30, '', 'crash'),
    ),
  ).toEqual([
    ['broker-stop', 10, 21],
    ['broker-crash', 30, 900],
  ])
})

it('what is not healed lasts at least as long as it took', () => {
  expect(seen(event('KILL', 950, 'w0.0'))).toEqual([['kill', 950, 951]])
  expect(seen(event('LEAVE', 1, 'w0.0'), event('EXIT', 2, 'w0.0'))).toEqual([])
})
