import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { createClient, type RedisClientType } from '@redis/client'
import { afterAll, onTestFinished } from 'vitest'
import { randomName } from '../../src/core/ids.ts'
import { type Bus, connect } from '../../src/index.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'

const run = promisify(execFile)
const obtained = await obtainRedis()
afterAll(() => obtained.redis?.stop())

const has = (program: string) => spawnSync(program, ['--version']).status === 0

/** Why there is no test of a kind; null: there is one. */
export const missing = {
  redis: obtained.missing,
  cli: obtained.missing ?? (has('redis-cli') ? null : 'no redis-cli on the PATH'),
  python: obtained.missing ?? (has('python3') ? null : 'no python3 on the PATH'),
} as const

/** Name of a test, with the reason where it is skipped. */
export function named(name: string, reason: string | null): string {
  return reason === null ? name : `${name}: skipped, ${reason}`
}

export const url = obtained.redis?.url ?? ''

/** A channel that nobody else uses. */
export const channelName = (what: string) => `interop.${what}.${randomName()}`

/** Ours, on this side; `query`: what the URL says besides. */
export async function ourBus(
  options: Parameters<typeof connect>[1] = {},
  query = '',
): Promise<Bus> {
  const bus = (await connect(url + query, { telemetry: false, ...options })) as Bus
  onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
  return bus
}

/** A program that knows nothing of us but the server: the plain client. */
export async function theirClient(): Promise<RedisClientType> {
  const client: RedisClientType = createClient({ url })
  client.on('error', () => {}) // told by the call that it breaks
  await client.connect()
  onTestFinished(() => client.destroy())
  return client
}

/** A line of a shell: what redis-cli prints, without the newline at its end. */
export async function redisCli(...words: string[]): Promise<string> {
  const { stdout } = await run('redis-cli', ['-u', url, '--no-raw', ...words])
  return stdout.replace(/\n$/, '')
}

/** The same, as it is read by other programs: one value a line. */
export async function redisCliRaw(...words: string[]): Promise<string[]> {
  const { stdout } = await run('redis-cli', ['-u', url, '--raw', ...words])
  return stdout.replace(/\n$/, '').split('\n')
}

/** Another language, and no client at all: RESP2 over a socket. Prints each answer as a line of JSON. */
const python = `
import json, socket, sys
host, port = sys.argv[1].split(':')
link = socket.create_connection((host, int(port)))
file = link.makefile('rb')
def answer():
    line = file.readline()[:-2].decode()
    kind, rest = line[0], line[1:]
    if kind == '+': return rest
    if kind == ':': return int(rest)
    if kind == '-': raise Exception(rest)
    size = int(rest)
    if size < 0: return None
    if kind == '*': return [answer() for _ in range(size)]
    data = file.read(size + 2)[:-2]
    return data.decode()
for command in json.loads(sys.argv[2]):
    words = [word.encode() for word in command]
    parts = [b'*%d\\r\\n' % len(words)]
    for word in words: parts.append(b'$%d\\r\\n%s\\r\\n' % (len(word), word))
    link.sendall(b''.join(parts))
    print(json.dumps(answer()))
`

/** @returns the answer to each command. */
export async function pythonSocket(...commands: readonly string[][]): Promise<unknown[]> {
  const { stdout } = await run('python3', [
    '-c',
    python,
    new URL(url).host,
    JSON.stringify(commands),
  ])
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}
