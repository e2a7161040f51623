import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { root } from '../../scripts/start.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { pathOfNode } from './deploy/builtImage.ts'

const { redis, missing } = await obtainRedis()
afterAll(() => redis?.stop())

/** The command for this broker, as the file itself prints it. */
async function commandOf(file: string, broker: string): Promise<string> {
  const text = await readFile(join(root, 'examples', file), 'utf8')
  const [embedded = '', onRedis = ''] = [...text.matchAll(/^\/\/ {3}(.*)$/gm)].map(
    ([, line]) => line,
  )
  expect(onRedis).toBe(`NARROWCAST_URL=redis://localhost:6379 ${embedded}`)
  if (broker === 'file') return embedded
  return onRedis.replace('redis://localhost:6379', String(redis?.url))
}

/** A folder of its own, in which the examples lie as they do in a checkout. */
async function checkout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-examples-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await symlink(join(root, 'examples'), join(folder, 'examples'))
  return folder
}

interface Program {
  readonly ended: Promise<string>
  shows(text: RegExp): Promise<void>
  interrupt(): void
}

function start(command: string, cwd: string): Program {
  const { NARROWCAST_URL: _other, ...env } = process.env
  const child = spawn('sh', ['-c', command.replace(/((?:\w+=\S+ )?)/, '$1exec ')], {
    cwd,
    env: { ...env, PATH: pathOfNode },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let look = () => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      look()
    })
  }
  const ended = new Promise<string>((resolve, reject) => {
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`exit ${code}: ${output}`))
    })
  })
  const shows = (text: RegExp) =>
    new Promise<void>((resolve) => {
      look = () => {
        if (text.test(output)) resolve()
      }
      look()
    })
  return {
    ended,
    shows: (text) => Promise.race([shows(text), ended.then(() => expect(output).toMatch(text))]),
    interrupt: () => child.kill('SIGINT'),
  }
}

describe.for(['file', 'redis'])('on %s', (broker) => {
  const skip = broker === 'redis' && missing !== null
  const reason = skip ? `: skipped, ${missing}` : ''

  test.skipIf(skip)(`orderGroups: each order to one worker of each group${reason}`, async () => {
    const command = await commandOf('orderGroups.ts', broker)
    const cwd = await checkout()
    for (const run of ['first', 'second']) {
      const output = await start(command, cwd).ended
      for (const group of ['email_group', 'fulfillment_group']) {
        expect(output, run).toContain(`${group}: all 6 orders done`)
        const lines = output.matchAll(new RegExp(`^${group}, worker \\w+: .* order (\\d)$`, 'gm'))
        expect([...lines].map(([, order]) => order).sort()).toEqual(['1', '2', '3', '4', '5', '6'])
      }
    }
  })

  test.skipIf(skip)(`listProducer and listWorker: tries, and the dead list${reason}`, async () => {
    const cwd = await checkout()
    const worker = start(await commandOf('listWorker.ts', broker), cwd)
    await worker.shows(/working/)
    const command = await commandOf('listProducer.ts', broker)
    const produced = await start(command, cwd).ended
    expect(produced.match(/^published \d as \S+$/gm)).toHaveLength(5)
    await worker.shows(/done 5 at attempt 1/)
    await worker.shows(/dead after 3 tries: Error: 3 divides by three/)
    worker.interrupt()
    const output = await worker.ended
    expect(output.match(/failed: .*3 divides by three/g)).toHaveLength(3)
    expect(output.match(/^done \d/gm)?.sort()).toEqual(['done 1', 'done 2', 'done 4', 'done 5'])
    expect(output).toMatch(/on the dead list: .*\{"n":3\}/)
  })
})

const hasCli = spawnSync('redis-cli', ['--version']).status === 0

test.skipIf(missing !== null || !hasCli)(
  `programs beside them take part as the page says${hasCli ? '' : ': skipped, no redis-cli'}`,
  async () => {
    const cwd = await checkout()
    const page = await readFile(join(root, 'examples/README.md'), 'utf8')
    const lines = [...page.matchAll(/^redis-cli (.*?)(?: {2,}#.*)?$/gm)]
    const [add, push, look] = lines.map(([, words]) => `redis-cli -u ${redis?.url} ${words}`) as [
      string,
      string,
      string,
    ]
    expect(await start(add, cwd).ended).toMatch(/^\d+-0\n$/)
    const output = await start(await commandOf('orderGroups.ts', 'redis'), cwd).ended
    for (const group of ['email_group', 'fulfillment_group']) {
      const seventh = new RegExp(`^${group}, worker \\w+: .* Ada, order 7$`, 'gm')
      expect(output.match(seventh)).toHaveLength(1)
    }

    await start(push, cwd).ended
    expect(await start(look, cwd).ended).toBe('{"n":7}\n')
    const worker = start(await commandOf('listWorker.ts', 'redis'), cwd)
    await worker.shows(/done 7 at attempt 1/)
    worker.interrupt()
    await worker.ended
  },
)

test('every example is in the list of them, and every file of the list is there', async () => {
  const page = await readFile(join(root, 'examples/README.md'), 'utf8')
  const listed = [...page.matchAll(/\[(\w+\.ts)\]\(\1\)/g)].map(([, file]) => file)
  expect(listed).toEqual(['orderGroups.ts', 'listProducer.ts', 'listWorker.ts'])
})
