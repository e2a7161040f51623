import { calibrate } from '../../src/lab/instrument/calibrate.ts'

export interface Calibrated {
  readonly perSecond: number
}

// The body of a process: what the lab can do at most.
const [folder = '.'] = process.argv.slice(2)
const calibrated: Calibrated = { perSecond: await calibrate(folder) }
process.stdout.write(JSON.stringify(calibrated))
