import type { ChannelSpec } from '../../../core/channel.ts'
import type { Publisher } from '../../../core/driver.ts'
import { asNarrowcastError } from '../../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../../core/message.ts'
import { liveFault } from '../../_shared/live/liveFault.ts'
import type { Argument } from '../connection.ts'
import { orUnknown } from '../inTime.ts'
import { failed, leftNothing } from '../outgoing.ts'
import { redisError } from '../redisErrors.ts'
import type { Home } from '../servers.ts'
import { leaseKeyOf } from './leadScripts.ts'
import { inboxOf, sharedNameOf } from './names.ts'
import { inSteps, wireForm } from './outgoing.ts'
import { liveScripts } from './scripts.ts'

/** Gives a broadcast to all who listen, and a narrowcast to the relay that leads. */
export class LivePublisher implements Publisher {
  readonly #home: Home
  readonly #channel: ChannelSpec
  readonly #checkOpen: (operation: string) => void
  #isClosed = false

  constructor(home: Home, channel: ChannelSpec, checkOpen: (operation: string) => void) {
    this.#home = home
    this.#channel = channel
    this.#checkOpen = checkOpen
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    this.#check()
    const outcomes: PublishOutcome[] = []
    const fit: { readonly form: Argument; readonly at: number }[] = []
    for (const [at, message] of batch.entries()) {
      const fault = liveFault(message, this.#channel)
      if (fault === null) fit.push({ form: wireForm(message, this.#channel), at })
      else outcomes[at] = this.#refused(fault)
    }
    for (const step of inSteps(fit, ({ form }) => form)) {
      const said = await this.#publishStep(
        step.map(({ form }) => form),
        signal,
      )
      for (const [n, { at }] of step.entries()) outcomes[at] = said[n] as PublishOutcome
    }
    return outcomes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
  }

  async #publishStep(forms: readonly Argument[], signal: AbortSignal): Promise<PublishOutcome[]> {
    try {
      const receivers = await orUnknown('publish', signal, () => this.#send(forms))
      return receivers.map((n) => ({ state: 'stored', duplicate: false, receivers: n }))
    } catch (cause) {
      const error = asNarrowcastError(cause)
      const outcome = failed(leftNothing(error) ? 'refused' : 'unknown', error)
      return forms.map(() => outcome)
    }
  }

  async #send(forms: readonly Argument[]): Promise<number[]> {
    const { name, pattern } = this.#channel
    const home = this.#home
    const scripts = liveScripts(home)
    if (pattern === 'broadcast') {
      const args = [sharedNameOf(name, home), ...forms]
      return await home.run<number[]>(scripts.broadcast, [name], args, 'publish')
    }
    const args = [inboxOf(name, home), ...forms]
    const receivers = await home.run<number>(scripts.toLead, [leaseKeyOf(name)], args, 'publish')
    return forms.map(() => receivers)
  }

  #check(): void {
    this.#checkOpen('publish')
    if (!this.#isClosed) return
    throw redisError('CLOSED', 'publish', 'this publisher was closed', {
      channel: this.#channel.name,
    })
  }

  #refused({ code, text, hint }: NonNullable<ReturnType<typeof liveFault>>): PublishOutcome {
    const { pattern, name } = this.#channel
    const message = `redis: publish to ${pattern} "${name}": ${text}`
    return { state: 'refused', code, message, hint }
  }
}
