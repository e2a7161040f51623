import type { SettleOutcome } from '../../core/message.ts'
import type { Answer, Landed, Raw, Refusal, Staged } from '../sink.ts'
import type { CommitFiles } from './commitFiles.ts'

/** How long a message waits whose commit, of another worker, is not in place yet. */
const placedWaitMs = 500

/** What one commit has brought. */
export function landedOf(files: CommitFiles, batch: readonly Staged[], tookMs: number): Landed {
  const rows: Record<string, number> = {}
  for (const { table, rows: count, kind } of files.files) {
    if (kind === 'data') rows[table] = (rows[table] ?? 0) + count
  }
  const isDead = (staged: Staged) => files.refusals.has(staged)
  return {
    id: files.id,
    ids: idsOf(batch.filter((staged) => !isDead(staged))),
    deadIds: idsOf(batch.filter(isDead)),
    rows,
    files: files.files.map(({ path, kind, table, rows: count, bytes }) => ({
      path,
      table: kind === 'data' ? table : null,
      rows: count,
      bytes,
    })),
    bytes: files.files.reduce((sum, { bytes }) => sum + bytes, 0),
    tookMs,
  }
}

export function waiting(raw: Raw): Answer {
  return { raw, verdict: { kind: 'release', delayMs: placedWaitMs }, as: 'waiting' }
}

/** Whether it has landed before nobody could say: not even among our own dead letters. */
export const namelessRefusal: Refusal = {
  cause: 'invalid',
  error: {
    name: 'NoStableId',
    message:
      'its producer has named no id, by which it would be known when it comes again; sent back it keeps the one that it has now',
    path: '',
  },
  schema: null,
}

export function nameless(raw: Raw): Answer {
  const { name, message } = namelessRefusal.error
  return { raw, verdict: { kind: 'dead', reason: `${name}: ${message}` }, as: 'dead' }
}

/** Ids that came again: closed ones will not a third time, open ones may. */
export function seenAgain(answers: readonly Answer[], outcomes: readonly (SettleOutcome | null)[]) {
  const found = { open: [] as string[], closed: [] as string[] }
  for (const [at, { raw, as }] of answers.entries()) {
    if (as !== 'recognised') continue
    found[outcomes[at] === 'settled' ? 'closed' : 'open'].push(raw.message.id)
  }
  return found
}

export function idsOf(batch: readonly Staged[]): string[] {
  return batch.map(({ raw }) => raw.message.id)
}
