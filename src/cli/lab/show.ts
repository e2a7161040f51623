import { messageTrail } from '../../lab/report/messageTrail.ts'
import { trailTable } from '../../lab/report/trailText.ts'
import { readEvidence } from '../../lab/runFolder/evidenceLines.ts'
import type { Invocation, Run } from '../invocation.ts'
import type { Json } from '../output/table.ts'
import { type FoundRun, reportOfRun, runAsked } from './readRun.ts'
import { showReport } from './reportAnswer.ts'

/** `lab show RUN`: its report again, or everything about one message of it. */
export const show: Run = async (invocation) => {
  const run = await runAsked(invocation)
  const message = invocation.flags.text('message')
  if (message !== undefined) await showMessage(invocation, run, message)
  else await showReport(invocation.output, reportOfRun(run))
}

async function showMessage({ output }: Invocation, run: FoundRun, id: string): Promise<void> {
  const { zeroNs, spec } = reportOfRun(run)
  const source = {
    ...{ evidence: await readEvidence(run.folder), zeroNs: BigInt(zeroNs), run: spec.run },
    isBroadcast: spec.pattern === 'broadcast',
  }
  const trail = messageTrail(source, id)
  await output.answer({
    type: 'lab.message',
    fields: trail as unknown as Record<string, Json>,
    lines: () => trailTable(trail),
  })
}
