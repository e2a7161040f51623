import { NarrowcastError } from '../core/errors.ts'

const hint =
  'Connect again, or close later: a bus of `await using` at the top of a module is closed when the module ends. A service waits there for its signal to stop.'

export function busClosed(): NarrowcastError {
  return new NarrowcastError('CLOSED', 'the bus was closed', { hint })
}

export function channelClosed(channel: string): NarrowcastError {
  return new NarrowcastError('CLOSED', `channel "${channel}" was closed`, { channel, hint })
}
