import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../../../scripts/start.ts'
import { copyOf, type Instruction, isIgnored, readDockerfile } from './dockerfile.ts'

const run = promisify(execFile)

/** A Node of the tests in front of any other: npm and programs find it by its name. */
export const pathOfNode = `${dirname(process.execPath)}:${process.env.PATH ?? ''}`

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

/**
 * Does what the Dockerfile says in a folder for each stage, without an engine and without a
 * network: `npm ci` takes the packages of the checkout, everything else runs as it is written.
 * @returns the folder of the last stage, whose root stands for `/`
 */
export async function buildImage(folder: string): Promise<string> {
  const { stages } = readDockerfile()
  let last = ''
  for (const { name, instructions } of stages) {
    last = join(folder, name)
    let workdir = '/'
    for (const instruction of instructions) {
      if (instruction.word === 'WORKDIR') workdir = instruction.rest
      await mkdir(join(last, workdir), { recursive: true })
      if (instruction.word === 'COPY') await copy(instruction, folder, join(last, workdir), last)
      if (instruction.word === 'RUN') await runHere(instruction.rest, last, workdir)
    }
  }
  return last
}

async function copy(
  instruction: Instruction,
  stages: string,
  workdir: string,
  stage: string,
): Promise<void> {
  const { from, sources, target } = copyOf(instruction)
  const here = target.startsWith('/') ? join(stage, target) : join(workdir, target)
  for (const source of sources) {
    const there = join(from === null ? root : join(stages, from), source)
    const isFolderTarget = target.endsWith('/')
    await cp(there, isFolderTarget ? join(here, basename(source)) : here, {
      recursive: true,
      dereference: true,
      preserveTimestamps: true,
      filter: (path) => from !== null || !isIgnored(relative(root, path)),
    })
  }
}

async function runHere(text: string, stage: string, workdir: string): Promise<void> {
  const cwd = join(stage, workdir)
  if (text.startsWith('npm ci')) return install(cwd, text.includes('--omit=dev'))
  // Paths of the image lie in its folder, and nobody here is its user.
  const command = text
    .replaceAll(/ \/(?=\w)/g, ` ${stage}/`)
    .replaceAll('chown node:node', 'test -d')
  await run('sh', ['-c', command], { cwd, env: { ...process.env, PATH: pathOfNode } })
}

/** The packages that npm would install, as links; the hidden lock file is what npm writes last. */
async function install(cwd: string, isForUse: boolean): Promise<void> {
  const { packages } = JSON.parse(
    await readFile(join(cwd, 'package-lock.json'), 'utf8'),
  ) as LockFile
  const target = join(cwd, 'node_modules')
  await mkdir(target)
  for (const name of await installed()) {
    const entry = packages[`node_modules/${name}`]
    if (!entry || (isForUse && entry.dev)) continue
    await mkdir(dirname(join(target, name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(target, name))
  }
  await writeFile(join(target, '.package-lock.json'), '{}')
}

async function installed(): Promise<string[]> {
  const folder = join(root, 'node_modules')
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.'))
  const scoped = names.map(async (name) =>
    name.startsWith('@')
      ? (await readdir(join(folder, name))).map((one) => `${name}/${one}`)
      : [name],
  )
  return (await Promise.all(scoped)).flat()
}
