import { readFileSync, statSync } from 'node:fs'
import { NarrowcastError } from '../../core/errors.ts'
import { type Scenario, scenarioSchema } from '../../lab/scenarios/scenario.ts'
import { wrongWords } from './specWords.ts'

/** No scenario is nearly as long. */
const specBytesMax = 1_048_576
const howTo = 'docs/lab/README.md says how to write one; narrowcast lab ls lists those there are'
/** All that is told of one that is wrong, with where to read on, has three lines. */
const issuesMax = 2

/** The scenario of --spec. @throws INVALID_CONFIG for what cannot be read, or is none. */
export function scenarioIn(path: string): Scenario {
  const found = jsonIn(path)
  const { success, data, error } = scenarioSchema.safeParse(found, { reportInput: true })
  if (success) return data
  const wrong = error.issues.map((issue) => wrongWords(issue, found))
  const more = wrong.length - issuesMax
  throw new NarrowcastError('INVALID_CONFIG', `--spec: ${path} is no scenario`, {
    hint: [...wrong.slice(0, issuesMax), `${more > 0 ? `And ${more} more. ` : ''}${howTo}`].join(
      '\n',
    ),
  })
}

function jsonIn(path: string): unknown {
  let hint = howTo
  try {
    const file = statSync(path)
    if (!file.isFile() && !file.isDirectory()) {
      hint = 'The line that repeats a run names its file: save it first, then --spec own.json'
    }
    if (!file.isFile()) throw new Error('it is no regular file')
    if (file.size > specBytesMax) {
      throw new Error(`it has ${file.size} bytes, expected at most 1 MiB`)
    }
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, '')) // editors of Windows put one
  } catch (cause) {
    const text = `--spec: cannot read ${path}: ${(cause as Error).message}`
    throw new NarrowcastError('INVALID_CONFIG', text, { hint, cause })
  }
}
