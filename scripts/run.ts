import { commands, type Step } from './commands.ts'
import { start } from './start.ts'

async function main([name = '', ...rest]: string[]): Promise<number> {
  const steps = commands[name]
  if (!steps) {
    console.error(`no script "${name}"; there are: ${Object.keys(commands).join(', ')}`)
    return 2
  }
  for (const [at, step] of steps.entries()) {
    const whole: Step = at === steps.length - 1 ? [...step, ...rest] : step
    const code = await start(whole)
    if (code !== 0) return code
  }
  return 0
}

process.exitCode = await main(process.argv.slice(2))
