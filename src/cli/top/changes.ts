import type { WorkerView } from '../../runtime/telemetry/view.ts'

/** What became of a worker between two looks. */
export interface Change {
  readonly worker: string
  readonly what: 'came' | 'silent' | 'back' | 'gone'
  readonly channel: string
  readonly host: string
  readonly pid: number
}

/** Compares who is there with who was. */
export class Changes {
  readonly #beganMs: number
  #before = new Map<string, WorkerView>()

  /** By the wall clock: who was there earlier is only heard now, and has not come. */
  constructor(beganMs: number) {
    this.#beganMs = beganMs
  }

  next(workers: readonly WorkerView[]): Change[] {
    const before = this.#before
    const now = new Map(workers.map((one) => [`${one.worker} ${one.channel}`, one]))
    this.#before = now
    const came = [...now].flatMap(([name, one]) => this.#changed(before.get(name), one))
    const gone = [...before].filter(([name]) => !now.has(name))
    return [...came, ...gone.map(([, one]) => changeOf(one, 'gone'))]
  }

  #changed(was: WorkerView | undefined, is: WorkerView): Change[] {
    if (!was) return is.startMs >= this.#beganMs ? [changeOf(is, 'came')] : []
    const [wasSilent, isSilent] = [was.state === 'silent', is.state === 'silent']
    if (wasSilent === isSilent) return []
    return [changeOf(is, isSilent ? 'silent' : 'back')]
  }
}

function changeOf({ worker, channel, host, pid }: WorkerView, what: Change['what']): Change {
  return { worker, what, channel, host, pid }
}
