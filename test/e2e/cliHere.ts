import { Writable } from 'node:stream'
import { loadBody } from '../../src/cli/bodies.ts'
import { makeInvocation } from '../../src/cli/invocation.ts'
import { parseCommandLine } from '../../src/cli/program.ts'
import { commands } from '../../src/cli/tree.ts'

/**
 * Runs a command line in this process and its working folder, off a terminal: where many looks
 * are compared, a process for each would take minutes.
 */
export async function runHere(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const parsed = await parseCommandLine(words, commands)
  if (parsed.kind !== 'run') throw new Error(`${words.join(' ')} runs nothing`)
  const { command, spec, args, values } = parsed
  const [stdout, stderr] = [new Kept(), new Kept()]
  const program = { env, cwd: () => process.cwd(), stdin: {}, ...{ stdout, stderr } }
  const stopping = new AbortController()
  const interrupts = {
    claim: () => stopping.signal,
    stop: () => stopping.abort(),
    interrupt: () => stopping.abort(),
    exitCode: null,
  }
  const world = { program: program as unknown as NodeJS.Process, interrupts }
  const body = await loadBody(command)
  await body(makeInvocation(command, spec.streams ?? false, args, values, world))
  return { stdout: stdout.text, stderr: stderr.text }
}

class Kept extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
