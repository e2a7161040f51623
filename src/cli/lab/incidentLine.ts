import type { LabEvent } from '../../lab/evidence/evidence.ts'

const signals: Partial<Record<LabEvent['event'], string>> = {
  KILL: 'SIGKILL',
  STOP: 'SIGSTOP',
  CONT: 'SIGCONT',
}
const words: Partial<Record<LabEvent['event'], string>> = {
  LEAVE: 'has left',
  EXIT: 'ended by itself',
  BLOCK: 'has its event loop blocked',
  UNBLOCK: 'goes on',
  NET_ON: 'is cut off',
  NET_OFF: 'is connected again',
}

/** What somebody who watches is told of one event; null: it is no news. */
export function incidentLine(event: LabEvent): string | null {
  if (event.event === 'BROKER_UP') return 'the broker is back'
  if (event.event === 'BROKER_DOWN') {
    return `the broker is ${event.how === 'stop' ? 'stopped' : 'killed'}`
  }
  const who = `${event.role} ${event.actor}`
  const signal = signals[event.event]
  if (signal !== undefined) return `${signal} ${who}`
  if (event.event === 'SUBSCRIBED') return event.incarnation > 0 ? `${who} is back` : null
  const word = words[event.event]
  return word === undefined ? null : `${who} ${word}`
}
