import { asNarrowcastError } from '../../core/errors.ts'
import { type FromChild, plainError, type ToChild } from './protocol.ts'

/** What a child process does for its parent. */
export interface ChildWork {
  /** Resolves when everything is settled or given back. */
  drain(): Promise<void>
  /** Resolves when the work has ended by itself, rejects when it cannot go on. */
  readonly ended?: Promise<void>
}

/** Resolves when the event is on its way: whoever waits for it cannot outrun the parent. */
export type Tell<Event> = (event: Event) => Promise<void>

/**
 * The life of a child process: takes its job, reports, drains when told, and ends with its
 * parent, whatever became of that.
 */
export function serveParent<Job, Event>(
  start: (job: Job, name: string, tell: Tell<Event>) => Promise<ChildWork>,
): void {
  // Only the parent decides what Ctrl-C means.
  process.on('SIGINT', () => {})
  process.on('disconnect', () => process.exit(1))
  const send = (message: FromChild<Event>) =>
    new Promise<void>((resolve) => {
      if (process.connected) process.send?.(message, () => resolve())
      else resolve()
    })
  const end = (message: FromChild<Event>, code: number) => {
    if (!process.connected) process.exit(code)
    process.send?.(message, () => process.exit(code))
  }
  const fail = (error: unknown) =>
    end({ kind: 'failed', error: plainError(asNarrowcastError(error)) }, 1)
  let ready: ChildWork | null = null
  // What has not begun its work may never do so: there is nothing to wait for.
  const drain = async () => ready?.drain()
  // Not from the parent: in order, but then to be started anew.
  let isToComeAgain = false
  process.on('SIGTERM', () => {
    isToComeAgain = true
    void drain().then(() => process.exit(143), fail)
  })
  process.on('message', (message: ToChild<Job>) => {
    if (message.kind === 'drain') {
      void drain().then(() => end({ kind: 'done' }, 0), fail)
      return
    }
    const work = start(message.job, message.name, (event) => send({ kind: 'event', event }))
    work
      .then((begun) => {
        ready = begun
        return begun.ended?.then(() => {
          if (!isToComeAgain) end({ kind: 'done' }, 0)
        })
      })
      .catch(fail)
  })
}
