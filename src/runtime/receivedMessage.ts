import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Codec } from '../core/codec.ts'
import type { Received } from './api.ts'
import { type Judged, judge } from './envelope.ts'
import type { Held } from './held.ts'
import { isThenable } from './thenable.ts'
import { textOf } from './thrown.ts'

/** What the handler is given: data, and the facts of its delivery read from where they are. */
export class ReceivedMessage<T> implements Received<T> {
  readonly data: T
  declare readonly position?: string
  declare readonly idIsStable?: false
  readonly #held: Held

  constructor(held: Held, data: T) {
    this.#held = held
    this.data = data
    const { position, idIsStable } = held.delivery
    if (position !== undefined) this.position = position
    if (idIsStable === false) this.idIsStable = idIsStable
  }

  get message(): Received<T>['message'] {
    return this.#held.delivery.message
  }
  get attempt(): number {
    return this.#held.delivery.failures + 1
  }
  get failures(): number {
    return this.#held.delivery.failures
  }
  get crashes(): Received<T>['crashes'] {
    return this.#held.delivery.crashes
  }
  get redrives(): number {
    return this.#held.delivery.redrives
  }
  get signal(): AbortSignal {
    return this.#held.signal
  }
}

export type Read<T> = ReceivedMessage<T> | { readonly fault: string }

/** Decodes, then checks by the schema. @returns a promise only where the schema does. */
export function read<T>(
  held: Held,
  codec: Codec,
  schema: StandardSchemaV1 | null,
): Read<T> | Promise<Read<T>> {
  let value: unknown
  try {
    value = codec.decode(held.delivery.message.body)
  } catch (error) {
    return { fault: `not readable as ${codec.name}: ${textOf(error)}` }
  }
  if (!schema) return new ReceivedMessage(held, value as T)
  const broke = (error: unknown): Read<T> => ({
    fault: `the schema itself threw: ${textOf(error)}`,
  })
  const conclude = (said: Judged): Read<T> =>
    'fault' in said
      ? { fault: `does not fit the schema: ${said.fault}` }
      : new ReceivedMessage(held, said.value as T)
  try {
    const judged = judge(schema, value)
    return isThenable(judged) ? judged.then(conclude, broke) : conclude(judged)
  } catch (error) {
    return broke(error)
  }
}
