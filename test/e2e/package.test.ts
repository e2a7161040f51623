import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../../scripts/start.ts'

const run = promisify(execFile)
const installMsMax = 300_000

/** The npm that started us, else the one on the PATH. */
async function npm(cwd: string, ...args: string[]): Promise<string> {
  const cli = process.env.npm_execpath ?? ''
  const isNpm = /npm-cli\.c?js$/.test(cli)
  const words = [...args, '--no-audit', '--no-fund', '--loglevel=error']
  const [program, all] = isNpm ? [process.execPath, [cli, ...words]] : ['npm', words]
  return (await run(program, all, { cwd })).stdout
}

/** Types of everything that the package offers, used as a user would. */
const program = `
import { connect, dead, NarrowcastError, type Bus, type Config, type Contract } from 'narrowcast'
import { contracts } from 'narrowcast/drivers/file'

const config = { channels: { orders: { pattern: 'queue', lease: '30s' } } } satisfies Config
const promised: Contract = contracts.queue
await using bus: Bus = await connect('file:./library', { config })
const orders = bus.queue<{ n: number }>('orders')
const seen = new Promise<number>((resolve) => {
  orders.subscribe((order) => {
    resolve(order.n)
    return order.n < 0 ? dead('negative') : undefined
  })
})
await orders.publish({ n: 7 })
console.log(JSON.stringify({ n: await seen, delivery: promised.delivery }))
try {
  bus.queue('narrowcast.x')
} catch (error) {
  console.log(error instanceof NarrowcastError ? error.code : error)
}
`

const wrongProgram = `
import { connect } from 'narrowcast'
const bus = await connect('file:./library')
await bus.queue<{ n: number }>('orders').publish({ n: 'seven' })
`

/** A schema whose two types differ, bytes, and batches: what handlers are given is proven by use. */
const typedProgram = `
import { connect } from 'narrowcast'
import * as z from 'zod'

const schema = z.object({ at: z.iso.datetime().transform((text) => new Date(text)), n: z.int().default(7) })
await using bus = await connect('file:./typed')

const orders = bus.queue('orders', { schema })
const order = Promise.withResolvers<{ at: Date; n: number }>()
orders.subscribe((given) => order.resolve(given))
await orders.publish({ at: '2026-01-02T03:04:05Z' })
const { at, n } = await order.promise
const year: number = at.getUTCFullYear()

const pictures = bus.queue('pictures', { codec: 'bytes' })
const picture = Promise.withResolvers<Uint8Array>()
pictures.subscribe((given) => picture.resolve(given))
await pictures.publish(Uint8Array.of(0, 255))
const bytes: number[] = [...(await picture.promise)]

const lots = bus.queue('lots', { schema })
const lot = Promise.withResolvers<Date>()
lots.subscribe((batch) => lot.resolve((batch[0] as (typeof batch)[number]).data.at), {
  batch: { size: 2, waitMsMax: 10 },
})
await lots.publishMany([{ data: { at: '2027-01-02T03:04:05Z' } }])
const later: number = (await lot.promise).getUTCFullYear()
console.log(JSON.stringify({ year, n, bytes, later }))
`

/** Each line takes one type for the other. */
const wrongLines = [
  ['await orders.publish({ at: new Date() })', "Type 'Date' is not assignable to type 'string'"],
  [
    'orders.subscribe((given) => void given.at.slice(1))',
    "Property 'slice' does not exist on type 'Date'",
  ],
  ['await pictures.publish({ n: 1 })', "'Uint8Array"],
  [
    'lots.subscribe((batch) => void batch.n, { batch: { size: 2, waitMsMax: 10 } })',
    "Property 'n' does not exist on type 'readonly Received",
  ],
] as const

/** The types of middleware need no package that is not installed; tracing says what it needs. */
const middlewareProgram = `
import { connect, NarrowcastError } from 'narrowcast'
import { circuitBreaker, throttle, timeout } from 'narrowcast/middleware'

await using bus = await connect('file:./middleware')
const orders = bus.queue<{ n: number }>('orders')
const seen = Promise.withResolvers<number>()
orders.subscribe(({ n }) => seen.resolve(n), {
  middleware: [circuitBreaker({ failuresMax: 3 }), throttle({ perSecond: 9 }), timeout({ ms: 999 })],
})
await orders.publish({ n: 7 })
const refused = await connect('file:./middleware', { tracing: true }).catch((error) => error)
console.log(await seen.promise, refused instanceof NarrowcastError ? refused.code : refused)
`

