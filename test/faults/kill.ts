import { parseArgs } from 'node:util'
import { killRun, printed } from './killRun.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    kills: { type: 'string', default: '300' },
    workers: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    'without-dedupe': { type: 'boolean', default: false },
  },
})

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

const number = (name: 'messages' | 'kills' | 'workers' | 'seed'): number => {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= (name === 'seed' ? 0 : 1)) return value
  say(`test:kill: --${name} ${values[name]}; expected a whole number`)
  process.exit(2)
}

const plan = {
  messages: number('messages'),
  kills: number('kills'),
  workers: number('workers'),
  seed: number('seed'),
}
say(
  `seed ${plan.seed}: ${plan.workers} workers land ${plan.messages} messages in Parquet, and are killed ${plan.kills} times or more`,
)
const ledger = await killRun({
  ...plan,
  isForgetful: values['without-dedupe'],
  stuckMs: 60_000,
  say,
})
process.stdout.write(`${printed(ledger)}\n`)
process.exitCode = ledger.isKept ? 0 : 8
