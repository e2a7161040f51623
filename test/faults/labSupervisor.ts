import { play } from '../../src/lab/run/play.ts'
import { ProcessStage } from '../../src/lab/run/processStage.ts'
import { calm } from './labPlan.ts'

// A lab in a process of its own, to be killed: plays a long plan on that broker.
const [url = '', ledgers = ''] = process.argv.slice(2)
const long = { ...calm, load: { ...calm.load, messages: 100_000 } }
await play(long, new ProcessStage(long, url, ledgers))
