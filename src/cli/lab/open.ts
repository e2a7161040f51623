import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pageFile } from '../../lab/runFolder/keepRun.ts'
import { shownPath } from '../demo/place.ts'
import type { Run } from '../invocation.ts'
import { reportOfRun, runAsked } from './readRun.ts'

/** Programs that open a page for whoever sits there. */
const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}

/** `lab open RUN`: says where its page is, and on a terminal opens it. */
export const open: Run = async (invocation) => {
  const { output, env } = invocation
  const run = await runAsked(invocation)
  reportOfRun(run)
  const path = join(run.folder, pageFile)
  await output.answer({
    type: 'lab.open',
    fields: { run: run.id, path },
    lines: () => [shownPath(path)],
  })
  if (process.stdout.isTTY !== true || output.isJson) return
  const program = env.BROWSER ? [env.BROWSER] : (openers[process.platform] ?? ['xdg-open'])
  if (!(await opened(program, path))) output.note('no program opens it here: open it by hand')
}

/** False where there is no such program, or it says at once that it cannot. */
async function opened([program, ...args]: readonly string[], path: string): Promise<boolean> {
  const child = spawn(program as string, [...args, path], { detached: true, stdio: 'ignore' })
  try {
    await once(child, 'spawn')
  } catch {
    return false
  }
  child.unref()
  return true
}
