import { spawn } from 'node:child_process'
import { NarrowcastError } from '../../core/errors.ts'

const outputBytesMax = 65_536

/**
 * The URL with the password that a command prints, without its last line break. The command may
 * ask on the terminal; neither what it prints nor the command itself is ever shown.
 * @throws INVALID_CONFIG where the URL has no room for it, or the command fails; TIMEOUT.
 */
export async function withPassword(
  url: string,
  command: string,
  { context, timeoutMs }: { readonly context: string; readonly timeoutMs: number },
): Promise<string> {
  const parts = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^@/?#:]*)(:[^@/?#]*)?@)?(.*)$/is.exec(url)
  if (!parts || parts[3] !== undefined || /^file:/i.test(url)) {
    const why = parts?.[3] === undefined ? 'takes no password' : 'has a password already'
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `context ${context}: its URL ${why}, so passwordCommand is wrong there`,
    )
  }
  const password = await outputOf(command, context, timeoutMs)
  return `${parts[1]}${parts[2] ?? ''}:${encodeURIComponent(password)}@${parts[4]}`
}

async function outputOf(command: string, context: string, timeoutMs: number): Promise<string> {
  const canAsk = process.stdin.isTTY === true
  const child = spawn(command, {
    shell: true,
    stdio: [canAsk ? 'inherit' : 'ignore', 'pipe', 'inherit'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  const chunks: Buffer[] = []
  let bytes = 0
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= outputBytesMax) chunks.push(chunk)
  })
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>(
    (resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code, signal }))
      // What it has started may hold on to its output.
      child.once('exit', (code, signal) => {
        if (signal !== null) resolve({ code, signal })
      })
    },
  )
  const password = Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '')
  if (code === 0 && password !== '' && bytes <= outputBytesMax) return password
  if (signal !== null) {
    throw new NarrowcastError(
      'TIMEOUT',
      `context ${context}: passwordCommand did not end in ${timeoutMs} ms`,
      { definite: true, hint: 'More time: --timeout 30s' },
    )
  }
  const why =
    code !== 0
      ? `ended with exit ${code}`
      : password === ''
        ? 'printed nothing'
        : 'printed too much for a password'
  throw new NarrowcastError('INVALID_CONFIG', `context ${context}: passwordCommand ${why}`)
}
