import type { BusChannel } from '../busChannel.ts'

/** What `narrowcast.control` carries: one worker is to end, in order or at once. */
export interface ControlMessage {
  readonly v: 1
  readonly type: 'control'
  /** drain: its handlers may end. stop: they are aborted. What they have in hand goes back. */
  readonly verb: 'drain' | 'stop'
  readonly worker: string
}

/** Obeys what came on the control channel. What is no message of that form is nobody's order. */
export async function obey(
  data: unknown,
  channels: readonly Pick<BusChannel<never, never>, 'endWorker'>[],
): Promise<void> {
  if (!isControl(data)) return
  const timeoutMs = data.verb === 'stop' ? 0 : undefined
  await Promise.all(channels.map((channel) => channel.endWorker(data.worker, timeoutMs)))
}

function isControl(data: unknown): data is ControlMessage {
  if (typeof data !== 'object' || data === null) return false
  const { v, type, verb, worker } = data as Record<string, unknown>
  const isVerb = verb === 'drain' || verb === 'stop'
  return v === 1 && type === 'control' && isVerb && typeof worker === 'string'
}
