import { asNarrowcastError } from '../../core/errors.ts'
import { parseBrokerUrl } from '../../core/url.ts'
import { loadSettings } from '../config/settings.ts'
import { checkBackend, checkProjectFile } from '../doctor/backend.ts'
import {
  type Check,
  checkClock,
  checkCores,
  checkDisk,
  checkFolder,
  checkNode,
  checkPort,
} from '../doctor/checks.ts'
import { makeFlags } from '../flags.ts'
import type { Invocation, Run } from '../invocation.ts'
import { displayWidth } from '../output/displayWidth.ts'
import { wrap } from '../output/wrap.ts'
import { storeFolder } from '../storeFolder.ts'

const folderDefault = './.narrowcast'
const simulatorPort = 5_678

/** `doctor [URL]`: everything that often goes wrong, looked at without changing anything. */
export const doctor: Run = async (invocation) => {
  const { output } = invocation
  const asked = withUrl(invocation)
  const folder = await folderOf(asked)
  const checks: Check[] = [
    checkNode(),
    checkFolder(folder),
    checkDisk(folder),
    await checkClock(),
    checkCores(),
    await checkPort(simulatorPort),
    await checkProjectFile(asked),
    ...(await checkBackend(asked)),
  ]
  const problems = checks.filter(({ state }) => state === 'problem')
  const warnings = checks.filter(({ state }) => state === 'warning')
  const exit = problems.at(-1)?.exit ?? 0
  const { look } = output
  const signs = {
    ok: look.paint('green', look.ok),
    warning: look.paint('yellow', look.warn),
    problem: look.paint('red', look.bad),
  }
  const summary = `${plural(problems.length, 'problem')}, ${plural(warnings.length, 'warning')}`
  await output.answer({
    type: 'doctor',
    fields: {
      checks: checks.map(({ name, state, text, hint }) => ({
        name,
        state,
        text,
        hint: hint ?? null,
      })),
      problems: problems.length,
      warnings: warnings.length,
      exit,
    },
    lines: () => [
      ...checks.flatMap(({ state, text, hint }) => {
        const room = output.width - displayWidth(`${signs[state]} `)
        const [first = '', ...more] = wrap(text, room)
        const advice = hint === undefined || state === 'ok' ? [] : wrap(`-> ${hint}`, room)
        return [`${signs[state]} ${first}`, ...[...more, ...advice].map((line) => `  ${line}`)]
      }),
      problems.length + warnings.length === 0 ? 'all is well' : `${summary} (exit ${exit})`,
    ],
  })
  return exit
}

/** `doctor URL` is `doctor --url URL`. */
function withUrl(invocation: Invocation): Invocation {
  const [url] = invocation.args
  if (url === undefined) return invocation
  const { flags } = invocation
  const [config, context] = [flags.text('config'), flags.text('context')]
  const kept = {
    ...(config === undefined ? {} : { config }),
    ...(context === undefined ? {} : { context }),
  }
  return { ...invocation, flags: makeFlags({ url, ...kept }) }
}

/** Where the store lies; for backends elsewhere, where narrowcast writes here. */
async function folderOf(invocation: Invocation): Promise<string> {
  try {
    return storeFolder(parseBrokerUrl((await loadSettings(invocation)).url.value)) ?? folderDefault
  } catch (error) {
    // The checks of the project file and of the backend tell what is wrong there.
    invocation.output.detail(asNarrowcastError(error).message)
    return folderDefault
  }
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
