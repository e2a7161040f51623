import { NarrowcastError } from '../../core/errors.ts'
import { uuid } from '../../core/ids.ts'
import type { DeliveryVerdict } from '../../runtime/api.ts'
import { diskTrouble } from '../disk.ts'
import type {
  Answer,
  Answers,
  Landed,
  OpenSink,
  Raw,
  SinkContext,
  Staged,
  StagedRow,
} from '../sink.ts'
import { idsOf, landedOf, nameless, namelessRefusal, seenAgain, waiting } from './answers.ts'
import { CommitFiles, type FilesHost, type LakeTable } from './commitFiles.ts'
import type { LakePlan } from './lake.ts'
import { dateOf, hasDate, tempFolder } from './layout.ts'
import type { Manifest } from './manifest.ts'
import type { CommitResult, Entry, Known } from './manifestTypes.ts'
import type { Membership } from './membership.ts'
import { place } from './place.ts'
import { noteTaken } from './takenLetters.ts'

/** The commit protocol of one worker, see docs/pipelines.md. */
export class LakeSink implements OpenSink {
  readonly #plan: LakePlan
  readonly #context: SinkContext
  readonly #manifest: Manifest
  readonly #membership: Membership
  readonly #files: FilesHost
  /** Ids tables that the last `recognise` has seen. */
  #bucket = -1
  /** Files of ours may lie beside: whoever comes next finishes the commit, or clears them away. */
  #isInDoubt = false
  #isClosed = false
  /** Folders of days whose parents are synced. */
  readonly #days = new Set<string>()

