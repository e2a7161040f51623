import type { Interrupts } from './interrupts.ts'
import type { Parsed } from './program.ts'

// What every start needs is little: the help of the program loads neither parser nor commands.
const words = process.argv.slice(2)

// Node warns on stderr when both are set. NO_COLOR wins, unless it is empty.
if (process.env.NO_COLOR !== undefined && process.env.FORCE_COLOR !== undefined) {
  delete process.env[process.env.NO_COLOR ? 'FORCE_COLOR' : 'NO_COLOR']
}

function isPlainHelp(): boolean {
  return words.every((word) => ['--help', '-h', '--help-all', '--no-color'].includes(word))
}

async function main(): Promise<void> {
  if (isPlainHelp()) {
    await showHelp('', process.stdout)
    return
  }
  const { listenForInterrupts } = await import('./interrupts.ts')
  const interrupts = listenForInterrupts(process)
  process.on('uncaughtException', (error) => void fail(error).then((code) => process.exit(code)))
  // Whatever waits has a limit of its own; an empty event loop must not end it without a word.
  const alive = setInterval(() => {}, 60_000)
  const code = await run(interrupts).catch(fail)
  clearInterval(alive)
  // All output is out, then the process ends: nothing that was left open may keep it alive.
  process.stdout.write('', () => process.exit(interrupts.exitCode ?? code))
}

/** Runs one command line. @returns the exit code. */
async function run(interrupts: Interrupts): Promise<number> {
  const [{ parseCommandLine }, { commands }] = await Promise.all([
    import('./program.ts'),
    import('./tree.ts'),
  ])
  const parsed = await parseCommandLine(words, commands)
  if (parsed.kind === 'version') {
    const { packageVersion } = await import('../runtime/packageVersion.ts')
    process.stdout.write(`${packageVersion()}\n`)
    return 0
  }
  if (parsed.kind === 'help') {
    await showHelp(parsed.command, parsed.isAsked ? process.stdout : process.stderr)
    return parsed.isAsked ? 0 : 2
  }
  return runCommand(parsed, interrupts)
}

async function runCommand(
  parsed: Extract<Parsed, { kind: 'run' }>,
  interrupts: Interrupts,
): Promise<number> {
  try {
    return await runBody(parsed, interrupts)
  } catch (thrown) {
    const [{ asNarrowcastError }, { withNextStep }] = await Promise.all([
      import('../core/errors.ts'),
      import('./nextStep.ts'),
    ])
    throw withNextStep(asNarrowcastError(thrown), parsed)
  }
}

async function runBody(
  { command, spec, args, values }: Extract<Parsed, { kind: 'run' }>,
  interrupts: Interrupts,
): Promise<number> {
  const [{ checkNames, loadEnvFile, makeInvocation }, { refuseIfReadOnly }, { makeFlags }] =
    await Promise.all([import('./invocation.ts'), import('./readOnly.ts'), import('./flags.ts')])
  if (typeof values.envFile === 'string') loadEnvFile(values.envFile)
  checkNames(spec, args)
  refuseIfReadOnly(command, spec, makeFlags(values), process.env)
  const { loadBody } = await import('./bodies.ts')
  const body = await loadBody(command)
  const invocation = makeInvocation(command, spec.streams ?? false, args, values, {
    program: process,
    interrupts,
  })
  return (await body(invocation)) ?? 0
}

async function showHelp(command: string, stream: NodeJS.WriteStream): Promise<void> {
  const [{ helpText }, { askedWidth, widthOf }] = await Promise.all([
    import('./help.ts'),
    import('./output/width.ts'),
  ])
  const all = words.includes('--help-all')
  const { paint } = await lookOf(stream)
  const columns = widthOf(askedWidth(words), stream) ?? 100
  stream.write(helpText(command, { all, columns, paint }))
}

async function lookOf(stream: NodeJS.WriteStream) {
  const { makeLook } = await import('./output/style.ts')
  return makeLook({
    noColor: words.includes('--no-color'),
    ascii: words.includes('--ascii'),
    env: process.env,
    isTerminal: stream.isTTY === true,
  })
}

async function fail(thrown: unknown): Promise<number> {
  const [{ asNarrowcastError, errorCodes }, { printError }, { wantsJson }, look] =
    await Promise.all([
      import('../core/errors.ts'),
      import('./output/errors.ts'),
      import('./output/format.ts'),
      lookOf(process.stderr),
    ])
  const error = asNarrowcastError(thrown)
  printError(process.stderr, error, {
    json: wantsJson(words, process.env),
    look,
    verbose: words.includes('-v') || words.includes('--verbose'),
  })
  return errorCodes[error.code].exit
}

await main()
