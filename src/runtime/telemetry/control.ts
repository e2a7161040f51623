import type { BusChannel } from '../busChannel.ts'
import { textOf } from '../thrown.ts'

/** What `narrowcast.control` carries: one worker is to end, in order or at once. */
export interface ControlMessage {
  readonly v: 1
  readonly type: 'control'
  /** drain: its handlers may end. stop: they are aborted. What they have in hand goes back. */
  readonly verb: 'drain' | 'stop'
  readonly worker: string
}

/** Obeys what came on the control channel. What is no message of that form is nobody's order. */
export function obey(
  data: unknown,
  channels: readonly Pick<BusChannel<never, never>, 'endWorker'>[],
): void {
  if (!isControl(data)) return
  const timeoutMs = data.verb === 'stop' ? 0 : undefined
  for (const channel of channels) {
    channel.endWorker(data.worker, timeoutMs).catch((error: unknown) => {
      const text = `the worker ${data.worker} did not end in order: ${textOf(error)}`
      process.emitWarning(text, { type: 'NarrowcastWarning' })
    })
  }
}

function isControl(data: unknown): data is ControlMessage {
  if (typeof data !== 'object' || data === null) return false
  const { v, type, verb, worker } = data as Record<string, unknown>
  const isVerb = verb === 'drain' || verb === 'stop'
  return v === 1 && type === 'control' && isVerb && typeof worker === 'string'
}