  constructor(
    plan: LakePlan,
    context: SinkContext,
    manifest: Manifest,
    membership: Membership,
    tables: readonly LakeTable[],
  ) {
    this.#plan = plan
    this.#context = context
    this.#manifest = manifest
    this.#membership = membership
    this.#files = {
      root: plan.root,
      disk: plan.disk,
      durability: plan.durability,
      encoder: plan.encoder,
      tables,
      hasMarks: plan.hasMarks,
      hasDeadFiles: plan.dead === 'lake',
      pipeline: context.pipeline.name,
      channel: context.pipeline.channel.name,
      worker: context.worker,
      wallMs: () => context.clock.wallMs(),
    }
  }

  pathOf(raw: Raw, row: StagedRow): string {
    const { timeMs } = raw.message
    return hasDate(timeMs) ? `${row.table} ${dateOf(timeMs)}` : 'dead'
  }

  async recognise(all: readonly Raw[]): Promise<{ fresh: readonly Raw[]; known: Answers }> {
    const batch = all.filter((raw) => raw.idIsStable !== false)
    const strangers = all.filter((raw) => raw.idIsStable === false)
    const { known, bucket } = await this.#membership.call(
      'known',
      this.#membership.pipeline,
      batch.map(({ message }) => message.id),
    )
    this.#bucket = bucket
    const taken = new Map<Raw, Known>()
    for (const one of known) {
      const raw = batch[one.at] as Raw
      if (!(one.outcome === 'dead' && raw.redrives > one.redrives)) taken.set(raw, one)
    }
    const fresh: Raw[] = []
    const repeats: Raw[] = []
    const ids = new Set<string>()
    for (const raw of batch) {
      if (taken.has(raw)) continue
      if (ids.has(raw.message.id)) repeats.push(raw)
      else fresh.push(raw)
      ids.add(raw.message.id)
    }
    const answers = await this.#knownAnswers(taken)
    // The first of them is on its way; the others come again and are recognised then.
    for (const raw of repeats) answers.push(waiting(raw))
    for (const raw of strangers) answers.push(nameless(raw))
    const refused = strangers.map((raw) => ({ raw, refusal: namelessRefusal }))
    return { fresh, known: this.#answers(answers, null, refused) }
  }

  async land(batch: readonly Staged[]): Promise<Answers> {
    const startedMs = this.#context.clock.monotonicMs()
    const owner = this.#membership.owner
    const known: Answer[] = []
    let rest = batch
    for (;;) {
      const files = new CommitFiles(this.#files, owner, uuid())
      this.#isInDoubt = true
      await this.#write(files, rest)
      await this.#context.step('written', idsOf(rest))
      const result = await this.#commit(files, owner, rest)
      if (result.state === 'committed') {
        await this.#context.step('committed', idsOf(rest))
        await place(this.#plan.disk, this.#plan.root, files.files, this.#days)
        // Noted at once: the settlement may never come, and nobody looks after who left in order.
        this.#membership.note({
          commit: result.n,
          isPublished: true,
          isSettled: false,
          open: [],
          closed: [],
        })
        this.#isInDoubt = false
        await this.#context.step('renamed', idsOf(rest))
        const landed = landedOf(files, rest, this.#context.clock.monotonicMs() - startedMs)
        return this.#committed(result.n, files, rest, landed, known)
      }
      await files.discard()
      this.#isInDoubt = false
      if (result.state === 'dead-full') {
        const { disk, root } = this.#plan
        if (await noteTaken(disk, root, this.#membership)) continue
      }
      if (result.state !== 'conflict') return await this.#refused(result, owner)
      // Another worker was faster with these; the rest is written again without them.
      const taken = new Map(result.known.map((one) => [(rest[one.at] as Staged).raw, one]))
      known.push(...(await this.#knownAnswers(taken)))
      rest = rest.filter(({ raw }) => !taken.has(raw))
      if (rest.length === 0) return this.#answers(known, null, [])
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    let isClean = false
    try {
      if (!this.#isInDoubt) await this.#syncTemp()
      isClean = !this.#isInDoubt
    } finally {
      try {
        await this.#membership.leave(isClean)
      } finally {
        await this.#manifest.close()
      }
    }
  }

  /** Nobody looks after who left in order: what it deleted must not come back by a power cut. */
  async #syncTemp(): Promise<void> {
    const temp = `${this.#plan.root}/${tempFolder}`
    await this.#plan.disk.syncFolder(temp).catch((error: unknown) => {
      throw diskTrouble(`cannot sync ${temp}`, error)
    })
  }

  async #write(files: CommitFiles, batch: readonly Staged[]): Promise<void> {
    try {
      await files.write(batch)
    } catch (error) {
      await files.discard()
      this.#isInDoubt = false
      throw error
    }
  }

  async #commit(
    files: CommitFiles,
    owner: string,
    batch: readonly Staged[],
  ): Promise<CommitResult> {
    const entries = batch.map((staged): Entry => {
      const { message, redrives } = staged.raw
      return { id: message.id, outcome: files.refusals.has(staged) ? 'dead' : 'rows', redrives }
    })
    const commit = {
      id: files.id,
      owner,
      pipeline: this.#membership.pipeline,
      atMs: this.#context.clock.wallMs(),
      bucket: this.#bucket,
      entries,
      files: files.files,
    }
    // From here until the files are in place, only the manifest knows what is true.
    return this.#membership.withNotes(
      (notes) => this.#membership.call('commit', commit, notes),
      ({ state }) => state === 'committed',
    )
  }

  async #refused(
    result: Exclude<CommitResult, { state: 'committed' | 'conflict' }>,
    owner: string,
  ): Promise<never> {
    if (result.state === 'fenced') {
      await this.#membership.rejoin(owner)
      throw new NarrowcastError(
        'FENCED',
        `worker ${this.#context.worker}: its slot was taken over while it stood still; what it held is given back`,
      )
    }
    throw new NarrowcastError(
      'DISK_FULL',
      `${this.#plan.root}/_dead holds ${result.bytes} bytes of dead letters; the limit deadBytesMax is ${this.#plan.deadBytesMax}`,
      {
        hint: "Mend what refuses the messages. Then move the dead letters that you are done with out of _dead, or raise deadBytesMax, or take dead: 'channel'.",
      },
    )
  }

  /** Messages of the same id in one commit are one; so each `at` names one message. */
  async #knownAnswers(taken: ReadonlyMap<Raw, Known>): Promise<Answer[]> {
    if (taken.size === 0) return []
    const commits = [...new Set([...taken.values()].map(({ commit }) => commit))]
    const inTemp = new Set<number>()
    for (const { commit, path, isPublished } of await this.#membership.call('filesOf', commits)) {
      if (isPublished || (await this.#plan.disk.exists(`${this.#plan.root}/${path}`))) continue
      inTemp.add(commit)
    }
    return [...taken].map(([raw, { commit, outcome }]) => {
      if (inTemp.has(commit)) return waiting(raw)
      const verdict: DeliveryVerdict =
        outcome === 'dead' && this.#plan.dead === 'channel'
          ? { kind: 'dead', reason: `refused before, in commit ${commit} of ${this.#plan.root}` }
          : { kind: 'ack' }
      return { raw, verdict, as: 'recognised' }
    })
  }

  #committed(
    n: number,
    files: CommitFiles,
    batch: readonly Staged[],
    landed: Landed,
    known: readonly Answer[],
  ): Answers {
    const answers = batch.map((staged): Answer => {
      const refusal = files.refusals.get(staged)
      if (!refusal) return { raw: staged.raw, verdict: { kind: 'ack' }, as: 'landed' }
      const isTheirs = this.#plan.dead === 'channel'
      const reason = `${refusal.error.name}: ${refusal.error.message}`
      const verdict: DeliveryVerdict = isTheirs ? { kind: 'dead', reason } : { kind: 'ack' }
      return { raw: staged.raw, verdict, as: 'dead' }
    })
    const refused = [...files.refusals].map(([{ raw }, refusal]) => ({ raw, refusal }))
    const said = this.#answers([...answers, ...known], landed, refused)
    return {
      ...said,
      settled: async (outcomes) => {
        const open = answers.flatMap(({ raw }, at) =>
          outcomes[at] === 'settled' ? [] : [raw.message.id],
        )
        const again = seenAgain(known, outcomes.slice(answers.length))
        this.#membership.note({
          commit: n,
          isPublished: false,
          isSettled: true,
          open: [...open, ...again.open],
          closed: again.closed,
        })
      },
    }
  }

  #answers(
    answers: readonly Answer[],
    landed: Landed | null,
    refused: Answers['refused'],
  ): Answers {
    return {
      answers,
      landed,
      refused,
      settled: async (outcomes) => {
        const again = seenAgain(answers, outcomes)
        if (again.open.length + again.closed.length === 0) return
        this.#membership.note({ commit: null, isPublished: false, isSettled: false, ...again })
      },
    }
  }
}