describe('the package, installed into an empty project', () => {
  let folder = ''
  let project = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'narrowcast-package-'))
    project = join(folder, 'project')
    await mkdir(project)
    // `prepack` builds first.
    await npm(root, 'pack', '--pack-destination', folder)
    const [tarball] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
    const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const types = `@types/node@${devDependencies['@types/node']}`
    await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
    await npm(project, 'install', '--prefer-offline', join(folder, String(tarball)), types)
  }, installMsMax)

  afterAll(() => rm(folder, { recursive: true }))

  const binary = (...args: string[]) =>
    run(process.execPath, [join(project, 'node_modules/narrowcast/bin/narrowcast.cjs'), ...args], {
      cwd: project,
    })

  test('it holds the build and the binary, and nothing else', async () => {
    const installed = join(project, 'node_modules/narrowcast')
    const entries = await readdir(installed)
    expect(entries.sort()).toEqual(['LICENSE', 'README.md', 'bin', 'dist', 'package.json'])
    const files = await readdir(join(installed, 'dist'), { recursive: true })
    const ofTests = /\.test\.|naive\b|example|Scene|anyEvidence|(?<!\.d)\.ts$|\.map$/
    expect(files.filter((file) => ofTests.test(file))).toEqual([])
    expect(await readdir(join(installed, 'bin'))).toEqual([
      'narrowcast.cjs',
      'nodeVersion.cjs',
      'start.cjs',
    ])
  })

  test('the binary says its version', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const { stdout, stderr } = await binary('--version')
    expect({ stdout, stderr }).toEqual({ stdout: `${version}\n`, stderr: '' })
  })

  test('the binary publishes and works on a file: store', async () => {
    const store = ['-u', 'file:./binary']
    await binary('publish', 'hello', '{"n":1}', ...store)
    const { stdout } = await binary('work', 'hello', '--exec', 'cat', '--until', 'end', ...store)
    expect(stdout).toContain('{"n":1}')
    const { stdout: stats } = await binary('stats', 'hello', '--json', ...store)
    expect(JSON.parse(stats)).toMatchObject({ v: 1 })
  })

  test('the demo of the installed binary keeps its promise', { timeout: 180_000 }, async () => {
    const { stdout } = await binary('demo', '--seed', '7', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'kept', lost: 0, duplicated: 0 })
  })

  test('the lab of the installed binary starts its processes', async () => {
    const { stdout } = await binary(
      ...['lab', 'run', 'calm', '--on', 'file', '--messages', '100', '--workers', '1'],
      ...['--producers', '1', '--json'],
    )
    expect(JSON.parse(stdout)).toMatchObject({ verdict: { status: 'KEPT', reasons: [] } })
  })

  test('it works as a library', async () => {
    await writeFile(join(project, 'use.ts'), program)
    const { stdout, stderr } = await run(process.execPath, ['use.ts'], { cwd: project })
    expect(stderr).toBe('')
    expect(stdout).toBe('{"n":7,"delivery":"at-least-once"}\nINVALID_ARGUMENT\n')
  })

  test('the program of the README runs as it is printed', async () => {
    const [, printed] =
      /```ts\n(.*?)```/s.exec(await readFile(join(root, 'README.md'), 'utf8')) ?? []
    await writeFile(join(project, 'first.mts'), String(printed))
    const { stdout } = await run(process.execPath, ['first.mts'], { cwd: project })
    expect(stdout).toBe('order 42 billed at attempt 1\n')
  })

  /** What the compiler says of a program in the project. */
  async function compile(code: string): Promise<string> {
    const compilerOptions = { target: 'es2024', module: 'nodenext', strict: true, noEmit: true }
    const options = { ...compilerOptions, lib: ['es2024', 'esnext.disposable'], types: ['node'] }
    await writeFile(join(project, 'typed.ts'), code)
    const tsconfig = { compilerOptions: options, files: ['typed.ts'] }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    return run(process.execPath, [tsc, '-p', '.'], { cwd: project }).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
  }

  test('its types compile, and refuse a wrong message', async () => {
    expect(await compile(program)).toBe('')
    expect(await compile(wrongProgram)).toContain(
      "Type 'string' is not assignable to type 'number'",
    )
  })

  test('a schema, bytes and batches are typed by what is given and what arrives', async () => {
    expect(await compile(typedProgram)).toBe('')
    const { stdout } = await run(process.execPath, ['typed.ts'], { cwd: project })
    expect(stdout).toBe('{"year":2026,"n":7,"bytes":[0,255],"later":2027}\n')
    for (const [line, refusal] of wrongLines) {
      const said = await compile(`${typedProgram}\n${line}\n`)
      expect(said, line).toContain(refusal)
      expect(said.match(/error TS/g), line).toHaveLength(1)
    }
  })

  test('middleware compiles and runs without OpenTelemetry; tracing says what is missing', async () => {
    expect(await compile(middlewareProgram)).toBe('')
    const { stdout } = await run(process.execPath, ['typed.ts'], { cwd: project })
    expect(stdout).toBe('7 CLIENT_MISSING\n')
  })

  test.for([
    ['narrowcast', 'connect'],
    ['narrowcast/middleware', 'tracing'],
    ['narrowcast/pino', 'createPinoTransport'],
    ['narrowcast/pipelines', 'definePipeline'],
    ['narrowcast/testing', 'virtualClock'],
    ['narrowcast/drivers/memory', 'contracts'],
    ['narrowcast/drivers/file', 'contracts'],
  ])('%s offers %s', async ([name, what]) => {
    const code = `import * as all from '${name}'; console.log('${what}' in all)`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
      cwd: project,
    })
    expect(stdout).toBe('true\n')
  })

  test.for(['narrowcast/drivers/_shared', 'narrowcast/core/errors.ts', 'narrowcast/cli/main'])(
    '%s is ours alone',
    async (name) => {
      const code = `await import('${name}')`
      const result = run(process.execPath, ['--input-type=module', '-e', code], { cwd: project })
      await expect(result).rejects.toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/)
    },
  )
})
