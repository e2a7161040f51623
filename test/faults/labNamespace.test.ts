import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { NetworkNamespace, whyNoNamespace } from '../../src/lab/run/networkNamespace.ts'
import { testRedis } from '../brokers/redisHere.ts'
import { playScenario } from './labScene.ts'

const why = await whyNoNamespace()
/** Skipped, with its reason, where this machine allows no namespaces. */
const testNamespace = (name: string, body: () => Promise<void>) =>
  test(name, ({ skip }) => (why === null ? body() : skip(why)))

const wires = () => Object.keys(networkInterfaces()).filter((name) => name.startsWith('ncl'))

/** Answers each line with itself, on an address of this machine. */
async function echoOn(host: string): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {}).pipe(socket)
  })
  onTestFinished(() => void server.close())
  await once(server.listen(0, host), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, sockets }
}

/** A program inside that writes a number each 50 ms and prints what comes back, or what went wrong. */
function speaker({ enter, host }: NetworkNamespace, port: number) {
  const body = `
    const socket = require('node:net').connect(${port}, '${host}')
    let next = 0
    setInterval(() => socket.write(next++ + ' '), 50)
    socket.on('data', (data) => process.stdout.write(data))
    socket.on('error', (error) => process.stdout.write('ERROR ' + error.message))
    socket.on('close', () => process.stdout.write('CLOSED'))`
  const [program = '', ...words] = enter
  const child = spawn(program, [...words, process.execPath, '-e', body])
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  return { said: () => said, last: () => Number(said.trim().split(' ').at(-1)) }
}

testNamespace(
  'a wire that is cut loses what is sent, and nobody is told; mended, all of it comes',
  async () => {
    await using namespace = await NetworkNamespace.make()
    const { port, sockets } = await echoOn(namespace.host)
    const { said, last } = speaker(namespace, port)
    await expect.poll(last).toBeGreaterThan(5)
    await namespace.cut()
    const cutAt = last()
    let received = 0
    sockets[0]?.on('data', ({ length }) => {
      received += length
    })
    await new Promise((resolve) => setTimeout(resolve, 1_500)) // nothing is to be seen in that time
    expect([received, last() - cutAt <= 1, sockets[0]?.destroyed]).toEqual([0, true, false])
    await namespace.mend()
    await expect.poll(last, { timeout: 30_000 }).toBeGreaterThan(cutAt + 30)
    const numbers = said().trim().split(' ').map(Number)
    expect(numbers).toEqual(numbers.map((_, at) => at))
  },
)

testNamespace('it leaves no wire, and none either when its process is killed', async () => {
  {
    await using _namespace = await NetworkNamespace.make()
    expect(wires()).not.toEqual([])
  }
  const { made, kill } = await inProcess(`await NetworkNamespace.make()`)
  expect(await linkNames()).toContain(made)
  kill()
  await expect.poll(linkNames, { timeout: 30_000 }).not.toContain(made)
})

testNamespace(
  'none is left when its process is killed in a cut, with words on the way',
  async () => {
    // What is not acknowledged keeps a socket for minutes, and that its network, after its process has ended.
    const { made, kill } = await inProcess(`
    const namespace = await NetworkNamespace.make()
    const server = createServer().listen(0, namespace.host)
    await once(server, 'listening')
    const [program, ...words] = namespace.enter
    const body = \`
      const socket = require('node:net').connect(\${server.address().port}, '\${namespace.host}')
      process.stdin.on('end', () => process.exit()).on('data', () => {
        socket.write('lost', () => console.log('written'))
      }) \`
    const actor = spawn(program, [...words, process.execPath, '-e', body])
    await once(server, 'connection')
    await namespace.cut()
    actor.stdin.write('now')
    await once(actor.stdout, 'data')`)
    expect(await linkNames()).toContain(made)
    kill()
    await expect.poll(linkNames).not.toContain(made)
  },
)

/** Runs this in a process of its own. `made`: the wire of the first namespace there. */
async function inProcess(code: string) {
  const own = new URL('../../src/lab/run/networkNamespace.ts', import.meta.url)
  const body = `import { spawn } from 'node:child_process'
    import { once } from 'node:events'
    import { createServer } from 'node:net'
    import { NetworkNamespace } from '${own}'
    ${code}
    console.log('made')
    setInterval(() => {}, 1_000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', body])
  const kill = () => void child.kill('SIGKILL')
  onTestFinished(kill)
  await once(child.stdout, 'data')
  return { made: `ncl${child.pid?.toString(36)}x0`, kill }
}

/** Also of those that are down. */
async function linkNames(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ip', ['-json', 'link'])
  return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname)
}

testRedis('workers and producers that are cut off keep the contract', async ({ skip }) => {
  if (why !== null) return skip(why)
  const load = { messages: 6_000 }
  const { verdict, judgement } = await playScenario(
    'partition-heal',
    'redis-stream:queue',
    load,
    null,
    'namespace',
  )
  expect([verdict.status, verdict.reasons]).toEqual(['KEPT', []])
  if (!('groups' in judgement)) throw new Error('a queue has a group')
  expect(judgement.groups[0]?.account).toMatchObject({ attempted: 6_000, processed: 6_000 })
  expect(wires()).toEqual([])
})
