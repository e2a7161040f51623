import { jsonCodec } from '../core/codec.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { ChannelPlan } from './channelOptions.ts'
import { type Judged, judge } from './envelope.ts'
import { isThenable } from './thenable.ts'
import { textOf } from './thrown.ts'

/**
 * Checks data by the schema as the caller gave it; what travels is that same form. JSON makes a
 * text of a Date and nothing of a Map, so such data is read back and checked once more: it would be
 * a dead letter at every reader. A codec of the user's is trusted, since perhaps only the reader has the key.
 * @returns a promise only where the schema does. @throws INVALID_MESSAGE, naming the field.
 */
export function checkFits(
  plan: ChannelPlan,
  data: unknown,
  body: string | Uint8Array,
): Promise<void> | null {
  if (!plan.schema) return null
  const given = check(plan, data, 'does not fit the schema', fitHint)
  if (plan.codec !== jsonCodec || isPlain(data)) return given
  const again = () => {
    const why = 'fits the schema, but not as JSON gives it back'
    return check(plan, jsonCodec.decode(body), why, readBackHint)
  }
  return given === null ? again() : given.then(again).then(() => undefined)
}

const fitHint =
  'Publish what the schema takes. If the schema is to take this too, change it wherever the channel is opened: readers check it again.'

const brokenHint =
  'A schema says in `issues` what does not fit. Look at `cause`: the schema has a defect, or does not expect such data.'

const readBackHint =
  'JSON holds text, finite numbers, booleans, null, lists and plain objects. Publish those, or let the schema coerce them back (z.coerce.date()), or give the channel a codec of your own.'

function check(
  { schema, spec }: ChannelPlan,
  data: unknown,
  why: string,
  hint: string,
): Promise<void> | null {
  if (!schema) return null
  const details = { channel: spec.name, operation: 'publish' }
  const refuse = (judged: Judged) => {
    if (!('fault' in judged)) return
    const text = `publish to "${spec.name}": the data ${why}: ${judged.fault}`
    throw new NarrowcastError('INVALID_MESSAGE', text, { ...details, hint })
  }
  const broke = (cause: unknown) => {
    const text = `publish to "${spec.name}": the schema itself threw: ${textOf(cause)}`
    throw new NarrowcastError('INVALID_MESSAGE', text, { ...details, cause, hint: brokenHint })
  }
  let judged: ReturnType<typeof judge>
  try {
    judged = judge(schema, data)
  } catch (cause) {
    return broke(cause)
  }
  if (isThenable(judged)) return judged.then(refuse, broke)
  refuse(judged)
  return null
}

/** Does JSON give it back as it is? A look at the data costs an eighth of reading it back. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean'
  if (value === null) return true
  if (Array.isArray(value)) {
    for (const one of value) if (!isPlain(one)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const name in value) if (!isPlain((value as Record<string, unknown>)[name])) return false
  return true
}
