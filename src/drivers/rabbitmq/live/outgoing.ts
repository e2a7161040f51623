import type { ChannelSpec } from '../../../core/channel.ts'
import type { OutgoingMessage } from '../../../core/message.ts'
import { type Fault, liveFault } from '../../_shared/live/liveFault.ts'
import type { Address, Addressed } from '../confirming.ts'
import { payloadBytesMax } from '../contract.ts'
import { headerNameFault } from '../headersFault.ts'
import { frameOf } from '../wire.ts'

/** The client writes no more into one message; some are our own. */
const headerBytesMax = 60_000

/** Why a message can never be handed over; null when it can. */
export function faultOf(message: OutgoingMessage, channel: ChannelSpec): Fault | null {
  const most = Math.min(channel.payloadBytesMax, payloadBytesMax)
  const fault = liveFault(message, { ...channel, payloadBytesMax: most })
  if (fault !== null) return fault
  const { id, key, type, source, headers } = message
  const wrong = headerNameFault(headers)
  if (wrong !== null) return { code: 'UNSUPPORTED', text: wrong, hint: 'Take another one.' }
  const texts = [id, key ?? '', type, source, ...Object.entries(headers).flat()]
  const bytes = texts.reduce((sum, text) => sum + 8 + Buffer.byteLength(text), 0)
  if (bytes <= headerBytesMax) return null
  const text = `the headers of ${id} have ${bytes} bytes, at most ${headerBytesMax} are taken`
  return { code: 'PAYLOAD_TOO_LARGE', text, hint: 'Put it into the body.' }
}

/** It is kept for nobody, so it is not written to the disk; what came as data alone goes on so. */
export function liveForm(message: OutgoingMessage, channel: ChannelSpec, to: Address): Addressed {
  const isPlain = !channel.envelope || message.isPlain === true
  return { ...frameOf(message, { isPlain }), ...to, delayMs: 0, isTransient: true }
}
