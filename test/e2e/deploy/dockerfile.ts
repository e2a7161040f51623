import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../scripts/start.ts'

export interface Instruction {
  /** COPY, RUN, USER … */
  readonly word: string
  readonly rest: string
}

/** From one FROM to the next. */
export interface Stage {
  readonly image: string
  readonly name: string
  readonly instructions: readonly Instruction[]
}

export interface Copy {
  /** The stage that it is taken from; null: the checkout. */
  readonly from: string | null
  readonly sources: readonly string[]
  readonly target: string
}

const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** The Dockerfile, with what ARG gives by default. */
export function readDockerfile(): { args: Map<string, string>; stages: Stage[] } {
  const lines = read('Dockerfile')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const args = new Map<string, string>()
  const stages: { image: string; name: string; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [, word = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    const rest = text.replaceAll(/\$\{(\w+)\}/g, (_, name) => args.get(name) ?? '')
    if (word === 'ARG') args.set(rest.split('=')[0] ?? '', rest.split('=')[1] ?? '')
    else if (word === 'FROM') {
      const [image = '', name = String(stages.length)] = rest.split(/ AS /)
      stages.push({ image, name, instructions: [] })
    } else stages.at(-1)?.instructions.push({ word, rest })
  }
  return { args, stages }
}

export function copyOf({ rest }: Instruction): Copy {
  const words = rest.split(/\s+/)
  const from = /^--from=(.*)$/.exec(words[0] ?? '')?.[1] ?? null
  const paths = from === null ? words : words.slice(1)
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' }
}

const ignored = read('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

/** Whether `.dockerignore` keeps a path of the checkout from the build; the last match decides. */
export function isIgnored(path: string): boolean {
  const parts = path.split('/')
  const prefixes = parts.map((_, at) => parts.slice(0, at + 1).join('/'))
  let is = false
  for (const line of ignored) {
    const pattern = asExpression(line.replace(/^!/, ''))
    if (prefixes.some((one) => pattern.test(one))) is = !line.startsWith('!')
  }
  return is
}

/** As Docker reads it, where a star matches a leading dot too. */
function asExpression(pattern: string): RegExp {
  const text = pattern
    .replaceAll('.', '\\.')
    .replaceAll(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(.*/)?'))
  return new RegExp(`^${text}$`)
}
