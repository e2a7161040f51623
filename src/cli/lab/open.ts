import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { pageFile, reportFile } from '../../lab/runFolder/keepRun.ts'
import { shownPath } from '../demo/place.ts'
import type { Run } from '../invocation.ts'
import { placeAsked, type RunPlace } from './readRun.ts'

/** Programs that open a page for whoever sits there. */
const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}

/** A program that cannot open it says so within that time; one that shows it may go on for long. */
const failsWithinMs = 1_500

/** `lab open RUN`: says where its page is, and on a terminal opens it. Its report may be damaged. */
export const open: Run = async (invocation) => {
  const { output, env } = invocation
  const run = await placeAsked(invocation)
  const path = join(run.folder, pageFile)
  if (!existsSync(path)) throw noPage(run)
  await output.answer({
    type: 'lab.open',
    fields: { run: run.id, path },
    lines: () => [shownPath(path)],
  })
  if (process.stdout.isTTY !== true || output.isJson) return
  const program = env.BROWSER ? [env.BROWSER] : (openers[process.platform] ?? ['xdg-open'])
  const why = await whyNotOpened(program, path)
  if (why !== null) output.note(`${why}: open it by hand: ${shownPath(path)}`)
}

function noPage({ id, folder }: RunPlace): NarrowcastError {
  const isFinished = existsSync(join(folder, reportFile))
  const why = isFinished ? `${folder} has lost it` : 'it goes on, or it broke off'
  return new NarrowcastError('NOT_FOUND', `run ${id} has no page: ${why}`, {
    hint: isFinished
      ? `Its report is there: narrowcast lab show ${id}`
      : `narrowcast lab verify ${id} says what its ledgers hold`,
  })
}

/** Null: it is opened, as far as anybody can tell. */
async function whyNotOpened(
  [program, ...args]: readonly string[],
  path: string,
): Promise<string | null> {
  const child = spawn(program as string, [...args, path], { detached: true, stdio: 'ignore' })
  try {
    const signal = AbortSignal.timeout(failsWithinMs)
    const [code, killedBy] = await once(child, 'exit', { signal })
    return code === 0 ? null : `${program} ended with ${killedBy ?? `exit ${code}`}`
  } catch (error) {
    child.unref()
    return error instanceof Error && error.name === 'AbortError' ? null : 'no program opens it here'
  }
}
